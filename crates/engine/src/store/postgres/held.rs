//! Keys that open transactions of programs hold.
//!
//! Who inserts a key that such a transaction has inserted waits until that is over, however long it stays open, and with
//! it all who share the statement. So the transaction holds an advisory lock too, which others can look at without
//! waiting: what has its key is left out, and tried again for itself.

use sqlx_core::row::Row;
use sqlx_postgres::PgConnection;

use super::claim::hash;
use super::fault::Fault;
use super::query::query;
use crate::store::{NewTask, Record, StartOutcome};

/// The lock of a record's key: two that share one wait for each other, and no more.
fn lock(record: &Record) -> Option<i64> {
    let key = record.key.as_deref()?;
    Some(hash(b's', record.kind.as_str().bytes().chain([0]).chain(key.bytes())))
}

/// Those of a task, and of what is started after it.
fn locks(task: &NewTask, into: &mut Vec<i64>) {
    into.extend(lock(&task.record));
    for then in &task.then {
        locks(then, into);
    }
}

/// Says until the end of the transaction that it holds the keys of these new tasks.
pub(super) async fn hold(conn: &mut PgConnection, started: &[StartOutcome]) -> Result<(), Fault> {
    let new = |outcome: &StartOutcome| match outcome {
        StartOutcome::New(record, also) => {
            let also = also.iter().filter_map(|moved| lock(&moved.record));
            also.chain(lock(record)).collect()
        }
        _ => Vec::new(),
    };
    let mut locks: Vec<i64> = started.iter().flat_map(new).collect();
    if locks.is_empty() {
        return Ok(());
    }
    locks.sort_unstable();
    query("SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) AS k")
        .bind(locks)
        .fetch_all(conn)
        .await?;
    Ok(())
}

/// Which of these tasks have a key that an open transaction holds.
pub(super) async fn are_held(conn: &mut PgConnection, tasks: &[NewTask]) -> Result<Vec<bool>, Fault> {
    let of_task: Vec<Vec<i64>> = tasks
        .iter()
        .map(|task| {
            let mut all = Vec::new();
            locks(task, &mut all);
            all
        })
        .collect();
    let all: Vec<i64> = of_task.iter().flatten().copied().collect();
    let mut held = vec![false; tasks.len()];
    if all.is_empty() {
        return Ok(held);
    }
    let sql =
        "SELECT CASE WHEN pg_try_advisory_lock_shared(k) THEN NOT pg_advisory_unlock_shared(k) ELSE true END
        FROM unnest($1::bigint[]) WITH ORDINALITY AS u(k, n) ORDER BY n";
    let found = query(sql).bind(all).fetch_all(conn).await?;
    let mut found = found.iter();
    for (task, locks) in of_task.iter().enumerate() {
        for row in found.by_ref().take(locks.len()) {
            held[task] |= row.try_get::<bool, _>(0)?;
        }
    }
    Ok(held)
}
