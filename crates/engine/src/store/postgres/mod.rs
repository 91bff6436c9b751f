//! The PostgreSQL store: many nodes on one database.
//!
//! Every verb is a short transaction of few statements, however many tasks it is about. All of it runs on a small
//! runtime of the store's own, so that a program whose runtime is blocked still moves its heartbeat, and a caller that
//! goes away leaves no transaction half done.

mod change;
mod claim;
mod control;
mod deltas;
mod fault;
mod files;
mod follow;
mod group;
mod list;
mod looks;
mod notices;
mod open;
#[cfg(test)]
mod plans;
mod read;
mod remove;
mod rows;
mod schedules;
mod signal;
mod start;
#[cfg(test)]
pub(crate) mod testing;
mod work;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx_core::connection::Connection;
use sqlx_postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use taskdeck_core::{
    Attempt, Batch, BatchId, Counts, DeckId, FileId, Kind, LeaseToken, ListQuery, LogPage, Notice,
    OpenQuestion, SessionId, Stats, Status, TaskId, Timestamp, Upload, UserId,
};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Notify;

use super::{
    Applied, Change, ClaimRequest, Claimed, Control, Heard, LaneCount, LaneWait, LogWrite, Moved, NewTask,
    Oldest, Payload, ProgressWrite, Record, RemoveWhich, Removed, SessionRow, StartOutcome, Store,
    StoreError, StoreInfo, Tally, TaskFile,
};
use crate::BuildError;
use fault::Fault;
use group::Group;
use signal::Signal;
use work::Work;

/// How many connections a node has: these, and one for the heartbeat, which must not wait for the others.
const CONNECTIONS: u32 = 10;
/// How often a transaction is run again because others were in its way, or its connection was lost before its commit.
const TRIES: u32 = 12;
/// How long a verb may take in all, a dead network included.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long what transactions add up may wait to be folded.
const FOLD_AFTER: Duration = Duration::from_millis(500);
const DESCRIBE_EVERY: Duration = Duration::from_secs(60);

/// A store in a PostgreSQL database.
pub(crate) struct PostgresStore {
    shared: Arc<Shared>,
    starts: Group<NewTask, StartOutcome>,
    changes: Group<Change, Applied>,
    handle: Handle,
    /// Taken when the store is dropped.
    runtime: Option<Runtime>,
}

struct Shared {
    pool: PgPool,
    beats: PgPool,
    deck_id: DeckId,
    signal: Arc<Signal>,
    /// Something was added that can be folded.
    to_fold: Notify,
    info: Mutex<StoreInfo>,
    /// Why the last transaction did not reach the server, until one does.
    trouble: Mutex<Option<String>>,
    shown: String,
}

/// Runs a body in a transaction, perhaps again after others were in the way. What is named is shared between the runs.
macro_rules! commit {
    ($store:expr, $work:ident, [$($shared:ident),*], $body:expr) => {{
        $(let $shared = std::sync::Arc::new($shared);)*
        $store
            .write(move |$work| {
                $(let $shared = std::sync::Arc::clone(&$shared);)*
                Box::pin(async move { $body })
            })
            .await
    }};
}
use commit;

/// Reads with a connection of the pool, perhaps again when that was lost.
macro_rules! look {
    ($store:expr, $conn:ident, [$($shared:ident),*], $body:expr) => {{
        $(let $shared = std::sync::Arc::new($shared);)*
        $store
            .read(move |$conn| {
                $(let $shared = std::sync::Arc::clone(&$shared);)*
                Box::pin(async move { $body })
            })
            .await
    }};
}

/// A few connections to a database whose schema is that of this version, for a copy.
pub(crate) async fn open_pool(url: &str) -> Result<PgPool, BuildError> {
    let options: PgConnectOptions =
        url.parse().map_err(|error: sqlx_core::Error| open::failed("postgres", &error))?;
    let shown = shown(&options);
    let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(PATIENCE / 2);
    let pool = pool.connect_with(options).await.map_err(|error| open::failed(&shown, &error))?;
    open::migrate(&pool, &shown).await?;
    Ok(pool)
}

