//! The connections of a node, and what becomes of those from which nothing is heard any more.
//!
//! A connection whose other end is gone without a word (a cut cable, a firewall that forgot it, a server that moved)
//! is only silent, for as long as the operating system likes. So whoever uses one waits for so long and then leaves it,
//! and with it all that were made before: they went the same way.
//!
//! A server that is only slow ends a statement itself before that, and says so; then nothing is wrong with the way to it.
//! So a use is silent when it has taken too long, and its last statement longer than the server would let it.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx_core::Error;
use sqlx_core::pool::PoolConnection;
use sqlx_core::raw_sql::raw_sql;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, Postgres};

use super::fault::Fault;

/// How long a connection that is given back may take to say that it is well.
const WELL_WITHIN: Duration = Duration::from_secs(5);
/// How long a statement waits for what another transaction holds.
const LOCKS_WITHIN: Duration = Duration::from_secs(2);

/// Those connections that were made before this are not used any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Distrust(Arc<Mutex<Option<Instant>>>);

impl Distrust {
    fn of_all_until_now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn is_of(&self, age: Duration) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| age >= since.elapsed())
    }
}

/// Some connections to the same server.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pool: PgPool,
    answers_within: Duration,
    distrust: Distrust,
    /// A pooler gives each transaction another session.
    pooler: bool,
}

impl Pool {
    /// So many connections at the most, made when they are needed. A use of one may take so long; what several pools of
    /// a node share is whom they distrust.
    pub(super) fn new(
        options: PgConnectOptions,
        most: u32,
        answers_within: Duration,
        distrust: Distrust,
        pooler: bool,
    ) -> Self {
        let known = distrust.clone();
        // A connection that was lost is found when it is used; asking before each use would double the way.
        let pool = PgPoolOptions::new().max_connections(most).test_before_acquire(false);
        let pool = pool.acquire_timeout(answers_within).before_acquire(move |_, of| {
            let trusted = !known.is_of(of.age);
            Box::pin(async move { Ok(trusted) })
        });
        let limits = session_limits(answers_within);
        let pool = pool.after_connect(move |conn, _| {
            // Behind a pooler each transaction says it for itself.
            let limits = (!pooler).then(|| limits.clone());
            Box::pin(async move {
                match limits {
                    Some(limits) => raw_sql(AssertSqlSafe(limits)).execute(conn).await.map(drop),
                    None => Ok(()),
                }
            })
        });
        Self { pool: pool.connect_lazy_with(options), answers_within, distrust, pooler }
    }

    /// Those of a pool that is used otherwise too.
    pub(super) fn of(pool: PgPool, answers_within: Duration) -> Self {
        Self { pool, answers_within, distrust: Distrust::default(), pooler: false }
    }

    /// A connection, when there is one.
    pub(super) async fn take(&self) -> Result<Lent, Error> {
        Ok(Lent { conn: Some(self.pool.acquire().await?), of: self.clone() })
    }

    /// Uses a connection for one thing. When it is silent for too long, that is an error of the way to the server.
    pub(super) async fn with<R>(
        &self,
        run: impl for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<R, Fault>>,
    ) -> Result<R, Fault> {
        let mut conn = self.take().await?;
        let all = async {
            if !self.pooler {
                return run(&mut conn).await;
            }
            let mut tx = super::begin(&mut conn).await?;
            let value = run(&mut tx).await?;
            tx.commit().await?;
            Ok(value)
        };
        let began = Instant::now();
        let done = tokio::time::timeout(self.answers_within, all).await;
        conn.used(done, began)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs until the pool is closed, and no longer.
    pub(super) async fn until_closed<R>(
        &self,
        run: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        self.pool.close_event().do_until(run).await?
    }

    pub(super) fn answers_within(&self) -> Duration {
        self.answers_within
    }
}

/// How long the server may take for a statement: less than anybody waits for it.
fn statement_within(answers_within: Duration) -> Duration {
    answers_within * 3 / 4
}

fn session_limits(answers_within: Duration) -> String {
    let (statement, lock) = (statement_within(answers_within).as_millis(), LOCKS_WITHIN.as_millis());
    format!("SET statement_timeout = {statement}; SET lock_timeout = {lock}")
}

/// A connection of a pool.
pub(super) struct Lent {
    /// Taken when it is given back, or left.
    conn: Option<PoolConnection<Postgres>>,
    of: Pool,
}

impl Lent {
    /// What a use came to, which may have been given up, and whose last statement was sent then.
    pub(super) fn used<R>(
        mut self,
        done: Result<Result<R, Fault>, tokio::time::error::Elapsed>,
        asked: Instant,
    ) -> Result<R, Fault> {
        let fault = match done {
            Ok(Err(fault)) if fault.is_demoted() => {
                tracing::warn!("the database takes no writes any more; its connections are made anew");
                self.of.distrust.of_all_until_now();
                fault
            }
            Ok(done) => return done,
            Err(elapsed) if asked.elapsed() >= statement_within(self.of.answers_within) => {
                tracing::warn!("the database has not answered for long; its connections are made anew");
                self.of.distrust.of_all_until_now();
                silent(elapsed)
            }
            Err(_) => {
                tracing::warn!("the database is slow: a transaction took too long and is given up");
                Fault::slow()
            }
        };
        if let Some(conn) = self.conn.take() {
            // Not given back, which it would have to answer for, but dropped.
            drop(conn.detach());
        }
        Err(fault)
    }
}

fn silent(elapsed: tokio::time::error::Elapsed) -> Fault {
    Fault::Database(Error::Io(io::Error::new(io::ErrorKind::TimedOut, elapsed)))
}

impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.conn.as_deref().expect("it is there until it is given back")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.conn.as_deref_mut().expect("it is there until it is given back")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(mut conn) = self.conn.take() {
            let back = conn.return_to_pool();
            tokio::spawn(async move {
                // Its place in the pool is free again when this is given up.
                drop(tokio::time::timeout(WELL_WITHIN, back).await);
            });
        }
    }
}

#[cfg(test)]
mod tests;
