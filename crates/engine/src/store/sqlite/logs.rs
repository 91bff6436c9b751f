//! A task's log: lines in chunks.

use taskdeck_core::{LogLine, TaskId};

use super::rows::blob;
use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::LogWrite;

pub(super) fn last_seq(conn: &rusqlite::Connection, id: TaskId) -> Result<u64, WorkError> {
    let mut statement = conn
        .prepare_cached("SELECT last_seq FROM log_chunks WHERE task = ?1 ORDER BY first_seq DESC LIMIT 1")?;
    let mut stored = statement.query([blob(id.as_uuid())])?;
    Ok(stored.next()?.map(|row| row.get(0)).transpose()?.unwrap_or(0))
}

/// Appends lines of an attempt that holds its task; of another one not, since the one that holds it now writes lines of
/// the same numbers.
pub(super) fn append_held(tx: &Tx<'_, '_>, log: &LogWrite) -> Result<bool, WorkError> {
    let mut held = tx.conn.prepare_cached("SELECT 1 FROM tasks WHERE id = ?1 AND token = ?2")?;
    let holds = held.exists((blob(log.id.as_uuid()), log.token.0))?;
    if holds {
        append(tx, log.id, &log.lines)?;
    }
    Ok(holds)
}

/// Appends lines of a task that is there; those of its ending are part of what is decided already.
pub(super) fn append(tx: &Tx<'_, '_>, id: TaskId, lines: &[LogLine]) -> Result<(), WorkError> {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(()) };
    let text = serde_json::to_string(lines).map_err(|error| WorkError::unreadable("log", &error))?;
    // Lines are sent again when it was not heard that they are stored, perhaps with some that came after them.
    let mut statement = tx.conn.prepare_cached(
        "INSERT INTO log_chunks (task, first_seq, last_seq, lines) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (task, first_seq) DO UPDATE SET last_seq = excluded.last_seq, lines = excluded.lines
             WHERE excluded.last_seq > last_seq",
    )?;
    statement.execute((blob(id.as_uuid()), first.seq, last.seq, text))?;
    Ok(())
}
