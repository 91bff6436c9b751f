//! The reading verbs.

use std::collections::HashMap;

use sqlx_core::row::Row;
use sqlx_postgres::{PgConnection, PgRow};
use taskdeck_core::{Attempt, ErrorInfo, FileId, Kind, LogPage, Notice, Status, TaskId, Timestamp, Upload};
use uuid::Uuid;

use super::fault::Fault;
use super::query::query;
use super::rows::{self, bad, big, code, columns, count, nat, task_id, time, uuids};
use crate::store::values::log_lines;
use crate::store::{FileRole, LaneWait, Oldest, Payload, Record, TaskFile};

type Read<T> = Result<T, sqlx_core::Error>;

/// Params up to so many bytes are shown in lists.
const PREVIEWED: i32 = 8 * 1024;
/// How many priorities of a lane are looked at, and how many tasks of each: see the adapter of SQLite.
const PRIORITIES: i32 = 64;
const TASKS: i64 = 1_000;

pub(super) async fn next_due(conn: &mut PgConnection) -> Result<Option<Timestamp>, Fault> {
    // Three small indexes, each read at its first entry, and what is to be settled at once.
    let row = query(
        "SELECT least(
             (SELECT scheduled_at FROM taskdeck.tasks WHERE scheduled_at IS NOT NULL AND waits_for = 0
                 ORDER BY scheduled_at LIMIT 1),
             (SELECT expires_at FROM taskdeck.tasks WHERE expires_at IS NOT NULL ORDER BY expires_at LIMIT 1),
             (SELECT question_until FROM taskdeck.tasks WHERE question_until IS NOT NULL
                 ORDER BY question_until LIMIT 1),
             (SELECT 0 FROM taskdeck.unsettled LIMIT 1))",
    )
    .fetch_one(conn)
    .await?;
    Ok(time(&row, 0)?)
}

pub(super) async fn running(conn: &mut PgConnection, max: usize) -> Result<Vec<Record>, Fault> {
    let sql = concat!("SELECT ", columns!(), " FROM taskdeck.tasks WHERE status = 2 LIMIT $1");
    let found = query(sql).bind(big(max)).fetch_all(&mut *conn).await?;
    rows::with_progress(conn, rows::records(&found)?).await
}

pub(super) async fn payload(conn: &mut PgConnection, id: TaskId) -> Result<Option<Payload>, Fault> {
    let sql = "SELECT params, result, checkpoint FROM taskdeck.payloads WHERE task = $1";
    let read = |row: &PgRow| {
        Ok(Payload { params: row.try_get(0)?, result: row.try_get(1)?, checkpoint: row.try_get(2)? })
    };
    let found = query(sql).bind(*id.as_uuid()).fetch_optional(conn).await?;
    Ok(found.as_ref().map(read).transpose().map_err(|error: sqlx_core::Error| error)?)
}

pub(super) async fn params(conn: &mut PgConnection, ids: &[TaskId]) -> Result<Vec<String>, Fault> {
    // What is large is not read: it would not fit into a line.
    let sql =
        "SELECT task, CASE WHEN octet_length(params) <= $2 THEN params ELSE '' END FROM taskdeck.payloads
        WHERE task = ANY($1)";
    let found = query(sql).bind(uuids(ids)).bind(PREVIEWED).fetch_all(conn).await?;
    let mut params = HashMap::with_capacity(found.len());
    for row in &found {
        params.insert(task_id(row, 0)?, row.try_get::<String, _>(1)?);
    }
    Ok(ids.iter().map(|id| params.get(id).cloned().unwrap_or_default()).collect())
}

pub(super) async fn attempts(conn: &mut PgConnection, id: TaskId) -> Result<Vec<Attempt>, Fault> {
    let found = query(
        "SELECT attempt, started_at, ended_at, outcome, error_code, error_message, detail, worker
         FROM taskdeck.attempts WHERE task = $1 ORDER BY attempt DESC",
    );
    let read = |row: &PgRow| {
        let error = match (row.try_get::<Option<String>, _>(4)?, row.try_get::<Option<String>, _>(5)?) {
            (Some(code), Some(message)) => Some(ErrorInfo { code, message }),
            _ => None,
        };
        Ok(Attempt {
            attempt: nat(row, 0)?,
            started_at: Timestamp::from_millis(row.try_get(1)?),
            ended_at: time(row, 2)?,
            outcome: row.try_get(3)?,
            error,
            detail: row.try_get(6)?,
            worker: row.try_get(7)?,
        })
    };
    Ok(found.bind(*id.as_uuid()).fetch_all(conn).await?.iter().map(read).collect::<Read<_>>()?)
}

