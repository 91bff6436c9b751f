//! The state of a task with the data that only that state has.

use crate::{Lease, Status, Timestamp};

/// Where a task stands, with what belongs to it there: a lease exists only while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for a time; for other tasks when `until` is unknown.
    Scheduled {
        /// When it becomes ready.
        until: Option<Timestamp>,
    },
    /// Ready, waits for a slot.
    Queued {
        /// Since when.
        since: Timestamp,
        /// Whether it goes before every priority (an answered confirmation).
        ahead: bool,
    },
    /// Held by a worker.
    Running {
        /// Who holds it, and by which claim.
        lease: Lease,
    },
    /// Waits for a person's answer.
    WaitingConfirmation {
        /// The question's key.
        key: String,
        /// When the question times out, if it does.
        until: Option<Timestamp>,
    },
    /// Ended well.
    Completed {
        /// When.
        ended_at: Timestamp,
        /// Whether parts of the work were left out and reported.
        partial: bool,
    },
    /// Ended with an error.
    Failed {
        /// When.
        ended_at: Timestamp,
    },
    /// Ended because somebody asked for it.
    Cancelled {
        /// When.
        ended_at: Timestamp,
    },
    /// Its process went away and it is not tried again by itself.
    Interrupted {
        /// When.
        ended_at: Timestamp,
    },
}

impl State {
    /// The status without its data.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Scheduled { .. } => Status::Scheduled,
            Self::Queued { .. } => Status::Queued,
            Self::Running { .. } => Status::Running,
            Self::WaitingConfirmation { .. } => Status::WaitingConfirmation,
            Self::Completed { .. } => Status::Completed,
            Self::Failed { .. } => Status::Failed,
            Self::Cancelled { .. } => Status::Cancelled,
            Self::Interrupted { .. } => Status::Interrupted,
        }
    }

    /// When the task ended, if it has.
    #[must_use]
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Completed { ended_at, .. }
            | Self::Failed { ended_at }
            | Self::Cancelled { ended_at }
            | Self::Interrupted { ended_at } => Some(*ended_at),
            _ => None,
        }
    }

    /// The lease, while the task runs.
    #[must_use]
    pub const fn lease(&self) -> Option<Lease> {
        match self {
            Self::Running { lease } => Some(*lease),
            _ => None,
        }
    }
}
