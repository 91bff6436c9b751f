//! What is wanted of the feed, and what to do about it: a state machine without I/O, clock or chance of its own.
//!
//! The driver tells it what happened ([`Event`]) and does what it answers ([`Command`]). So every rule of the line
//! (who is subscribed to, when to reconnect, when to poll, when to stop) is here, and tested here.

use std::collections::{BTreeMap, BTreeSet};

use taskdeck_core::{ClientMessage, Known, ListQuery, Rev, TaskId, TaskState};

use super::wait::{before_poll, before_retry};

/// How many tasks one message names, so that it stays below the server's limit of 64 KB.
const SUBSCRIBE_CHUNK: usize = 400;
/// A line that takes longer to open is given up.
const OPEN_WITHIN_MS: u32 = 10_000;
/// Until a line is open, polling begins after this.
const POLL_UNLESS_OPEN_MS: u32 = 2_000;
/// A line that nobody needs is kept this long, since the next page may need it.
const LINGER_MS: u32 = 5_000;
/// More than the server promised, for a busy machine.
const BEAT_GRACE_MS: u32 = 2_000;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Something is watched that was not, or no longer.
    Changed,
    /// The line is open.
    Opened,
    /// The server said hello, and promised a message at least every so many milliseconds.
    Hello(u32),
    /// The server said something.
    Heard,
    /// The line is closed.
    Closed,
    /// A timer ran out.
    Due(Timer),
    /// A poll was answered; or it was not.
    Polled {
        /// Whether the server answered.
        reached: bool,
    },
    /// The reader looks at the tab again, the network came back, or they asked to try now.
    Wake,
    /// Nobody looks at the tab.
    Hid,
    /// The page is left (it may come back from the browser's cache).
    Left,
}

/// What to wait for. There is one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The line must open, or say something, until then.
    Beat,
    /// Try the line again.
    Retry,
    /// Ask for what is watched.
    Poll,
    /// Close the line that nobody needs.
    Linger,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// Open the line.
    Open,
    /// Close it.
    Close,
    /// Say this.
    Send(ClientMessage),
    /// Set a timer, anew if it was set.
    Arm(Timer, u32),
    /// Stop it.
    Disarm(Timer),
    /// Ask for what is watched ([`Plan::poll`]) by the server functions.
    Poll,
    /// Ask for the list once: tasks that came while the line was down were not told of.
    CatchUp,
    /// Tell the page how things stand.
    Tell(Standing),
}

/// How things stand with the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not open yet.
    Connecting,
    /// Open.
    Live,
    /// Not open; polls are answered.
    Polling,
    /// Nothing is answered.
    Offline,
}

/// What to ask for in a poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PollFor {
    pub(crate) tasks: Vec<TaskId>,
    pub(crate) logs: Vec<(TaskId, u64)>,
    pub(crate) list: Option<ListQuery>,
    pub(crate) counts: bool,
}

#[derive(Debug, Default)]
struct Watched {
    /// How many watch it.
    by: u32,
    /// The newest state that is known.
    rev: Rev,
    /// Whether it has ended or is gone, so that nothing is to be expected of it.
    still: bool,
}

#[derive(Debug, Default)]
struct Log {
    by: u32,
    /// The last line that every watcher has.
    since: u64,
    /// Whether it was read after its task ended.
    drained: bool,
}

/// What the server was told on the open line.
#[derive(Debug, Default)]
struct Told {
    tasks: BTreeSet<TaskId>,
    logs: BTreeSet<TaskId>,
    list: Option<ListQuery>,
    counts: bool,
}

#[derive(Debug)]
enum Line {
    Closed,
    Opening,
    Open(Told),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Plan {
    tasks: BTreeMap<TaskId, Watched>,
    logs: BTreeMap<TaskId, Log>,
    list: Option<ListQuery>,
    counts: u32,
    /// Whether the server has a socket at all.
    has_socket: bool,
    line: Line,
    standing: Standing,
    /// Tries that failed, in a row.
    failures: u32,
    beat_ms: u32,
    retry_armed: bool,
    poll_armed: bool,
    poll_running: bool,
    polls: u32,
    hidden: bool,
    was_live: bool,
}

impl Plan {
    pub(crate) fn new(has_socket: bool) -> Self {
        Self {
            tasks: BTreeMap::new(),
            logs: BTreeMap::new(),
            list: None,
            counts: 0,
            has_socket,
            line: Line::Closed,
            standing: Standing::Connecting,
            failures: 0,
            beat_ms: OPEN_WITHIN_MS,
            retry_armed: false,
            poll_armed: false,
            poll_running: false,
            polls: 0,
            hidden: false,
            was_live: false,
        }
    }

