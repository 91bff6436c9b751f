//! What a worker asks for when it claims, and what it gets.

use std::collections::HashMap;
use std::sync::Arc;

use taskdeck_core::{Kind, QueueName, Rate, SessionId, Timestamp};

use super::Record;

/// What a worker asks for.
#[derive(Clone, Debug)]
pub(crate) struct ClaimRequest {
    pub(crate) session: SessionId,
    /// The kinds that it knows and that have room.
    pub(crate) kinds: Vec<KindRoom>,
    /// The queues that are limited or paused; the others are not.
    pub(crate) queues: HashMap<QueueName, QueueRoom>,
    pub(crate) max: usize,
    /// Where the round of the queues begins, so that none is always the last.
    pub(crate) turn: usize,
    pub(crate) now: Timestamp,
    /// The version of the pauses and limits by which its rooms are.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "for stores that many nodes share"))]
    pub(crate) controls: u64,
}

/// What holds a lane back over all nodes together. Where one engine owns the store, its rooms say all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bounds {
    /// How many may run.
    pub(crate) concurrency: Option<usize>,
    /// How many may begin.
    pub(crate) rate: Option<Rate>,
}

/// A queue that is held back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct QueueRoom {
    /// How many more may run.
    pub(crate) room: usize,
    pub(crate) bounds: Bounds,
}

/// A kind that a worker takes.
#[derive(Clone, Debug)]
pub(crate) struct KindRoom {
    pub(crate) kind: Kind,
    /// The newest version of its params that the worker knows.
    pub(crate) version: u32,
    /// How many more may run.
    pub(crate) room: usize,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "for stores that many nodes share"))]
    pub(crate) bounds: Bounds,
    pub(crate) partition: Option<PartitionRoom>,
}

/// How many of each partition may run.
#[derive(Clone, Debug)]
pub(crate) struct PartitionRoom {
    pub(crate) limit: usize,
    /// How many of each run already.
    pub(crate) running: HashMap<String, usize>,
}

/// A task that a worker now holds, with what its body needs.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) record: Arc<Record>,
    pub(crate) params: String,
    pub(crate) checkpoint: Option<String>,
    pub(crate) last_log_seq: u64,
    /// How long it had been queued, in milliseconds.
    pub(crate) waited_ms: u64,
}
