//! The store: what is durable, behind one trait. An adapter keeps rows and transactions; what may happen to a task
//! is decided by [`taskdeck_core::decide`] and nowhere else.

pub(crate) mod choose;
mod claim;
mod control;
mod effect;
mod error;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod record;
mod rollup;
mod schedules;
pub(crate) mod sqlite;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use taskdeck_core::{
    Attempt, Batch, BatchId, Counts, DeckId, ErrorInfo, Event, FileId, Kind, ListQuery, LogLine, LogPage,
    Notice, OpenQuestion, Progress, Question, Refused, Rev, SessionId, Stats, Status, TaskId, Timestamp,
    Upload, UserId,
};

pub(crate) use claim::{Bounds, ClaimRequest, Claimed, KindRoom, PartitionRoom, QueueRoom};
pub(crate) use control::{Control, Scope, SessionRow};
pub(crate) use error::StoreError;
pub(crate) use record::{Moved, NewTask, Options, Record};
pub(crate) use schedules::{Pace, Pause, ScheduleStore, StoredSchedule};

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

/// Something that happens to a task, with what is to be stored if it is accepted.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) id: TaskId,
    pub(crate) event: Event,
    pub(crate) now: Timestamp,
    pub(crate) extra: Extra,
    /// The task as the caller knows it. When the store still has that version, it need not read the task first.
    pub(crate) known: Option<Arc<Record>>,
}

impl Change {
    pub(crate) fn new(id: TaskId, event: Event, now: Timestamp) -> Self {
        Self { id, event, now, extra: Extra::default(), known: None }
    }
}

/// What is stored with a change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra {
    /// The error of the attempt that ended.
    pub(crate) error: Option<ErrorInfo>,
    /// Its detail, for those who look for the fault.
    pub(crate) detail: Option<String>,
    /// The stored result (JSON of `StoredResult`).
    pub(crate) result: Option<String>,
    /// The last progress.
    pub(crate) progress: Option<Progress>,
    /// The last label.
    pub(crate) label: Option<String>,
    /// The log lines not stored yet.
    pub(crate) log: Vec<LogLine>,
    /// Which worker the attempt ran on.
    pub(crate) worker: Option<String>,
    /// The question that it asks.
    pub(crate) question: Option<Question>,
    /// The answer to its question.
    pub(crate) answer: Option<StoredAnswer>,
}

/// An answer as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredAnswer {
    pub(crate) approved: bool,
    /// What was filled in: a JSON object.
    pub(crate) fields: String,
    pub(crate) by: Option<UserId>,
}

/// What became of a change.
#[derive(Debug)]
pub(crate) enum Applied {
    /// The task is now this; before it had that status. With it changed those that depend on it.
    Changed(Box<Record>, Status, Vec<Moved>),
    /// All was so already.
    Unchanged(Box<Record>),
    /// The machine refused it; the task is as it was.
    Refused(Refused, Box<Record>),
    /// A person's retry of a task whose key another active task has.
    KeyActive { key: String, holder: TaskId },
    /// A person's retry of a task that runs after one that did not complete.
    DependencyFailed(TaskId),
    /// There is no such task.
    Missing,
}

/// Progress to be written behind: only if the task is still held by this claim.
#[derive(Debug)]
pub(crate) struct ProgressWrite {
    pub(crate) id: TaskId,
    pub(crate) token: taskdeck_core::LeaseToken,
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
    pub(crate) token: taskdeck_core::LeaseToken,
    pub(crate) lines: Vec<LogLine>,
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

/// What Taskdeck needs of a database. Every write is durable when it returns; callers that wait at the same time
/// share one commit.
#[async_trait]
pub(crate) trait Store: ScheduleStore {
    /// The deck that this store is.
    fn deck_id(&self) -> DeckId;

    /// Whether other nodes work on it too.
    fn is_shared(&self) -> bool {
        false
    }

    /// Waits until other nodes did something that this one is to look at. Some of it may be lost: then it is seen when
    /// the node looks by itself.
    async fn heard(&self) -> Heard {
        std::future::pending().await
    }

    /// How many milliseconds the store's clock is before this machine's.
    async fn clock_ahead_ms(&self) -> Result<i64, StoreError> {
        Ok(0)
    }

    /// Starts tasks. A known id, and a key that an active task of the kind has, answer that task.
    async fn start(&self, tasks: Vec<NewTask>) -> Result<Vec<StartOutcome>, StoreError>;

