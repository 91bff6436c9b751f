//! What to do about what is wanted of the feed: a state machine without I/O, clock or chance of its own.
//!
//! The driver tells it what happened ([`Event`]) and does what it answers ([`Command`]). So every rule of the line
//! (when to subscribe, when to reconnect, when to poll, when to stop) is here, and tested here.

use taskdeck_core::ClientMessage;

use super::wait::{before_poll, before_retry};
use super::wants::{PollFor, Told, Wants};

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
    /// The server said that it tells of the list from now on.
    Listed,
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
    /// Ask for what is watched ([`Wants::poll`]) by the server functions.
    Poll,
    /// Ask for the list once: tasks that came before the server told of it were told to nobody.
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

#[derive(Debug)]
enum Line {
    Closed,
    Opening,
    Open(Told),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) wants: Wants,
    /// Whether the server has a socket at all.
    pub(crate) has_socket: bool,
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
}

impl Plan {
    pub(crate) fn new(has_socket: bool) -> Self {
        Self {
            wants: Wants::default(),
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
        }
    }

    fn wants_polls(&self) -> bool {
        self.wants.poll() != PollFor::default()
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
                self.stand(Standing::Live, &mut todo);
            }
            Event::Heard => todo.push(Command::Arm(Timer::Beat, self.beat_ms)),
            // What came until then is in the answer, what comes from then on is told.
            Event::Listed => todo.push(Command::CatchUp),
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
                if self.wants.is_nothing() {
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
        if self.wants.is_nothing() {
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
        if self.wants.is_nothing() {
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
        if matches!(self.line, Line::Open(_)) || self.wants.is_nothing() {
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
        if self.wants.is_nothing() || matches!(self.line, Line::Open(_)) {
            return;
        }
        self.failures = self.failures.min(1);
        self.polls = 0;
        // Where no line tells of it, who comes back is told what became of what had ended.
        self.wants.look_again();
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

    fn tell_server(&mut self, todo: &mut Vec<Command>) {
        if let Line::Open(told) = &mut self.line {
            let news = self.wants.news(told);
            let is_listed_anew = matches!(news.first(), Some(ClientMessage::List { .. }));
            todo.extend(news.into_iter().map(Command::Send));
            // Another list is asked for when the server says that it tells of it.
            if self.wants.catch_up() && !is_listed_anew {
                todo.push(Command::CatchUp);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
