//! The signals of the live store, and its doors for components.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use leptos::prelude::*;
use send_wrapper::SendWrapper;
use taskdeck_core::{Counts, ListQuery, LogLine, TaskId, TaskState, Timestamp};

use super::arrivals::Arrivals;
use super::driver::Driver;
use super::logs::Logs;
use super::pending::Waiting;
use super::plan::{Event, Plan};
use super::small_map::SmallMap;
use crate::browser;
use crate::time::MadeAt;

/// States that nobody watches (any more, or yet) are kept up to this number. A page seeds all its rows before the first
/// of them is watched, so it is as many as one connection may watch: what is forgotten before would stand still for good.
pub(super) const MOST_UNWATCHED: usize = 2_000;

/// How the page hears of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Not yet, or not needed.
    Connecting,
    /// At once.
    Live,
    /// By asking every few seconds, since this time by the server's clock.
    Polling {
        /// Since when.
        since: Timestamp,
    },
    /// Not at all: the server does not answer.
    Offline {
        /// Since when.
        since: Timestamp,
    },
}

/// A task that a component watches. The watch ends with the component.
#[derive(Clone, Copy, Debug)]
pub struct TaskWatch {
    /// Its newest state; none until the first is known.
    pub state: Signal<Option<TaskState>>,
    /// Whether it was deleted.
    pub gone: Signal<bool>,
}

/// The tasks that came into a list since the page showed it.
#[derive(Clone, Copy, Debug)]
pub struct NewTasks {
    /// Which, the oldest first.
    pub ids: Signal<Vec<TaskId>>,
}

/// The live store of a page. Clones are the same store.
///
/// On the server it only hands on what it was seeded with; in the browser it opens the feed when something is
/// watched, and closes it when nothing is.
#[derive(Clone)]
pub struct LiveStore(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) plan: Mutex<Plan>,
    slots: Mutex<SmallMap<TaskId, Slot>>,
    pub(super) waiting: Mutex<Waiting>,
    pub(super) logs: Mutex<Logs>,
    pub(super) arrivals: Mutex<Arrivals>,
    pub(super) new_tasks: ArcRwSignal<Vec<TaskId>>,
    pub(super) counts: ArcRwSignal<Option<Counts>>,
    pub(super) connection: ArcRwSignal<Connection>,
    /// How many notices on the page say that it is not live.
    notices: ArcRwSignal<u32>,
    pub(super) outdated: ArcRwSignal<bool>,
    pub(super) clock: Mutex<Clock>,
    pub(super) now: ArcRwSignal<Option<Timestamp>>,
    /// When the page was made, by the server's clock, as far as it says so.
    made_at: Option<Timestamp>,
    /// In a browser, once something was watched. It belongs to the browser's only thread; on a server, where the
    /// store goes from thread to thread, there is none.
    pub(super) driver: Mutex<Option<SendWrapper<Driver>>>,
}

#[derive(Clone)]
pub(super) struct Slot {
    pub(super) state: ArcRwSignal<Option<TaskState>>,
    gone: ArcRwSignal<bool>,
}

#[derive(Debug, Default)]
pub(super) struct Clock {
    /// How far the server's clock is ahead of the browser's, in milliseconds, once the server has told.
    pub(super) offset: Option<i64>,
    /// Since when the page is not live.
    pub(super) lost_at: Option<Timestamp>,
    /// The server's build, as the first hello said.
    pub(super) build: Option<String>,
    /// How many components show a time that ticks.
    pub(super) watchers: u32,
    /// Whether the reader's tasks are to be told of at the end of this turn.
    pub(super) change_queued: bool,
    /// Whether the store is at its end, so that no late call starts it again.
    pub(super) ended: bool,
    /// Whether a frame is asked for.
    pub(super) frame_queued: bool,
    /// Whether the page is to stay as it is for now.
    pub(super) paused: bool,
}