    /// As [`Store::start`], in a transaction of the program's own: what is started is there when that is committed.
    #[cfg(feature = "postgres")]
    async fn start_in(
        &self,
        _transaction: &mut sqlx_postgres::PgConnection,
        _tasks: Vec<NewTask>,
    ) -> Result<Vec<StartOutcome>, StoreError> {
        Err(StoreError::Database("only on PostgreSQL are tasks started in a transaction".to_owned()))
    }

    /// Claims queued tasks, the most urgent first.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claimed>, StoreError>;

    /// Applies what happened to tasks, each decided by the machine from the stored state.
    async fn apply(&self, changes: Vec<Change>) -> Result<Vec<Applied>, StoreError>;

    /// Does what time brings: scheduled tasks become due, waiting ones expire, questions time out.
    async fn due(&self, now: Timestamp, max: usize) -> Result<Vec<Moved>, StoreError>;

    /// When [`Store::due`] next has something to do.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Takes the running tasks of a dead session away from it, and forgets the session.
    async fn rescue(&self, session: SessionId, now: Timestamp) -> Result<Vec<Moved>, StoreError>;

    /// As [`Store::rescue`], if the session's counter still stands at `beat` (none: if it is not known). `None` when it
    /// does not: then the session lives.
    async fn rescue_dead(
        &self,
        session: SessionId,
        beat: Option<u64>,
        now: Timestamp,
    ) -> Result<Option<Vec<Moved>>, StoreError>;

    /// Writes that a session lives. False when it was taken for dead and forgotten.
    async fn beat(&self, session: SessionId, beat: u64) -> Result<bool, StoreError>;

    /// Adds a session.
    async fn join(&self, session: SessionRow) -> Result<(), StoreError>;

    /// All sessions.
    async fn sessions(&self) -> Result<Vec<SessionRow>, StoreError>;

    /// The sessions that hold running tasks, whether or not they are known.
    async fn holders(&self) -> Result<Vec<SessionId>, StoreError>;

    /// Pauses and limits.
    async fn controls(&self) -> Result<Vec<Control>, StoreError>;

    /// Sets a pause or limits.
    async fn set_control(&self, control: Control) -> Result<(), StoreError>;

    /// Adds a batch and starts its tasks, in one commit.
    async fn start_batch(&self, batch: Batch, tasks: Vec<NewTask>) -> Result<Vec<StartOutcome>, StoreError>;

    /// A batch as it is now.
    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError>;

    /// What a task asked, the last question first.
    async fn questions(&self, id: TaskId) -> Result<Vec<OpenQuestion>, StoreError>;

    /// The tasks that a task runs after.
    async fn after(&self, id: TaskId) -> Result<Vec<TaskId>, StoreError>;

    /// Replaces the params of a failed task; false when it is not failed any more.
    async fn set_params(&self, id: TaskId, kind_version: u32, params: String) -> Result<bool, StoreError>;

    /// Writes progress behind; what is not held by its claim any more is passed over.
    async fn save_progress(&self, writes: Vec<ProgressWrite>) -> Result<(), StoreError>;

    /// How many changes of progress there were when it was last written behind, of tasks that run on any node: what
    /// orders their states for those who watch from elsewhere.
    async fn ticks(&self, _ids: Vec<TaskId>) -> Result<HashMap<TaskId, u32>, StoreError> {
        Ok(HashMap::new())
    }

    /// Stores a checkpoint; false when the lease is lost.
    async fn checkpoint(
        &self,
        id: TaskId,
        token: taskdeck_core::LeaseToken,
        value: String,
    ) -> Result<bool, StoreError>;

    /// Stores log lines; which of them. Those of an attempt that does not hold its task any more are not.
    async fn append_logs(&self, logs: Vec<LogWrite>) -> Result<Vec<bool>, StoreError>;

    /// Removes tasks that have ended, at most `max`; never one that has not, nor one that such a one runs after.
    async fn remove(&self, which: RemoveWhich, max: usize) -> Result<Removed, StoreError>;

    /// Up to `max` ended tasks of a status and kind in the order of their creation, beginning after `from`: what
    /// pruning walks.
    async fn oldest(
        &self,
        status: Status,
        kind: String,
        from: Option<TaskId>,
        max: usize,
    ) -> Result<Vec<Oldest>, StoreError>;

    /// The task of this id.
    async fn get(&self, id: TaskId) -> Result<Option<Record>, StoreError>;

    /// Those of the tasks that exist.
    async fn get_many(&self, ids: Vec<TaskId>) -> Result<Vec<Record>, StoreError>;

    /// A page of tasks, newest first, and where the next begins.
    async fn list(&self, query: ListQuery) -> Result<(Vec<Record>, Option<String>), StoreError>;