/// Folds all that transactions have added up.
pub(crate) async fn fold_all(pool: &PgPool) -> Result<(), StoreError> {
    loop {
        let mut tx = pool.begin().await.map_err(Fault::from)?;
        let more = deltas::fold(&mut tx).await?;
        tx.commit().await.map_err(Fault::from)?;
        if !more {
            return Ok(());
        }
    }
}

/// Writes the bytes of a file to a new file; false when it is not known.
pub(crate) async fn fetch_file(pool: &PgPool, id: FileId, to: &Path) -> Result<bool, StoreError> {
    Ok(files::get(pool, id, to).await?)
}

/// Keeps the bytes of a file.
pub(crate) async fn keep_file(pool: &PgPool, id: FileId, from: &Path) -> Result<(), StoreError> {
    Ok(files::put(pool, id, from).await?)
}

/// Where a database is, without the password.
fn shown(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("{database} on {}:{}", options.get_host(), options.get_port())
}

impl PostgresStore {
    /// Connects to the database, and makes what is missing of the schema `taskdeck` in it.
    pub(crate) fn open(url: &str) -> Result<Self, BuildError> {
        let options: PgConnectOptions =
            url.parse().map_err(|error: sqlx_core::Error| open::failed("postgres", &error))?;
        let options = options.application_name("taskdeck");
        let shown = shown(&options);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("taskdeck-postgres")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let shared = handle.spawn(connect(options, shown));
        let shared =
            futures::executor::block_on(shared).map_err(|error| BuildError::Answer(error.to_string()))?;
        let shared = Arc::new(shared?);
        let of_starts = Arc::clone(&shared);
        let starts = Group::spawn(&handle, move |tasks| {
            let shared = Arc::clone(&of_starts);
            Box::pin(async move {
                let run = shared.transaction(move |work| {
                    let tasks = Arc::clone(&tasks);
                    Box::pin(async move { start::start(work, &tasks).await })
                });
                patient(run).await
            })
        });
        let of_changes = Arc::clone(&shared);
        let changes = Group::spawn(&handle, move |changes| {
            let shared = Arc::clone(&of_changes);
            Box::pin(async move {
                let run = shared.transaction(move |work| {
                    let changes = Arc::clone(&changes);
                    Box::pin(async move { change::apply(work, &changes).await })
                });
                patient(run).await
            })
        });
        for of_loop in [Shared::send, Shared::listen, Shared::fold, Shared::describe] {
            handle.spawn(of_loop(Arc::clone(&shared)));
        }
        Ok(Self { shared, starts, changes, handle, runtime: Some(runtime) })
    }