    // What is wanted. Each change is followed by `Event::Changed`.

    pub(crate) fn watch(&mut self, id: TaskId, known: Option<&TaskState>) {
        let watched = self.tasks.entry(id).or_default();
        watched.by += 1;
        if let Some(known) = known {
            self.saw(known);
        }
    }

    pub(crate) fn unwatch(&mut self, id: TaskId) {
        if let Some(watched) = self.tasks.get_mut(&id) {
            watched.by -= 1;
            if watched.by == 0 {
                self.tasks.remove(&id);
            }
        }
    }

    pub(crate) fn is_watched(&self, id: TaskId) -> bool {
        self.tasks.contains_key(&id)
    }

    pub(crate) fn watch_log(&mut self, id: TaskId, since: u64) {
        let log = self.logs.entry(id).or_insert_with(|| Log { since, ..Log::default() });
        log.by += 1;
        log.drained = false;
        // One that has less than the others needs the lines between; they are told to it by a refill of its own.
    }

    pub(crate) fn unwatch_log(&mut self, id: TaskId) {
        if let Some(log) = self.logs.get_mut(&id) {
            log.by -= 1;
            if log.by == 0 {
                self.logs.remove(&id);
            }
        }
    }

    pub(crate) fn watch_list(&mut self, query: Option<ListQuery>) {
        self.list = query;
    }

    pub(crate) fn watch_counts(&mut self) {
        self.counts += 1;
    }

    pub(crate) fn unwatch_counts(&mut self) {
        self.counts = self.counts.saturating_sub(1);
    }

    // What became known, by whatever way.

    /// Says whether a task that had ended goes on (somebody retried it): then `Event::Changed` is to follow.
    pub(crate) fn saw(&mut self, state: &TaskState) -> bool {
        let Some(watched) = self.tasks.get_mut(&state.id) else { return false };
        if state.rev() < watched.rev {
            return false;
        }
        let awoke = watched.still && !state.status.has_ended();
        watched.rev = state.rev();
        watched.still = state.status.has_ended();
        if awoke && let Some(log) = self.logs.get_mut(&state.id) {
            log.drained = false;
        }
        awoke
    }

    pub(crate) fn saw_gone(&mut self, id: TaskId) {
        if let Some(watched) = self.tasks.get_mut(&id) {
            watched.still = true;
        }
        self.drained(id);
    }

    pub(crate) fn saw_log(&mut self, id: TaskId, last_seq: u64) {
        if let Some(log) = self.logs.get_mut(&id) {
            log.since = log.since.max(last_seq);
        }
    }

    /// The log was read to its end after its task had ended.
    pub(crate) fn drained(&mut self, id: TaskId) {
        let still = self.tasks.get(&id).is_none_or(|watched| watched.still);
        if let Some(log) = self.logs.get_mut(&id) {
            log.drained = still;
        }
    }

    /// What a poll is to ask for: tasks that go on, their logs, the list and the counts if they are shown.
    pub(crate) fn poll(&self) -> PollFor {
        PollFor {
            tasks: self.tasks.iter().filter(|(_, task)| !task.still).map(|(id, _)| *id).collect(),
            logs: self
                .logs
                .iter()
                .filter(|(_, log)| !log.drained)
                .map(|(id, log)| (*id, log.since))
                .collect(),
            list: self.list.clone(),
            counts: self.counts > 0,
        }
    }

    pub(crate) fn list(&self) -> Option<&ListQuery> {
        self.list.as_ref()
    }

    fn wants_nothing(&self) -> bool {
        self.tasks.is_empty() && self.logs.is_empty() && self.list.is_none() && self.counts == 0
    }

    fn wants_polls(&self) -> bool {
        self.poll() != PollFor::default()
    }

