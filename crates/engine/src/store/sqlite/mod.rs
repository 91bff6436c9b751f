//! The SQLite store: one writing thread with group commit, a small pool of readers, WAL.
//!
//! The memory store is the same on an in-memory database, where the writing thread also reads.

#[cfg(test)]
mod bad_days;
mod change;
mod checkpoints;
mod claim;
mod control;
#[cfg(feature = "postgres")]
mod copying;
mod files;
mod fits;
mod foreign;
mod list;
mod logs;
mod looks;
mod notices;
mod open;
#[cfg(test)]
mod plans;
mod read;
mod remove;
mod rollups;
mod rows;
mod schedules;
mod settle;
mod start;
mod statements;
mod waits;
mod work_error;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};
use taskdeck_core::{
    Attempt, Batch, BatchId, Counts, DeckId, FileId, Kind, LeaseToken, ListQuery, LogPage, Notice,
    OpenQuestion, SessionId, Stats, Status, TaskId, Timestamp, Upload, UserId,
};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{
    Applied, Change, ClaimRequest, Claimed, Control, LaneCount, LaneWait, LogWrite, Moved, NewTask, News,
    Oldest, Payload, ProgressWrite, Record, RemoveWhich, Removed, SessionRow, StartOutcome, Store,
    StoreError, StoreInfo, Tally, TaskFile, Walked,
};
use crate::{BuildError, Durability};
use checkpoints::{Checkpoints, Wal};
#[cfg(feature = "postgres")]
pub(crate) use copying::{Alone, open_alone, open_to_read};
use open::StoreLock;
use work_error::WorkError;
use writer::{Lane, Tx, Writer};

const READERS: usize = 4;

/// A store on a SQLite file, or in memory.
pub(crate) struct SqliteStore {
    deck_id: DeckId,
    /// The file, if it is not in memory.
    path: Option<PathBuf>,
    /// Whether any task runs after another, or once did.
    chained: Arc<AtomicBool>,
    writer: Writer,
    reads: Reads,
    /// What goes when the store is closed: the checkpoint thread ends, and then another engine may open the file.
    held: Mutex<Option<Held>>,
}

struct Held {
    checkpoints: Checkpoints,
    _lock: StoreLock,
}

enum Reads {
    Pool(Pool),
    /// An in-memory database has one connection only.
    ByWriter,
}

struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    room: Semaphore,
}

