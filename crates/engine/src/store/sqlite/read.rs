//! The reading verbs, on a connection of the pool.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row};
use taskdeck_core::{Attempt, Counts, ErrorInfo, FileId, Kind, LogPage, Status, TaskId, Timestamp, Upload};

use super::rows::{self, blob};
use super::work_error::WorkError;
use crate::store::values::log_lines;
use crate::store::{FileRole, Payload, StoreInfo, TaskFile};

/// Params up to so many bytes are shown in lists.
const PREVIEWED: usize = 8 * 1024;

pub(super) fn next_due(conn: &Connection) -> Result<Option<Timestamp>, WorkError> {
    // Three small indexes, each read at its first entry.
    let mut statement = conn.prepare_cached(
        "SELECT min(at) FROM (
             SELECT * FROM (SELECT scheduled_at AS at FROM tasks
                 WHERE scheduled_at IS NOT NULL AND waits_for = 0 ORDER BY scheduled_at LIMIT 1)
             UNION ALL SELECT * FROM (SELECT expires_at FROM tasks
                 WHERE expires_at IS NOT NULL ORDER BY expires_at LIMIT 1)
             UNION ALL SELECT * FROM (SELECT question_until FROM tasks
                 WHERE question_until IS NOT NULL ORDER BY question_until LIMIT 1))",
    )?;
    let at: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(at.map(Timestamp::from_millis))
}

fn status_counts(conn: &Connection, sql: &str) -> Result<Counts, WorkError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut counts = Counts::default();
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let status = Status::from_code(row.get(0)?);
        let status = status.ok_or_else(|| WorkError::unreadable("counter", &"no such status"))?;
        let n: i64 = row.get(1)?;
        counts.0.insert(status, u64::try_from(n).unwrap_or(0));
    }
    Ok(counts)
}

pub(super) fn counts(conn: &Connection) -> Result<Counts, WorkError> {
    status_counts(conn, "SELECT status, sum(n) FROM counts GROUP BY status HAVING sum(n) <> 0")
}

#[cfg(test)]
pub(super) fn recount(conn: &Connection) -> Result<Counts, WorkError> {
    status_counts(conn, "SELECT status, count(*) FROM tasks GROUP BY status")
}

/// What the database is, and what its files take of the disk.
pub(super) fn info(path: Option<&Path>) -> StoreInfo {
    let sqlite = format!("SQLite {}", rusqlite::version());
    let Some(path) = path else {
        return StoreInfo { text: format!("{sqlite}, in memory: it ends with the process"), bytes: None };
    };
    let size = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        // There is not always a WAL.
        std::fs::metadata(name).map_or(0, |file| file.len())
    };
    let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    StoreInfo {
        text: format!("{sqlite}, {}", shown.display()),
        bytes: Some(size("") + size("-wal") + size("-shm")),
    }
}

pub(super) fn payload(conn: &Connection, id: TaskId) -> Result<Option<Payload>, WorkError> {
    let mut statement =
        conn.prepare_cached("SELECT params, result, checkpoint FROM payloads WHERE task = ?1")?;
    let read =
        |row: &Row<'_>| Ok(Payload { params: row.get(0)?, result: row.get(1)?, checkpoint: row.get(2)? });
    Ok(statement.query_row([blob(id.as_uuid())], read).optional()?)
}

pub(super) fn params(conn: &Connection, ids: &[TaskId]) -> Result<Vec<String>, WorkError> {
    // What is large is not read: it would not fit into a line.
    let mut statement = conn.prepare_cached(&format!(
        "SELECT CASE WHEN octet_length(params) <= {PREVIEWED} THEN params ELSE '' END FROM payloads WHERE task = ?1"
    ))?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let params: Option<String> =
            statement.query_row([blob(id.as_uuid())], |row| row.get(0)).optional()?;
        found.push(params.unwrap_or_default());
    }
    Ok(found)
}

pub(super) fn attempts(conn: &Connection, id: TaskId) -> Result<Vec<Attempt>, WorkError> {
    let mut statement = conn.prepare_cached(
        "SELECT attempt, started_at, ended_at, outcome, error_code, error_message, detail, worker
         FROM attempts WHERE task = ?1 ORDER BY attempt DESC",
    )?;
    let read = |row: &Row<'_>| {
        let error = match (row.get::<_, Option<String>>(4)?, row.get::<_, Option<String>>(5)?) {
            (Some(code), Some(message)) => Some(ErrorInfo { code, message }),
            _ => None,
        };
        Ok(Attempt {
            attempt: row.get(0)?,
            started_at: Timestamp::from_millis(row.get(1)?),
            ended_at: Some(Timestamp::from_millis(row.get(2)?)),
            outcome: row.get(3)?,
            error,
            detail: row.get(6)?,
            worker: row.get(7)?,
        })
    };
    let found = statement.query_map([blob(id.as_uuid())], read)?.collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

pub(super) fn log(conn: &Connection, id: TaskId, since: u64, limit: u32) -> Result<LogPage, WorkError> {
    let mut statement = conn.prepare_cached(
        "SELECT lines FROM log_chunks WHERE task = ?1 AND last_seq > ?2 ORDER BY first_seq",
    )?;
    let mut stored = statement.query((blob(id.as_uuid()), since))?;
    let mut page = LogPage { last_seq: since, ..LogPage::default() };
    while let Some(row) = stored.next()? {
        let text: String = row.get(0)?;
        let chunk = log_lines(&text).map_err(|error| WorkError::unreadable("log", &error))?;
        for line in chunk.filter(|line| line.seq > since) {
            if page.lines.len() >= limit as usize {
                page.more = true;
                return Ok(page);
            }
            page.last_seq = line.seq;
            page.lines.push(line);
        }
    }
    Ok(page)
}

fn upload(row: &Row<'_>, first: usize) -> rusqlite::Result<Upload> {
    Ok(Upload {
        id: FileId::from_uuid(rows::uuid(row, first)?),
        name: row.get(first + 1)?,
        size: row.get(first + 2)?,
        media_type: row.get(first + 3)?,
    })
}

pub(super) fn files(conn: &Connection, ids: &[FileId]) -> Result<Vec<Upload>, WorkError> {
    let mut statement = conn.prepare_cached("SELECT id, name, size, media_type FROM files WHERE id = ?1")?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(statement.query_row([blob(id.as_uuid())], |row| upload(row, 0)).optional()?);
    }
    Ok(found)
}

pub(super) fn task_files(conn: &Connection, task: Option<TaskId>) -> Result<Vec<TaskFile>, WorkError> {
    let condition = if task.is_some() { "task_files.task = ?1" } else { "?1 IS NULL" };
    let mut statement = conn.prepare_cached(&format!(
        "SELECT task_files.task, tasks.kind, task_files.role, task_files.name, files.id, files.name, files.size,
                files.media_type
         FROM task_files JOIN files ON files.id = task_files.file JOIN tasks ON tasks.id = task_files.task
         WHERE {condition} ORDER BY task_files.task, task_files.role, task_files.name"
    ))?;
    let mut stored = statement.query([task.as_ref().map(|id| blob(id.as_uuid()))])?;
    let mut found = Vec::new();
    while let Some(row) = stored.next()? {
        let kind =
            Kind::new(row.get::<_, String>(1)?).map_err(|error| WorkError::unreadable("kind", &error))?;
        let role = if row.get::<_, i64>(2)? == 0 { FileRole::Upload } else { FileRole::Artifact };
        found.push(TaskFile {
            task: rows::task_id(row, 0)?,
            kind,
            role,
            name: row.get(3)?,
            file: upload(row, 4)?,
        });
    }
    Ok(found)
}