    /// What to do about an event; `chance` is a number from 0 to 1.
    pub(crate) fn on(&mut self, event: Event, chance: f64) -> Vec<Command> {
        let mut todo = Vec::new();
        match event {
            Event::Changed => self.changed(&mut todo),
            Event::Opened => {
                self.line = Line::Open(Told::default());
                self.tell_server(&mut todo);
                todo.push(Command::Arm(Timer::Beat, OPEN_WITHIN_MS));
            }
            Event::Hello(beat_ms) => {
                self.beat_ms = beat_ms.saturating_add(BEAT_GRACE_MS);
                self.failures = 0;
                self.stop_polling(&mut todo);
                todo.push(Command::Arm(Timer::Beat, self.beat_ms));
                if self.was_live && self.list.is_some() {
                    todo.push(Command::CatchUp);
                }
                self.was_live = true;
                self.stand(Standing::Live, &mut todo);
            }
            Event::Heard => todo.push(Command::Arm(Timer::Beat, self.beat_ms)),
            Event::Closed => self.lost(chance, &mut todo),
            Event::Due(Timer::Beat) => {
                todo.push(Command::Close);
                self.lost(chance, &mut todo);
            }
            Event::Due(Timer::Retry) => {
                self.retry_armed = false;
                self.changed(&mut todo);
            }
            Event::Due(Timer::Poll) => {
                self.poll_armed = false;
                if !self.poll_running && self.wants_polls() {
                    self.poll_running = true;
                    todo.push(Command::Poll);
                }
            }
            Event::Due(Timer::Linger) => {
                if self.wants_nothing() {
                    self.line = Line::Closed;
                    todo.extend([Command::Close, Command::Disarm(Timer::Beat)]);
                    self.stand(Standing::Connecting, &mut todo);
                }
            }
            Event::Polled { reached } => self.polled(reached, &mut todo),
            Event::Wake => {
                self.hidden = false;
                self.wake(&mut todo);
            }
            Event::Hid => self.hidden = true,
            Event::Left => {
                self.line = Line::Closed;
                todo.push(Command::Close);
                for timer in [Timer::Beat, Timer::Retry, Timer::Poll, Timer::Linger] {
                    todo.push(Command::Disarm(timer));
                }
                (self.retry_armed, self.poll_armed) = (false, false);
                self.stand(Standing::Connecting, &mut todo);
            }
        }
        todo
    }

    fn changed(&mut self, todo: &mut Vec<Command>) {
        if self.wants_nothing() {
            self.stop_polling(todo);
            if self.retry_armed {
                self.retry_armed = false;
                todo.push(Command::Disarm(Timer::Retry));
            }
            if !matches!(self.line, Line::Closed) {
                todo.push(Command::Arm(Timer::Linger, LINGER_MS));
            }
            return;
        }
        match self.line {
            Line::Open(_) => {
                todo.push(Command::Disarm(Timer::Linger));
                self.tell_server(todo);
            }
            Line::Opening => todo.push(Command::Disarm(Timer::Linger)),
            Line::Closed => {
                if self.has_socket && !self.retry_armed {
                    self.line = Line::Opening;
                    todo.extend([Command::Open, Command::Arm(Timer::Beat, OPEN_WITHIN_MS)]);
                }
                let soon = if self.failures == 0 && self.has_socket {
                    POLL_UNLESS_OPEN_MS
                } else {
                    before_poll(self.polls, self.hidden, false)
                };
                self.poll_in(soon, todo);
            }
        }
    }

    /// The line is no longer open, or did not open.
    fn lost(&mut self, chance: f64, todo: &mut Vec<Command>) {
        self.line = Line::Closed;
        todo.push(Command::Disarm(Timer::Beat));
        if self.wants_nothing() {
            self.stand(Standing::Connecting, todo);
            return;
        }
        todo.push(Command::Arm(Timer::Retry, self.retry_in(chance)));
        self.retry_armed = true;
        self.failures = self.failures.saturating_add(1);
        if self.standing == Standing::Live {
            // The first poll tells whether the server is there at all.
            self.polls = 0;
            self.stand(Standing::Connecting, todo);
            self.poll_in(200, todo);
        } else {
            self.poll_in(before_poll(self.polls, self.hidden, false), todo);
        }
        if !self.wants_polls() && self.standing == Standing::Connecting {
            // Nothing moves that could be polled for, but the page must say that it is not live.
            self.stand(Standing::Polling, todo);
        }
    }

