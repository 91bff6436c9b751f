//! Sessions, pauses, limits and batches.

use rusqlite::{Connection, OptionalExtension};
use taskdeck_core::{
    Answer, Batch, BatchId, Counts, OpenQuestion, QuestionOutcome, SessionId, Status, TaskId, Timestamp,
    UserId,
};

use super::rows::{self, blob};
use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::{Control, LaneCount, Scope, SessionRow};

pub(super) fn beat(tx: &Tx<'_, '_>, session: SessionId, beat: u64) -> Result<bool, WorkError> {
    let mut statement = tx.conn.prepare_cached("UPDATE sessions SET beat = ?2 WHERE id = ?1")?;
    Ok(statement.execute((blob(session.as_uuid()), beat))? == 1)
}

pub(super) fn join(tx: &Tx<'_, '_>, session: &SessionRow) -> Result<(), WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "INSERT INTO sessions (id, worker, slots, started_at, beat, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    statement.execute((
        blob(session.id.as_uuid()),
        &session.worker,
        session.slots,
        session.started_at.as_millis(),
        session.beat,
        &session.version,
    ))?;
    Ok(())
}

pub(super) fn sessions(conn: &Connection) -> Result<Vec<SessionRow>, WorkError> {
    let mut statement =
        conn.prepare_cached("SELECT id, worker, slots, started_at, beat, version FROM sessions ORDER BY id")?;
    let found = statement.query_map([], |row| {
        Ok(SessionRow {
            id: SessionId::from_uuid(rows::uuid(row, 0)?),
            worker: row.get(1)?,
            slots: row.get(2)?,
            started_at: Timestamp::from_millis(row.get(3)?),
            beat: row.get(4)?,
            version: row.get(5)?,
            said: None,
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn holders(conn: &Connection) -> Result<Vec<SessionId>, WorkError> {
    let mut statement = conn.prepare_cached("SELECT DISTINCT session FROM tasks WHERE status = 2")?;
    let found = statement.query_map([], |row| rows::uuid(row, 0).map(SessionId::from_uuid))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn scope_code(scope: Scope) -> u8 {
    match scope {
        Scope::Queue => 0,
        Scope::Kind => 1,
    }
}

pub(super) fn set_control(tx: &Tx<'_, '_>, control: &Control) -> Result<(), WorkError> {
    let limits = control.limits.as_ref().map(rows::to_json).transpose()?;
    let mut statement = tx.conn.prepare_cached(
        "INSERT OR REPLACE INTO controls (scope, name, paused_at, paused_by, limits) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    statement.execute((
        scope_code(control.scope),
        &control.name,
        control.paused_at.map(Timestamp::as_millis),
        control.paused_by.as_ref().map(UserId::as_str),
        limits,
    ))?;
    Ok(())
}

pub(super) fn controls(conn: &Connection) -> Result<Vec<Control>, WorkError> {
    let mut statement = conn.prepare_cached(
        "SELECT scope, name, paused_at, paused_by, limits FROM controls ORDER BY scope, name",
    )?;
    let mut stored = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = stored.next()? {
        let limits: Option<String> = row.get(4)?;
        let limits = limits
            .map(|text| serde_json::from_str(&text).map_err(|error| WorkError::unreadable("limits", &error)))
            .transpose()?;
        let by: Option<String> = row.get(3)?;
        found.push(Control {
            scope: if row.get::<_, u8>(0)? == 0 { Scope::Queue } else { Scope::Kind },
            name: row.get(1)?,
            paused_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
            paused_by: by
                .map(UserId::new)
                .transpose()
                .map_err(|error| WorkError::unreadable("user", &error))?,
            limits,
        });
    }
    Ok(found)
}

pub(super) fn lane_counts(conn: &Connection) -> Result<Vec<LaneCount>, WorkError> {
    let mut statement = conn.prepare_cached(
        "SELECT queue, kind, status, n FROM counts WHERE n > 0 ORDER BY queue, kind, status",
    )?;
    let mut stored = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = stored.next()? {
        let status = Status::from_code(row.get(2)?);
        found.push(LaneCount {
            queue: row.get(0)?,
            kind: row.get(1)?,
            status: status.ok_or_else(|| WorkError::unreadable("counter", &"no such status"))?,
            n: row.get(3)?,
        });
    }
    Ok(found)
}

pub(super) fn batch(conn: &Connection, id: BatchId) -> Result<Option<Batch>, WorkError> {
    let key = blob(id.as_uuid());
    let mut statement =
        conn.prepare_cached("SELECT label, user, created_at, total FROM batches WHERE id = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok((row.get(0)?, row.get::<_, Option<String>>(1)?, row.get(2)?, row.get::<_, u64>(3)?))
    };
    let Some((label, user, created_at, total)) = statement.query_row([key], read).optional()? else {
        return Ok(None);
    };
    let mut counts = Counts::default();
    let mut statement =
        conn.prepare_cached("SELECT status, n FROM batch_counts WHERE batch = ?1 AND n > 0")?;
    let mut stored = statement.query([key])?;
    while let Some(row) = stored.next()? {
        if let Some(status) = Status::from_code(row.get(0)?) {
            counts.0.insert(status, row.get(1)?);
        }
    }
    let unended: u64 = counts.0.iter().filter(|(status, _)| !status.has_ended()).map(|(_, n)| n).sum();
    #[expect(clippy::cast_precision_loss, reason = "a share of at most some thousands")]
    let fraction = if total == 0 { 1.0 } else { 1.0 - unended as f64 / total as f64 };
    let user = user.map(UserId::new).transpose().map_err(|error| WorkError::unreadable("user", &error))?;
    let created_at = Timestamp::from_millis(created_at);
    Ok(Some(Batch { id, label, user, created_at, total, counts, fraction }))
}

pub(super) fn questions(conn: &Connection, id: TaskId) -> Result<Vec<OpenQuestion>, WorkError> {
    let mut statement = conn.prepare_cached(
        "SELECT question, asked_at, until, outcome, fields, answered_by, answered_at FROM questions
         WHERE task = ?1 ORDER BY asked_at DESC",
    )?;
    let mut stored = statement.query([blob(id.as_uuid())])?;
    let mut found = Vec::new();
    while let Some(row) = stored.next()? {
        let unreadable = |error: serde_json::Error| WorkError::unreadable("question", &error);
        let outcome = QuestionOutcome::from_code(row.get(3)?)
            .ok_or_else(|| WorkError::unreadable("question", &"no such outcome"))?;
        let by: Option<String> = row.get(5)?;
        let by = by.map(UserId::new).transpose().map_err(|error| WorkError::unreadable("user", &error))?;
        let answer = match (outcome, row.get::<_, Option<i64>>(6)?) {
            (QuestionOutcome::Approved | QuestionOutcome::Declined, Some(at)) => Some(Answer {
                approved: outcome == QuestionOutcome::Approved,
                fields: serde_json::from_str(row.get::<_, Option<String>>(4)?.as_deref().unwrap_or("null"))
                    .map_err(unreadable)?,
                by,
                at: Timestamp::from_millis(at),
            }),
            _ => None,
        };
        found.push(OpenQuestion {
            question: serde_json::from_str(&row.get::<_, String>(0)?).map_err(unreadable)?,
            asked_at: Timestamp::from_millis(row.get(1)?),
            until: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
            outcome,
            answer,
        });
    }
    Ok(found)
}

pub(super) fn after(conn: &Connection, id: TaskId) -> Result<Vec<TaskId>, WorkError> {
    let mut statement =
        conn.prepare_cached("SELECT after FROM dependencies WHERE task = ?1 ORDER BY after")?;
    let found = statement.query_map([blob(id.as_uuid())], |row| rows::task_id(row, 0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
