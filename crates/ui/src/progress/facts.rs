//! What a widget says of a task's state. Pure.

use taskdeck_core::told::asked;
use taskdeck_core::{Status, TaskState, Timestamp};

/// How full the bar of what did not complete may be.
const NEARLY: f64 = 0.98;

/// The bar's value from 0 to 1; none while it is not known how far a running task is. A full bar is for what completed:
/// of what failed after its last step the very end is missing.
pub(super) fn fraction(task: &TaskState) -> Option<f64> {
    match task.status {
        Status::Completed => Some(1.0),
        Status::Running => task.progress.fraction,
        _ => {
            let at = task.progress.fraction.unwrap_or(0.0);
            Some(if task.status.has_ended() { at.min(NEARLY) } else { at })
        }
    }
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
    /// It waits for an answer.
    Asks,
    /// It has not begun.
    Waits { at: Option<Timestamp> },
    /// It was deleted.
    Gone,
    /// The page does not hear of it at once, or (`offline`) not at all.
    Away { offline: bool },
}

impl Note {
    pub(super) const fn class(&self) -> &'static str {
        match self {
            Self::None | Self::Waits { .. } => "td-progress-note",
            Self::Away { .. } => "td-progress-note td-note-away",
            Self::Cancelling { .. } | Self::Cancelled(_) | Self::Gone => "td-progress-note td-note-cancel",
            Self::Failed(_) | Self::TriesAgain { .. } => "td-progress-note td-note-error",
            Self::Partial | Self::Asks => "td-progress-note td-note-partial",
        }
    }
}

pub(super) fn note(task: &TaskState) -> Note {
    let error = task.error.as_ref().map(|error| error.message.clone());
    let cancel = task.cancel.as_ref();
    match task.status {
        Status::Cancelled => Note::Cancelled(asked(cancel)),
        Status::Failed => Note::Failed(error.unwrap_or_else(|| "It failed without saying why.".to_owned())),
        Status::Interrupted => Note::Failed(
            error.unwrap_or_else(|| "Its process went away, and it is not tried again by itself.".to_owned()),
        ),
        Status::Completed if task.partial => Note::Partial,
        Status::Completed => Note::None,
        _ => match (cancel, error) {
            (Some(cancel), _) => Note::Cancelling { since: cancel.requested_at, why: asked(Some(cancel)) },
            // What failed before is over: it went on and asks.
            (None, _) if task.status == Status::WaitingConfirmation => Note::Asks,
            (None, Some(why)) => Note::TriesAgain { why, at: task.scheduled_at },
            (None, None) if task.status == Status::Scheduled => Note::Waits { at: task.scheduled_at },
            (None, None) => Note::None,
        },
    }
}

/// What a widget says that speaks for itself: what is special of the task, else that the page is not live (`away`; inside,
/// whether the server does not answer at all), which is of no matter once the task has ended.
pub(super) fn own_note(task: Option<&TaskState>, away: Option<bool>) -> Note {
    let note = task.map_or(Note::None, note);
    match away {
        Some(offline)
            if matches!(note, Note::None | Note::Waits { .. })
                && task.is_none_or(|task| !task.status.has_ended()) =>
        {
            Note::Away { offline }
        }
        _ => note,
    }
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{CancelInfo, ErrorInfo, UserId};

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
        assert_eq!(fraction(&task), Some(1.0));
    }

    #[test]
    fn the_bar_of_what_failed_shows_how_far_it_came_and_is_never_full() {
        let mut task = sample::task(Status::Failed);
        task.progress.set_fraction(0.25);
        assert_eq!(fraction(&task), Some(0.25));
        task.progress.set_fraction(1.0);
        assert_eq!(fraction(&task), Some(NEARLY));
        task.status = Status::WaitingConfirmation;
        assert_eq!(fraction(&task), Some(1.0));
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
    fn a_task_that_asks_says_so_whatever_failed_before() {
        let mut task = sample::task(Status::WaitingConfirmation);
        assert_eq!(note(&task), Note::Asks);
        task.error = Some(ErrorInfo { code: "error".to_owned(), message: "no network".to_owned() });
        assert_eq!(own_note(Some(&task), Some(true)), Note::Asks);
    }

    #[test]
    fn a_widget_that_is_not_live_says_so_unless_there_is_more_to_say() {
        let mut task = sample::task(Status::Running);
        assert_eq!(own_note(Some(&task), None), Note::None);
        assert_eq!(own_note(Some(&task), Some(true)), Note::Away { offline: true });
        assert_eq!(own_note(None, Some(false)), Note::Away { offline: false });
        task.error = Some(ErrorInfo { code: "error".to_owned(), message: "no network".to_owned() });
        assert!(matches!(own_note(Some(&task), Some(true)), Note::TriesAgain { .. }));
        let task = sample::task(Status::Completed);
        assert_eq!(own_note(Some(&task), Some(true)), Note::None);
    }
}
