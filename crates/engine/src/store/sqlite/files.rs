//! Files: uploads and artifacts, and the tasks that refer to them.

use taskdeck_core::{FileId, TaskId, Timestamp, Upload};

use super::rows::{self, blob};
use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::Walked;

pub(super) fn forget_if_loose(tx: &Tx<'_, '_>, file: FileId) -> Result<bool, WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "DELETE FROM files WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM task_files WHERE file = ?1)",
    )?;
    Ok(statement.execute([blob(file.as_uuid())])? == 1)
}

pub(super) fn add(tx: &Tx<'_, '_>, file: &Upload, now: Timestamp) -> Result<(), WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "INSERT INTO files (id, name, size, media_type, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    statement.execute((blob(file.id.as_uuid()), &file.name, file.size, &file.media_type, now.as_millis()))?;
    Ok(())
}

/// Notes which uploads a task's params name.
pub(super) fn link_uploads(
    tx: &Tx<'_, '_>,
    task: TaskId,
    uploads: &[(String, FileId)],
) -> Result<(), WorkError> {
    for (param, file) in uploads {
        let mut link = tx
            .conn
            .prepare_cached("INSERT INTO task_files (task, role, name, file) VALUES (?1, 0, ?2, ?3)")?;
        link.execute((blob(task.as_uuid()), param, blob(file.as_uuid())))?;
    }
    Ok(())
}

pub(super) fn add_artifact(
    tx: &Tx<'_, '_>,
    task: TaskId,
    file: &Upload,
    now: Timestamp,
) -> Result<Option<FileId>, WorkError> {
    let id = blob(task.as_uuid());
    let before: Option<FileId> = {
        let mut statement = tx
            .conn
            .prepare_cached("SELECT file FROM task_files WHERE task = ?1 AND role = 1 AND name = ?2")?;
        let mut found = statement.query((id, &file.name))?;
        found.next()?.map(|row| rows::uuid(row, 0).map(FileId::from_uuid)).transpose()?
    };
    add(tx, file, now)?;
    let mut link = tx.conn.prepare_cached(
        "INSERT OR REPLACE INTO task_files (task, role, name, file) VALUES (?1, 1, ?2, ?3)",
    )?;
    link.execute((id, &file.name, blob(file.id.as_uuid())))?;
    match before {
        Some(before) if forget_if_loose(tx, before)? => Ok(Some(before)),
        _ => Ok(None),
    }
}

pub(super) fn remove_loose(
    tx: &Tx<'_, '_>,
    before: Timestamp,
    from: Option<FileId>,
    max: usize,
) -> Result<Walked, WorkError> {
    let found: Vec<(FileId, bool)> = {
        let mut statement = tx.conn.prepare_cached(
            "SELECT id, created_at < ?3 AND NOT EXISTS (SELECT 1 FROM task_files WHERE file = files.id)
             FROM files WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let from = from.map_or([0; 16], |id| *id.as_uuid().as_bytes());
        let found = statement.query_map((from, max, before.as_millis()), |row| {
            Ok((FileId::from_uuid(rows::uuid(row, 0)?), row.get(1)?))
        })?;
        found.collect::<rusqlite::Result<_>>()?
    };
    let mut walked = Walked { more: found.len() >= max, ..Walked::default() };
    for (file, loose) in found {
        walked.last = Some(file);
        if loose && forget_if_loose(tx, file)? {
            walked.removed.push(file);
        }
    }
    Ok(walked)
}