impl SqliteStore {
    /// Opens the file, or a database in memory when there is none; makes it if it is not there.
    pub(crate) fn open(path: Option<&Path>, durability: Durability) -> Result<Self, BuildError> {
        if let Some(folder) = path.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| BuildError::Store {
                path: folder.display().to_string(),
                why: error.to_string(),
            })?;
        }
        let lock = path.map(StoreLock::acquire).transpose()?;
        let conn = open::writer(path, durability)?;
        open::migrate(&conn, path)?;
        let failed = |error: rusqlite::Error| BuildError::store(path, &error);
        let deck_id = deck_id(&conn).map_err(failed)?;
        let wal = Arc::new(Wal::default());
        let checkpoints =
            path.map(|path| Checkpoints::spawn(path, durability, Arc::clone(&wal))).transpose()?;
        let thread_failed =
            |error: std::io::Error| BuildError::Store { path: "writer".to_owned(), why: error.to_string() };
        let chained = Arc::new(AtomicBool::new(statements::any_chained(&conn)));
        let writer = Writer::spawn(conn, Arc::clone(&chained), move |conn| wal.committed(conn));
        let writer = writer.map_err(thread_failed)?;
        let reads = match path {
            Some(path) => Reads::Pool(Pool {
                path: path.to_owned(),
                idle: Mutex::default(),
                room: Semaphore::new(READERS),
            }),
            None => Reads::ByWriter,
        };
        let held = checkpoints.zip(lock).map(|(checkpoints, _lock)| Held { checkpoints, _lock });
        Ok(Self { deck_id, path: path.map(Path::to_owned), chained, writer, reads, held: Mutex::new(held) })
    }

    async fn write<R, F>(&self, lane: Lane, run: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnMut(&mut Tx<'_, '_>) -> Result<R, WorkError> + Send + 'static,
    {
        self.writer.call(lane, run).await
    }

    async fn read<R, F>(&self, run: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: Fn(&Connection) -> Result<R, WorkError> + Send + 'static,
    {
        match &self.reads {
            Reads::Pool(pool) => pool.read(run).await,
            Reads::ByWriter => self.writer.call(Lane::Control, move |tx| run(tx.conn)).await,
        }
    }
}

impl Pool {
    async fn read<R, F>(&self, run: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: Fn(&Connection) -> Result<R, WorkError> + Send + 'static,
    {
        let _room = self.room.acquire().await.map_err(|_| StoreError::Closed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || {
            let conn = match idle {
                Some(conn) => conn,
                None => open::reader(&path).map_err(WorkError::from)?,
            };
            let value = run(&conn)?;
            Ok::<_, WorkError>((conn, value))
        });
        let (conn, value) = done.await.map_err(|error| StoreError::Database(error.to_string()))??;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        Ok(value)
    }
}

fn deck_id(conn: &Connection) -> rusqlite::Result<DeckId> {
    conn.execute(
        "INSERT INTO meta (name, value) VALUES ('deck_id', ?1) ON CONFLICT DO NOTHING",
        [Uuid::now_v7().to_string()],
    )?;
    let text: Option<String> =
        conn.query_row("SELECT value FROM meta WHERE name = 'deck_id'", [], |row| row.get(0)).optional()?;
    let parsed = text.and_then(|text| text.parse().ok());
    Ok(parsed.unwrap_or_else(|| DeckId::from_uuid(Uuid::nil())))
}

#[async_trait]
impl Store for SqliteStore {
    fn deck_id(&self) -> DeckId {
        self.deck_id
    }

    async fn start(&self, tasks: Vec<NewTask>) -> Result<Vec<StartOutcome>, StoreError> {
        self.write(Lane::Control, move |tx| start::start(tx, &tasks)).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claimed>, StoreError> {
        self.write(Lane::Control, move |tx| claim::claim(tx, &request)).await
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<Vec<Applied>, StoreError> {
        self.write(Lane::Control, move |tx| change::apply(tx, &changes)).await
    }

    async fn due(&self, now: Timestamp, max: usize) -> Result<Vec<Moved>, StoreError> {
        self.write(Lane::Control, move |tx| change::due(tx, now, max)).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(read::next_due).await
    }

    async fn rescue(&self, session: SessionId, now: Timestamp) -> Result<Vec<Moved>, StoreError> {
        self.write(Lane::Control, move |tx| change::rescue(tx, session, now)).await
    }

    async fn rescue_dead(
        &self,
        session: SessionId,
        beat: Option<u64>,
        now: Timestamp,
    ) -> Result<Option<Vec<Moved>>, StoreError> {
        self.write(Lane::Control, move |tx| change::rescue_dead(tx, session, beat, now)).await
    }

    async fn beat(&self, session: SessionId, beat: u64) -> Result<bool, StoreError> {
        self.write(Lane::Control, move |tx| control::beat(tx, session, beat)).await
    }

    async fn join(&self, session: SessionRow) -> Result<(), StoreError> {
        self.write(Lane::Control, move |tx| control::join(tx, &session)).await
    }

    async fn sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.read(control::sessions).await
    }

    async fn holders(&self) -> Result<Vec<SessionId>, StoreError> {
        self.read(control::holders).await
    }

    async fn controls(&self) -> Result<Vec<Control>, StoreError> {
        self.read(control::controls).await
    }

    async fn set_control(&self, control: Control) -> Result<(), StoreError> {
        self.write(Lane::Control, move |tx| control::set_control(tx, &control)).await
    }

    async fn start_batch(&self, batch: Batch, tasks: Vec<NewTask>) -> Result<Vec<StartOutcome>, StoreError> {
        self.write(Lane::Control, move |tx| start::start_batch(tx, &batch, &tasks)).await
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        self.read(move |conn| control::batch(conn, id)).await
    }

    async fn questions(&self, id: TaskId) -> Result<Vec<OpenQuestion>, StoreError> {
        self.read(move |conn| control::questions(conn, id)).await
    }

    async fn after(&self, id: TaskId) -> Result<Vec<TaskId>, StoreError> {
        self.read(move |conn| control::after(conn, id)).await
    }

    async fn set_params(
        &self,
        id: TaskId,
        kind_version: u32,
        params: String,
        uploads: Vec<(String, FileId)>,
    ) -> Result<bool, StoreError> {
        self.write(Lane::Control, move |tx| change::set_params(tx, id, kind_version, &params, &uploads)).await
    }

    async fn oldest(
        &self,
        status: Status,
        kind: String,
        from: Option<TaskId>,
        max: usize,
    ) -> Result<Vec<Oldest>, StoreError> {
        self.read(move |conn| remove::oldest(conn, status, &kind, from, max)).await
    }

    async fn lane_counts(&self) -> Result<Vec<LaneCount>, StoreError> {
        self.read(control::lane_counts).await
    }

    fn trouble(&self) -> Option<String> {
        self.writer.trouble()
    }

    fn info(&self) -> StoreInfo {
        let path = match &self.reads {
            Reads::Pool(pool) => Some(pool.path.as_path()),
            Reads::ByWriter => None,
        };
        read::info(path)
    }

    async fn waits(&self) -> Result<Vec<LaneWait>, StoreError> {
        self.read(waits::longest).await
    }

    async fn running(&self, max: usize) -> Result<Vec<Record>, StoreError> {
        self.read(move |conn| change::select(conn, "WHERE status = 2 LIMIT ?1", [max])).await
    }

    async fn stats(
        &self,
        kind: Option<Kind>,
        since: Timestamp,
        now: Timestamp,
        step_ms: Option<u64>,
    ) -> Result<Stats, StoreError> {
        self.read(move |conn| rollups::stats(conn, kind.as_ref(), since, now, step_ms)).await
    }

    async fn remove_rollups(&self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        self.write(Lane::Bulk, move |tx| rollups::remove(tx, before, max)).await
    }

    async fn save_progress(&self, writes: Vec<ProgressWrite>) -> Result<(), StoreError> {
        self.write(Lane::Bulk, move |tx| change::save_progress(tx, &writes)).await
    }

    async fn checkpoint(&self, id: TaskId, token: LeaseToken, value: String) -> Result<bool, StoreError> {
        self.write(Lane::Control, move |tx| change::checkpoint(tx, id, token, &value)).await
    }

    async fn append_logs(&self, logs: Vec<LogWrite>) -> Result<Vec<bool>, StoreError> {
        let append = move |tx: &mut Tx<'_, '_>| logs.iter().map(|log| logs::append_held(tx, log)).collect();
        self.write(Lane::Bulk, append).await
    }

    async fn remove(&self, which: RemoveWhich, max: usize) -> Result<Removed, StoreError> {
        self.write(Lane::Control, move |tx| remove::remove(tx, &which, max)).await
    }

    async fn get(&self, id: TaskId) -> Result<Option<Record>, StoreError> {
        self.read(move |conn| rows::find(conn, id)).await
    }

    fn start_in_file(&self, conn: &Connection, task: &NewTask) -> Result<StartOutcome, StoreError> {
        match &self.path {
            Some(path) => foreign::start_in(conn, path, &self.chained, task),
            None => Err(StoreError::Database("the deck is in memory, and in no file".to_owned())),
        }
    }

    async fn get_after_others(&self, ids: Vec<TaskId>) -> Result<Vec<Record>, StoreError> {
        // Whoever writes is alone: what another transaction wrote is there by now, or never will be.
        let find = move |tx: &mut Tx<'_, '_>| {
            let found: Result<Vec<_>, _> = ids.iter().map(|id| rows::find(tx.conn, *id)).collect();
            Ok(found?.into_iter().flatten().collect())
        };
        self.write(Lane::Control, find).await
    }

    async fn get_many(&self, ids: Vec<TaskId>) -> Result<Vec<Record>, StoreError> {
        self.read(move |conn| {
            let found: Result<Vec<_>, _> = ids.iter().map(|id| rows::find(conn, *id)).collect();
            Ok(found?.into_iter().flatten().collect())
        })
        .await
    }

    async fn list(&self, query: ListQuery) -> Result<(Vec<Record>, Option<String>), StoreError> {
        self.read(move |conn| list::page(conn, &query)).await
    }

    async fn tally(&self, query: ListQuery) -> Result<Tally, StoreError> {
        self.read(move |conn| list::tally(conn, &query)).await
    }

    async fn params(&self, ids: Vec<TaskId>) -> Result<Vec<String>, StoreError> {
        self.read(move |conn| read::params(conn, &ids)).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(read::counts).await
    }

    #[cfg(test)]
    async fn recount(&self) -> Result<Counts, StoreError> {
        self.read(read::recount).await
    }

    async fn payload(&self, id: TaskId) -> Result<Option<Payload>, StoreError> {
        self.read(move |conn| read::payload(conn, id)).await
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |conn| read::attempts(conn, id)).await
    }

    async fn log(&self, id: TaskId, since: u64, limit: u32) -> Result<LogPage, StoreError> {
        self.read(move |conn| read::log(conn, id, since, limit)).await
    }

    async fn last_log_seq(&self, id: TaskId) -> Result<u64, StoreError> {
        self.read(move |conn| logs::last_seq(conn, id)).await
    }

    async fn notify(
        &self,
        id: TaskId,
        token: LeaseToken,
        at: Timestamp,
        text: String,
    ) -> Result<Option<u64>, StoreError> {
        self.write(Lane::Control, move |tx| notices::add(tx, id, token, at, &text)).await
    }

    async fn notices(&self, id: TaskId, since: u64, limit: u32) -> Result<Vec<Notice>, StoreError> {
        self.read(move |conn| notices::since(conn, id, since, limit)).await
    }

    async fn news(&self, user: UserId, limit: u32) -> Result<News, StoreError> {
        self.read(move |conn| looks::news(conn, &user, limit)).await
    }

    async fn last_look(&self, user: UserId) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |conn| looks::last(conn, &user)).await
    }

    async fn note_look(&self, user: UserId, at: Timestamp) -> Result<(), StoreError> {
        self.write(Lane::Control, move |tx| looks::note(tx, &user, at)).await
    }

    async fn secret(&self, name: &'static str, fresh: String) -> Result<String, StoreError> {
        self.write(Lane::Control, move |tx| notices::secret(tx, name, &fresh)).await
    }

    async fn noted(&self, name: &'static str) -> Result<Option<String>, StoreError> {
        self.read(move |conn| notices::noted(conn, name)).await
    }

    async fn add_file(&self, file: Upload, now: Timestamp) -> Result<(), StoreError> {
        self.write(Lane::Control, move |tx| files::add(tx, &file, now)).await
    }

    async fn files(&self, ids: Vec<FileId>) -> Result<Vec<Upload>, StoreError> {
        self.read(move |conn| read::files(conn, &ids)).await
    }

    async fn add_artifact(
        &self,
        task: TaskId,
        file: Upload,
        now: Timestamp,
    ) -> Result<Option<FileId>, StoreError> {
        self.write(Lane::Control, move |tx| files::add_artifact(tx, task, &file, now)).await
    }

    async fn task_files(&self, task: Option<TaskId>) -> Result<Vec<TaskFile>, StoreError> {
        self.read(move |conn| read::task_files(conn, task)).await
    }

    async fn remove_loose_files(
        &self,
        before: Timestamp,
        from: Option<FileId>,
        max: usize,
    ) -> Result<Walked, StoreError> {
        self.write(Lane::Bulk, move |tx| files::remove_loose(tx, before, from, max)).await
    }

    async fn backup_to(&self, path: &Path) -> Result<(), StoreError> {
        // VACUUM INTO reads one consistent state and cannot run inside a transaction, so not on the writing thread.
        let target = path.to_string_lossy().into_owned();
        let into = move |conn: &Connection| Ok(conn.execute("VACUUM INTO ?1", [&target]).map(|_| ())?);
        match &self.reads {
            Reads::Pool(pool) => pool.read(into).await,
            Reads::ByWriter => Err(StoreError::Database("a store in memory cannot be backed up".to_owned())),
        }
    }

    async fn close(&self) {
        self.writer.close().await;
        if let Reads::Pool(pool) = &self.reads {
            pool.room.close();
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Held { checkpoints, _lock }) = held {
            let thread = checkpoints.stop();
            // The last connection that closes moves the WAL into the file and removes it.
            if !matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(()))) {
                tracing::error!("the checkpoint thread of the store did not end well");
            }
        }
    }
}