/// A page of a log. Chunks are read until there is enough, some at a time.
pub(super) async fn log(
    conn: &mut PgConnection,
    id: TaskId,
    since: u64,
    limit: u32,
) -> Result<LogPage, Fault> {
    const CHUNKS: usize = 32;
    let mut page = LogPage { last_seq: since, ..LogPage::default() };
    let mut from = big(since);
    loop {
        let sql = "SELECT lines, last_seq FROM taskdeck.log_chunks WHERE task = $1 AND last_seq > $2
            ORDER BY first_seq LIMIT $3";
        let chunks =
            query(sql).bind(*id.as_uuid()).bind(from).bind(big(CHUNKS)).fetch_all(&mut *conn).await?;
        for row in &chunks {
            let chunk = log_lines(row.try_get(0)?).map_err(|error| Fault::unreadable("log", &error))?;
            for line in chunk.filter(|line| line.seq > since) {
                if page.lines.len() >= limit as usize {
                    page.more = true;
                    return Ok(page);
                }
                page.last_seq = line.seq;
                page.lines.push(line);
            }
            from = row.try_get(1)?;
        }
        if chunks.len() < CHUNKS {
            return Ok(page);
        }
    }
}

pub(super) async fn last_log_seq(conn: &mut PgConnection, id: TaskId) -> Result<u64, Fault> {
    let sql = "SELECT last_seq FROM taskdeck.log_chunks WHERE task = $1 ORDER BY first_seq DESC LIMIT 1";
    let found = query(sql).bind(*id.as_uuid()).fetch_optional(conn).await?;
    Ok(found.as_ref().map(|row| count(row, 0)).transpose()?.unwrap_or(0))
}

/// One step in the index for each.
pub(super) async fn last_log_seqs(
    conn: &mut PgConnection,
    ids: &[TaskId],
) -> Result<HashMap<TaskId, u64>, Fault> {
    let found = query(
        "SELECT u.id, l.last_seq FROM unnest($1::uuid[]) AS u(id)
         CROSS JOIN LATERAL (SELECT c.last_seq FROM taskdeck.log_chunks c WHERE c.task = u.id
             ORDER BY c.first_seq DESC LIMIT 1) l",
    );
    let read = |row: &PgRow| Ok((task_id(row, 0)?, count(row, 1)?));
    Ok(found.bind(uuids(ids)).fetch_all(conn).await?.iter().map(read).collect::<Read<_>>()?)
}

pub(super) async fn notices(
    conn: &mut PgConnection,
    id: TaskId,
    since: u64,
    limit: u32,
) -> Result<Vec<Notice>, Fault> {
    let sql = "SELECT seq, at, text FROM taskdeck.notices WHERE task = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let read = |row: &PgRow| {
        Ok(Notice { seq: count(row, 0)?, at: time(row, 1)?.unwrap_or_default(), text: row.try_get(2)? })
    };
    let found =
        query(sql).bind(*id.as_uuid()).bind(big(since)).bind(i64::from(limit)).fetch_all(conn).await?;
    Ok(found.iter().map(read).collect::<Read<_>>()?)
}

/// Ended tasks of a status in the order of their creation.
pub(super) async fn oldest(
    conn: &mut PgConnection,
    status: Status,
    kind: &str,
    from: Option<TaskId>,
    max: usize,
) -> Result<Vec<Oldest>, Fault> {
    let sql = "SELECT id, ended_at FROM taskdeck.tasks WHERE status = $1 AND kind = $2 AND id > $3
        ORDER BY id LIMIT $4";
    let from = from.map_or(Uuid::nil(), |id| *id.as_uuid());
    let read = |row: &PgRow| {
        let ended_at = time(row, 1)?.unwrap_or(Timestamp::from_millis(i64::MAX));
        Ok(Oldest { id: task_id(row, 0)?, ended_at })
    };
    let found = query(sql).bind(code(status)).bind(kind).bind(from).bind(big(max)).fetch_all(conn).await?;
    Ok(found.iter().map(read).collect::<Read<_>>()?)
}

