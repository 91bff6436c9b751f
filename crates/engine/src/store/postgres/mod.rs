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
mod verbs;
mod work;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx_core::connection::Connection;
use sqlx_postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use taskdeck_core::{DeckId, FileId};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Notify;

use super::{Applied, Change, NewTask, StartOutcome, StoreError, StoreInfo};
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
use look;

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
        self.on_own(async move { look_with(&shared.pool, run).await }).await
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

async fn look_with<R, F>(pool: &PgPool, run: F) -> Result<R, Fault>
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
