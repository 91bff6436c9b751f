//! What a running attempt writes besides its ending: progress, log lines, checkpoints, notices. And the store's secrets.

use std::collections::{HashMap, HashSet};

use sqlx_core::query::query;
use sqlx_core::row::Row;
use sqlx_postgres::{PgBindIterExt, PgConnection};
use taskdeck_core::{LeaseToken, TaskId, Timestamp};
use uuid::Uuid;

use super::fault::Fault;
use super::rows::{self, count, int, nat, task_id, text, uuids};
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

/// How many changes of progress there were when it was last written, in the versions that the tasks have now.
pub(super) async fn ticks(conn: &mut PgConnection, ids: &[TaskId]) -> Result<HashMap<TaskId, u32>, Fault> {
    let found = query(
        "SELECT l.task, l.tick FROM taskdeck.live l
         JOIN taskdeck.tasks t ON t.id = l.task AND t.token = l.token AND t.version = l.version
         WHERE l.task = ANY($1)",
    );
    let found = found.bind(uuids(ids)).fetch_all(conn).await?;
    let tick = |row: &sqlx_postgres::PgRow| Ok((task_id(row, 0)?, nat(row, 1)?));
    Ok(found.iter().map(tick).collect::<Result<_, sqlx_core::Error>>()?)
}

/// Forgets the progress of attempts that are over.
pub(super) async fn remove_progress(conn: &mut PgConnection) -> Result<(), Fault> {
    query(
        "DELETE FROM taskdeck.live l WHERE NOT EXISTS
             (SELECT 1 FROM taskdeck.tasks t WHERE t.id = l.task AND t.token = l.token)",
    )
    .execute(conn)
    .await?;
    Ok(())
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
             RETURNING notice_seq)
         INSERT INTO taskdeck.notices (task, seq, at, text) SELECT $1, notice_seq, $3, $4 FROM next RETURNING seq",
    )
    .bind(*id.as_uuid())
    .bind(token.0)
    .bind(at.as_millis())
    .bind(text(said))
    .fetch_optional(conn)
    .await?;
    Ok(added.as_ref().map(|row| count(row, 0)).transpose()?)
}

/// The secret of this name: `fresh` when there is none yet.
pub(super) async fn secret(conn: &mut PgConnection, name: &str, fresh: &str) -> Result<String, Fault> {
    query("INSERT INTO taskdeck.meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(name)
        .bind(fresh)
        .execute(&mut *conn)
        .await?;
    let row = query("SELECT value FROM taskdeck.meta WHERE name = $1").bind(name).fetch_one(conn).await?;
    Ok(row.try_get(0)?)
}
