//! When users last looked at what happened while they were away.

use rusqlite::{Connection, OptionalExtension};
use taskdeck_core::{Timestamp, UserId};

use super::work_error::WorkError;
use super::writer::Tx;

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
