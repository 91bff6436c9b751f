//! What to do about the connection: a state machine without I/O. Push by the socket; where there is none, asking every
//! 1, 2 and then 5 seconds. Once the task has ended nothing is asked any more, but the socket stays: somebody may try the
//! task again. Where there never was a socket, whoever comes back to the page has it asked once.

/// How long an opening may take, and how much later than promised a message may come.
const OPEN_WITHIN_MS: u32 = 8_000;
const BEAT_GRACE_MS: u32 = 5_000;
/// When the socket of a task that has ended is opened again.
const REOPEN_MS: u32 = 15_000;

/// How the widget hears of its task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not yet.
    #[default]
    Connecting,
    /// At once.
    Live,
    /// By asking.
    Polling,
    /// Not at all.
    Offline,
    /// It may not: its token does not hold (any more).
    Denied,
    /// There is no such task (any more).
    Gone,
    /// There is no more to hear, unless somebody tries the task again.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The line is dead when nothing came until then.
    Beat,
    /// The socket is opened again.
    Retry,
    /// The server is asked.
    Poll,
}

/// What an answer to a poll was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    State,
    Denied,
    Gone,
    Unreachable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Begin,
    /// The server said hello, and promises a message in this time.
    Hello(u32),
    Heard,
    Closed,
    Due(Timer),
    Polled(Answer),
    /// The task has ended.
    Ended,
    /// It was deleted.
    Gone,
    /// The server says that this is not to be seen (any more).
    Denied,
    /// It had ended, and goes on.
    Resumed,
    /// Somebody looks at the page again, or the network came back.
    Wake,
    /// The page is left; it may come back as it was.
    Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Open,
    Close,
    Poll,
    Arm(Timer, u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Socket {
    #[default]
    Closed,
    Opening,
    Open,
}

#[derive(Debug, Default)]
pub(crate) struct Line {
    standing: Standing,
    socket: Socket,
    beat_ms: u32,
    /// How often the socket was lost in a row.
    failures: u32,
    polls: u32,
    polling: bool,
    /// Whether a poll is due, which a failed try of the socket must not put off.
    poll_armed: bool,
    /// Whether the server ever said hello.
    was_live: bool,
}

impl Line {
    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether nothing is asked any more, until it is begun anew.
    fn is_over(&self) -> bool {
        matches!(self.standing, Standing::Denied | Standing::Gone)
    }

    fn has_ended(&self) -> bool {
        self.standing == Standing::Ended
    }

    pub(crate) fn on(&mut self, event: Event) -> Vec<Command> {
        use Command::{Arm, Close};
        if self.is_over() && event != Event::Begin {
            return Vec::new();
        }
        match event {
            Event::Begin => {
                *self = Self::default();
                self.open()
            }
            Event::Hello(beat_ms) => {
                self.beat_ms = beat_ms.saturating_add(BEAT_GRACE_MS);
                (self.failures, self.polls) = (0, 0);
                (self.socket, self.was_live) = (Socket::Open, true);
                if !self.has_ended() {
                    self.standing = Standing::Live;
                }
                vec![Arm(Timer::Beat, self.beat_ms)]
            }
            Event::Heard => vec![Arm(Timer::Beat, self.beat_ms)],
            Event::Closed => self.lost(),
            // It was closed meanwhile.
            Event::Due(Timer::Beat) if self.socket == Socket::Closed => Vec::new(),
            Event::Due(Timer::Beat) => {
                let mut todo = vec![Close];
                todo.extend(self.lost());
                todo
            }
            Event::Due(Timer::Retry) => self.retry(),
            Event::Due(Timer::Poll) => {
                self.poll_armed = false;
                if matches!(self.standing, Standing::Live | Standing::Ended) {
                    Vec::new()
                } else {
                    self.poll()
                }
            }
            Event::Polled(answer) => self.polled(answer),
            Event::Gone => self.end(Standing::Gone),
            Event::Denied => self.end(Standing::Denied),
            Event::Ended => {
                self.standing = Standing::Ended;
                Vec::new()
            }
            Event::Resumed if self.socket == Socket::Open => {
                self.standing = Standing::Live;
                Vec::new()
            }
            Event::Resumed => {
                self.standing = Standing::Polling;
                let mut todo = self.poll_in(wait(self.polls));
                if self.socket == Socket::Closed {
                    todo.push(Arm(Timer::Retry, 500));
                }
                todo
            }
            Event::Wake => self.wake(),
            Event::Left => {
                self.socket = Socket::Closed;
                vec![Close]
            }
        }
    }

    fn open(&mut self) -> Vec<Command> {
        self.socket = Socket::Opening;
        vec![Command::Open, Command::Arm(Timer::Beat, OPEN_WITHIN_MS)]
    }

    fn end(&mut self, standing: Standing) -> Vec<Command> {
        (self.standing, self.socket) = (standing, Socket::Closed);
        vec![Command::Close]
    }

    fn poll(&mut self) -> Vec<Command> {
        if std::mem::replace(&mut self.polling, true) { Vec::new() } else { vec![Command::Poll] }
    }

    fn poll_in(&mut self, ms: u32) -> Vec<Command> {
        if self.polling || std::mem::replace(&mut self.poll_armed, true) {
            return Vec::new();
        }
        vec![Command::Arm(Timer::Poll, ms)]
    }

    fn retry(&mut self) -> Vec<Command> {
        if self.socket != Socket::Closed || (self.has_ended() && !self.was_live) {
            return Vec::new();
        }
        let mut todo = self.open();
        if self.has_ended() {
            // A socket does not tell why it was refused: the task may be gone.
            todo.extend(self.poll());
        }
        todo
    }

    fn lost(&mut self) -> Vec<Command> {
        self.socket = Socket::Closed;
        self.failures += 1;
        if self.has_ended() {
            // Where there never was a socket, there is none to come back.
            let wait = if self.failures < 5 { REOPEN_MS } else { 4 * REOPEN_MS };
            return if self.was_live { vec![Command::Arm(Timer::Retry, wait)] } else { Vec::new() };
        }
        if self.standing == Standing::Live {
            // The first poll tells whether the server is there at all.
            self.standing = Standing::Connecting;
        }
        let retry = match self.failures {
            1 => 500,
            2 => 1_000,
            3 => 2_000,
            4 => 5_000,
            _ => 10_000,
        };
        let mut todo = vec![Command::Arm(Timer::Retry, retry)];
        todo.extend(self.poll_in(if self.failures == 1 { 100 } else { wait(self.polls) }));
        todo
    }

    fn polled(&mut self, answer: Answer) -> Vec<Command> {
        self.polling = false;
        self.polls += 1;
        match answer {
            Answer::Denied => return self.end(Standing::Denied),
            Answer::Gone => return self.end(Standing::Gone),
            Answer::State | Answer::Unreachable => {}
        }
        if matches!(self.standing, Standing::Live | Standing::Ended) {
            return Vec::new();
        }
        self.standing = if answer == Answer::State { Standing::Polling } else { Standing::Offline };
        self.poll_in(wait(self.polls))
    }

    fn wake(&mut self) -> Vec<Command> {
        let first_try = self.socket == Socket::Opening && self.failures == 0;
        if self.socket == Socket::Open || first_try {
            return Vec::new();
        }
        self.failures = self.failures.min(1);
        self.polls = 0;
        let mut todo = self.poll();
        if self.socket == Socket::Closed && (self.was_live || !self.has_ended()) {
            todo.extend(self.open());
        }
        todo
    }
}

fn wait(polls: u32) -> u32 {
    match polls {
        0 | 1 => 1_000,
        2 => 2_000,
        _ => 5_000,
    }
}

#[cfg(test)]
mod tests {
    use super::Command::{Arm, Close, Open, Poll};
    use super::*;

    fn begun() -> Line {
        let mut line = Line::default();
        assert_eq!(line.on(Event::Begin), [Open, Arm(Timer::Beat, OPEN_WITHIN_MS)]);
        line
    }

    fn live() -> Line {
        let mut line = begun();
        assert_eq!(line.on(Event::Hello(15_000)), [Arm(Timer::Beat, 20_000)]);
        assert_eq!(line.standing(), Standing::Live);
        line
    }

    #[test]
    fn a_lost_line_is_opened_again_and_the_server_asked_meanwhile() {
        let mut line = live();
        assert_eq!(line.on(Event::Closed), [Arm(Timer::Retry, 500), Arm(Timer::Poll, 100)]);
        assert_eq!(line.on(Event::Due(Timer::Poll)), [Poll]);
        assert_eq!(line.on(Event::Due(Timer::Poll)), [], "one at a time");
        assert_eq!(line.on(Event::Polled(Answer::State)), [Arm(Timer::Poll, 1_000)]);
        assert_eq!(line.standing(), Standing::Polling);
        assert_eq!(line.on(Event::Due(Timer::Retry))[0], Open);
        line.on(Event::Hello(15_000));
        assert_eq!(line.on(Event::Due(Timer::Poll)), [], "what is pushed is not asked for");
    }

    #[test]
    fn a_silent_line_is_dead() {
        let mut line = live();
        assert_eq!(line.on(Event::Due(Timer::Beat))[0], Close);
        assert_eq!(line.on(Event::Due(Timer::Poll)), [Poll]);
        line.on(Event::Polled(Answer::Unreachable));
        assert_eq!(line.standing(), Standing::Offline);
        assert_eq!(line.on(Event::Due(Timer::Beat)), [], "it is closed");
    }

    /// When the socket is tried, and when the server is asked, in milliseconds, where every socket is refused at once.
    fn refused_for(limit: u32) -> (Vec<u32>, Vec<u32>) {
        let (mut line, mut now) = (Line::default(), 0);
        let (mut tries, mut polls, mut due) = (Vec::new(), Vec::new(), Vec::<(u32, Timer)>::new());
        let mut todo = line.on(Event::Begin);
        loop {
            while let Some(command) = (!todo.is_empty()).then(|| todo.remove(0)) {
                match command {
                    Open => {
                        tries.push(now);
                        todo.extend(line.on(Event::Closed));
                    }
                    Poll => {
                        polls.push(now);
                        todo.extend(line.on(Event::Polled(Answer::State)));
                    }
                    Arm(timer, ms) => {
                        due.retain(|(_, other)| *other != timer);
                        due.push((now + ms, timer));
                    }
                    Close => {}
                }
            }
            due.sort_by_key(|(at, _)| *at);
            let (at, timer) = due.remove(0);
            if at > limit {
                return (tries, polls);
            }
            now = at;
            todo = line.on(Event::Due(timer));
        }
    }

    #[test]
    fn a_socket_that_is_refused_puts_no_poll_off() {
        let (tries, polls) = refused_for(32_000);
        assert_eq!(tries, [0, 500, 1_500, 3_500, 8_500, 18_500, 28_500]);
        assert_eq!(polls, [100, 1_100, 3_100, 8_100, 13_100, 18_100, 23_100, 28_100]);
    }

    #[test]
    fn waits_grow_and_stay() {
        let mut line = live();
        let retries: Vec<_> = (0..6).map(|_| line.on(Event::Closed)[0]).collect();
        let expected = [500, 1_000, 2_000, 5_000, 10_000, 10_000].map(|wait| Arm(Timer::Retry, wait));
        assert_eq!(retries, expected);
    }

    #[test]
    fn a_task_that_has_ended_is_asked_for_no_more_but_heard_of_when_it_goes_on() {
        let mut line = live();
        assert_eq!(line.on(Event::Ended), []);
        assert_eq!(line.on(Event::Due(Timer::Poll)), []);
        assert_eq!(line.on(Event::Heard), [Arm(Timer::Beat, 20_000)], "the socket stays");
        assert_eq!(line.on(Event::Closed), [Arm(Timer::Retry, REOPEN_MS)]);
        let again = line.on(Event::Due(Timer::Retry));
        assert_eq!((again[0], again[2]), (Open, Poll), "it may be gone");
        assert_eq!(line.on(Event::Polled(Answer::State)), []);
        line.on(Event::Hello(15_000));
        assert_eq!(line.standing(), Standing::Ended, "there is nothing to be live about");
        line.on(Event::Resumed);
        assert_eq!(line.standing(), Standing::Live);
        assert_eq!(line.on(Event::Closed)[0], Arm(Timer::Retry, 500));
    }

    #[test]
    fn who_comes_back_is_told_how_it_stands_also_where_there_never_was_a_socket() {
        let mut line = begun();
        line.on(Event::Closed);
        line.on(Event::Due(Timer::Poll));
        line.on(Event::Polled(Answer::State));
        line.on(Event::Ended);
        assert_eq!(line.on(Event::Due(Timer::Poll)), []);
        assert_eq!(line.on(Event::Wake), [Poll]);
        assert_eq!(line.on(Event::Wake), [], "one at a time");
        line.on(Event::Polled(Answer::State));
        assert_eq!(line.on(Event::Resumed), [Arm(Timer::Poll, 1_000), Arm(Timer::Retry, 500)]);
        assert_eq!(line.standing(), Standing::Polling);
        assert_eq!(live().on(Event::Wake), [], "what is live is told anyway");
    }

    #[test]
    fn a_page_that_was_left_closes_its_socket_and_opens_it_when_it_is_back() {
        let mut line = live();
        assert_eq!(line.on(Event::Left), [Close]);
        assert_eq!(line.on(Event::Wake)[..2], [Poll, Open]);
    }

    #[test]
    fn nothing_is_asked_any_more_once_it_is_gone_or_denied() {
        for (event, standing) in [
            (Event::Gone, Standing::Gone),
            (Event::Denied, Standing::Denied),
            (Event::Polled(Answer::Denied), Standing::Denied),
            (Event::Polled(Answer::Gone), Standing::Gone),
        ] {
            let mut line = live();
            assert_eq!(line.on(event), [Close], "{event:?}");
            assert_eq!(line.standing(), standing);
            let later =
                [Event::Closed, Event::Due(Timer::Poll), Event::Due(Timer::Retry), Event::Heard, Event::Wake];
            for later in later {
                assert_eq!(line.on(later), [], "{later:?}");
            }
            assert_eq!(line.on(Event::Begin)[0], Open, "until it is begun anew");
        }
    }
}
