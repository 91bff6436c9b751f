//! Sessions, pauses, limits and batches.

use sqlx_core::row::Row;
use sqlx_postgres::{PgConnection, PgRow};
use taskdeck_core::{
    Answer, Batch, BatchId, Bucket, Counts, LeaseToken, OpenQuestion, QuestionOutcome, Rate, SessionId,
    TaskId, Timestamp, UserId,
};

use super::copying;
use super::fault::Fault;
use super::query::query;
use super::rows::{self, bad, big, count, int, json, nat, task_id, text, time};
use crate::store::{Control, LaneCount, Said, Scope, SessionRow};

type Read<T> = Result<T, sqlx_core::Error>;

/// Enters a session, by the connection that will move its counter. False when a copy is being made.
pub(super) async fn join(conn: &mut PgConnection, session: &SessionRow, pooler: bool) -> Result<bool, Fault> {
    if !copying::hold(conn, pooler).await? {
        return Ok(false);
    }
    query(
        "INSERT INTO taskdeck.sessions (id, worker, slots, started_at, beat, version, said)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(*session.id.as_uuid())
    .bind(text(&session.worker))
    .bind(int(session.slots))
    .bind(session.started_at.as_millis())
    .bind(big(session.beat))
    .bind(&session.version)
    .bind(session.said.as_ref().map(rows::to_json).transpose()?)
    .execute(conn)
    .await?;
    Ok(true)
}

pub(super) async fn say(conn: &mut PgConnection, session: SessionId, said: &Said) -> Result<(), Fault> {
    let sql = "UPDATE taskdeck.sessions SET said = $2 WHERE id = $1";
    query(sql).bind(*session.as_uuid()).bind(rows::to_json(said)?).execute(conn).await?;
    Ok(())
}

pub(super) async fn rate_used(
    conn: &mut PgConnection,
    scope: Scope,
    name: &str,
) -> Result<(Bucket, u64), Fault> {
    let used = query(
        "SELECT coalesce((SELECT earned_at FROM taskdeck.rates WHERE scope = $1 AND name = $2), 0),
             (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
    );
    let row = used.bind(scope_code(scope)).bind(name).fetch_one(conn).await?;
    Ok((Bucket::of(count(&row, 0)?), count(&row, 1)?))
}

pub(super) async fn sessions(conn: &mut PgConnection) -> Result<Vec<SessionRow>, Fault> {
    let sql = "SELECT id, worker, slots, started_at, beat, version, said FROM taskdeck.sessions ORDER BY id";
    let read = |row: &PgRow| {
        Ok(SessionRow {
            id: SessionId::from_uuid(row.try_get(0)?),
            worker: row.try_get(1)?,
            slots: nat(row, 2)?,
            started_at: Timestamp::from_millis(row.try_get(3)?),
            beat: count(row, 4)?,
            version: row.try_get(5)?,
            said: json(row, 6)?,
        })
    };
    Ok(query(sql).fetch_all(conn).await?.iter().map(read).collect::<Read<_>>()?)
}

pub(super) async fn holders(conn: &mut PgConnection) -> Result<Vec<SessionId>, Fault> {
    let found = query("SELECT DISTINCT session FROM taskdeck.tasks WHERE status = 2").fetch_all(conn).await?;
    Ok(found.iter().map(|row| row.try_get(0).map(SessionId::from_uuid)).collect::<Read<_>>()?)
}

pub(super) async fn held_by(
    conn: &mut PgConnection,
    session: SessionId,
) -> Result<Vec<(TaskId, LeaseToken)>, Fault> {
    let sql = "SELECT id, token FROM taskdeck.tasks WHERE status = 2 AND session = $1";
    let read = |row: &PgRow| Ok((rows::task_id(row, 0)?, LeaseToken(row.try_get(1)?)));
    let found = query(sql).bind(*session.as_uuid()).fetch_all(conn).await?;
    Ok(found.iter().map(read).collect::<Read<_>>()?)
}

/// The rates of users stand beside those of queues and kinds.
pub(super) const OF_USERS: i16 = 2;

/// Takes so many starts of what a user has earned, all or none; else the microseconds until there are so many. By the
/// server's clock, and counted as [`Bucket`] counts on one node; one statement where there are so many.
pub(super) async fn take_starts(
    conn: &mut PgConnection,
    user: &UserId,
    starts: usize,
    rate: Rate,
) -> Result<Result<(), u64>, Fault> {
    let (each, span) = (rate.each_us(), rate.span_us());
    let (cost, span) = (each.saturating_mul(starts as u64), i64::try_from(span).unwrap_or(i64::MAX / 4));
    let cost = i64::try_from(cost).unwrap_or(i64::MAX).min(i64::MAX / 4);
    let taken = query(
        "INSERT INTO taskdeck.rates AS r (scope, name, earned_at)
             SELECT $1, $2, now_us + $3
             FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us) AS clock WHERE $3 <= $4
         ON CONFLICT (scope, name) DO UPDATE SET earned_at = greatest(r.earned_at + $3, excluded.earned_at)
             WHERE greatest(r.earned_at + $3, excluded.earned_at) <= excluded.earned_at - $3 + $4",
    );
    let taken = taken.bind(OF_USERS).bind(user.as_str()).bind(cost).bind(span).execute(&mut *conn).await?;
    if taken.rows_affected() == 1 {
        return Ok(Ok(()));
    }
    let row = query(
        "SELECT (greatest(now_us, (SELECT earned_at FROM taskdeck.rates WHERE scope = $1 AND name = $2)) + $3
             - now_us - $4)::bigint
         FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us) AS clock",
    );
    let row = row.bind(OF_USERS).bind(user.as_str()).bind(cost).bind(span).fetch_one(conn).await?;
    // They may have been earned since: then they are there in a moment.
    let wait: i64 = row.try_get(0)?;
    Ok(Err(wait.max(1).unsigned_abs()))
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
    .execute(&mut *conn)
    .await?;
    query(
        "INSERT INTO taskdeck.controls_version AS v (n) VALUES (1) ON CONFLICT (one) DO UPDATE SET n = v.n + 1",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How often controls were changed.
macro_rules! controls_now {
    () => {
        "(SELECT coalesce(max(v.n), 0) FROM taskdeck.controls_version v)"
    };
}
pub(super) use controls_now;

pub(super) async fn controls_version(conn: &mut PgConnection) -> Result<u64, Fault> {
    let row = query(concat!("SELECT ", controls_now!())).fetch_one(conn).await?;
    Ok(count(&row, 0)?)
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
