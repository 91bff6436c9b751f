//! The status machine: one pure function says what follows when something happens to a task.
//!
//! | from | to (why) |
//! |---|---|
//! | scheduled | queued (due, dependencies completed, a person wants it now); cancelled; failed (expired, dependency failed) |
//! | queued | running (claimed); cancelled; failed (expired, dependency failed) |
//! | running | completed; failed; scheduled (retry); waiting_confirmation; cancelled; queued (released, rescued); interrupted |
//! | waiting_confirmation | queued (answered); cancelled; failed (timed out) |
//! | failed, cancelled, interrupted | queued (a person's retry; scheduled while it waits for other tasks) |
//! | completed | nothing |
//!
//! Every change bumps `version` by one. What names a lease is refused when the task is held by another claim, so
//! the first ending wins. After a cancel request a task is never scheduled or queued again by itself.

use serde::{Deserialize, Serialize};

use crate::{CancelInfo, LeaseToken, SessionId, State, Status, Timestamp};

/// Who holds a running task, and by which claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// The worker process.
    pub session: SessionId,
    /// The claim; another for each attempt.
    pub token: LeaseToken,
}

/// What the machine knows of a task: enough to decide, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Where the task stands.
    pub state: State,
    /// Counts durable changes, from 1.
    pub version: u32,
    /// Counts executions; the running or last one's number.
    pub attempt: u32,
    /// Counts the executions that cost a try: error, timeout, panic, crash.
    pub tries: u32,
    /// How many tries there are.
    pub max_tries: u32,
    /// Whether the task must never be executed again by itself once it began.
    pub at_most_once: bool,
    /// The cancel request, if there is one.
    pub cancel: Option<CancelInfo>,
    /// When the task fails if no worker has begun it.
    pub expires_at: Option<Timestamp>,
    /// When the running or last attempt began.
    pub started_at: Option<Timestamp>,
    /// Counts questions asked.
    pub questions: u32,
    /// Counts endings (a retried task ends more than once).
    pub endings: u32,
    /// How many of the tasks that it waits for have not completed.
    pub waits_for: u32,
}

impl Machine {
    /// A new task in this state.
    #[must_use]
    pub const fn new(state: State, max_tries: u32) -> Self {
        Self {
            state,
            version: 1,
            attempt: 0,
            tries: 0,
            max_tries,
            at_most_once: false,
            cancel: None,
            expires_at: None,
            started_at: None,
            questions: 0,
            endings: 0,
            waits_for: 0,
        }
    }
}

/// Something that happens to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its time has come.
    Due,
    /// A worker claims it.
    Claimed(Lease),
    /// The attempt under this claim is over.
    AttemptEnded {
        /// The claim.
        token: LeaseToken,
        /// How it ended.
        end: AttemptEnd,
    },
    /// The attempt under this claim asks a person.
    Asked {
        /// The claim.
        token: LeaseToken,
        /// The question's key.
        key: String,
        /// When the question times out.
        until: Option<Timestamp>,
    },
    /// A person answered the question of this key.
    Answered {
        /// The question's key.
        key: String,
    },
    /// Nobody answered in time.
    QuestionTimedOut,
    /// Somebody asks to cancel it.
    CancelRequested(CancelInfo),
    /// A person wants it tried again.
    RetryRequested,
    /// A person does not want to wait for its time: of a delay, or of the next try.
    Hurried,
    /// The session that held it is dead.
    Rescued {
        /// The dead session.
        session: SessionId,
    },
    /// It waited longer than it may.
    Expired,
    /// One of the tasks that it waits for completed.
    DependencyDone,
    /// A task it waits for did not complete.
    DependencyFailed,
    /// The task that failed it is tried again.
    DependencyRetried,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// The body returned `Ok`.
    Completed {
        /// Whether it reported parts it had to leave out.
        partial: bool,
    },
    /// Error, timeout, panic or abort; with the time of the next try, if the fault may pass.
    Failed {
        /// When to try again; `None` for a permanent fault.
        retry_at: Option<Timestamp>,
    },
    /// The worker shuts down in good order; costs no try.
    Released,
}

/// The result of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The task changes to this.
    Changed(Box<Machine>),
    /// All is as it was asked for already; nothing is written.
    Unchanged,
}

