//! What happened to users' tasks while they were away, and when they last looked.

use rusqlite::{Connection, OptionalExtension};
use taskdeck_core::{InboxNotice, Timestamp, UserId};

use super::rows::{self, COLUMNS};
use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::News;

pub(super) fn news(conn: &Connection, user: &UserId, limit: u32) -> Result<News, WorkError> {
    let mut ended = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM tasks WHERE user = ?1 AND ended_at IS NOT NULL AND parent IS NULL
         ORDER BY ended_at DESC LIMIT ?2"
    ))?;
    let ended = ended.query_map((user.as_str(), limit), rows::record)?.collect::<rusqlite::Result<_>>()?;
    let mut notices = conn.prepare_cached(
        "SELECT n.task, t.label, n.seq, n.at, n.text FROM notices n JOIN tasks t ON t.id = n.task
         WHERE n.user = ?1 ORDER BY n.at DESC, n.task DESC, n.seq DESC LIMIT ?2",
    )?;
    let notices = notices.query_map((user.as_str(), limit), |row| {
        Ok(InboxNotice {
            task: rows::task_id(row, 0)?,
            label: row.get(1)?,
            seq: row.get(2)?,
            at: rows::time(row, 3)?.unwrap_or_default(),
            text: row.get(4)?,
        })
    })?;
    Ok(News { ended, notices: notices.collect::<rusqlite::Result<_>>()? })
}

pub(super) fn last(conn: &Connection, user: &UserId) -> Result<Option<Timestamp>, WorkError> {
    let mut statement = conn.prepare_cached("SELECT at FROM looks WHERE user = ?1")?;
    let at: Option<i64> = statement.query_row([user.as_str()], |row| row.get(0)).optional()?;
    Ok(at.map(Timestamp::from_millis))
}

/// An earlier look than the one that is known changes nothing.
pub(super) fn note(tx: &Tx<'_, '_>, user: &UserId, at: Timestamp) -> Result<(), WorkError> {
    tx.conn
        .prepare_cached(
            "INSERT INTO looks (user, at) VALUES (?1, ?2)
             ON CONFLICT (user) DO UPDATE SET at = max(at, excluded.at)",
        )?
        .execute((user.as_str(), at.as_millis()))?;
    Ok(())
}
