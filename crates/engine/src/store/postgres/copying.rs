//! A copy of a whole deck, from this kind of store or to it, and what keeps it and nodes apart.
//!
//! Every node has the lock of the database, shared with the others; a copy that must not see any of them takes it for
//! itself. A node has it as long as the connection of its heartbeat lives; behind a pooler, where a session is nobody's, for
//! the moment of each beat only, which finds the copy. A copy has it in a transaction that stays open, which a pooler gives
//! a connection of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::FutureExt;
use sha2::{Digest, Sha256};
use sqlx_core::connection::{ConnectOptions, Connection};
use sqlx_core::raw_sql::raw_sql;
use sqlx_core::row::Row;
use sqlx_postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use taskdeck_core::FileId;

use super::fault::Fault;
use super::pool::{Distrust, Pool};
use super::query::{query, unprepared};
use super::work::{Asked, Work};
use super::{PATIENCE, POOLER, change, deltas, files, open};
use crate::BuildError;
use crate::store::StoreError;

/// What nodes have together, and a copy alone.
const LOCK: i64 = 0x7461_736b_636f_7079;
/// How long a node waits that finds a copy when it starts.
const PATIENT: &str = "SET LOCAL lock_timeout = '3s'";
/// How often a copy tries: it must not wait in line, or the nodes behind it could not beat.
const TRIES: u32 = 15;
const TRY_EVERY: Duration = Duration::from_millis(200);
/// How often a copy looks whether it is still alone.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// How many tasks are told of others in one transaction.
const SETTLED: usize = 500;

/// What a node is told that finds a copy.
pub(super) const IN_PROGRESS: &str =
    "the deck is being copied, and no node may work on it until that is done";

/// What a copy of a database works with.
pub(crate) struct CopyAccess {
    pool: PgPool,
    /// For the bytes of files, which are many transactions.
    bytes: Pool,
    options: PgConnectOptions,
    pooler: bool,
    /// The connection whose transaction has the lock, and when that was last seen.
    alone: Option<(PgConnection, Instant)>,
}