    /// How many tasks a list has; looks at so many rows as a page does, and no more.
    async fn tally(&self, query: ListQuery) -> Result<Tally, StoreError>;

    /// The params of tasks, in their order; nothing for those that are gone, and for what is too large for a line.
    async fn params(&self, ids: Vec<TaskId>) -> Result<Vec<String>, StoreError>;

    /// Why nothing can be written at the moment, if that is so.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// How many tasks there are by status, from counters.
    async fn counts(&self) -> Result<Counts, StoreError>;

    /// The counters themselves: how many tasks of each queue and kind have each status.
    async fn lane_counts(&self) -> Result<Vec<LaneCount>, StoreError>;

    /// What and where the store is, and how large.
    fn info(&self) -> StoreInfo;

    /// The longest wait of each queue and kind that has queued tasks.
    async fn waits(&self) -> Result<Vec<LaneWait>, StoreError>;

    /// The running tasks, whoever runs them; at most `max`.
    async fn running(&self, max: usize) -> Result<Vec<Record>, StoreError>;

    /// What happened from `since` until `now`, from the rollups, in steps.
    async fn stats(
        &self,
        kind: Option<Kind>,
        since: Timestamp,
        now: Timestamp,
        step_ms: Option<u64>,
    ) -> Result<Stats, StoreError>;

    /// Forgets the rollups of minutes before this one, at most `max`; how many.
    async fn remove_rollups(&self, before: Timestamp, max: usize) -> Result<usize, StoreError>;

    /// How many tasks there are by status, counted anew: what the counters must equal.
    #[cfg(test)]
    async fn recount(&self) -> Result<Counts, StoreError>;

    /// A task's params, result and checkpoint.
    async fn payload(&self, id: TaskId) -> Result<Option<Payload>, StoreError>;

    /// A task's ended attempts, the last first.
    async fn attempts(&self, id: TaskId) -> Result<Vec<Attempt>, StoreError>;

    /// Stored log lines after `since`.
    async fn log(&self, id: TaskId, since: u64, limit: u32) -> Result<LogPage, StoreError>;

    /// The `seq` of the last stored log line; 0 for none.
    async fn last_log_seq(&self, id: TaskId) -> Result<u64, StoreError>;

    /// Stores what the attempt that holds the task wants somebody to know, and gives its `seq`; `None` when the lease is
    /// lost. It is no change of the task: its version stays.
    async fn notify(
        &self,
        id: TaskId,
        token: taskdeck_core::LeaseToken,
        at: Timestamp,
        text: String,
    ) -> Result<Option<u64>, StoreError>;

    /// A task's notices after `since`, in order.
    async fn notices(&self, id: TaskId, since: u64, limit: u32) -> Result<Vec<Notice>, StoreError>;

    /// When a user last looked at what happened while they were away.
    async fn last_look(&self, user: UserId) -> Result<Option<Timestamp>, StoreError>;

    /// Notes that a user looked; one that is earlier than the last changes nothing.
    async fn note_look(&self, user: UserId, at: Timestamp) -> Result<(), StoreError>;

    /// A secret of the deck; `fresh` becomes it when there is none yet.
    async fn secret(&self, name: &'static str, fresh: String) -> Result<String, StoreError>;

    /// Notes a stored file that no task refers to yet.
    async fn add_file(&self, file: Upload, now: Timestamp) -> Result<(), StoreError>;

    /// Those of the files that exist.
    async fn files(&self, ids: Vec<FileId>) -> Result<Vec<Upload>, StoreError>;

    /// Makes a file an artifact of a task, in place of one of the same name, whose id is returned.
    async fn add_artifact(
        &self,
        task: TaskId,
        file: Upload,
        now: Timestamp,
    ) -> Result<Option<FileId>, StoreError>;

    /// The files of a task, or of all tasks.
    async fn task_files(&self, task: Option<TaskId>) -> Result<Vec<TaskFile>, StoreError>;

    /// Keeps the bytes of a finished file where all nodes have them; they are at this path already.
    async fn put_file(&self, _id: FileId, _from: &Path) -> Result<(), StoreError> {
        Ok(())
    }

    /// Writes the bytes of a file that another node keeps to this path; false when there are none.
    async fn get_file(&self, _id: FileId, _to: &Path) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Forgets files that no task refers to and that are older than `before`.
    async fn remove_loose_files(&self, before: Timestamp) -> Result<Vec<FileId>, StoreError>;

    /// Copies the whole database to a new file, while work goes on.
    async fn backup_to(&self, path: &Path) -> Result<(), StoreError>;

    /// Writes out what waits and stops the store's threads.
    async fn close(&self);
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod conformance_schedules;
