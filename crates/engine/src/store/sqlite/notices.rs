//! What bodies want somebody to know, and the store's own secrets.

use rusqlite::{Connection, OptionalExtension};
use taskdeck_core::{LeaseToken, Notice, TaskId, Timestamp};

use super::rows::{blob, time};
use super::work_error::WorkError;
use super::writer::Tx;

/// Adds a notice of the attempt that holds the task; gives its `seq`. `None` when another holds it, or nobody.
pub(super) fn add(
    tx: &Tx<'_, '_>,
    id: TaskId,
    token: LeaseToken,
    at: Timestamp,
    text: &str,
) -> Result<Option<u64>, WorkError> {
    let task = blob(id.as_uuid());
    let mut next = tx.conn.prepare_cached(
        "UPDATE tasks SET notice_seq = notice_seq + 1 WHERE id = ?1 AND token = ?2 RETURNING notice_seq, user",
    )?;
    let found = next.query_row((task, token.0), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((seq, user)): Option<(u64, Option<String>)> = found else { return Ok(None) };
    tx.conn
        .prepare_cached("INSERT INTO notices (task, seq, at, text, user) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((task, seq, at.as_millis(), text, user))?;
    Ok(Some(seq))
}

/// The notices after `since`, in order.
pub(super) fn since(conn: &Connection, id: TaskId, since: u64, limit: u32) -> Result<Vec<Notice>, WorkError> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, at, text FROM notices WHERE task = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let since = i64::try_from(since).unwrap_or(i64::MAX);
    let found = statement.query_map((blob(id.as_uuid()), since, limit), |row| {
        Ok(Notice { seq: row.get(0)?, at: time(row, 1)?.unwrap_or_default(), text: row.get(2)? })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// What is noted under this name.
pub(super) fn noted(conn: &Connection, name: &str) -> Result<Option<String>, WorkError> {
    let mut statement = conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

/// The secret of this name: `fresh` when there is none yet.
pub(super) fn secret(tx: &Tx<'_, '_>, name: &str, fresh: &str) -> Result<String, WorkError> {
    tx.conn
        .prepare_cached("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute((name, fresh))?;
    let mut statement = tx.conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0))?)
}
