//! Who is told of what: from a change of a task to the subscriptions that want it.
//!
//! The hub holds states, not events. Each subscription has at most one pending state a task, the newest, so a slow
//! reader gets fewer and newer states and its memory is bounded by what it watches.

mod watched;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use taskdeck_core::{DeckError, LIST_ANNOUNCE_LIMIT, ListQuery, Rev, Status, TaskId, TaskState};
use tokio::sync::Notify;

/// What a subscription has not been told yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) states: HashMap<TaskId, Arc<TaskState>>,
    pub(crate) gone: HashMap<TaskId, u32>,
    pub(crate) logs: HashSet<TaskId>,
    /// Whether it is to be told that its list is told of from now on.
    pub(crate) listed: bool,
    pub(crate) new: Vec<TaskId>,
    pub(crate) counts: bool,
    pub(crate) refused: Vec<(Option<TaskId>, DeckError)>,
    pub(crate) closed: bool,
}

impl Pending {
    /// Notes a task that is new in the list. Beyond the limit the page loads the list anew; more names would not help it.
    fn arrives(&mut self, id: TaskId) {
        if self.new.len() < LIST_ANNOUNCE_LIMIT && !self.new.contains(&id) {
            self.new.push(id);
        }
    }
}

/// One reader of the feed.
#[derive(Debug, Default)]
pub(crate) struct Subscriber {
    pending: Mutex<Pending>,
    pub(crate) ready: Notify,
}

impl Subscriber {
    pub(crate) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a state if it is newer than the pending one.
    pub(crate) fn offer(&self, state: &Arc<TaskState>) {
        {
            let mut pending = self.pending();
            let newest = pending.states.get(&state.id).map_or(Rev::default(), |known| known.rev());
            if state.rev() > newest {
                pending.states.insert(state.id, Arc::clone(state));
            }
        }
        self.ready.notify_one();
    }

    fn note(&self, note: impl FnOnce(&mut Pending)) {
        note(&mut self.pending());
        self.ready.notify_one();
    }

    pub(crate) fn refuse(&self, task: Option<TaskId>, error: DeckError) {
        self.note(|pending| pending.refused.push((task, error)));
    }

    pub(crate) fn log_changed(&self, task: TaskId) {
        self.note(|pending| {
            pending.logs.insert(task);
        });
    }

    pub(crate) fn counts_changed(&self) {
        self.note(|pending| pending.counts = true);
    }
}

pub(crate) type SubscriberId = u64;

#[derive(Debug, Default)]
struct Subscriptions {
    next: SubscriberId,
    all: HashMap<SubscriberId, Arc<Subscriber>>,
    tasks: HashMap<TaskId, HashSet<SubscriberId>>,
    logs: HashMap<TaskId, HashSet<SubscriberId>>,
    lists: HashMap<SubscriberId, List>,
    counts: HashSet<SubscriberId>,
    closed: bool,
}

/// The list of a subscriber.
#[derive(Debug)]
struct List {
    query: ListQuery,
    /// Whether what comes into it is told, whoever starts it.
    is_told: bool,
}

