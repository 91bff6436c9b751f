//! The store: what is durable, behind one trait. An adapter keeps rows and transactions; what may happen to a task
//! is decided by [`taskdeck_core::decide`] and nowhere else.

mod change;
pub(crate) mod choose;
mod claim;
mod control;
mod effect;
mod error;
mod news;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod record;
mod rollup;
mod schedules;
pub(crate) mod sqlite;
mod values;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use taskdeck_core::{
    Attempt, Batch, BatchId, Bucket, Counts, DeckId, FileId, Kind, ListQuery, LogPage, Notice, OpenQuestion,
    Rate, SessionId, Stats, Status, TaskId, Timestamp, Upload, UserId,
};

pub(crate) use change::{Applied, Change, Extra, StoredAnswer};
pub(crate) use claim::{Bounds, ClaimRequest, Claimed, KindRoom, PartitionRoom, QueueRoom};
pub(crate) use control::{Control, Said, Scope, SessionRow};
pub(crate) use error::StoreError;
pub(crate) use news::News;
pub(crate) use record::{Moved, NewTask, Options, Record};
pub(crate) use schedules::{Pace, Pause, ScheduleStore, StoredSchedule};
pub(crate) use values::{
    FileRole, Heard, LaneCount, LaneWait, LogWrite, Oldest, Payload, ProgressWrite, RemoveWhich, Removed,
    StartOutcome, StoreInfo, Tally, TaskFile, Walked,
};

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

    /// Tells other nodes that something ended of what a limit holds back: one of them may take the next.
    fn room_freed(&self) {}

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

    /// As [`Store::start`], in a transaction of the program's own on the store's file.
    fn start_in_file(&self, _: &rusqlite::Connection, _: &NewTask) -> Result<StartOutcome, StoreError> {
        Err(StoreError::Database("only a SQLite file takes this kind of transaction".to_owned()))
    }

    /// Those of these tasks that there are when no transaction of the program's own is open on the store's file. An error
    /// while one is.
    async fn get_after_others(&self, ids: Vec<TaskId>) -> Result<Vec<Record>, StoreError> {
        self.get_many(ids).await
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

    /// Writes what a node says of itself, where others may ask for it.
    async fn say(&self, _session: SessionId, _said: Said) -> Result<(), StoreError> {
        Ok(())
    }

    /// How much of a lane's rate is used over all nodes, and the time of its clock in microseconds.
    async fn rate_used(&self, _scope: Scope, _name: String) -> Result<(Bucket, u64), StoreError> {
        Ok((Bucket::default(), 0))
    }

    /// Takes so many starts of what a user has earned over all nodes, all or none; else the microseconds until there are so
    /// many. None where the node is the only one, and counts for itself.
    async fn take_starts(
        &self,
        _user: &UserId,
        _starts: usize,
        _rate: Rate,
    ) -> Result<Option<Result<(), u64>>, StoreError> {
        Ok(None)
    }

    /// Adds a session.
    async fn join(&self, session: SessionRow) -> Result<(), StoreError>;

    /// All sessions.
    async fn sessions(&self) -> Result<Vec<SessionRow>, StoreError>;

    /// The sessions that hold running tasks, whether or not they are known.
    async fn holders(&self) -> Result<Vec<SessionId>, StoreError>;

    /// The running tasks that a session holds, each with the token of its claim.
    async fn held_by(
        &self,
        session: SessionId,
    ) -> Result<Vec<(TaskId, taskdeck_core::LeaseToken)>, StoreError> {
        let running = self.running(usize::MAX).await?;
        let held = running.iter().filter_map(|record| Some((record.id, record.machine.state.lease()?)));
        Ok(held.filter(|(_, lease)| lease.session == session).map(|(id, lease)| (id, lease.token)).collect())
    }

    /// Pauses and limits.
    async fn controls(&self) -> Result<Vec<Control>, StoreError>;

    /// How often they were changed, where many nodes share them: a claim gets nothing that names another number than it is
    /// now. Asked for before [`Store::controls`], so that what is known is not older.
    async fn controls_version(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

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

    /// Replaces the params of a failed task, and the uploads that they name by those; false when it is not failed any more.
    async fn set_params(
        &self,
        id: TaskId,
        kind_version: u32,
        params: String,
        uploads: Vec<(String, FileId)>,
    ) -> Result<bool, StoreError>;

    /// Writes progress behind; what is not held by its claim any more is passed over.
    async fn save_progress(&self, writes: Vec<ProgressWrite>) -> Result<(), StoreError>;

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

    /// That of each of these tasks whose log has lines.
    async fn last_log_seqs(&self, ids: Vec<TaskId>) -> Result<HashMap<TaskId, u64>, StoreError> {
        let mut found = HashMap::new();
        for id in ids {
            found.insert(id, self.last_log_seq(id).await?);
        }
        Ok(found)
    }

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

    /// What became of a user's tasks and what these told, the last of each first, at most so many of each. What tasks
    /// started themselves is told of by them: their endings are not among it, what they told is.
    async fn news(&self, user: UserId, limit: u32) -> Result<News, StoreError>;

    /// When a user last looked at what happened while they were away.
    async fn last_look(&self, user: UserId) -> Result<Option<Timestamp>, StoreError>;

    /// Notes that a user looked; one that is earlier than the last changes nothing.
    async fn note_look(&self, user: UserId, at: Timestamp) -> Result<(), StoreError>;

    /// A secret of the deck; `fresh` becomes it when there is none yet.
    async fn secret(&self, name: &'static str, fresh: String) -> Result<String, StoreError>;

    /// What is noted under this name, if something is.
    async fn noted(&self, name: &'static str) -> Result<Option<String>, StoreError>;

    /// Whether it is this node's turn to do what one node is enough for: nobody has had it for so long.
    async fn has_turn(&self, _at: &'static str, _every: Duration) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Leaves a turn to whoever comes next.
    async fn end_turn(&self, _at: &'static str) -> Result<(), StoreError> {
        Ok(())
    }

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

    /// Looks at up to `max` files in the order of their ids, beginning after `from`, and forgets those that no task refers
    /// to and that are older than `before`.
    async fn remove_loose_files(
        &self,
        before: Timestamp,
        from: Option<FileId>,
        max: usize,
    ) -> Result<Walked, StoreError>;

    /// Looks at the bytes of up to `max` files that were begun before a time, in the order of their ids, beginning after
    /// `from`, and removes those that never became files, where the store keeps bytes: whoever wrote them is dead.
    async fn remove_stray_bytes(
        &self,
        _before: Timestamp,
        _from: Option<FileId>,
        _max: usize,
    ) -> Result<Walked, StoreError> {
        Ok(Walked::default())
    }

    /// Copies the whole database to a new file, while work goes on.
    async fn backup_to(&self, path: &Path) -> Result<(), StoreError>;

    /// Writes out what waits and stops the store's threads.
    async fn close(&self);
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod conformance_schedules;