/// Why something cannot happen to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The task is not held by the claim that the request names.
    #[error("the lease is lost: the task is not held by this claim any more")]
    LeaseLost,
    /// The task has ended.
    #[error("the task has already ended: {0}")]
    Ended(Status),
    /// A person's retry needs a task that failed, was cancelled or interrupted.
    #[error("a {0} task cannot be retried")]
    NotRetryable(Status),
    /// The task is not where this can happen.
    #[error("this cannot happen to a {0} task")]
    WrongStatus(Status),
    /// It is not time yet.
    #[error("it is not time yet")]
    NotYet,
    /// Its time does not matter while it waits for other tasks.
    #[error("it waits for other tasks to complete")]
    WaitsForOthers,
}

/// What `event` makes of `task` at `now`.
///
/// # Errors
/// [`Refused`] when the event cannot happen to this task; the task then stays as it is.
pub fn decide(task: &Machine, event: &Event, now: Timestamp) -> Result<Decision, Refused> {
    let next = match event {
        Event::Due => due(task, now)?,
        Event::Claimed(lease) => claimed(task, *lease, now)?,
        Event::AttemptEnded { token, end } => {
            held_by(task, *token)?;
            attempt_ended(task, *end, now)
        }
        Event::Asked { token, key, until } => {
            held_by(task, *token)?;
            asked(task, key, *until, now)
        }
        Event::Answered { key } => answered(task, key, now)?,
        Event::QuestionTimedOut => match &task.state {
            State::WaitingConfirmation { until: Some(until), .. } if *until <= now => {
                ended(task, failed(now))
            }
            State::WaitingConfirmation { .. } => return Err(Refused::NotYet),
            other => return Err(wrong(other.status())),
        },
        Event::CancelRequested(request) => return cancel_requested(task, request, now),
        Event::RetryRequested => retried(task, now)?,
        Event::Hurried => match &task.state {
            State::Scheduled { .. } if task.waits_for > 0 => return Err(Refused::WaitsForOthers),
            State::Scheduled { .. } => moved(task, queued(now)),
            other => return Err(wrong(other.status())),
        },
        Event::Rescued { session } => match task.state {
            State::Running { lease } if lease.session == *session => rescued(task, now),
            _ => return Err(Refused::LeaseLost),
        },
        Event::Expired => match (&task.state, task.expires_at) {
            (State::Scheduled { .. } | State::Queued { .. }, Some(at)) if at <= now => {
                ended(task, failed(now))
            }
            (State::Scheduled { .. } | State::Queued { .. }, _) => return Err(Refused::NotYet),
            (other, _) => return Err(wrong(other.status())),
        },
        Event::DependencyDone => dependency_done(task, now)?,
        Event::DependencyFailed => match &task.state {
            State::Scheduled { .. } | State::Queued { .. } => ended(task, failed(now)),
            other => return Err(wrong(other.status())),
        },
        Event::DependencyRetried => match &task.state {
            State::Failed { .. } if task.waits_for > 0 => moved(task, State::Scheduled { until: None }),
            other => return Err(wrong(other.status())),
        },
    };
    Ok(Decision::Changed(Box::new(Machine { version: task.version + 1, ..next })))
}

fn wrong(status: Status) -> Refused {
    if status.has_ended() { Refused::Ended(status) } else { Refused::WrongStatus(status) }
}

fn failed(now: Timestamp) -> State {
    State::Failed { ended_at: now }
}

fn queued(now: Timestamp) -> State {
    State::Queued { since: now, ahead: false }
}

fn held_by(task: &Machine, token: LeaseToken) -> Result<(), Refused> {
    match task.state {
        State::Running { lease } if lease.token == token => Ok(()),
        _ => Err(Refused::LeaseLost),
    }
}

fn moved(task: &Machine, state: State) -> Machine {
    Machine { state, ..task.clone() }
}

fn ended(task: &Machine, state: State) -> Machine {
    Machine { state, endings: task.endings + 1, ..task.clone() }
}

fn due(task: &Machine, now: Timestamp) -> Result<Machine, Refused> {
    match &task.state {
        State::Scheduled { until: Some(until) } if *until <= now && task.waits_for == 0 => {
            Ok(moved(task, queued(now)))
        }
        State::Scheduled { .. } => Err(Refused::NotYet),
        other => Err(wrong(other.status())),
    }
}

