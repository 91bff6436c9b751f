//! What a change means for what is recorded of it: the same on every store.

use taskdeck_core::{AttemptEnd, Event, Status, Tally, Timestamp};

use super::{Change, Record};

/// How the attempt ended, if this event ended one.
pub(crate) fn attempt_outcome(event: &Event, to: Status) -> Option<&'static str> {
    match event {
        Event::AttemptEnded { .. } | Event::Rescued { .. } | Event::Asked { .. }
            if to == Status::Cancelled =>
        {
            Some("cancelled")
        }
        Event::AttemptEnded { end: AttemptEnd::Completed { .. }, .. } => Some("completed"),
        Event::AttemptEnded { end: AttemptEnd::Failed { .. }, .. } => Some("failed"),
        Event::AttemptEnded { end: AttemptEnd::Released, .. } => Some("released"),
        Event::Rescued { .. } => Some("interrupted"),
        Event::Asked { .. } => Some("asked"),
        _ => None,
    }
}

/// Adds what happened to the minute that `minute` gives, if it is something that is counted.
pub(crate) fn tally<'t>(
    record: &Record,
    from: Status,
    began: Option<Timestamp>,
    change: &Change,
    minute: impl FnOnce() -> &'t mut Tally,
) {
    let ended = record.status().has_ended() && !from.has_ended();
    // When the attempt of a dead worker stopped is not known.
    let ran = from == Status::Running
        && record.status() != Status::Running
        && !matches!(change.event, Event::Rescued { .. });
    if ended || ran {
        let tally = minute();
        if ended {
            tally.ended(record.status());
        }
        if ran {
            tally.run.add(change.now.millis_since(began.unwrap_or(change.now)));
        }
    }
}
