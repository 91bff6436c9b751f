//! What this process has worked so far: its attempts, how long their tasks had waited, and how they ended.

use std::sync::{Mutex, MutexGuard, PoisonError};

use taskdeck_core::{AttemptEnd, Event, StatsPoint, Status, Tally, Timestamp};

/// Counts since the process came. They are kept in memory: a process that is gone has no page.
#[derive(Debug, Default)]
pub(crate) struct Work(Mutex<Tally>);

impl Work {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt began, after its task had been queued for so long.
    pub(crate) fn begun(&self, waited_ms: u64) {
        self.tally().begun(waited_ms);
    }

    /// An attempt ended after so long. One that asked or was given back is neither success nor failure.
    pub(crate) fn ended(&self, event: &Event, cancelled: bool, ran_ms: u64) {
        let as_ = match event {
            Event::AttemptEnded { end: AttemptEnd::Completed { .. }, .. } => Some(Status::Completed),
            Event::AttemptEnded { end: AttemptEnd::Failed { .. }, .. } if cancelled => {
                Some(Status::Cancelled)
            }
            Event::AttemptEnded { end: AttemptEnd::Failed { .. }, .. } => Some(Status::Failed),
            _ => None,
        };
        let mut tally = self.tally();
        tally.run.add(ran_ms);
        if let Some(as_) = as_ {
            tally.ended(as_);
        }
    }

    /// As it is shown.
    pub(crate) fn since(&self, at: Timestamp) -> StatsPoint {
        self.tally().point(at)
    }
}
