//! Sessions, pauses, limits and batches.

use sqlx_core::query::query;
use sqlx_core::row::Row;
use sqlx_postgres::{PgConnection, PgRow};
use taskdeck_core::{
    Answer, Batch, BatchId, Counts, OpenQuestion, QuestionOutcome, SessionId, TaskId, Timestamp, UserId,
};

use super::fault::Fault;
use super::rows::{self, bad, big, count, int, json, nat, task_id, text, time};
use crate::store::{Control, LaneCount, Scope, SessionRow};

type Read<T> = Result<T, sqlx_core::Error>;

pub(super) async fn beat(conn: &mut PgConnection, session: SessionId, beat: u64) -> Result<bool, Fault> {
    let sql = "UPDATE taskdeck.sessions SET beat = $2 WHERE id = $1";
    let done = query(sql).bind(*session.as_uuid()).bind(big(beat)).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn join(conn: &mut PgConnection, session: &SessionRow) -> Result<(), Fault> {
    query(
        "INSERT INTO taskdeck.sessions (id, worker, slots, started_at, beat, version)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(*session.id.as_uuid())
    .bind(text(&session.worker))
    .bind(int(session.slots))
    .bind(session.started_at.as_millis())
    .bind(big(session.beat))
    .bind(&session.version)
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn sessions(conn: &mut PgConnection) -> Result<Vec<SessionRow>, Fault> {
    let sql = "SELECT id, worker, slots, started_at, beat, version FROM taskdeck.sessions ORDER BY id";
    let read = |row: &PgRow| {
        Ok(SessionRow {
            id: SessionId::from_uuid(row.try_get(0)?),
            worker: row.try_get(1)?,
            slots: nat(row, 2)?,
            started_at: Timestamp::from_millis(row.try_get(3)?),
            beat: count(row, 4)?,
            version: row.try_get(5)?,
        })
    };
    Ok(query(sql).fetch_all(conn).await?.iter().map(read).collect::<Read<_>>()?)
}

pub(super) async fn holders(conn: &mut PgConnection) -> Result<Vec<SessionId>, Fault> {
    let found = query("SELECT DISTINCT session FROM taskdeck.tasks WHERE status = 2").fetch_all(conn).await?;
    Ok(found.iter().map(|row| row.try_get(0).map(SessionId::from_uuid)).collect::<Read<_>>()?)
}

fn scope_code(scope: Scope) -> i16 {
    match scope {
        Scope::Queue => 0,
        Scope::Kind => 1,
    }
}

pub(super) async fn set_control(conn: &mut PgConnection, control: &Control) -> Result<(), Fault> {
    let limits = control.limits.as_ref().map(rows::to_json).transpose()?;
    query(
        "INSERT INTO taskdeck.controls (scope, name, paused_at, paused_by, limits) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (scope, name) DO UPDATE SET paused_at = excluded.paused_at, paused_by = excluded.paused_by,
             limits = excluded.limits",
    )
    .bind(scope_code(control.scope))
    .bind(&control.name)
    .bind(control.paused_at.map(Timestamp::as_millis))
    .bind(control.paused_by.as_ref().map(UserId::as_str))
    .bind(limits)
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn controls(conn: &mut PgConnection) -> Result<Vec<Control>, Fault> {
    let sql = "SELECT scope, name, paused_at, paused_by, limits FROM taskdeck.controls ORDER BY scope, name";
    let read = |row: &PgRow| {
        Ok(Control {
            scope: if row.try_get::<i16, _>(0)? == 0 { Scope::Queue } else { Scope::Kind },
            name: row.try_get(1)?,
            paused_at: time(row, 2)?,
            paused_by: rows::user(row, 3)?,
            limits: json(row, 4)?,
        })
    };
    Ok(query(sql).fetch_all(conn).await?.iter().map(read).collect::<Read<_>>()?)
}

/// The sums and what is not folded into them yet.
macro_rules! all_counts {
    () => {
        "(SELECT queue, kind, status, n FROM taskdeck.counts
          UNION ALL SELECT queue, kind, status, n FROM taskdeck.count_deltas) AS counted"
    };
}

pub(super) async fn lane_counts(conn: &mut PgConnection) -> Result<Vec<LaneCount>, Fault> {
    let sql = concat!(
        "SELECT queue, kind, status, sum(n)::bigint FROM ",
        all_counts!(),
        " GROUP BY queue, kind, status HAVING sum(n) > 0 ORDER BY queue, kind, status"
    );
    let read = |row: &PgRow| {
        Ok(LaneCount {
            queue: row.try_get(0)?,
            kind: row.try_get(1)?,
            status: rows::status(row, 2)?,
            n: count(row, 3)?,
        })
    };
    Ok(query(sql).fetch_all(conn).await?.iter().map(read).collect::<Read<_>>()?)
}

pub(super) async fn counts(conn: &mut PgConnection) -> Result<Counts, Fault> {
    let sql =
        concat!("SELECT status, sum(n)::bigint FROM ", all_counts!(), " GROUP BY status HAVING sum(n) <> 0");
    status_counts(&query(sql).fetch_all(conn).await?)
}

#[cfg(test)]
pub(super) async fn recount(conn: &mut PgConnection) -> Result<Counts, Fault> {
    let sql = "SELECT status, count(*) FROM taskdeck.tasks GROUP BY status";
    status_counts(&query(sql).fetch_all(conn).await?)
}

fn status_counts(found: &[PgRow]) -> Result<Counts, Fault> {
    let mut counts = Counts::default();
    for row in found {
        counts.0.insert(rows::status(row, 0)?, count(row, 1)?);
    }
    Ok(counts)
}

pub(super) async fn batch(conn: &mut PgConnection, id: BatchId) -> Result<Option<Batch>, Fault> {
    let sql = "SELECT label, user_id, created_at, total FROM taskdeck.batches WHERE id = $1";
    let Some(row) = query(sql).bind(*id.as_uuid()).fetch_optional(&mut *conn).await? else { return Ok(None) };
    let found = query(
        "SELECT status, sum(n)::bigint FROM (
             SELECT status, n FROM taskdeck.batch_counts WHERE batch = $1
             UNION ALL SELECT status, n FROM taskdeck.batch_deltas WHERE batch = $1) AS counted
         GROUP BY status HAVING sum(n) > 0",
    );
    let counts = status_counts(&found.bind(*id.as_uuid()).fetch_all(conn).await?)?;
    let total = count(&row, 3)?;
    let unended: u64 = counts.0.iter().filter(|(status, _)| !status.has_ended()).map(|(_, n)| n).sum();
    #[expect(clippy::cast_precision_loss, reason = "a share of at most some thousands")]
    let fraction = if total == 0 { 1.0 } else { 1.0 - unended as f64 / total as f64 };
    Ok(Some(Batch {
        id,
        label: row.try_get(0)?,
        user: rows::user(&row, 1)?,
        created_at: Timestamp::from_millis(row.try_get(2)?),
        total,
        counts,
        fraction,
    }))
}

pub(super) async fn questions(conn: &mut PgConnection, id: TaskId) -> Result<Vec<OpenQuestion>, Fault> {
    let found = query(
        "SELECT question, asked_at, until, outcome, fields, answered_by, answered_at FROM taskdeck.questions
         WHERE task = $1 ORDER BY asked_at DESC",
    );
    let found = found.bind(*id.as_uuid()).fetch_all(conn).await?;
    Ok(found.iter().map(question).collect::<Read<_>>()?)
}

fn question(row: &PgRow) -> Read<OpenQuestion> {
    let outcome: i16 = row.try_get(3)?;
    let outcome = u8::try_from(outcome).ok().and_then(QuestionOutcome::from_code);
    let outcome = outcome.ok_or_else(|| bad(&"no such outcome"))?;
    let answer = match (outcome, time(row, 6)?) {
        (QuestionOutcome::Approved | QuestionOutcome::Declined, Some(at)) => Some(Answer {
            approved: outcome == QuestionOutcome::Approved,
            fields: json(row, 4)?.unwrap_or(serde_json::Value::Null),
            by: rows::user(row, 5)?,
            at,
        }),
        _ => None,
    };
    Ok(OpenQuestion {
        question: json(row, 0)?.ok_or_else(|| bad(&"a question without its text"))?,
        asked_at: Timestamp::from_millis(row.try_get(1)?),
        until: time(row, 2)?,
        outcome,
        answer,
    })
}

pub(super) async fn after(conn: &mut PgConnection, id: TaskId) -> Result<Vec<TaskId>, Fault> {
    let sql = "SELECT after FROM taskdeck.dependencies WHERE task = $1 ORDER BY after";
    let found = query(sql).bind(*id.as_uuid()).fetch_all(conn).await?;
    Ok(found.iter().map(|row| task_id(row, 0)).collect::<Read<_>>()?)
}
