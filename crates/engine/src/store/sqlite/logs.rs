//! A task's log: lines in chunks.

use taskdeck_core::{LogLine, TaskId};

use super::rows::blob;
use super::work_error::WorkError;
use super::writer::Tx;

pub(super) fn last_seq(conn: &rusqlite::Connection, id: TaskId) -> Result<u64, WorkError> {
    let mut statement = conn
        .prepare_cached("SELECT last_seq FROM log_chunks WHERE task = ?1 ORDER BY first_seq DESC LIMIT 1")?;
    let mut stored = statement.query([blob(id.as_uuid())])?;
    Ok(stored.next()?.map(|row| row.get(0)).transpose()?.unwrap_or(0))
}

pub(super) fn append(tx: &Tx<'_>, id: TaskId, lines: &[LogLine]) -> Result<(), WorkError> {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(()) };
    let text = serde_json::to_string(lines).map_err(|error| WorkError::unreadable("log", &error))?;
    // A task that was deleted meanwhile gets no more log.
    let mut statement = tx.conn.prepare_cached(
        "INSERT INTO log_chunks (task, first_seq, last_seq, lines)
         SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM tasks WHERE id = ?1) ON CONFLICT DO NOTHING",
    )?;
    statement.execute((blob(id.as_uuid()), first.seq, last.seq, text))?;
    Ok(())
}
