//! What to do about the connection: a state machine without I/O. Push by the socket; where there is none, asking every
//! 1, 2 and then 5 seconds. Once the task has ended nothing is asked any more, but the socket stays: somebody may try the
//! task again.

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
    /// It may not, or there is no such task (any more).
    Refused,
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
    Refused,
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
    /// The task has ended, or was deleted.
    Ended {
        gone: bool,
    },
    /// It had ended, and goes on.
    Resumed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Open,
    Close,
    Poll,
    Arm(Timer, u32),
}

#[derive(Debug, Default)]
pub(crate) struct Line {
    standing: Standing,
    beat_ms: u32,
    /// How often the socket was lost in a row.
    failures: u32,
    polls: u32,
    polling: bool,
    /// Whether the server ever said hello.
    was_live: bool,
}

impl Line {
    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }

    fn has_ended(&self) -> bool {
        self.standing == Standing::Ended
    }

    pub(crate) fn on(&mut self, event: Event) -> Vec<Command> {
        use Command::{Arm, Close, Open, Poll};
        if self.standing == Standing::Refused && event != Event::Begin {
            return Vec::new();
        }
        match event {
            Event::Begin => {
                *self = Self::default();
                vec![Open, Arm(Timer::Beat, OPEN_WITHIN_MS)]
            }
            Event::Hello(beat_ms) => {
                self.beat_ms = beat_ms.saturating_add(BEAT_GRACE_MS);
                (self.failures, self.polls) = (0, 0);
                self.was_live = true;
                if !self.has_ended() {
                    self.standing = Standing::Live;
                }
                vec![Arm(Timer::Beat, self.beat_ms)]
            }
            Event::Heard => vec![Arm(Timer::Beat, self.beat_ms)],
            Event::Closed => self.lost(),
            Event::Due(Timer::Beat) => {
                let mut todo = vec![Close];
                todo.extend(self.lost());
                todo
            }
            Event::Due(Timer::Retry) if self.has_ended() && !self.was_live => Vec::new(),
            Event::Due(Timer::Retry) => vec![Open, Arm(Timer::Beat, OPEN_WITHIN_MS)],
            Event::Due(Timer::Poll)
                if matches!(self.standing, Standing::Live | Standing::Ended) || self.polling =>
            {
                Vec::new()
            }
            Event::Due(Timer::Poll) => {
                self.polling = true;
                vec![Poll]
            }
            Event::Polled(answer) => self.polled(answer),
            Event::Ended { gone: true } => {
                self.standing = Standing::Refused;
                vec![Close]
            }
            Event::Ended { gone: false } => {
                self.standing = Standing::Ended;
                Vec::new()
            }
            // It was the socket that told.
            Event::Resumed => {
                self.standing = Standing::Live;
                Vec::new()
            }
        }
    }

    fn lost(&mut self) -> Vec<Command> {
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
        let poll = if self.failures == 1 { 100 } else { wait(self.polls) };
        vec![Command::Arm(Timer::Retry, retry), Command::Arm(Timer::Poll, poll)]
    }

    fn polled(&mut self, answer: Answer) -> Vec<Command> {
        self.polling = false;
        self.polls += 1;
        if answer == Answer::Refused {
            self.standing = Standing::Refused;
            return vec![Command::Close];
        }
        if matches!(self.standing, Standing::Live | Standing::Ended) {
            return Vec::new();
        }
        self.standing = if answer == Answer::State { Standing::Polling } else { Standing::Offline };
        vec![Command::Arm(Timer::Poll, wait(self.polls))]
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

    fn live() -> Line {
        let mut line = Line::default();
        assert_eq!(line.on(Event::Begin), [Open, Arm(Timer::Beat, OPEN_WITHIN_MS)]);
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
    }

    #[test]
    fn waits_grow_and_stay() {
        let mut line = live();
        let retries: Vec<_> = (0..6).map(|_| line.on(Event::Closed)[0]).collect();
        let expected = [500, 1_000, 2_000, 5_000, 10_000, 10_000].map(|wait| Arm(Timer::Retry, wait));
        assert_eq!(retries, expected);
        let mut polls = Vec::new();
        for _ in 0..4 {
            line.on(Event::Due(Timer::Poll));
            polls.extend(line.on(Event::Polled(Answer::Unreachable)));
        }
        assert_eq!(polls, [1_000, 2_000, 5_000, 5_000].map(|wait| Arm(Timer::Poll, wait)));
    }

    #[test]
    fn a_task_that_has_ended_is_asked_for_no_more_but_heard_of_when_it_goes_on() {
        let mut line = live();
        assert_eq!(line.on(Event::Ended { gone: false }), []);
        assert_eq!(line.on(Event::Due(Timer::Poll)), []);
        assert_eq!(line.on(Event::Heard), [Arm(Timer::Beat, 20_000)], "the socket stays");
        assert_eq!(line.on(Event::Closed), [Arm(Timer::Retry, REOPEN_MS)]);
        assert_eq!(line.on(Event::Due(Timer::Retry))[0], Open);
        line.on(Event::Hello(15_000));
        assert_eq!(line.standing(), Standing::Ended, "there is nothing to be live about");
        line.on(Event::Resumed);
        assert_eq!(line.standing(), Standing::Live);
        assert_eq!(line.on(Event::Closed)[0], Arm(Timer::Retry, 500));
    }

    #[test]
    fn nothing_is_asked_any_more_once_it_is_gone_or_refused() {
        for event in [Event::Ended { gone: true }, Event::Polled(Answer::Refused)] {
            let mut line = live();
            assert_eq!(line.on(event), [Close], "{event:?}");
            for later in [Event::Closed, Event::Due(Timer::Poll), Event::Due(Timer::Retry), Event::Heard] {
                assert_eq!(line.on(later), [], "{later:?}");
            }
            assert_eq!(line.on(Event::Begin)[0], Open, "until it is begun anew");
        }
    }
}
