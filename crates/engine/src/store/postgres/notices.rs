//! What a running attempt writes besides its ending: progress, log lines, checkpoints, notices. And the store's secrets.

use std::collections::HashSet;

use sqlx_core::row::Row;
use sqlx_postgres::{PgBindIterExt, PgConnection};
use taskdeck_core::{LeaseToken, TaskId, Timestamp};
use uuid::Uuid;

use super::fault::Fault;
use super::query::query;
use super::rows::{self, big, count, int, text};
use super::work::Work;
use crate::store::{LogWrite, ProgressWrite};

/// Writes progress behind. What another claim than the task's now wrote is a row that nobody reads.
pub(super) async fn save_progress(conn: &mut PgConnection, writes: &[ProgressWrite]) -> Result<(), Fault> {
    let progress: Vec<_> =
        writes.iter().map(|write| rows::to_json(&write.progress)).collect::<Result<_, _>>()?;
    // The last one of a task, in an order that is everybody's.
    let mut order: Vec<_> = (0..writes.len()).collect();
    order.sort_by_key(|n| (writes[*n].id, writes[*n].token.0, *n));
    let last = |pair: &[usize]| {
        let (one, next) = (&writes[pair[0]], pair.get(1).map(|n| &writes[*n]));
        next.is_none_or(|next| (next.id, next.token) != (one.id, one.token))
    };
    let order: Vec<_> =
        (0..order.len()).filter(|n| last(&order[*n..(n + 2).min(order.len())])).map(|n| order[n]).collect();
    query(
        "INSERT INTO taskdeck.live (task, token, progress, label, version, tick)
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::int[], $6::int[])
         ON CONFLICT (task, token) DO UPDATE SET progress = excluded.progress, label = excluded.label,
             version = excluded.version, tick = excluded.tick",
    )
    .bind(order.iter().map(|n| *writes[*n].id.as_uuid()).bind_iter())
    .bind(order.iter().map(|n| writes[*n].token.0).bind_iter())
    .bind(order.iter().map(|n| progress[*n].as_str()).bind_iter())
    .bind(order.iter().map(|n| text(&writes[*n].label)).bind_iter())
    .bind(order.iter().map(|n| int(writes[*n].rev.version)).bind_iter())
    .bind(order.iter().map(|n| int(writes[*n].rev.tick)).bind_iter())
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a walk over what is told of attempts stands.
pub(super) type AtProgress = (Uuid, i64);

/// Forgets the progress of attempts that are over, among the next `max` rows; where the walk goes on, if it does.
pub(super) async fn remove_progress(
    conn: &mut PgConnection,
    from: AtProgress,
    max: usize,
) -> Result<Option<AtProgress>, Fault> {
    let found = query(
        "WITH looked AS (SELECT ctid AS at, task, token FROM taskdeck.live WHERE (task, token) > ($1, $2)
                 ORDER BY task, token LIMIT $3),
             over AS (DELETE FROM taskdeck.live WHERE ctid = ANY(ARRAY(SELECT k.at FROM looked k WHERE NOT EXISTS
                 (SELECT 1 FROM taskdeck.tasks t WHERE t.id = k.task AND t.token = k.token))))
         SELECT task, token FROM looked ORDER BY task DESC, token DESC LIMIT 1",
    );
    let found = found.bind(from.0).bind(from.1).bind(big(max)).fetch_optional(conn).await?;
    Ok(found.map(|row| Ok::<_, sqlx_core::Error>((row.try_get(0)?, row.try_get(1)?))).transpose()?)
}

pub(super) async fn checkpoint(
    conn: &mut PgConnection,
    id: TaskId,
    token: LeaseToken,
    value: &str,
) -> Result<bool, Fault> {
    let done = query(
        "WITH held AS (SELECT id FROM taskdeck.tasks WHERE id = $1 AND token = $2 FOR SHARE)
         UPDATE taskdeck.payloads p SET checkpoint = $3 FROM held WHERE p.task = held.id",
    );
    let done = done.bind(*id.as_uuid()).bind(token.0).bind(value).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Appends lines of attempts that hold their tasks; of others not, since the one that holds the task now writes lines
/// of the same numbers. The rows are held until the commit, so that nobody takes a task over in between.
pub(super) async fn append_logs(work: &mut Work<'_>, logs: &[LogWrite]) -> Result<Vec<bool>, Fault> {
    let found = query(
        "SELECT t.id, t.token FROM taskdeck.tasks t
         WHERE t.id = ANY($1) AND t.token = ANY($2) ORDER BY t.id FOR SHARE",
    )
    .bind(logs.iter().map(|log| *log.id.as_uuid()).bind_iter())
    .bind(logs.iter().map(|log| log.token.0).bind_iter())
    .fetch_all(work.conn())
    .await?;
    let mut held: HashSet<(Uuid, i64)> = HashSet::with_capacity(found.len());
    for row in &found {
        held.insert((row.try_get(0)?, row.try_get(1)?));
    }
    let holds = |log: &LogWrite| held.contains(&(*log.id.as_uuid(), log.token.0));
    for log in logs.iter().filter(|log| holds(log)) {
        work.log(log.id, &log.lines)?;
    }
    Ok(logs.iter().map(holds).collect())
}

/// Adds a notice of the attempt that holds the task; gives its `seq`. `None` when another holds it, or nobody.
pub(super) async fn add(
    conn: &mut PgConnection,
    id: TaskId,
    token: LeaseToken,
    at: Timestamp,
    said: &str,
) -> Result<Option<u64>, Fault> {
    let added = query(
        "WITH next AS (UPDATE taskdeck.tasks SET notice_seq = notice_seq + 1 WHERE id = $1 AND token = $2
             RETURNING notice_seq, user_id)
         INSERT INTO taskdeck.notices (task, seq, at, text, user_id)
             SELECT $1, notice_seq, $3, $4, user_id FROM next RETURNING seq",
    )
    .bind(*id.as_uuid())
    .bind(token.0)
    .bind(at.as_millis())
    .bind(text(said))
    .fetch_optional(conn)
    .await?;
    Ok(added.as_ref().map(|row| count(row, 0)).transpose()?)
}
