//! The PostgreSQL store: many nodes on one database.
//!
//! Every verb is a short transaction of few statements, however many tasks it is about. All of it runs on a small
//! runtime of the store's own, so that a program whose runtime is blocked still moves its heartbeat, and a caller that
//! goes away leaves no transaction half done.

mod begin;
#[cfg(test)]
mod budget;
mod care;
mod change;
mod claim;
mod control;
mod copying;
mod deltas;
mod fault;
mod files;
mod follow;
mod group;
mod held;
mod list;
mod looks;
mod meta;
mod notices;
mod open;
#[cfg(test)]
mod plans;
mod pool;
mod query;
mod read;
mod remove;
mod rows;
mod schedules;
mod signal;
mod start;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tls;
mod verbs;
mod work;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx_core::connection::{ConnectOptions, Connection};
use sqlx_core::sql_str::SqlSafeStr;
use sqlx_postgres::{PgConnectOptions, PgConnection, PgTransaction};
use taskdeck_core::DeckId;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Notify;

use super::{Applied, Change, Heard, NewTask, StoreError, StoreInfo};
use crate::{BuildError, Durability};
use begin::Begun;
pub(crate) use copying::CopyAccess;
use fault::Fault;
use group::Group;
use pool::{Distrust, Pool};
use signal::Signal;
use work::{Asked, Work};

/// The connections of a node that are not for its work: the one of the heartbeat, which must not wait for the others,
/// and the one that listens.
const APART: usize = 2;
/// How often a transaction is run again because others were in its way, or its connection was lost before its commit.
const TRIES: u32 = 12;
/// How long a verb may take in all, a dead network included.
const PATIENCE: Duration = Duration::from_secs(45);
/// In the URL: behind a pooler that gives a connection to a transaction and not to a client.
const POOLER: &str = "statement-cache-capacity=0";
/// How long a transaction, or a read, may take before its connection is taken for dead and it is run again.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// How long a heartbeat may take. Shorter than any lease should be, so that a dead connection costs no lease.
const BEATS_WITHIN: Duration = Duration::from_secs(4);
/// A node that went away in the middle of a transaction holds rows that others want to rescue; the server lets go of
/// them then. It gives up a statement before we do, so that it does not go on with what nobody waits for, and soon one that
/// waits for somebody else's transaction.
const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s';
    SET LOCAL statement_timeout = '15s'; SET LOCAL lock_timeout = '2s'";
/// How long what transactions add up may wait to be folded.
const FOLD_AFTER: Duration = Duration::from_millis(500);

/// A store in a PostgreSQL database.
pub(crate) struct PostgresStore {
    shared: Arc<Shared>,
    /// Those that nothing but their ids can keep from being new, and the others.
    plain_starts: Group<NewTask, Begun>,
    starts: Group<NewTask, Begun>,
    changes: Group<Change, Applied>,
    handle: Handle,
    /// Taken when the store is dropped.
    runtime: Option<Runtime>,
}

