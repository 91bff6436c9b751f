//! The starts of many callers: those that share a transaction, and those that a transaction of a program's own holds up.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::Instant;

use super::fault::Fault;
use super::group::Group;
use super::start::{self, Tried};
use super::{PATIENCE, Shared, held, look_with};
use crate::store::{NewTask, StartOutcome, StoreError};

/// How soon what is held up is tried again, and how seldom at last.
const AGAIN_FIRST: Duration = Duration::from_millis(20);
const AGAIN_LAST: Duration = Duration::from_millis(500);

/// What became of a start.
pub(super) enum Begun {
    Done(StartOutcome),
    /// A transaction of a program's own, which is not over, has its key.
    Held(NewTask),
}

impl Shared {
    /// The short way, where that is possible; and when that did not come to its end, the long one, which finds what the
    /// short one has started.
    pub(super) async fn start_plain(&self, tasks: Arc<Vec<NewTask>>) -> Result<Vec<Begun>, Fault> {
        let mut tried = Tried::No;
        let plain = Arc::clone(&tasks);
        let run = self.pool.with(|conn| async move { start::start_plain(conn, &plain).await }.boxed());
        match run.await {
            Ok((outcomes, news)) => {
                self.committed(news);
                return Ok(outcomes.into_iter().map(Begun::Done).collect());
            }
            Err(fault) if fault.is_clash() || fault.is_stale() => {}
            Err(fault) if fault.is_lost() => tried = Tried::Unheard,
            Err(fault) => return self.held_alone(&tasks, fault),
        }
        self.start_long(tasks, tried).await
    }

    /// Those that nobody holds up.
    pub(super) async fn start_free(&self, tasks: Arc<Vec<NewTask>>) -> Result<Vec<Begun>, Fault> {
        let of = Arc::clone(&tasks);
        let held = look_with(&self.pool, move |conn| {
            let of = Arc::clone(&of);
            async move { held::are_held(conn, &of).await }.boxed()
        });
        let held = held.await?;
        if !held.contains(&true) {
            return self.start_long(tasks, Tried::No).await;
        }
        let free = tasks.iter().zip(&held).filter(|(_, held)| !**held).map(|(task, _)| task.clone());
        let free: Vec<_> = free.collect();
        let begun =
            if free.is_empty() { Vec::new() } else { self.start_long(Arc::new(free), Tried::No).await? };
        let mut begun = begun.into_iter();
        let all = tasks.iter().zip(held).map(|(task, held)| match held {
            true => Some(Begun::Held(task.clone())),
            false => begun.next(),
        });
        let all: Option<Vec<_>> = all.collect();
        all.ok_or_else(|| Fault::unreadable("start", &"a task has neither begun nor been held up"))
    }

    async fn start_long(&self, tasks: Arc<Vec<NewTask>>, tried: Tried) -> Result<Vec<Begun>, Fault> {
        let of = Arc::clone(&tasks);
        let run = self.grouped(move |work| {
            let tasks = Arc::clone(&of);
            Box::pin(async move { start::start(work, &tasks, tried).await })
        });
        match run.await {
            Ok(outcomes) => Ok(outcomes.into_iter().map(Begun::Done).collect()),
            // They are queued then, and claimed by what holds now.
            Err(fault) if fault.is_stale() && tasks.iter().any(|task| task.unclaimed.is_some()) => {
                self.look_at_controls();
                Box::pin(self.start_long(Arc::new(start::unclaimed(&tasks)), tried)).await
            }
            Err(fault) => self.held_alone(&tasks, fault),
        }
    }

    /// What one task alone waited for in vain holds it up; of several it is not known which.
    fn held_alone(&self, tasks: &[NewTask], fault: Fault) -> Result<Vec<Begun>, Fault> {
        match tasks {
            [task] if fault.is_held_up() => Ok(vec![Begun::Held(task.clone())]),
            _ => {
                self.note(Some(&fault));
                Err(fault)
            }
        }
    }
}

/// What became of starts; those that are held up are tried again, each for itself, until they are not.
pub(super) async fn all_begun(
    group: Group<NewTask, Begun>,
    begun: Vec<Begun>,
) -> Result<Vec<StartOutcome>, StoreError> {
    let mut outcomes = Vec::with_capacity(begun.len());
    let until = Instant::now() + PATIENCE;
    for mut one in begun {
        let mut wait = AGAIN_FIRST;
        let outcome = loop {
            let task = match one {
                Begun::Done(outcome) => break outcome,
                Begun::Held(_) if Instant::now() >= until => {
                    let why = "a transaction that is not over yet starts a task of the same key";
                    return Err(StoreError::Database(why.to_owned()));
                }
                Begun::Held(task) => task,
            };
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(AGAIN_LAST);
            one = group.call(vec![task]).await?.pop().ok_or(StoreError::Closed)?;
        };
        outcomes.push(outcome);
    }
    Ok(outcomes)
}