    async fn write<R, F>(&self, run: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'w, 'c> Fn(&'w mut Work<'c>) -> BoxFuture<'w, Result<R, Fault>> + Send + Sync + 'static,
    {
        let shared = Arc::clone(&self.shared);
        self.on_own(async move { shared.transaction(run).await }).await
    }

    async fn read<R, F>(&self, run: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<R, Fault>> + Send + Sync + 'static,
    {
        let shared = Arc::clone(&self.shared);
        self.on_own(async move { look(&shared.pool, run).await }).await
    }

    /// Runs on the store's own runtime, to its end, also when the caller goes away.
    async fn on_own<R: Send + 'static>(
        &self,
        verb: impl Future<Output = Result<R, Fault>> + Send + 'static,
    ) -> Result<R, StoreError> {
        Ok(self.handle.spawn(patient(verb)).await.map_err(|_| StoreError::Closed)??)
    }
}

async fn patient<R>(verb: impl Future<Output = Result<R, Fault>>) -> Result<R, Fault> {
    let done = tokio::time::timeout(PATIENCE, verb).await;
    done.unwrap_or(Err(Fault::Database(sqlx_core::Error::PoolTimedOut)))
}

async fn connect(options: PgConnectOptions, shown: String) -> Result<Shared, BuildError> {
    let failed = |error: sqlx_core::Error| open::failed(&shown, &error);
    // A pool says only that it waited in vain; this says why.
    let first = PgConnection::connect_with(&options).await.map_err(failed)?;
    first.close().await.map_err(failed)?;
    // A connection that was lost is found when it is used; asking before each use would double the way.
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
    let pool = pool.acquire_timeout(PATIENCE / 2).connect_with(options.clone()).await.map_err(failed)?;
    let beats = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let beats = beats.acquire_timeout(PATIENCE / 6).connect_lazy_with(options);
    let deck_id = open::migrate(&pool, &shown).await?;
    let (text, bytes) = open::describe(&pool, &shown).await.map_err(failed)?;
    let info = Mutex::new(StoreInfo { text, bytes: Some(bytes) });
    Ok(Shared {
        pool,
        beats,
        deck_id,
        signal: Arc::new(Signal::new()),
        to_fold: Notify::new(),
        info,
        trouble: Mutex::default(),
        shown,
    })
}

async fn look<R, F>(pool: &PgPool, run: F) -> Result<R, Fault>
where
    F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<R, Fault>>,
{
    let mut tries = 0;
    loop {
        let mut conn = pool.acquire().await?;
        match run(&mut conn).await {
            Err(fault) if fault.is_lost() && tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

impl Shared {
    async fn transaction<R, F>(&self, run: F) -> Result<R, Fault>
    where
        F: for<'w, 'c> Fn(&'w mut Work<'c>) -> BoxFuture<'w, Result<R, Fault>>,
    {
        let mut tries = 0;
        loop {
            let fault = match self.once(&run).await {
                Ok((value, tx, news)) => {
                    // From here on a lost connection does not say whether it is done.
                    let committed = tx.commit().await.map_err(Fault::from);
                    self.note(committed.as_ref().err());
                    committed?;
                    self.to_fold.notify_one();
                    self.signal.committed(news);
                    if let Some(wait) = news.look_again {
                        self.signal.hear_after(wait);
                    }
                    return Ok(value);
                }
                Err(fault) => fault,
            };
            if !(fault.is_clash() || fault.is_lost()) || tries >= TRIES {
                self.note(Some(&fault));
                return Err(fault);
            }
            tries += 1;
            tracing::debug!(?fault, tries, "a transaction is run again");
            // Those who were in each other's way do not come back in the same moment.
            let chance = crate::clock::random();
            tokio::time::sleep(Duration::from_millis(5 * u64::from(tries)).mul_f64(chance)).await;
        }
    }

    /// Notes whether the server takes what is written.
    fn note(&self, fault: Option<&Fault>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            None => *trouble = None,
            Some(Fault::Database(error)) if fault.is_some_and(|fault| !fault.is_of_one()) => {
                *trouble = Some(error.to_string());
            }
            // It is about what was asked for, not about the server.
            Some(_) => {}
        }
    }

    /// All of a transaction but its commit.
    async fn once<R, F>(
        &self,
        run: &F,
    ) -> Result<(R, sqlx_postgres::PgTransaction<'static>, signal::News), Fault>
    where
        F: for<'w, 'c> Fn(&'w mut Work<'c>) -> BoxFuture<'w, Result<R, Fault>>,
    {
        let mut tx = self.pool.begin().await?;
        let mut work = Work::new(&mut tx);
        let value = run(&mut work).await?;
        work.finish().await?;
        let news = work.news;
        Ok((value, tx, news))
    }

    fn send(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.signal.send(&self.pool).await })
    }

    fn listen(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.signal.listen(&self.pool).await })
    }