fn dependency_done(task: &Machine, now: Timestamp) -> Result<Machine, Refused> {
    let waits_for = task.waits_for.saturating_sub(1);
    match &task.state {
        State::Scheduled { until } if waits_for == 0 && until.is_none_or(|until| until <= now) => {
            Ok(Machine { waits_for, ..moved(task, queued(now)) })
        }
        // It also waits for a time, for other tasks, or it has failed because of another one.
        State::Scheduled { .. } | State::Failed { .. } | State::Cancelled { .. } => {
            Ok(Machine { waits_for, ..task.clone() })
        }
        other => Err(wrong(other.status())),
    }
}

fn claimed(task: &Machine, lease: Lease, now: Timestamp) -> Result<Machine, Refused> {
    match &task.state {
        State::Queued { .. } => {
            let running = State::Running { lease };
            // What has begun does not expire any more.
            Ok(Machine {
                attempt: task.attempt + 1,
                started_at: Some(now),
                expires_at: None,
                ..moved(task, running)
            })
        }
        other => Err(wrong(other.status())),
    }
}

fn attempt_ended(task: &Machine, end: AttemptEnd, now: Timestamp) -> Machine {
    match end {
        AttemptEnd::Completed { partial } => ended(task, State::Completed { ended_at: now, partial }),
        AttemptEnd::Failed { retry_at } => {
            let tries = task.tries + 1;
            let next = match retry_at {
                _ if task.cancel.is_some() => ended(task, State::Cancelled { ended_at: now }),
                Some(at) if tries < task.max_tries && !task.at_most_once => {
                    moved(task, State::Scheduled { until: Some(at) })
                }
                _ => ended(task, failed(now)),
            };
            Machine { tries, ..next }
        }
        AttemptEnd::Released if task.cancel.is_some() => ended(task, State::Cancelled { ended_at: now }),
        AttemptEnd::Released if task.at_most_once => ended(task, State::Interrupted { ended_at: now }),
        AttemptEnd::Released => moved(task, queued(now)),
    }
}

fn rescued(task: &Machine, now: Timestamp) -> Machine {
    let tries = task.tries + 1;
    let next = if task.cancel.is_some() {
        ended(task, State::Cancelled { ended_at: now })
    } else if task.at_most_once || tries >= task.max_tries {
        ended(task, State::Interrupted { ended_at: now })
    } else {
        moved(task, queued(now))
    };
    Machine { tries, ..next }
}

fn asked(task: &Machine, key: &str, until: Option<Timestamp>, now: Timestamp) -> Machine {
    if task.cancel.is_some() {
        return ended(task, State::Cancelled { ended_at: now });
    }
    let waiting = State::WaitingConfirmation { key: key.to_owned(), until };
    Machine { questions: task.questions + 1, ..moved(task, waiting) }
}

fn answered(task: &Machine, key: &str, now: Timestamp) -> Result<Machine, Refused> {
    match &task.state {
        State::WaitingConfirmation { key: open, .. } if open == key => {
            Ok(moved(task, State::Queued { since: now, ahead: true }))
        }
        other => Err(wrong(other.status())),
    }
}

fn cancel_requested(task: &Machine, request: &CancelInfo, now: Timestamp) -> Result<Decision, Refused> {
    let next = match &task.state {
        state if state.status().has_ended() => return Err(Refused::Ended(state.status())),
        State::Running { .. } if task.cancel.is_some() => return Ok(Decision::Unchanged),
        State::Running { .. } => task.clone(),
        _ => ended(task, State::Cancelled { ended_at: now }),
    };
    let cancel = Some(request.clone());
    Ok(Decision::Changed(Box::new(Machine { version: task.version + 1, cancel, ..next })))
}

fn retried(task: &Machine, now: Timestamp) -> Result<Machine, Refused> {
    let status = task.state.status();
    if !status.can_retry() {
        return Err(Refused::NotRetryable(status));
    }
    // Whoever retries a task that waited for others does not want it to run before them.
    let next = if task.waits_for > 0 { State::Scheduled { until: None } } else { queued(now) };
    Ok(Machine { tries: 0, cancel: None, expires_at: None, ..moved(task, next) })
}

#[cfg(test)]
mod tests;
