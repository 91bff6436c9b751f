//! Removing tasks that have ended, with all that is theirs.

use taskdeck_core::{FileId, Status, TaskId, Timestamp};
use uuid::Uuid;

use super::change::select;
use super::files;
use super::rows::{self, blob};
use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::{Oldest, Record, RemoveWhich, Removed};

pub(super) fn remove(tx: &mut Tx<'_, '_>, which: &RemoveWhich, max: usize) -> Result<Removed, WorkError> {
    let records = match which {
        RemoveWhich::Tasks(ids) => {
            let found: Result<Vec<_>, _> = ids.iter().map(|id| rows::find(tx.conn, *id)).collect();
            found?.into_iter().flatten().filter(|record| record.status().has_ended()).take(max).collect()
        }
        RemoveWhich::OwnTime(now) => select(
            tx.conn,
            "WHERE remove_at IS NOT NULL AND remove_at <= ?1 ORDER BY remove_at LIMIT ?2",
            (now.as_millis(), max),
        )?,
        RemoveWhich::Matching(query) => super::list::ended(tx.conn, query, max)?,
    };
    let mut removed = Removed::default();
    for record in &records {
        if is_waited_for(tx, record.id)? {
            continue;
        }
        remove_one(tx, record, &mut removed.files)?;
        removed.tasks.push((record.id, record.machine.version));
    }
    Ok(removed)
}

/// Whether a task that has not ended runs after this one, or is its child.
fn is_waited_for(tx: &Tx<'_, '_>, id: TaskId) -> Result<bool, WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "SELECT 1 FROM dependencies JOIN tasks ON tasks.id = dependencies.task
         WHERE dependencies.after = ?1 AND tasks.status < 4 LIMIT 1",
    )?;
    Ok(statement.exists([blob(id.as_uuid())])?)
}

fn remove_one(tx: &mut Tx<'_, '_>, record: &Record, files: &mut Vec<FileId>) -> Result<(), WorkError> {
    let id = blob(record.id.as_uuid());
    let linked: Vec<FileId> = {
        let mut statement = tx.conn.prepare_cached("SELECT file FROM task_files WHERE task = ?1")?;
        let found = statement.query_map([id], |row| rows::uuid(row, 0).map(FileId::from_uuid))?;
        found.collect::<rusqlite::Result<_>>()?
    };
    for table in ["task_files", "log_chunks", "attempts", "payloads", "questions", "notices", "dependencies"]
    {
        tx.conn.prepare_cached(&format!("DELETE FROM {table} WHERE task = ?1"))?.execute([id])?;
    }
    tx.conn.prepare_cached("DELETE FROM tasks WHERE id = ?1")?.execute([id])?;
    for file in linked {
        if files::forget_if_loose(tx, file)? {
            files.push(file);
        }
    }
    // What it did not complete for stays: those that failed with it must not wait for it when they are retried.
    tx.conn.prepare_cached("DELETE FROM dependencies WHERE after = ?1 AND done")?.execute([id])?;
    tx.count_removed(record);
    Ok(())
}

/// Ended tasks of a status in the order of their creation.
pub(super) fn oldest(
    conn: &rusqlite::Connection,
    status: Status,
    kind: &str,
    from: Option<TaskId>,
    max: usize,
) -> Result<Vec<Oldest>, WorkError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, ended_at FROM tasks WHERE status = ?1 AND kind = ?2 AND id > ?3 ORDER BY id LIMIT ?4",
    )?;
    let from = from.map_or([0; 16], |id| *Uuid::as_bytes(id.as_uuid()));
    let found = statement.query_map((status.code(), kind, from, max), |row| {
        Ok(Oldest {
            id: rows::task_id(row, 0)?,
            ended_at: Timestamp::from_millis(row.get::<_, Option<i64>>(1)?.unwrap_or(i64::MAX)),
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