/// The longest wait of each lane that has queued tasks. Walks the index of the claims, a bounded number of entries.
pub(super) async fn waits(conn: &mut PgConnection) -> Result<Vec<LaneWait>, Fault> {
    let lanes = super::claim::lanes(conn).await?;
    if lanes.is_empty() {
        return Ok(Vec::new());
    }
    let found = query(
        "WITH RECURSIVE heads AS (
             SELECT lane.queue, lane.kind, lane.version, a.ahead, 1 AS n, (SELECT max(t.priority) FROM taskdeck.tasks t
                 WHERE t.queued_at IS NOT NULL AND t.queue = lane.queue AND t.kind = lane.kind
                     AND t.kind_version = lane.version AND t.ahead = a.ahead) AS priority
             FROM unnest($1::text[], $2::text[], $5::int[]) AS lane(queue, kind, version), (VALUES (true), (false)) AS a(ahead)
             UNION ALL
             SELECT h.queue, h.kind, h.version, h.ahead, h.n + 1, (SELECT max(t.priority) FROM taskdeck.tasks t
                 WHERE t.queued_at IS NOT NULL AND t.queue = h.queue AND t.kind = h.kind
                     AND t.kind_version = h.version AND t.ahead = h.ahead AND t.priority < h.priority)
             FROM heads h WHERE h.priority IS NOT NULL AND h.n < $3)
         SELECT queue, kind, min(since) FROM (
             SELECT h.queue, h.kind, (SELECT min(first.queued_at) FROM (SELECT t.queued_at FROM taskdeck.tasks t
                 WHERE t.queued_at IS NOT NULL AND t.queue = h.queue AND t.kind = h.kind
                     AND t.kind_version = h.version AND t.ahead = h.ahead AND t.priority = h.priority
                 ORDER BY t.id LIMIT $4) AS first) AS since
             FROM heads h WHERE h.priority IS NOT NULL) AS waits
         GROUP BY queue, kind HAVING min(since) IS NOT NULL ORDER BY queue, kind",
    )
    .bind(lanes.iter().map(|lane| lane.queue.clone()).collect::<Vec<_>>())
    .bind(lanes.iter().map(|lane| lane.kind.clone()).collect::<Vec<_>>())
    .bind(PRIORITIES)
    .bind(TASKS)
    .bind(lanes.iter().map(|lane| lane.version).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let read = |row: &PgRow| {
        Ok(LaneWait {
            queue: row.try_get(0)?,
            kind: row.try_get(1)?,
            since: time(row, 2)?.unwrap_or_default(),
        })
    };
    Ok(found.iter().map(read).collect::<Read<_>>()?)
}

fn upload(row: &PgRow, first: usize) -> Read<Upload> {
    Ok(Upload {
        id: FileId::from_uuid(row.try_get(first)?),
        name: row.try_get(first + 1)?,
        size: count(row, first + 2)?,
        media_type: row.try_get(first + 3)?,
    })
}

pub(super) async fn files(conn: &mut PgConnection, ids: &[FileId]) -> Result<Vec<Upload>, Fault> {
    let wanted: Vec<Uuid> = ids.iter().map(|id| *id.as_uuid()).collect();
    let found = query(
        "SELECT f.id, f.name, f.size, f.media_type
         FROM unnest($1::uuid[]) WITH ORDINALITY AS u(id, n) JOIN taskdeck.files f ON f.id = u.id ORDER BY u.n",
    );
    let found = found.bind(wanted).fetch_all(conn).await?;
    Ok(found.iter().map(|row| upload(row, 0)).collect::<Read<_>>()?)
}

pub(super) async fn task_files(
    conn: &mut PgConnection,
    task: Option<TaskId>,
) -> Result<Vec<TaskFile>, Fault> {
    let found = query(
        "SELECT l.task, t.kind, l.role, l.name, f.id, f.name, f.size, f.media_type
         FROM taskdeck.task_files l JOIN taskdeck.files f ON f.id = l.file JOIN taskdeck.tasks t ON t.id = l.task
         WHERE ($1::uuid IS NULL OR l.task = $1) ORDER BY l.task, l.role, l.name",
    );
    let read = |row: &PgRow| {
        let role: i16 = row.try_get(2)?;
        Ok(TaskFile {
            task: task_id(row, 0)?,
            kind: Kind::new(row.try_get::<String, _>(1)?).map_err(|error| bad(&error))?,
            role: if role == 0 { FileRole::Upload } else { FileRole::Artifact },
            name: row.try_get(3)?,
            file: upload(row, 4)?,
        })
    };
    let found = found.bind(task.map(|id| *id.as_uuid())).fetch_all(conn).await?;
    Ok(found.iter().map(read).collect::<Read<_>>()?)
}