    /// Folds what was added, when something was: an idle node asks nothing.
    fn fold(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            while !self.pool.is_closed() {
                self.to_fold.notified().await;
                tokio::time::sleep(FOLD_AFTER).await;
                if let Err(error) = self.fold_all().await
                    && !self.pool.is_closed()
                {
                    tracing::warn!(%error, "the counters could not be folded; it is tried again");
                }
            }
        })
    }

    async fn fold_all(&self) -> Result<(), sqlx_core::Error> {
        loop {
            let mut tx = self.pool.begin().await?;
            let more = match deltas::fold(&mut tx).await {
                Ok(more) => more,
                Err(Fault::Database(error)) => return Err(error),
                Err(Fault::Unreadable { what, why }) => {
                    return Err(sqlx_core::Error::Decode(format!("{what}: {why}").into()));
                }
            };
            tx.commit().await?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Keeps what is told about the store true, and the table of progress small.
    fn describe(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            while !self.pool.is_closed() {
                tokio::time::sleep(DESCRIBE_EVERY).await;
                if let Ok(mut conn) = self.pool.acquire().await
                    && let Err(fault) = notices::remove_progress(&mut conn).await
                {
                    tracing::debug!(?fault, "the progress of ended attempts stays for another minute");
                }
                if let Ok((text, bytes)) = open::describe(&self.pool, &self.shown).await {
                    let info = StoreInfo { text, bytes: Some(bytes) };
                    *self.info.lock().unwrap_or_else(PoisonError::into_inner) = info;
                }
            }
        })
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Dropping it would wait, which a program's runtime does not allow.
            runtime.shutdown_background();
        }
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn deck_id(&self) -> DeckId {
        self.shared.deck_id
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn heard(&self) -> Heard {
        self.shared.signal.heard().await
    }

    async fn clock_ahead_ms(&self) -> Result<i64, StoreError> {
        look!(self, conn, [], open::clock_ahead_ms(conn).await)
    }

    async fn start(&self, tasks: Vec<NewTask>) -> Result<Vec<StartOutcome>, StoreError> {
        self.starts.call(tasks).await
    }

    async fn start_in(
        &self,
        transaction: &mut PgConnection,
        tasks: Vec<NewTask>,
    ) -> Result<Vec<StartOutcome>, StoreError> {
        let mut work = Work::new(transaction);
        let outcomes = start::start(&mut work, &tasks).await?;
        work.finish().await?;
        let news = work.news;
        self.shared.signal.committing(work.conn(), news).await?;
        Ok(outcomes)
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<Claimed>, StoreError> {
        // Most looks find nothing, and need no transaction for it.
        let lanes = look!(self, conn, [], claim::lanes(conn).await)?;
        if !lanes.iter().any(|lane| request.kinds.iter().any(|kind| kind.kind.as_str() == lane.kind)) {
            return Ok(Vec::new());
        }
        commit!(self, work, [request, lanes], claim::claim(work, &request, &lanes).await)
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<Vec<Applied>, StoreError> {
        self.changes.call(changes).await
    }

    async fn due(&self, now: Timestamp, max: usize) -> Result<Vec<Moved>, StoreError> {
        commit!(self, work, [], change::due(work, now, max).await)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        look!(self, conn, [], read::next_due(conn).await)
    }

    async fn rescue(&self, session: SessionId, now: Timestamp) -> Result<Vec<Moved>, StoreError> {
        commit!(self, work, [], change::rescue(work, session, now).await)
    }

    async fn rescue_dead(
        &self,
        session: SessionId,
        beat: Option<u64>,
        now: Timestamp,
    ) -> Result<Option<Vec<Moved>>, StoreError> {
        commit!(self, work, [], change::rescue_dead(work, session, beat, now).await)
    }

    async fn beat(&self, session: SessionId, beat: u64) -> Result<bool, StoreError> {
        let shared = Arc::clone(&self.shared);
        self.on_own(async move {
            look(&shared.beats, move |conn| control::beat(conn, session, beat).boxed()).await
        })
        .await
    }

    async fn join(&self, session: SessionRow) -> Result<(), StoreError> {
        look!(self, conn, [session], control::join(conn, &session).await)
    }

    async fn sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        look!(self, conn, [], control::sessions(conn).await)
    }

    async fn holders(&self) -> Result<Vec<SessionId>, StoreError> {
        look!(self, conn, [], control::holders(conn).await)
    }

    async fn controls(&self) -> Result<Vec<Control>, StoreError> {
        look!(self, conn, [], control::controls(conn).await)
    }

    async fn set_control(&self, control: Control) -> Result<(), StoreError> {
        commit!(self, work, [control], {
            work.news.running = true;
            control::set_control(work.conn(), &control).await
        })
    }

    async fn start_batch(&self, batch: Batch, tasks: Vec<NewTask>) -> Result<Vec<StartOutcome>, StoreError> {
        commit!(self, work, [batch, tasks], start::start_batch(work, &batch, &tasks).await)
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        look!(self, conn, [], control::batch(conn, id).await)
    }

    async fn questions(&self, id: TaskId) -> Result<Vec<OpenQuestion>, StoreError> {
        look!(self, conn, [], control::questions(conn, id).await)
    }

    async fn after(&self, id: TaskId) -> Result<Vec<TaskId>, StoreError> {
        look!(self, conn, [], control::after(conn, id).await)
    }

    async fn set_params(&self, id: TaskId, kind_version: u32, params: String) -> Result<bool, StoreError> {
        commit!(self, work, [params], change::set_params(work, id, kind_version, &params).await)
    }

    async fn save_progress(&self, writes: Vec<ProgressWrite>) -> Result<(), StoreError> {
        commit!(self, work, [writes], {
            work.news.tasks = true;
            notices::save_progress(work.conn(), &writes).await
        })
    }

    async fn ticks(&self, ids: Vec<TaskId>) -> Result<HashMap<TaskId, u32>, StoreError> {
        look!(self, conn, [ids], notices::ticks(conn, &ids).await)
    }

    async fn checkpoint(&self, id: TaskId, token: LeaseToken, value: String) -> Result<bool, StoreError> {
        look!(self, conn, [value], notices::checkpoint(conn, id, token, &value).await)
    }

    async fn append_logs(&self, logs: Vec<LogWrite>) -> Result<Vec<bool>, StoreError> {
        commit!(self, work, [logs], notices::append_logs(work, &logs).await)
    }

    async fn remove(&self, which: RemoveWhich, max: usize) -> Result<Removed, StoreError> {
        commit!(self, work, [which], remove::remove(work, &which, max).await)
    }

    async fn oldest(
        &self,
        status: Status,
        kind: String,
        from: Option<TaskId>,
        max: usize,
    ) -> Result<Vec<Oldest>, StoreError> {
        look!(self, conn, [kind], read::oldest(conn, status, &kind, from, max).await)
    }

    async fn get(&self, id: TaskId) -> Result<Option<Record>, StoreError> {
        look!(self, conn, [], Ok(rows::find(conn, &[id]).await?.pop()))
    }

    async fn get_many(&self, ids: Vec<TaskId>) -> Result<Vec<Record>, StoreError> {
        look!(self, conn, [ids], rows::find(conn, &ids).await)
    }

    async fn list(&self, list: ListQuery) -> Result<(Vec<Record>, Option<String>), StoreError> {
        look!(self, conn, [list], list::page(conn, &list).await)
    }

    async fn tally(&self, list: ListQuery) -> Result<Tally, StoreError> {
        look!(self, conn, [list], list::tally(conn, &list).await)
    }

    async fn params(&self, ids: Vec<TaskId>) -> Result<Vec<String>, StoreError> {
        look!(self, conn, [ids], read::params(conn, &ids).await)
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        look!(self, conn, [], control::counts(conn).await)
    }

    async fn lane_counts(&self) -> Result<Vec<LaneCount>, StoreError> {
        look!(self, conn, [], control::lane_counts(conn).await)
    }

    fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn info(&self) -> StoreInfo {
        self.shared.info.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn waits(&self) -> Result<Vec<LaneWait>, StoreError> {
        look!(self, conn, [], read::waits(conn).await)
    }

    async fn running(&self, max: usize) -> Result<Vec<Record>, StoreError> {
        look!(self, conn, [], read::running(conn, max).await)
    }

    async fn stats(
        &self,
        kind: Option<Kind>,
        since: Timestamp,
        now: Timestamp,
        step_ms: Option<u64>,
    ) -> Result<Stats, StoreError> {
        look!(self, conn, [kind], deltas::stats(conn, (*kind).as_ref(), since, now, step_ms).await)
    }

    async fn remove_rollups(&self, before: Timestamp, max: usize) -> Result<usize, StoreError> {
        commit!(self, work, [], deltas::remove_rollups(work.conn(), before, max).await)
    }

    #[cfg(test)]
    async fn recount(&self) -> Result<Counts, StoreError> {
        look!(self, conn, [], control::recount(conn).await)
    }

    async fn payload(&self, id: TaskId) -> Result<Option<Payload>, StoreError> {
        look!(self, conn, [], read::payload(conn, id).await)
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<Attempt>, StoreError> {
        look!(self, conn, [], read::attempts(conn, id).await)
    }

    async fn log(&self, id: TaskId, since: u64, limit: u32) -> Result<LogPage, StoreError> {
        look!(self, conn, [], read::log(conn, id, since, limit).await)
    }

    async fn last_log_seq(&self, id: TaskId) -> Result<u64, StoreError> {
        look!(self, conn, [], read::last_log_seq(conn, id).await)
    }

    async fn notify(
        &self,
        id: TaskId,
        token: LeaseToken,
        at: Timestamp,
        text: String,
    ) -> Result<Option<u64>, StoreError> {
        commit!(self, work, [text], {
            work.news.tasks = true;
            notices::add(work.conn(), id, token, at, &text).await
        })
    }

    async fn notices(&self, id: TaskId, since: u64, limit: u32) -> Result<Vec<Notice>, StoreError> {
        look!(self, conn, [], read::notices(conn, id, since, limit).await)
    }

    async fn last_look(&self, user: UserId) -> Result<Option<Timestamp>, StoreError> {
        look!(self, conn, [user], looks::last(conn, &user).await)
    }

    async fn note_look(&self, user: UserId, at: Timestamp) -> Result<(), StoreError> {
        commit!(self, work, [user], looks::note(work.conn(), &user, at).await)
    }

    async fn secret(&self, name: &'static str, fresh: String) -> Result<String, StoreError> {
        look!(self, conn, [fresh], notices::secret(conn, name, &fresh).await)
    }

    async fn add_file(&self, file: Upload, now: Timestamp) -> Result<(), StoreError> {
        commit!(self, work, [file], files::add(work.conn(), &file, now).await)
    }

    async fn files(&self, ids: Vec<FileId>) -> Result<Vec<Upload>, StoreError> {
        look!(self, conn, [ids], read::files(conn, &ids).await)
    }

    async fn add_artifact(
        &self,
        task: TaskId,
        file: Upload,
        now: Timestamp,
    ) -> Result<Option<FileId>, StoreError> {
        commit!(self, work, [file], files::add_artifact(work.conn(), task, &file, now).await)
    }

    async fn task_files(&self, task: Option<TaskId>) -> Result<Vec<TaskFile>, StoreError> {
        look!(self, conn, [], read::task_files(conn, task).await)
    }

    async fn put_file(&self, id: FileId, from: &Path) -> Result<(), StoreError> {
        let (shared, from) = (Arc::clone(&self.shared), from.to_owned());
        // As long as it takes: it is not one statement, but one for each chunk.
        let put = self.handle.spawn(async move { files::put(&shared.pool, id, &from).await });
        Ok(put.await.map_err(|_| StoreError::Closed)??)
    }

    async fn get_file(&self, id: FileId, to: &Path) -> Result<bool, StoreError> {
        let (shared, to) = (Arc::clone(&self.shared), to.to_owned());
        let got = self.handle.spawn(async move { files::get(&shared.pool, id, &to).await });
        Ok(got.await.map_err(|_| StoreError::Closed)??)
    }

    async fn remove_loose_files(&self, before: Timestamp) -> Result<Vec<FileId>, StoreError> {
        commit!(self, work, [], files::remove_loose(work.conn(), before).await)
    }

    async fn backup_to(&self, _path: &Path) -> Result<(), StoreError> {
        let how = "a PostgreSQL database is backed up with its own tools, such as pg_dump";
        Err(StoreError::Database(how.to_owned()))
    }

    async fn close(&self) {
        let shared = Arc::clone(&self.shared);
        let closed = self.on_own(async move {
            shared.beats.close().await;
            shared.pool.close().await;
            Ok(())
        });
        if let Err(error) = closed.await {
            tracing::warn!(%error, "the connections to the database did not end well");
        }
    }
}
