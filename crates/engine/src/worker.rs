//! The claim loop: takes queued tasks while slots are free.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};

use crate::deck::Inner;
use crate::live::Slot;
use crate::store::{ClaimRequest, Claimed};
use crate::{clock, executor};

/// How many tasks a claim takes at the most.
const CLAIM_BATCH: usize = 256;
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_millis(500);

/// What wakes the claim loop, and the slots it fills.
pub(crate) struct Worker {
    /// A task has been queued.
    pub(crate) ready: Notify,
    /// A slot has become free.
    freed: Arc<Notify>,
    slots: Arc<Semaphore>,
}

impl Worker {
    pub(crate) fn new(slots: usize) -> Self {
        Self { ready: Notify::new(), freed: Arc::default(), slots: Arc::new(Semaphore::new(slots)) }
    }
}

/// Claims and runs until the deck stops.
pub(crate) async fn claim_loop(inner: Arc<Inner>) {
    let worker = &inner.worker;
    let kinds = inner.registry.kinds();
    // Whether there may be queued tasks: a notification that came before the loop leaves a permit in `ready`.
    let mut may_have_more = true;
    loop {
        let free = worker.slots.available_permits().min(CLAIM_BATCH);
        if may_have_more && free > 0 {
            let request =
                ClaimRequest { session: inner.session, kinds: kinds.clone(), max: free, now: clock::now() };
            match inner.store.claim(request).await {
                Ok(claimed) => {
                    may_have_more = claimed.len() == free;
                    for task in claimed {
                        begin(&inner, task).await;
                    }
                    if may_have_more {
                        continue;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "claiming failed; it is tried again");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY_AFTER) => continue,
                        () = inner.stopping.cancelled() => return,
                    }
                }
            }
        }
        tokio::select! {
            () = worker.ready.notified() => may_have_more = true,
            () = worker.freed.notified(), if may_have_more => {}
            () = inner.stopping.cancelled() => return,
        }
    }
}

async fn begin(inner: &Arc<Inner>, task: Claimed) {
    // The loop is the only one that takes permits, so there is one for each claimed task.
    let Ok(permit) = Arc::clone(&inner.worker.slots).acquire_owned().await else { return };
    let slot = Slot::take(permit, task.record.id, Arc::clone(&inner.live), Arc::clone(&inner.worker.freed));
    inner.running.spawn(executor::execute(Arc::clone(inner), task, slot));
}
