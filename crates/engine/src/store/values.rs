//! What the store is given, and what it answers.

use std::sync::Arc;

use serde::Deserialize;
use taskdeck_core::{
    Counts, FileId, Kind, LeaseToken, ListQuery, LogLevel, LogLine, Progress, Rev, Status, TaskId, Timestamp,
    Upload,
};

use super::{Moved, Record};

/// What became of a start.
#[derive(Debug)]
pub(crate) enum StartOutcome {
    /// It is a new task, and what was started after it.
    New(Arc<Record>, Vec<Moved>),
    /// It was there already: same id, same kind and key, or same parent and name.
    Existing(Box<Record>),
    /// It was to run after a task that does not exist.
    UnknownAfter(TaskId),
}

/// Progress to be written behind: only if the task is still held by this claim.
#[derive(Debug)]
pub(crate) struct ProgressWrite {
    pub(crate) id: TaskId,
    pub(crate) token: LeaseToken,
    pub(crate) progress: Progress,
    pub(crate) label: String,
    /// Which state of the task it belongs to.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "for those who watch from other nodes")
    )]
    pub(crate) rev: Rev,
}

/// Lines of a running attempt's log, in order: stored only if the task is still held by this claim.
#[derive(Clone, Debug)]
pub(crate) struct LogWrite {
    pub(crate) id: TaskId,
    pub(crate) token: LeaseToken,
    pub(crate) lines: Vec<LogLine>,
}

/// A line of a stored chunk. The shared type is read in a way that is little code in a browser and slow: a log has many.
#[derive(Deserialize)]
struct StoredLine {
    seq: u64,
    at: Timestamp,
    level: LogLevel,
    attempt: u32,
    text: String,
}

/// The lines of a stored chunk.
pub(crate) fn log_lines(chunk: &str) -> serde_json::Result<impl Iterator<Item = LogLine>> {
    let lines: Vec<StoredLine> = serde_json::from_str(chunk)?;
    let line = |StoredLine { seq, at, level, attempt, text }| LogLine { seq, at, level, attempt, text };
    Ok(lines.into_iter().map(line))
}

/// A task's params, result and checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    pub(crate) params: String,
    pub(crate) result: Option<String>,
    pub(crate) checkpoint: Option<String>,
}

/// How a file belongs to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileRole {
    /// A parameter's value.
    Upload,
    /// Made by the task.
    Artifact,
}

/// One counter.
#[derive(Clone, Debug)]
pub(crate) struct LaneCount {
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) status: Status,
    pub(crate) n: u64,
}

/// What a store says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreInfo {
    /// What it is and where: `SQLite 3.51.0, /var/lib/taskdeck.db`.
    pub(crate) text: String,
    /// How much of the disk it takes; none for one in memory.
    pub(crate) bytes: Option<u64>,
}

/// Since when the one of a lane's queued tasks waits that has waited longest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LaneWait {
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) since: Timestamp,
}

/// A file of a task.
#[derive(Clone, Debug)]
pub(crate) struct TaskFile {
    pub(crate) task: TaskId,
    pub(crate) kind: Kind,
    pub(crate) role: FileRole,
    pub(crate) name: String,
    pub(crate) file: Upload,
}

/// What was removed, so that the files can go too.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    pub(crate) tasks: Vec<(TaskId, u32)>,
    pub(crate) files: Vec<FileId>,
}

/// How far a walk over files came.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) removed: Vec<FileId>,
    /// The last that was looked at.
    pub(crate) last: Option<FileId>,
    /// Whether there may be more after it.
    pub(crate) more: bool,
}

/// An ended task, as far as pruning looks at it.
#[derive(Clone, Debug)]
pub(crate) struct Oldest {
    pub(crate) id: TaskId,
    pub(crate) ended_at: Timestamp,
}

/// How many tasks a list has, by status, as far as one request may look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    /// Where it stopped, if there may be more.
    pub(crate) cursor: Option<String>,
}

/// What a task's removal asks for.
#[derive(Clone, Debug)]
pub(crate) enum RemoveWhich {
    /// These tasks, if they have ended.
    Tasks(Vec<TaskId>),
    /// Tasks that said themselves when they go, by now.
    OwnTime(Timestamp),
    /// Ended tasks of a list.
    Matching(Box<ListQuery>),
}

/// What other nodes did, as far as this one is to look at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Something may be claimed.
    pub(crate) queued: bool,
    /// Something has a time.
    pub(crate) due: bool,
    /// A schedule has another time.
    pub(crate) schedules: bool,
    /// A running task is to stop, or a lane is held back or let go.
    pub(crate) running: bool,
    /// A task changed, or its log grew.
    pub(crate) tasks: bool,
}

impl Heard {
    /// Everything: nobody listened for a while.
    pub(crate) fn all() -> Self {
        Self { queued: true, due: true, schedules: true, running: true, tasks: true }
    }
}
