//! Which tasks run on this node, and which slots their code holds.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use taskdeck_core::{LeaseToken, Machine, SessionId, TaskId, TaskState};
use tokio::sync::Notify;

use crate::live::LiveTask;
use crate::store::Record;

/// The tasks that run here, and the slots that are held for them.
#[derive(Default)]
pub(crate) struct LiveTasks {
    running: Mutex<Running>,
    slots: Mutex<HashMap<TaskId, u32>>,
    /// Tasks whose attempt is over or just ending, while code of theirs does not stop.
    stubborn: Mutex<HashSet<TaskId>>,
    freed: Notify,
}

#[derive(Default)]
struct Running {
    tasks: HashMap<TaskId, Arc<LiveTask>>,
    /// Cancel requests that came between a claim's commit and the task's first moment here. Each is of one claim: what
    /// is heard late, of an attempt that is over, must not stop the next.
    early_cancels: HashMap<TaskId, EarlyCancel>,
}

struct EarlyCancel {
    machine: Machine,
    /// Whether a look has passed since.
    old: bool,
}

fn is_held(machine: &Machine, token: LeaseToken) -> bool {
    machine.state.lease().is_some_and(|lease| lease.token == token)
}

impl LiveTasks {
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<TaskId, u32>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a slot that code of the task holds.
    pub(crate) fn hold(&self, id: TaskId) {
        *self.slots().entry(id).or_default() += 1;
    }

    /// Notes that a slot of the task is held no more.
    pub(crate) fn let_go(&self, id: TaskId) {
        let mut slots = self.slots();
        if let Some(held) = slots.get_mut(&id) {
            *held -= 1;
            if *held == 0 {
                slots.remove(&id);
                self.stubborn.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            }
        }
    }

    /// Notes that code of the task does not stop though its attempt ends.
    pub(crate) fn goes_on(&self, id: TaskId) {
        self.stubborn.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    /// Tells those who wait for a slot to be let go.
    pub(crate) fn let_gone(&self) {
        self.freed.notify_waiters();
    }

    pub(crate) fn insert(&self, task: &Arc<LiveTask>) {
        let mut running = self.running();
        running.tasks.insert(task.id, Arc::clone(task));
        if let Some(early) = running.early_cancels.remove(&task.id)
            && is_held(&early.machine, task.token)
        {
            task.set_machine(early.machine);
            task.stop.cancel();
        }
    }

    /// Takes over a durable change of a task that this node runs, and fires its stop when it is to be cancelled.
    /// Gives the state to tell, progress included. `own` is this node's session: what others run is theirs to stop.
    pub(crate) fn changed(&self, record: &Record, own: SessionId) -> Option<TaskState> {
        let ours = record.machine.state.lease().is_some_and(|lease| lease.session == own);
        let cancel = record.machine.cancel.is_some();
        let mut running = self.running();
        let Some(task) = running.tasks.get(&record.id) else {
            if cancel && ours {
                let early = EarlyCancel { machine: record.machine.clone(), old: false };
                running.early_cancels.insert(record.id, early);
            }
            return None;
        };
        let state = task.set_machine(record.machine.clone());
        if cancel && is_held(&record.machine, task.token) {
            task.stop.cancel();
        }
        Some(state)
    }

    /// Forgets the cancel requests that no attempt came for since the last call: it was over already.
    pub(crate) fn forget_early_cancels(&self) {
        self.running().early_cancels.retain(|_, early| !std::mem::replace(&mut early.old, true));
    }

    /// Removes the task, unless a later claim has taken its place.
    pub(crate) fn remove(&self, id: TaskId, token: LeaseToken) {
        let mut running = self.running();
        if running.tasks.get(&id).is_some_and(|task| task.token == token) {
            running.tasks.remove(&id);
            running.early_cancels.remove(&id);
        }
    }

    pub(crate) fn get(&self, id: TaskId) -> Option<Arc<LiveTask>> {
        self.running().tasks.get(&id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<LiveTask>> {
        self.running().tasks.values().cloned().collect()
    }

    /// How many tasks wait for others, and lend their slots meanwhile.
    pub(crate) fn lent(&self) -> u32 {
        // The lock is not held while each is asked.
        let lent = self.all().iter().filter(|task| task.is_waiting()).count();
        u32::try_from(lent).unwrap_or(u32::MAX)
    }

    /// The tasks whose attempt is over while code of it still holds a slot.
    pub(crate) fn held(&self) -> Vec<TaskId> {
        let slots: Vec<_> = self.slots().iter().map(|(id, held)| (*id, *held)).collect();
        let running = self.running();
        let over = |(id, held): &(TaskId, u32)| *held > u32::from(running.tasks.contains_key(id));
        let mut held: Vec<_> = slots.iter().filter(|slot| over(slot)).map(|(id, _)| *id).collect();
        let stubborn = self.stubborn.lock().unwrap_or_else(PoisonError::into_inner);
        held.extend(stubborn.iter());
        held.sort_unstable();
        held.dedup();
        held
    }

    /// Whether code of the task still holds a slot; a moment is given to one that is just ending.
    pub(crate) async fn holds_slot(&self, id: TaskId) -> bool {
        const MOMENT: std::time::Duration = std::time::Duration::from_millis(500);
        tokio::time::timeout(MOMENT, self.until_free(id)).await.is_err()
    }

    /// Returns when no code of the task holds a slot.
    pub(crate) async fn until_free(&self, id: TaskId) {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if !self.slots().contains_key(&id) {
                return;
            }
            freed.await;
        }
    }
}
