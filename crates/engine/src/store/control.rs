//! What people set about queues and kinds, and the worker processes.

use serde::{Deserialize, Serialize};
use taskdeck_core::{Kind, LaneLimits, SessionId, StatsPoint, TaskId, Timestamp, UserId};

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
    /// What it last said of itself, where others may ask for it.
    pub(crate) said: Option<Said>,
}

/// What a node says of itself with its beats, so that each node answers the same. What is not known of an older version is
/// as it is by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    /// The kinds that it takes, with the newest version of their params that it knows.
    pub(crate) kinds: Vec<(Kind, u32)>,
    /// Whether it begins nothing more.
    pub(crate) stopping: bool,
    /// Whether a task blocks its runtime.
    pub(crate) stalled: bool,
    /// Tasks whose attempt is over while code of theirs still holds a slot.
    pub(crate) held: Vec<TaskId>,
    /// How many of its tasks wait for others and lend their slots meanwhile.
    pub(crate) lent: u32,
    /// What it has worked so far.
    pub(crate) work: Option<StatsPoint>,
}
