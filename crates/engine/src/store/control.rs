//! What people set about queues and kinds, and the worker processes.

use taskdeck_core::{LaneLimits, SessionId, Timestamp, UserId};

/// What a pause or limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scope {
    Queue,
    Kind,
}

/// The pause and the limits of a queue or kind, as set by people.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Control {
    pub(crate) scope: Scope,
    pub(crate) name: String,
    pub(crate) paused_at: Option<Timestamp>,
    pub(crate) paused_by: Option<UserId>,
    /// None: as the program says.
    pub(crate) limits: Option<LaneLimits>,
}

/// A worker process.
#[derive(Clone, Debug)]
pub(crate) struct SessionRow {
    pub(crate) id: SessionId,
    pub(crate) worker: String,
    /// The version of this library that it runs.
    pub(crate) version: String,
    pub(crate) slots: u32,
    pub(crate) started_at: Timestamp,
    pub(crate) beat: u64,
}