impl CopyAccess {
    /// Connects to a database, whose schema is then that of this version.
    pub(crate) async fn open(url: &str) -> Result<Self, BuildError> {
        let options: PgConnectOptions =
            url.parse().map_err(|error: sqlx_core::Error| open::failed("postgres", &error))?;
        let options = options.application_name("taskdeck copy").disable_statement_logging();
        let (shown, pooler) = (super::shown(&options), url.contains(POOLER));
        let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(PATIENCE / 2);
        let pool = pool.connect_with(options.clone()).await.map_err(|error| open::failed(&shown, &error))?;
        let mut conn = pool.acquire().await.map_err(|error| open::failed(&shown, &error))?;
        unprepared(pooler, open::migrate(&mut conn, &shown)).await?;
        drop(conn);
        let bytes = if pooler {
            Pool::new(options.clone(), 1, PATIENCE, Distrust::default(), pooler)
        } else {
            Pool::of(pool.clone(), PATIENCE)
        };
        Ok(Self { pool, bytes, options, pooler, alone: None })
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Whether no statement may be kept prepared, and each must be in a transaction.
    pub(crate) fn is_pooled(&self) -> bool {
        self.pooler
    }

    /// Takes the lock. When nodes have it, or another copy, who: connections of the server.
    pub(crate) async fn be_alone(&mut self) -> Result<Option<Holders>, sqlx_core::Error> {
        let mut conn = PgConnection::connect_with(&self.options).await?;
        // It is silent for as long as the copy takes.
        raw_sql("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0").execute(&mut conn).await?;
        for tried in 1..=TRIES {
            let lock = query("SELECT pg_try_advisory_xact_lock($1)").persistent(false).bind(LOCK);
            if lock.fetch_one(&mut conn).await?.try_get(0)? {
                self.alone = Some((conn, Instant::now()));
                return Ok(None);
            }
            if tried < TRIES {
                tokio::time::sleep(TRY_EVERY).await;
            }
        }
        let held = query(
            "SELECT coalesce(string_agg(pid::text, ', ' ORDER BY pid), ''), coalesce(bool_or(mode = 'ExclusiveLock'), false)
             FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::bigint = $1::bigint >> 32
                 AND objid::bigint = $1::bigint & 4294967295
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        );
        let row = held.persistent(false).bind(LOCK).fetch_one(&mut conn).await?;
        let holders = Holders { connections: row.try_get(0)?, copy: row.try_get(1)? };
        conn.close().await?;
        Ok(Some(holders))
    }

    /// An error when it was alone and is not any more, so far as that was looked at: now, or a while ago.
    pub(crate) async fn still_alone(&mut self, now: bool) -> Result<(), sqlx_core::Error> {
        if let Some((conn, seen)) = &mut self.alone
            && (now || seen.elapsed() > LOOK_EVERY)
        {
            raw_sql("SELECT 1").execute(&mut *conn).await?;
            *seen = Instant::now();
        }
        Ok(())
    }

    /// Lets nodes work on it again.
    pub(crate) async fn end(&mut self) -> Result<(), sqlx_core::Error> {
        match self.alone.take() {
            Some((conn, _)) => conn.close().await,
            None => Ok(()),
        }
    }

    /// Folds all that transactions have added up.
    pub(crate) async fn fold_all(&self) -> Result<(), StoreError> {
        let fold = async {
            loop {
                let mut tx = self.pool.begin().await.map_err(Fault::from)?;
                let more = deltas::fold(&mut tx).await?;
                tx.commit().await.map_err(Fault::from)?;
                if !more {
                    return Ok(());
                }
            }
        };
        unprepared(self.pooler, fold).await
    }

    /// Tells tasks that a program's own transaction started after others what became of those, where no node has done it
    /// since the commit: the copy may have no place to note it.
    pub(crate) async fn settle_all(&self) -> Result<(), StoreError> {
        let settle = async {
            loop {
                let mut tx = self.pool.begin().await.map_err(Fault::from)?;
                let mut work = Work::new(&mut tx, Asked::now());
                let more = change::settle(&mut work, crate::clock::system(), SETTLED).await?;
                work.finish().await?;
                tx.commit().await.map_err(Fault::from)?;
                if !more {
                    return Ok(());
                }
            }
        };
        unprepared(self.pooler, settle).await
    }

    /// Writes the bytes of a file to a new file; false when it is not known.
    pub(crate) async fn fetch_file(&self, id: FileId, to: &Path) -> Result<bool, StoreError> {
        Ok(unprepared(self.pooler, files::get(&self.bytes, id, to)).await?)
    }

    /// Keeps the bytes of a file, in the place of those that there are.
    pub(crate) async fn keep_file(&self, id: FileId, from: &Path) -> Result<(), StoreError> {
        let keep = async {
            // Of a copy that broke off there may be a part.
            let gone = vec![*id.as_uuid()];
            self.bytes.with(|conn| files::remove_chunks(conn, gone).boxed()).await?;
            files::put(&self.bytes, id, from).await
        };
        Ok(unprepared(self.pooler, keep).await?)
    }

    /// The length of a file's bytes and their SHA-256; a file without bytes has the one of nothing.
    pub(crate) async fn sum_file(&self, id: FileId) -> Result<(u64, [u8; 32]), StoreError> {
        let sum = async {
            let (mut hash, mut size) = (Sha256::new(), 0);
            for n in 0_i32.. {
                let Some(bytes) = files::chunk(&self.bytes, id, n).await? else { break };
                hash.update(&bytes);
                size += bytes.len() as u64;
            }
            Ok::<_, Fault>((size, hash.finalize().into()))
        };
        Ok(unprepared(self.pooler, sum).await?)
    }
}

/// Who has the lock.
#[derive(Debug)]
pub(crate) struct Holders {
    /// The processes of the server that serve them.
    pub(crate) connections: String,
    /// It is another copy.
    pub(crate) copy: bool,
}

/// Takes this node's part of the lock, as long as the connection lives; behind a pooler until the end of the transaction.
/// False when a copy has it.
pub(super) async fn hold(conn: &mut PgConnection, pooler: bool) -> Result<bool, Fault> {
    let sql = if pooler {
        "SELECT pg_try_advisory_xact_lock_shared($1)"
    } else {
        "SELECT pg_try_advisory_lock_shared($1)"
    };
    Ok(query(sql).bind(LOCK).fetch_one(conn).await?.try_get(0)?)
}

/// Whether no copy has the lock, up to the end of the transaction. One that has just broken off may have it for a moment.
pub(super) async fn wait_until_free(conn: &mut PgConnection) -> Result<bool, sqlx_core::Error> {
    raw_sql(PATIENT).execute(&mut *conn).await?;
    match query("SELECT pg_advisory_xact_lock_shared($1)").bind(LOCK).execute(&mut *conn).await {
        // lock_not_available
        Err(sqlx_core::Error::Database(error)) if error.code().as_deref() == Some("55P03") => Ok(false),
        Err(error) => Err(error),
        Ok(_) => raw_sql("SET LOCAL lock_timeout TO DEFAULT").execute(conn).await.map(|_| true),
    }
}

/// Moves a session's counter, and takes the node's part of the lock for a connection that was made since. False when the
/// session is not known, or a copy has the lock.
pub(super) async fn beat(
    conn: &mut PgConnection,
    session: taskdeck_core::SessionId,
    beat: u64,
    pooler: bool,
) -> Result<bool, Fault> {
    let sql = if pooler {
        "UPDATE taskdeck.sessions SET beat = $2 WHERE id = $1 AND pg_try_advisory_xact_lock_shared($3)"
    } else {
        "UPDATE taskdeck.sessions SET beat = $2 WHERE id = $1 AND pg_try_advisory_lock_shared($3)"
    };
    let moved = query(sql).bind(*session.as_uuid()).bind(super::rows::big(beat)).bind(LOCK);
    Ok(moved.execute(conn).await?.rows_affected() == 1)
}