struct Shared {
    pool: Pool,
    beats: Pool,
    /// Where the server is, for the connection that listens.
    options: PgConnectOptions,
    /// There is a pooler in between, and listening would be in vain.
    pooler: bool,
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

/// Where a database is, without the password.
fn shown(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("{database} on {}:{}", options.get_host(), options.get_port())
}

impl PostgresStore {
    /// Connects to the database, and makes what is missing of the schema `taskdeck` in it.
    pub(crate) fn open(url: &str, connections: usize, durability: Durability) -> Result<Self, BuildError> {
        let options: PgConnectOptions =
            url.parse().map_err(|error: sqlx_core::Error| open::failed("postgres", &error))?;
        // The driver would tell of each statement that takes a second, with all of its text; the server can do that too.
        let options = options.application_name("taskdeck").disable_statement_logging();
        let shown = shown(&options);
        let pooler = url.contains(POOLER);
        // A session behind a pooler is everybody's, and poolers refuse what they do not know.
        let options = match durability {
            Durability::Normal if !pooler => options.options([("synchronous_commit", "off")]),
            _ => options,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("taskdeck-postgres")
            .on_thread_start(move || {
                if pooler {
                    query::prepare_nothing();
                }
            })
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let most = u32::try_from(connections.saturating_sub(APART)).unwrap_or(u32::MAX).max(1);
        let shared = handle.spawn(connect(options, most, pooler, shown));
        let shared =
            futures::executor::block_on(shared).map_err(|error| BuildError::Answer(error.to_string()))?;
        let shared = Arc::new(shared?);
        let of_plain = Arc::clone(&shared);
        let plain_starts = Group::spawn(&handle, move |tasks| {
            let shared = Arc::clone(&of_plain);
            Box::pin(async move { patient(shared.start_plain(tasks)).await })
        });
        let of_starts = Arc::clone(&shared);
        let starts = Group::spawn(&handle, move |tasks| {
            let shared = Arc::clone(&of_starts);
            Box::pin(async move { patient(shared.start_free(tasks)).await })
        });
        let of_changes = Arc::clone(&shared);
        let changes = Group::spawn(&handle, move |changes| {
            let shared = Arc::clone(&of_changes);
            Box::pin(async move {
                let run = shared.grouped(move |work| {
                    let changes = Arc::clone(&changes);
                    Box::pin(async move { change::apply(work, &changes).await })
                });
                patient(run).await
            })
        });
        for of_loop in [Shared::send, Shared::listen, Shared::fold, Shared::care] {
            handle.spawn(of_loop(Arc::clone(&shared)));
        }
        Ok(Self { shared, plain_starts, starts, changes, handle, runtime: Some(runtime) })
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

async fn connect(
    options: PgConnectOptions,
    most: u32,
    pooler: bool,
    shown: String,
) -> Result<Shared, BuildError> {
    let failed = |error: sqlx_core::Error| open::failed(&shown, &error);
    // A pool says only that it waited in vain; this says why.
    let mut first = PgConnection::connect_with(&options).await.map_err(failed)?;
    let deck_id = open::migrate(&mut first, &shown).await?;
    let mut tx = first.begin().await.map_err(failed)?;
    let (text, bytes) = open::describe(&mut tx, &shown).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    first.close().await.map_err(failed)?;
    let info = Mutex::new(StoreInfo { text, bytes: Some(bytes) });
    let distrust = Distrust::default();
    Ok(Shared {
        pool: Pool::new(options.clone(), most, ANSWERS_WITHIN, distrust.clone(), pooler),
        beats: Pool::new(options.clone(), 1, BEATS_WITHIN, distrust, pooler),
        options,
        pooler,
        deck_id,
        signal: Arc::new(Signal::new()),
        to_fold: Notify::new(),
        info,
        trouble: Mutex::default(),
        shown,
    })
}

async fn begin(conn: &mut PgConnection) -> Result<PgTransaction<'_>, sqlx_core::Error> {
    conn.begin_with(BEGIN.into_sql_str()).await
}

async fn fold_some(conn: &mut PgConnection) -> Result<bool, Fault> {
    let mut tx = begin(conn).await?;
    let more = deltas::fold(&mut tx).await?;
    tx.commit().await?;
    Ok(more)
}

async fn look_with<R, F>(pool: &Pool, run: F) -> Result<R, Fault>
where
    F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<R, Fault>>,
{
    let mut tries = 0;
    loop {
        match pool.with(&run).await {
            Err(fault) if (fault.is_lost() || fault.is_held_up()) && tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

impl Shared {
    /// A transaction that is run again when others were in its way.
    async fn transaction<R, F>(&self, run: F) -> Result<R, Fault>
    where
        F: for<'w, 'c> Fn(&'w mut Work<'c>) -> BoxFuture<'w, Result<R, Fault>>,
    {
        self.run(run, |fault| fault.is_clash() || fault.is_lost() || fault.is_held_up()).await
    }

    /// As [`Shared::transaction`], of many callers: when it is somebody else's transaction that one of them waits for, the
    /// others go on without it.
    async fn grouped<R, F>(&self, run: F) -> Result<R, Fault>
    where
        F: for<'w, 'c> Fn(&'w mut Work<'c>) -> BoxFuture<'w, Result<R, Fault>>,
    {
        self.run(run, |fault| fault.is_clash() || fault.is_lost()).await
    }

    async fn run<R, F>(&self, run: F, again: impl Fn(&Fault) -> bool) -> Result<R, Fault>
    where
        F: for<'w, 'c> Fn(&'w mut Work<'c>) -> BoxFuture<'w, Result<R, Fault>>,
    {
        let mut tries = 0;
        loop {
            let mut commits = false;
            let fault = match self.once(&run, &mut commits).await {
                Ok((value, news)) => {
                    self.committed(news);
                    return Ok(value);
                }
                Err(fault) => fault,
            };
            // Of a commit a lost connection does not say whether it is made.
            if commits || !again(&fault) || tries >= TRIES {
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

    /// Tells of a transaction that was made.
    fn committed(&self, news: signal::News) {
        self.note(None);
        self.to_fold.notify_one();
        self.signal.committed(news);
        if news.stale {
            self.look_at_controls();
        }
        if let Some(wait) = news.look_again {
            self.signal.hear_after(wait);
        }
    }

    fn look_at_controls(&self) {
        self.signal.hear(Heard { running: true, ..Heard::default() });
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

    /// A transaction; `commits` is set when all of it but the commit is done.
    async fn once<R, F>(&self, run: &F, commits: &mut bool) -> Result<(R, signal::News), Fault>
    where
        F: for<'w, 'c> Fn(&'w mut Work<'c>) -> BoxFuture<'w, Result<R, Fault>>,
    {
        let mut conn = self.pool.take().await?;
        let asked = Asked::now();
        let all = async {
            let mut tx = begin(&mut conn).await?;
            let mut work = Work::new(&mut tx, asked.clone());
            let value = run(&mut work).await?;
            work.finish().await?;
            let news = work.news;
            *commits = true;
            asked.again();
            tx.commit().await?;
            Ok((value, news))
        };
        let done = tokio::time::timeout(self.pool.answers_within(), all).await;
        conn.used(done, asked.at())
    }

    fn send(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.signal.send(&self.pool).await })
    }

    fn listen(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if !self.pooler {
                self.signal.listen(&self.pool, &self.options).await;
            }
        })
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

    async fn fold_all(&self) -> Result<(), StoreError> {
        loop {
            let mut conn = self.pool.take().await.map_err(Fault::from)?;
            let began = Instant::now();
            let done = tokio::time::timeout(ANSWERS_WITHIN, fold_some(&mut conn)).await;
            if !conn.used(done, began)? {
                return Ok(());
            }
        }
    }

    /// Keeps the store in order, and what is told about it true.
    fn care(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            while !self.pool.is_closed() {
                tokio::time::sleep(care::EVERY).await;
                if let Err(fault) = care::care(&self.pool).await
                    && !self.pool.is_closed()
                {
                    let error = StoreError::from(fault);
                    tracing::warn!(%error, "the progress of ended attempts stays for another minute");
                }
                let shown = self.shown.clone();
                let described =
                    self.pool.with(|conn| async move { Ok(open::describe(conn, &shown).await?) }.boxed());
                if let Ok((text, bytes)) = described.await {
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