/// The deck's switchboard.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    subscriptions: Mutex<Subscriptions>,
    /// How many readers there are, so that nothing is made ready for nobody. Who joins looks at the store afterwards,
    /// so what was passed over before is seen there.
    readers: AtomicUsize,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Subscriptions> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody reads.
    pub(crate) fn is_idle(&self) -> bool {
        self.readers.load(Ordering::SeqCst) == 0
    }

    /// A new reader.
    pub(crate) fn join(&self) -> (SubscriberId, Arc<Subscriber>) {
        let mut hub = self.lock();
        hub.next += 1;
        let (id, subscriber) = (hub.next, Arc::new(Subscriber::default()));
        subscriber.pending().closed = hub.closed;
        hub.all.insert(id, Arc::clone(&subscriber));
        self.readers.store(hub.all.len(), Ordering::SeqCst);
        (id, subscriber)
    }

    /// Forgets a reader and all it watched.
    pub(crate) fn leave(
        &self,
        id: SubscriberId,
        tasks: impl Iterator<Item = TaskId>,
        logs: impl Iterator<Item = TaskId>,
    ) {
        let mut hub = self.lock();
        hub.all.remove(&id);
        self.readers.store(hub.all.len(), Ordering::SeqCst);
        hub.lists.remove(&id);
        hub.counts.remove(&id);
        for task in tasks {
            remove_watcher(&mut hub.tasks, task, id);
        }
        for task in logs {
            remove_watcher(&mut hub.logs, task, id);
        }
    }

    pub(crate) fn watch(&self, id: SubscriberId, task: TaskId) {
        self.lock().tasks.entry(task).or_default().insert(id);
    }

    pub(crate) fn unwatch(&self, id: SubscriberId, task: TaskId) {
        remove_watcher(&mut self.lock().tasks, task, id);
    }

    pub(crate) fn watch_log(&self, id: SubscriberId, task: TaskId) {
        self.lock().logs.entry(task).or_default().insert(id);
    }

    pub(crate) fn unwatch_log(&self, id: SubscriberId, task: TaskId) {
        remove_watcher(&mut self.lock().logs, task, id);
    }

    /// Tells a subscriber of what comes into this list, and says when that begins: at once, or where other nodes start
    /// tasks too (`is_shared`) when the list was looked at (see [`announce`](Self::announce)).
    pub(crate) fn set_list(&self, id: SubscriberId, query: ListQuery, is_shared: bool) {
        let mut hub = self.lock();
        hub.lists.insert(id, List { query, is_told: !is_shared });
        if let Some(subscriber) = hub.all.get(&id)
            && !is_shared
        {
            subscriber.note(|pending| pending.listed = true);
        }
    }

    /// Tells a subscriber of no list any more.
    pub(crate) fn unset_list(&self, id: SubscriberId) {
        self.lock().lists.remove(&id);
    }

    pub(crate) fn set_counts(&self, id: SubscriberId, on: bool) {
        let mut hub = self.lock();
        if on {
            hub.counts.insert(id)
        } else {
            hub.counts.remove(&id)
        };
    }

    /// Tells those who watch the task of its state. `before` is the status it had before this change: none for a new
    /// task, the same one for progress.
    pub(crate) fn publish(&self, state: TaskState, before: Option<Status>) {
        let hub = self.lock();
        let state = Arc::new(state);
        for id in hub.tasks.get(&state.id).into_iter().flatten() {
            if let Some(subscriber) = hub.all.get(id) {
                subscriber.offer(&state);
            }
        }
        if before == Some(state.status) {
            return;
        }
        for (id, List { query, .. }) in &hub.lists {
            if query.matches(&state)
                && !before.is_some_and(|before| had(query, &state, before))
                && let Some(subscriber) = hub.all.get(id)
            {
                subscriber.note(|pending| pending.arrives(state.id));
            }
        }
        Self::tell_counts(&hub);
    }

    fn tell_counts(hub: &Subscriptions) {
        for id in &hub.counts {
            if let Some(subscriber) = hub.all.get(id) {
                subscriber.counts_changed();
            }
        }
    }

    /// Tells those who watch the task that it is deleted.
    pub(crate) fn gone(&self, tasks: &[(TaskId, u32)]) {
        let hub = self.lock();
        for (task, version) in tasks {
            for id in hub.tasks.get(task).into_iter().flatten() {
                if let Some(subscriber) = hub.all.get(id) {
                    subscriber.note(|pending| {
                        pending.states.remove(task);
                        pending.gone.insert(*task, *version);
                    });
                }
            }
        }
        if !tasks.is_empty() {
            Self::tell_counts(&hub);
        }
    }

    /// Tells those who watch the task's log that there is more.
    pub(crate) fn log_grew(&self, task: TaskId) {
        let hub = self.lock();
        for id in hub.logs.get(&task).into_iter().flatten() {
            if let Some(subscriber) = hub.all.get(id) {
                subscriber.log_changed(task);
            }
        }
    }

    /// Ends every feed.
    pub(crate) fn close(&self) {
        let mut hub = self.lock();
        hub.closed = true;
        for subscriber in hub.all.values() {
            subscriber.note(|pending| pending.closed = true);
        }
    }
}

/// Whether a list had a task that it has now, before the task's status changed.
fn had(query: &ListQuery, now: &TaskState, before: Status) -> bool {
    let by_status = query.status.is_empty() || query.status.contains(before);
    let by_what_attempts_leave = query.error.is_some() || query.partial.is_some() || query.text.is_some();
    if !by_status || !by_what_attempts_leave {
        return by_status;
    }
    // The error is that of the last attempt: before the end of the first there was none.
    let had_error = before.has_ended() || now.attempt > 1;
    let error = now.error.clone().filter(|_| had_error);
    query.matches(&TaskState { status: before, partial: false, error, ..now.clone() })
}

fn remove_watcher(of: &mut HashMap<TaskId, HashSet<SubscriberId>>, task: TaskId, id: SubscriberId) {
    if let Some(watchers) = of.get_mut(&task) {
        watchers.remove(&id);
        if watchers.is_empty() {
            of.remove(&task);
        }
    }
}