fn made_at() -> Option<Timestamp> {
    let known = use_context::<MadeAt>().map(|made| made.0);
    known.or_else(|| browser::meta("taskdeck-now")?.parse().ok())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the page's live store and provides it as a context. Call it once, in the app.
pub fn provide_live() -> LiveStore {
    let store = LiveStore::new();
    provide_context(store.clone());
    let cleanup = store.clone();
    on_cleanup(move || cleanup.shut_down());
    store
}

/// The page's live store; where the app provides none, one for this component and what is in it.
#[must_use]
pub fn use_live() -> LiveStore {
    use_context().unwrap_or_else(provide_live)
}

impl LiveStore {
    fn new() -> Self {
        // A server without a socket says so in its pages, so that no page tries in vain.
        let has_socket = browser::meta("taskdeck-socket").as_deref() != Some("off");
        Self(Arc::new(Shared {
            plan: Mutex::new(Plan::new(has_socket)),
            slots: Mutex::default(),
            waiting: Mutex::default(),
            logs: Mutex::default(),
            arrivals: Mutex::default(),
            new_tasks: ArcRwSignal::default(),
            counts: ArcRwSignal::default(),
            connection: ArcRwSignal::new(Connection::Connecting),
            notices: ArcRwSignal::default(),
            outdated: ArcRwSignal::default(),
            clock: Mutex::default(),
            now: ArcRwSignal::default(),
            made_at: made_at(),
            driver: Mutex::default(),
        }))
    }

    fn shut_down(&self) {
        lock(&self.0.clock).ended = true;
        // The driver's end closes the socket and stops timers and listeners.
        let driver = lock(&self.0.driver).take();
        drop(driver);
    }

    /// Takes in a state that the page got by other means (rendered by the server, loaded, answered to a start). The
    /// newest wins.
    pub fn seed(&self, state: TaskState) {
        let awoke = lock(&self.0.plan).wants.saw(&state);
        self.apply(state);
        if awoke {
            self.changed();
        }
    }

    /// The newest state of a task that is known, without watching it.
    #[must_use]
    pub fn peek(&self, id: TaskId) -> Option<TaskState> {
        lock(&self.0.slots).get(id).and_then(|slot| slot.state.get_untracked())
    }

    /// Watches a task for as long as the component (the reactive owner) lives. Watchers are counted: the server is
    /// told of the first and of the end of the last.
    #[must_use]
    pub fn watch(&self, id: TaskId) -> TaskWatch {
        let slot = self.slot(id);
        let watch = TaskWatch { state: slot.state.read_only().into(), gone: slot.gone.read_only().into() };
        let store = self.clone();
        Effect::new(move |_| {
            let known = store.peek(id);
            lock(&store.0.plan).wants.watch(id, known.as_ref());
            store.changed();
            let store = store.clone();
            on_cleanup(move || {
                lock(&store.0.plan).wants.unwatch(id);
                store.changed();
            });
        });
        watch
    }

    /// Reads a task's log after the line `since` for as long as the component lives. The lines come in order, each
    /// once; gaps are filled.
    pub fn watch_log(&self, id: TaskId, since: u64, on_lines: impl Fn(Vec<LogLine>) + Send + Sync + 'static) {
        let store = self.clone();
        let sink: super::logs::Sink = Arc::new(on_lines);
        Effect::new(move |_| {
            let reader = lock(&store.0.logs).add(id, since, Arc::clone(&sink));
            lock(&store.0.plan).wants.watch_log(id, since);
            store.changed();
            let store = store.clone();
            on_cleanup(move || {
                lock(&store.0.logs).remove(reader);
                lock(&store.0.plan).wants.unwatch_log(id);
                store.changed();
            });
        });
    }

    /// Hears of tasks that come into a list (its query, and the tasks that the page shows of it) for as long as the
    /// component lives. When the signal changes, what had come is forgotten: the page has loaded the list anew. A
    /// page has one such list.
    #[must_use]
    pub fn watch_list(&self, list: Signal<(ListQuery, Vec<TaskId>)>) -> NewTasks {
        let store = self.clone();
        Effect::new(move |_| {
            let (query, shown) = list.get();
            *lock(&store.0.arrivals) = Arrivals::of(shown);
            store.0.new_tasks.set(Vec::new());
            lock(&store.0.plan).wants.watch_list(Some(query));
            store.changed();
            let store = store.clone();
            on_cleanup(move || {
                lock(&store.0.plan).wants.watch_list(None);
                store.changed();
            });
        });
        NewTasks { ids: self.0.new_tasks.read_only().into() }
    }

    /// Hears of the counts by status for as long as the component lives.
    #[must_use]
    pub fn watch_counts(&self) -> Signal<Option<Counts>> {
        let store = self.clone();
        Effect::new(move |_| {
            lock(&store.0.plan).wants.watch_counts();
            store.changed();
            let store = store.clone();
            on_cleanup(move || {
                lock(&store.0.plan).wants.unwatch_counts();
                store.changed();
            });
        });
        self.0.counts.read_only().into()
    }

    /// Takes in counts that the page got by other means, until the first come over the feed.
    pub fn seed_counts(&self, counts: Counts) {
        self.0.counts.maybe_update(|known| {
            let first = known.is_none();
            if first {
                *known = Some(counts);
            }
            first
        });
    }

    /// How the page hears of changes.
    #[must_use]
    pub fn connection(&self) -> Signal<Connection> {
        self.0.connection.read_only().into()
    }

    /// Notes that a notice on the page says how the page hears of changes, for as long as the component lives.
    pub(crate) fn has_notice(&self) {
        let notices = self.0.notices.clone();
        Effect::new(move |_| {
            notices.update(|count| *count += 1);
            let notices = notices.clone();
            on_cleanup(move || notices.update(|count| *count -= 1));
        });
    }

    /// Whether the page is not live, and (inside) whether the server does not answer at all; none where a notice on the
    /// page says so.
    pub(crate) fn away(&self) -> Memo<Option<bool>> {
        let (notices, connection) = (self.0.notices.clone(), self.0.connection.clone());
        Memo::new(move |_| {
            let offline = match connection.get() {
                Connection::Polling { .. } => false,
                Connection::Offline { .. } => true,
                Connection::Connecting | Connection::Live => return None,
            };
            (notices.get() == 0).then_some(offline)
        })
    }

    /// Whether the server has a socket to be live over.
    pub(crate) fn has_socket(&self) -> bool {
        lock(&self.0.plan).has_socket
    }

    /// Whether the server was replaced by another build than the page came from.
    #[must_use]
    pub fn is_outdated(&self) -> Signal<bool> {
        self.0.outdated.read_only().into()
    }

    /// The server's clock, told anew every second while the component lives. On the server, and in the component's first
    /// view in the browser, it is the moment at which the page was made, as far as the page says that (see
    /// [`page_clock`](crate::server::page_clock)): so both views are the same, and nothing moves when the page comes
    /// alive.
    #[must_use]
    pub fn now(&self) -> Signal<Option<Timestamp>> {
        self.now_while(Signal::stored(true))
    }

    /// The same, but told anew only while `shown` is true: where nobody looks, no time need tick.
    #[must_use]
    pub fn now_while(&self, shown: Signal<bool>) -> Signal<Option<Timestamp>> {
        let store = self.clone();
        let mounted = RwSignal::new(false);
        Effect::new(move |_| {
            let first = {
                let mut clock = lock(&store.0.clock);
                clock.watchers += 1;
                clock.watchers == 1
            };
            if first {
                store.start_clock();
                store.tick();
            }
            mounted.set(true);
            let store = store.clone();
            on_cleanup(move || {
                let last = {
                    let mut clock = lock(&store.0.clock);
                    clock.watchers -= 1;
                    clock.watchers == 0
                };
                if last {
                    store.stop_clock();
                }
            });
        });
        let (now, made_at) = (self.0.now.clone(), self.0.made_at);
        Signal::derive(move || match (mounted.get(), shown.get()) {
            (false, _) => made_at,
            (true, true) => now.get(),
            (true, false) => now.get_untracked(),
        })
    }

    /// Notes that a task was deleted.
    pub(crate) fn forget(&self, id: TaskId) {
        self.take_gone(id);
    }

    /// Lets the tasks on the page stay as they are (while the reader chooses among them), and go on again: what came
    /// meanwhile is shown then, each task's newest only.
    pub fn pause(&self, on: bool) {
        lock(&self.0.clock).paused = on;
        if !on {
            self.flush();
        }
    }

    /// Tries to reach the server at once.
    pub fn try_now(&self) {
        self.dispatch(Event::Wake);
    }

    fn slot(&self, id: TaskId) -> Slot {
        let mut slots = lock(&self.0.slots);
        if slots.len() >= MOST_UNWATCHED && !slots.contains(id) {
            let plan = lock(&self.0.plan);
            slots.retain(|id| plan.wants.is_watched(id));
        }
        let new = || Slot { state: ArcRwSignal::default(), gone: ArcRwSignal::default() };
        slots.get_or_insert_with(id, new).clone()
    }

    pub(super) fn apply(&self, state: TaskState) {
        let slot = self.slot(state.id);
        slot.state.maybe_update(|known| {
            let newer = known.as_ref().is_none_or(|known| state.rev() > known.rev());
            if newer {
                *known = Some(state);
            }
            newer
        });
    }

    pub(super) fn known_slot(&self, id: TaskId) -> Option<Slot> {
        lock(&self.0.slots).get(id).cloned()
    }

    pub(super) fn take_gone(&self, id: TaskId) {
        lock(&self.0.plan).wants.saw_gone(id);
        self.slot(id).gone.set(true);
    }

    /// The server's clock; none until the server told of it.
    pub(crate) fn server_clock(&self) -> Option<Timestamp> {
        lock(&self.0.clock).offset.map(|offset| browser::now().plus_millis(offset))
    }

    /// The server's clock, or the browser's as long as that is not known.
    pub(super) fn server_now(&self) -> Timestamp {
        self.server_clock().unwrap_or_else(browser::now)
    }

    pub(super) fn tick(&self) {
        let now = self.server_now();
        self.0.now.set(Some(now));
    }

    /// Something is watched that was not, or no longer: looked at once at the end of this turn, since a page
    /// changes many at a time.
    pub(super) fn changed(&self) {
        if std::mem::replace(&mut lock(&self.0.clock).change_queued, true) {
            return;
        }
        let store = self.clone();
        queue_microtask(move || {
            lock(&store.0.clock).change_queued = false;
            store.dispatch(Event::Changed);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widgets_say_that_the_page_is_not_live_where_no_notice_does() {
        Owner::new().with(|| {
            let live = LiveStore::new();
            let away = live.away();
            assert_eq!(away.get_untracked(), None);
            let since = Timestamp::from_millis(5);
            live.0.connection.set(Connection::Polling { since });
            assert_eq!(away.get_untracked(), Some(false));
            live.0.connection.set(Connection::Offline { since });
            assert_eq!(away.get_untracked(), Some(true));
            live.0.notices.set(1);
            assert_eq!(away.get_untracked(), None, "the notice says it");
        });
    }
}
