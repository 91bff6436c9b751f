//! Callers that wait at the same time share a transaction: a commit costs a sync of the server's disk, whether it holds
//! one task or a thousand.
//!
//! While some transactions are on their way, what comes gathers for the next. Nobody waits for company.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::fault::Fault;
use crate::store::StoreError;

/// How many tasks share a transaction: more would make the first of them wait.
const MOST: usize = 1_000;
/// How many transactions of a group are on their way at the same time.
const LANES: usize = 3;
/// How many callers may wait; those who come then wait for room.
const ROOM: usize = 4_096;

type Reply<R> = oneshot::Sender<Result<Vec<R>, StoreError>>;
type Run<T, R> = dyn Fn(Arc<Vec<T>>) -> BoxFuture<'static, Result<Vec<R>, Fault>> + Send + Sync;

/// The way to one verb.
pub(super) struct Group<T, R> {
    calls: mpsc::Sender<(Vec<T>, Reply<R>)>,
}

impl<T, R> Clone for Group<T, R> {
    fn clone(&self) -> Self {
        Self { calls: self.calls.clone() }
    }
}

impl<T: Clone + Send + Sync + 'static, R: Send + 'static> Group<T, R> {
    /// Runs `run` on the tasks of many callers; it gives as many answers as it is given tasks, in their order.
    pub(super) fn spawn(
        runtime: &tokio::runtime::Handle,
        run: impl Fn(Arc<Vec<T>>) -> BoxFuture<'static, Result<Vec<R>, Fault>> + Send + Sync + 'static,
    ) -> Self {
        let (calls, waiting) = mpsc::channel(ROOM);
        runtime.spawn(gather(waiting, Arc::new(run)));
        Self { calls }
    }

    pub(super) async fn call(&self, tasks: Vec<T>) -> Result<Vec<R>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.calls.send((tasks, reply)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

async fn gather<T: Clone + Send + Sync + 'static, R: Send + 'static>(
    mut waiting: mpsc::Receiver<(Vec<T>, Reply<R>)>,
    run: Arc<Run<T, R>>,
) {
    let lanes = Arc::new(Semaphore::new(LANES));
    while let Some(first) = waiting.recv().await {
        let Ok(lane) = Arc::clone(&lanes).acquire_owned().await else { return };
        let mut many = first.0.len();
        let mut calls = vec![first];
        while many < MOST
            && let Ok(next) = waiting.try_recv()
        {
            many += next.0.len();
            calls.push(next);
        }
        let run = Arc::clone(&run);
        tokio::spawn(async move {
            answer(calls, &*run).await;
            drop(lane);
        });
    }
}

async fn answer<T: Clone, R>(calls: Vec<(Vec<T>, Reply<R>)>, run: &Run<T, R>) {
    let (mut all, mut replies) = (Vec::new(), Vec::with_capacity(calls.len()));
    for (mut tasks, reply) in calls {
        replies.push((tasks.len(), reply));
        all.append(&mut tasks);
    }
    let all = Arc::new(all);
    // Who went away does not undo what they asked for.
    match run(Arc::clone(&all)).await {
        Ok(answers) => {
            let mut answers = answers.into_iter();
            for (many, reply) in replies {
                drop(reply.send(Ok(answers.by_ref().take(many).collect())));
            }
        }
        Err(fault) if replies.len() > 1 && fault.is_of_one() => {
            // One of them failed, and the others should not suffer for it: each in a transaction of its own.
            let mut from = 0;
            for (many, reply) in replies {
                let own = Arc::new(all[from..from + many].to_vec());
                from += many;
                drop(reply.send(run(own).await.map_err(StoreError::from)));
            }
        }
        Err(fault) => {
            let error = StoreError::from(fault);
            for (_, reply) in replies {
                drop(reply.send(Err(error.clone())));
            }
        }
    }
}
