//! What a widget says of a task's state. Pure.

use taskdeck_core::{Status, TaskState, Timestamp, UserId};

use crate::format;

/// The bar's value from 0 to 1; none while it is not known how far a running task is.
pub(super) fn fraction(task: &TaskState) -> Option<f64> {
    match task.status {
        Status::Completed => Some(1.0),
        Status::Running => task.progress.fraction,
        _ => Some(task.progress.fraction.unwrap_or(0.0)),
    }
}

pub(super) fn percent(task: &TaskState) -> String {
    match (task.status, task.progress.percent()) {
        (Status::Completed, _) => "100 %".to_owned(),
        (_, Some(percent)) => format!("{percent} %"),
        (_, None) => String::new(),
    }
}

/// The time left, as far as it can be guessed, while the task runs, and how fast it goes.
pub(super) fn eta(task: &TaskState) -> String {
    match (task.status, task.progress.eta_ms) {
        (Status::Running, Some(left)) if task.cancel.is_none() => {
            let left = format!("about {} left", format::duration(left.max(1_000), false));
            match format::rate(&task.progress) {
                Some(rate) => format!("{left}, {rate}"),
                None => left,
            }
        }
        _ => String::new(),
    }
}

/// Which attempt it is, from the second on, and how many tries it has.
pub(super) fn tries(task: &TaskState) -> String {
    if task.attempt < 2 {
        return String::new();
    }
    // A running attempt is a try that is not counted yet.
    let running = u32::from(!task.status.has_ended() && task.status != Status::Scheduled);
    let number = (task.tries + running).clamp(1, task.max_tries.max(1));
    format!("Attempt {} (try {number} of {})", task.attempt, task.max_tries)
}

/// The line below the bar that says what is special.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Note {
    /// Nothing is.
    None,
    /// It was told to stop, and has not yet.
    Cancelling { since: Timestamp, why: String },
    /// It was cancelled.
    Cancelled(String),
    /// An attempt failed.
    Failed(String),
    /// It will be tried again.
    TriesAgain { why: String, at: Option<Timestamp> },
    /// It completed without some parts.
    Partial,
    /// It has not begun.
    Waits { at: Option<Timestamp> },
    /// It was deleted.
    Gone,
}

impl Note {
    pub(super) const fn class(&self) -> &'static str {
        match self {
            Self::None | Self::Waits { .. } => "td-progress-note",
            Self::Cancelling { .. } | Self::Cancelled(_) | Self::Gone => "td-progress-note td-note-cancel",
            Self::Failed(_) | Self::TriesAgain { .. } => "td-progress-note td-note-error",
            Self::Partial => "td-progress-note td-note-partial",
        }
    }
}

pub(super) fn note(task: &TaskState) -> Note {
    let error = task.error.as_ref().map(|error| error.message.clone());
    let cancel = task.cancel.as_ref();
    match task.status {
        Status::Cancelled => Note::Cancelled(asked(
            cancel.and_then(|c| c.by.as_ref()),
            cancel.and_then(|c| c.reason.as_deref()),
        )),
        Status::Failed => Note::Failed(error.unwrap_or_else(|| "It failed without saying why.".to_owned())),
        Status::Interrupted => Note::Failed(
            error.unwrap_or_else(|| "Its process went away, and it is not tried again by itself.".to_owned()),
        ),
        Status::Completed if task.partial => Note::Partial,
        Status::Completed => Note::None,
        _ => match (cancel, error) {
            (Some(cancel), _) => Note::Cancelling {
                since: cancel.requested_at,
                why: asked(cancel.by.as_ref(), cancel.reason.as_deref()),
            },
            (None, Some(why)) => Note::TriesAgain { why, at: task.scheduled_at },
            (None, None) if task.status == Status::Scheduled => Note::Waits { at: task.scheduled_at },
            (None, None) => Note::None,
        },
    }
}

fn asked(by: Option<&UserId>, reason: Option<&str>) -> String {
    let mut text = by.map(|by| format!("by {by}")).unwrap_or_default();
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        text.push_str(if text.is_empty() { "because: " } else { ", because: " });
        text.push_str(reason);
    }
    text
}

/// What is read out when it changes: the status, and each tenth of the way. More would be chatter.
pub(super) fn announcement(task: &TaskState) -> String {
    let status = task.status.title();
    match (task.status, task.progress.percent()) {
        (Status::Running, _) if task.cancel.is_some() => "Cancelling".to_owned(),
        (Status::Running, Some(percent)) if percent >= 10 => {
            format!("{status}, {} percent", percent / 10 * 10)
        }
        (Status::Failed, _) => match &task.error {
            Some(error) => format!("{status}: {}", error.message),
            None => status.to_owned(),
        },
        _ => status.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{CancelInfo, ErrorInfo};

    use super::*;
    use crate::sample;

    #[test]
    fn the_bar_is_open_only_while_it_runs_and_nothing_is_known() {
        let mut task = sample::task(Status::Running);
        task.progress.fraction = None;
        assert_eq!(fraction(&task), None);
        task.status = Status::Queued;
        assert_eq!(fraction(&task), Some(0.0));
        task.status = Status::Completed;
        assert_eq!((fraction(&task), percent(&task).as_str()), (Some(1.0), "100 %"));
    }

    #[test]
    fn tries_are_told_from_the_second_attempt_on() {
        let mut task = sample::task(Status::Running);
        assert_eq!(tries(&task), "");
        (task.attempt, task.tries) = (2, 1);
        assert_eq!(tries(&task), "Attempt 2 (try 2 of 3)");
        task.status = Status::Failed;
        (task.attempt, task.tries) = (3, 3);
        assert_eq!(tries(&task), "Attempt 3 (try 3 of 3)");
    }

    #[test]
    fn a_cancel_is_told_with_who_and_why() {
        let mut task = sample::task(Status::Running);
        let requested_at = Timestamp::from_millis(5);
        let by = UserId::new("ann").ok();
        task.cancel = Some(CancelInfo { requested_at, by, reason: Some("wrong file".to_owned()) });
        let why = "by ann, because: wrong file".to_owned();
        assert_eq!(note(&task), Note::Cancelling { since: requested_at, why: why.clone() });
        task.status = Status::Cancelled;
        assert_eq!(note(&task), Note::Cancelled(why));
    }

    #[test]
    fn a_retry_tells_what_failed_before() {
        let mut task = sample::task(Status::Scheduled);
        let at = Some(Timestamp::from_millis(9));
        task.scheduled_at = at;
        assert_eq!(note(&task), Note::Waits { at });
        task.error = Some(ErrorInfo { code: "error".to_owned(), message: "no network".to_owned() });
        assert_eq!(note(&task), Note::TriesAgain { why: "no network".to_owned(), at });
    }

    #[test]
    fn announcements_come_by_tenths() {
        let mut task = sample::task(Status::Running);
        let at = |task: &mut TaskState, fraction| {
            task.progress.set_fraction(fraction);
            announcement(task)
        };
        assert_eq!(at(&mut task, 0.05), "Running");
        assert_eq!(at(&mut task, 0.41), "Running, 40 percent");
        assert_eq!(at(&mut task, 0.49), "Running, 40 percent");
    }
}
