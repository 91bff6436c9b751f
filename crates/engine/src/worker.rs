//! The claim loop: takes queued tasks while slots are free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use taskdeck_core::Status;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::deck::Inner;
use crate::executor;
use crate::slot::Slot;
use crate::store::{ClaimRequest, Claimed, NewTask, Record, StoreError};

/// How many tasks a claim takes at the most.
const CLAIM_BATCH: usize = 256;
/// How many tasks of one of our own kinds run beside the slots.
const OWN_SLOTS: usize = 4;
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// What wakes the claim loop, and the slots it fills.
pub(crate) struct Worker {
    /// A task has been queued.
    pub(crate) ready: Notify,
    /// A slot has become free.
    pub(crate) freed: Arc<Notify>,
    pub(crate) slots: Arc<Semaphore>,
    /// Counts what has been queued, `seen` what of it no longer waits for a claim. What lies between them is how many
    /// tasks may wait: nothing that is started may take what they wait for, also while a claim is under way.
    queued: AtomicU64,
    seen: AtomicU64,
}

impl Worker {
    /// `waiting` is how many tasks are queued already.
    pub(crate) fn new(slots: usize, waiting: u64) -> Self {
        Self {
            ready: Notify::new(),
            freed: Arc::default(),
            slots: Arc::new(Semaphore::new(slots)),
            queued: AtomicU64::new(waiting),
            seen: AtomicU64::new(0),
        }
    }

    /// Says that a task has been queued.
    pub(crate) fn queued(&self) {
        self.queued.fetch_add(1, Ordering::AcqRel);
        self.ready.notify_one();
    }

    /// A look is over that began when so many had been queued: it took some and left others, or took all there was.
    fn saw(&self, queued: u64, some: Option<usize>) {
        let seen = match some.and_then(|taken| u64::try_from(taken).ok()) {
            Some(taken) => queued.min(self.seen.load(Ordering::Acquire) + taken),
            None => queued,
        };
        self.seen.store(seen, Ordering::Release);
    }

    /// How many queued tasks may wait for a claim, at the most.
    fn waiting(&self) -> usize {
        let waiting = self.queued.load(Ordering::Acquire).saturating_sub(self.seen.load(Ordering::Acquire));
        usize::try_from(waiting).unwrap_or(usize::MAX)
    }
}

impl Inner {
    /// A slot for a task that is about to be started, if it can begin at once and overtakes nobody. Not where nodes share a
    /// store and somebody's open transaction may have its key, or that of what follows: waiting for that must not hold a
    /// slot.
    pub(crate) fn slot_now(&self, new: &NewTask) -> Option<Arc<Slot>> {
        let record = &*new.record;
        if self.store.is_shared() && (record.key.is_some() || !new.then.is_empty()) {
            return None;
        }
        // While there is a slot for each of those who wait for a claim, they lose nothing by it.
        let waiting = self.worker.waiting();
        if record.status() != Status::Queued
            || !self.settings.worker
            || self.worker.slots.available_permits() <= waiting
            || self.stopping.is_cancelled()
            || self.registry.get(record.kind.as_str()).is_none()
        {
            return None;
        }
        let permit = Arc::clone(&self.worker.slots).try_acquire_owned().ok()?;
        self.dispatch.reserve(record, waiting > 0).then(|| self.slot(permit, record))
    }

    /// A slot beside those that there are, for a task of our own; none when some of its kind run already.
    pub(crate) fn own_slot(&self, record: &Record) -> Option<Arc<Slot>> {
        let running = self.live.all().iter().filter(|task| task.record().kind == record.kind).count();
        if !self.settings.worker || self.stopping.is_cancelled() || running >= OWN_SLOTS {
            return None;
        }
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().ok()?;
        self.dispatch.take(record);
        Some(self.slot(permit, record))
    }

    fn slot(&self, permit: OwnedSemaphorePermit, record: &Record) -> Arc<Slot> {
        Slot::take(permit, record, &self.live, &self.worker.freed, &self.dispatch)
    }
}