    fn retry_in(&self, chance: f64) -> u32 {
        let wait = before_retry(self.failures, chance);
        if self.hidden { wait.saturating_mul(4) } else { wait }
    }

    fn polled(&mut self, reached: bool, todo: &mut Vec<Command>) {
        self.poll_running = false;
        self.polls = self.polls.saturating_add(1);
        if matches!(self.line, Line::Open(_)) || self.wants_nothing() {
            return;
        }
        let back = reached && self.standing == Standing::Offline;
        self.stand(if reached { Standing::Polling } else { Standing::Offline }, todo);
        if back && self.retry_armed {
            self.failures = 1;
            todo.push(Command::Arm(Timer::Retry, 100));
        }
        self.poll_in(before_poll(self.polls, self.hidden, !reached), todo);
    }

    fn wake(&mut self, todo: &mut Vec<Command>) {
        if self.wants_nothing() || matches!(self.line, Line::Open(_)) {
            return;
        }
        self.failures = self.failures.min(1);
        self.polls = 0;
        if self.retry_armed {
            todo.push(Command::Arm(Timer::Retry, 0));
        }
        self.poll_armed = false;
        if self.standing != Standing::Connecting || !matches!(self.line, Line::Opening) {
            self.poll_in(0, todo);
        }
        if matches!(self.line, Line::Closed) && !self.retry_armed {
            self.changed(todo);
        }
    }

    fn poll_in(&mut self, wait_ms: u32, todo: &mut Vec<Command>) {
        if !self.poll_armed && !self.poll_running && self.wants_polls() {
            self.poll_armed = true;
            todo.push(Command::Arm(Timer::Poll, wait_ms));
        }
    }

    fn stop_polling(&mut self, todo: &mut Vec<Command>) {
        self.polls = 0;
        if self.poll_armed {
            self.poll_armed = false;
            todo.push(Command::Disarm(Timer::Poll));
        }
    }

    fn stand(&mut self, standing: Standing, todo: &mut Vec<Command>) {
        if self.standing != standing {
            self.standing = standing;
            todo.push(Command::Tell(standing));
        }
    }

    /// Says to the server what it does not know yet: the difference between what is wanted and what it was told.
    fn tell_server(&mut self, todo: &mut Vec<Command>) {
        let Line::Open(told) = &mut self.line else { return };
        let dropped: Vec<TaskId> =
            told.tasks.iter().filter(|id| !self.tasks.contains_key(*id)).copied().collect();
        if !dropped.is_empty() {
            told.tasks.retain(|id| self.tasks.contains_key(id));
            for ids in dropped.chunks(SUBSCRIBE_CHUNK) {
                todo.push(Command::Send(ClientMessage::Unsubscribe { tasks: ids.to_vec() }));
            }
        }
        let added: Vec<Known> = self
            .tasks
            .iter()
            .filter(|(id, _)| !told.tasks.contains(*id))
            .map(|(id, task)| Known { id: *id, version: task.rev.version, tick: task.rev.tick })
            .collect();
        told.tasks.extend(added.iter().map(|known| known.id));
        for known in added.chunks(SUBSCRIBE_CHUNK) {
            todo.push(Command::Send(ClientMessage::Subscribe { tasks: known.to_vec() }));
        }
        for task in told.logs.iter().filter(|id| !self.logs.contains_key(*id)) {
            todo.push(Command::Send(ClientMessage::Unlog { task: *task }));
        }
        told.logs.retain(|id| self.logs.contains_key(id));
        for (task, log) in &self.logs {
            if told.logs.insert(*task) {
                todo.push(Command::Send(ClientMessage::Log { task: *task, since: log.since }));
            }
        }
        if told.list != self.list {
            told.list.clone_from(&self.list);
            let message =
                self.list.clone().map_or(ClientMessage::Unlist, |query| ClientMessage::List { query });
            todo.push(Command::Send(message));
        }
        let counts = self.counts > 0;
        if told.counts != counts {
            told.counts = counts;
            todo.push(Command::Send(ClientMessage::Counts { on: counts }));
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
