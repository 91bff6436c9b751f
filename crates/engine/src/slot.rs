//! Slots: how many attempts run at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use taskdeck_core::{Kind, QueueName, TaskId};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::dispatch::Dispatch;
use crate::live_tasks::LiveTasks;
use crate::store::Record;

/// A slot of the worker, taken by one attempt; free again when the last piece of its code has let go of it.
pub(crate) struct Slot {
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    /// How many waits of the body share the lending.
    waits: AtomicUsize,
    task: TaskId,
    queue: QueueName,
    kind: Kind,
    partition: Option<String>,
    live: Arc<LiveTasks>,
    freed: Arc<Notify>,
    dispatch: Arc<Dispatch>,
}

impl Slot {
    /// The slot of a task that the dispatch counts already.
    pub(crate) fn take(
        permit: OwnedSemaphorePermit,
        record: &Record,
        live: &Arc<LiveTasks>,
        freed: &Arc<Notify>,
        dispatch: &Arc<Dispatch>,
    ) -> Arc<Self> {
        live.hold(record.id);
        Arc::new(Self {
            permit: Mutex::new(Some(permit)),
            waits: AtomicUsize::new(0),
            task: record.id,
            queue: record.queue.clone(),
            kind: record.kind.clone(),
            partition: record.partition.clone(),
            live: Arc::clone(live),
            freed: Arc::clone(freed),
            dispatch: Arc::clone(dispatch),
        })
    }

    fn swap_permit(&self, permit: Option<OwnedSemaphorePermit>) -> Option<OwnedSemaphorePermit> {
        std::mem::replace(&mut *self.permit.lock().unwrap_or_else(PoisonError::into_inner), permit)
    }

    /// Lets others use the slot while the body waits.
    pub(crate) fn lend(&self) {
        self.waits.fetch_add(1, Ordering::AcqRel);
        if let Some(permit) = self.swap_permit(None) {
            drop(permit);
            self.freed.notify_one();
        }
    }

    /// The wait is over: takes a slot again, unless the body waits for something else as well. Those who wait here
    /// come before the claim loop: what runs goes on before more is begun.
    pub(crate) async fn take_again(&self, slots: &Arc<Semaphore>) {
        if self.waits.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        // The semaphore is never closed.
        if let Ok(permit) = Arc::clone(slots).acquire_owned().await {
            drop(self.swap_permit(Some(permit)));
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.live.let_go(self.task);
        self.dispatch.give_back(&self.queue, &self.kind, self.partition.as_deref());
        drop(self.swap_permit(None));
        self.live.let_gone();
        self.freed.notify_one();
    }
}