/// Claims and runs until the deck stops.
pub(crate) async fn claim_loop(inner: Arc<Inner>) {
    // Whether there may be queued tasks: a notification that came before the loop leaves a permit in `ready`.
    let mut may_have_more = true;
    let mut limited = false;
    loop {
        if may_have_more {
            match claim(&inner).await {
                Ok(Some(look)) => {
                    limited = look.limited;
                    may_have_more = look.full;
                    if look.full {
                        continue;
                    }
                }
                // All slots are taken.
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "claiming failed; it is tried again");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY_AFTER) => continue,
                        () = inner.stopping.cancelled() => return,
                    }
                }
            }
        }
        let rate = async {
            match inner.dispatch.wait().filter(|_| limited) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = inner.worker.ready.notified() => may_have_more = true,
            () = inner.worker.freed.notified(), if may_have_more || limited => may_have_more = true,
            () = inner.dispatch.changed.notified() => may_have_more = true,
            () = rate => may_have_more = true,
            () = inner.stopping.cancelled() => return,
        }
    }
}

/// What one claim showed.
struct Look {
    /// It got all that it asked for, so there may be more.
    full: bool,
    limited: bool,
}

/// Half of what is free, and no more than may wait: what is started while the claim is under way finds a slot too, and
/// need not be queued. What a limit held back is not counted, and may be able to run now. Where a store is shared nobody
/// knows how many wait: a message of another node says that some do.
fn how_many(free: usize, waiting: usize, shared: bool) -> usize {
    let half = free.div_ceil(2).min(CLAIM_BATCH);
    match waiting {
        0 => half,
        _ if shared => half,
        waiting => half.min(waiting),
    }
}

async fn claim(inner: &Arc<Inner>) -> Result<Option<Look>, StoreError> {
    let free = inner.worker.slots.available_permits();
    let free = how_many(free, inner.worker.waiting(), inner.store.is_shared());
    // Somebody who started a task may have taken a slot meanwhile.
    let permits = u32::try_from(free).ok().filter(|free| *free > 0);
    let permits = permits.and_then(|free| Arc::clone(&inner.worker.slots).try_acquire_many_owned(free).ok());
    let Some(mut permits) = permits else { return Ok(None) };
    let rooms = inner.dispatch.rooms(&inner.registry);
    // Before the look: what is queued after it is not seen by it.
    let queued = inner.worker.queued.load(Ordering::Acquire);
    let request = ClaimRequest {
        session: inner.session(),
        kinds: rooms.kinds,
        queues: rooms.queues,
        max: free,
        turn: rooms.turn,
        now: inner.clock.now(),
        controls: rooms.controls,
    };
    let claimed = inner.store.claim(request).await.inspect_err(|_| {
        inner.worker.queued();
        inner.dispatch.claimed();
    })?;
    let full = claimed.len() == free;
    inner.worker.saw(queued, if full { Some(claimed.len()) } else { None });
    for task in claimed {
        let Some(permit) = permits.split(1) else { break };
        begin(inner, task, permit);
    }
    inner.dispatch.claimed();
    Ok(Some(Look { full, limited: rooms.limited }))
}

fn begin(inner: &Arc<Inner>, task: Claimed, permit: OwnedSemaphorePermit) {
    inner.dispatch.take(&task.record);
    let slot = inner.slot(permit, &task.record);
    inner.running.spawn(executor::execute(Arc::clone(inner), task, slot, Some(Status::Queued)));
}

#[cfg(test)]
mod tests {
    use super::{CLAIM_BATCH, how_many};

    #[test]
    fn a_message_of_another_node_stands_for_any_number_of_tasks() {
        assert_eq!(how_many(64, 1, false), 1, "one was queued here");
        assert_eq!(how_many(64, 1, true), 32, "a thousand may have been queued elsewhere");
        assert_eq!(how_many(64, 0, true), 32);
        assert_eq!(how_many(10_000, 0, true), CLAIM_BATCH);
        assert_eq!((how_many(1, 1, true), how_many(0, 5, true)), (1, 0));
    }
}
