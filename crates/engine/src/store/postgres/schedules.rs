//! Schedules in PostgreSQL.

use async_trait::async_trait;
use futures::FutureExt;
use sqlx_core::row::Row;
use sqlx_postgres::{PgConnection, PgRow};
use taskdeck_core::{ScheduleName, ScheduleSource, TaskId, Timestamp, UserId};
use uuid::Uuid;

use super::fault::Fault;
use super::query::query;
use super::rows::{self, bad, big, int, json, nat, text, time};
use super::start;
use super::work::Work;
use super::{PostgresStore, commit};
use crate::store::{NewTask, Pace, Pause, ScheduleStore, StartOutcome, StoreError, StoredSchedule};

type Read<T> = Result<T, sqlx_core::Error>;

/// The columns in the order that [`read`] reads.
macro_rules! schedule_columns {
    () => {
        "spec, made, actor, version, next_at, last_at, last_task, created_at, paused_at, paused_by, pause_reason, \
         at_fault"
    };
}

fn whole<T: serde::de::DeserializeOwned>(row: &PgRow, index: usize) -> Read<T> {
    json(row, index)?.ok_or_else(|| bad(&"it is missing"))
}

fn read(row: &PgRow) -> Read<StoredSchedule> {
    let pace = match time(row, 8)? {
        None => Pace::Goes(time(row, 4)?),
        Some(at) => Pace::Paused(Pause {
            at,
            by: rows::user(row, 9)?,
            reason: row.try_get(10)?,
            at_fault: row.try_get(11)?,
        }),
    };
    Ok(StoredSchedule {
        spec: whole(row, 0)?,
        source: if row.try_get::<bool, _>(1)? { ScheduleSource::Made } else { ScheduleSource::Code },
        actor: whole(row, 2)?,
        version: nat(row, 3)?,
        pace,
        last_at: time(row, 5)?,
        last_task: row.try_get::<Option<Uuid>, _>(6)?.map(TaskId::from_uuid),
        created_at: Timestamp::from_millis(row.try_get(7)?),
    })
}

fn all(rows: &[PgRow]) -> Result<Vec<StoredSchedule>, Fault> {
    Ok(rows.iter().map(read).collect::<Read<_>>()?)
}

/// Whether it was stored.
async fn save(
    conn: &mut PgConnection,
    schedule: &StoredSchedule,
    last_task: Option<TaskId>,
) -> Result<bool, Fault> {
    let pause = match &schedule.pace {
        Pace::Goes(_) => None,
        Pace::Paused(pause) => Some(pause),
    };
    let sql = if schedule.version == 0 {
        "INSERT INTO taskdeck.schedules (name, spec, made, actor, version, next_at, last_at, last_task, created_at,
             paused_at, paused_by, pause_reason, at_fault)
         VALUES ($1, $2, $3, $4, $5 + 1, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING"
    } else {
        "UPDATE taskdeck.schedules SET spec = $2, made = $3, actor = $4, version = $5 + 1, next_at = $6,
             last_at = $7, last_task = $8, paused_at = $10, paused_by = $11, pause_reason = $12, at_fault = $13
         WHERE name = $1 AND version = $5 AND created_at = $9"
    };
    let written = query(sql)
        .bind(schedule.spec.name.as_str())
        .bind(rows::to_json(&schedule.spec)?)
        .bind(schedule.source == ScheduleSource::Made)
        .bind(rows::to_json(&schedule.actor)?)
        .bind(int(schedule.version))
        .bind(schedule.next_at().map(Timestamp::as_millis))
        .bind(schedule.last_at.map(Timestamp::as_millis))
        .bind(last_task.map(|id| *id.as_uuid()))
        .bind(schedule.created_at.as_millis())
        .bind(pause.map(|pause| pause.at.as_millis()))
        .bind(pause.and_then(|pause| pause.by.as_ref()).map(UserId::as_str))
        .bind(pause.and_then(|pause| pause.reason.as_deref()).map(text))
        .bind(pause.is_some_and(|pause| pause.at_fault))
        .execute(conn)
        .await?;
    Ok(written.rows_affected() == 1)
}

async fn fire(
    work: &mut Work<'_>,
    schedule: &StoredSchedule,
    tasks: &[NewTask],
) -> Result<Option<Vec<StartOutcome>>, Fault> {
    // A name that was removed and made anew begins with version 1 again. The row is held, so of several that met the
    // same time the others wait here, and then find another version.
    let sql =
        "SELECT 1 FROM taskdeck.schedules WHERE name = $1 AND version = $2 AND created_at = $3 FOR UPDATE";
    let current = query(sql)
        .bind(schedule.spec.name.as_str())
        .bind(int(schedule.version))
        .bind(schedule.created_at.as_millis())
        .fetch_optional(work.conn())
        .await?;
    if current.is_none() {
        return Ok(None);
    }
    let started = start::start(work, tasks, start::Tried::No).await?;
    let last = started.last().and_then(|outcome| match outcome {
        StartOutcome::New(task, _) => Some(task.id),
        StartOutcome::Existing(task) => Some(task.id),
        StartOutcome::UnknownAfter(_) => None,
    });
    if !save(work.conn(), schedule, last.or(schedule.last_task)).await? {
        return Err(Fault::unreadable("schedule", &"it changed within a transaction"));
    }
    work.news.schedules = true;
    Ok(Some(started))
}

#[async_trait]
impl ScheduleStore for PostgresStore {
    async fn schedules(&self) -> Result<Vec<StoredSchedule>, StoreError> {
        let sql = concat!("SELECT ", schedule_columns!(), " FROM taskdeck.schedules ORDER BY name");
        self.read(move |conn| async move { all(&query(sql).fetch_all(conn).await?) }.boxed()).await
    }

    async fn schedule(&self, name: ScheduleName) -> Result<Option<StoredSchedule>, StoreError> {
        let sql = concat!("SELECT ", schedule_columns!(), " FROM taskdeck.schedules WHERE name = $1");
        self.read(move |conn| {
            let found = query(sql).bind(name.as_str());
            async move { Ok(found.fetch_optional(conn).await?.as_ref().map(read).transpose()?) }.boxed()
        })
        .await
    }

    async fn due_schedules(&self, now: Timestamp, max: usize) -> Result<Vec<StoredSchedule>, StoreError> {
        let sql = concat!(
            "SELECT ",
            schedule_columns!(),
            " FROM taskdeck.schedules WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at LIMIT $2"
        );
        self.read(move |conn| {
            let found = query(sql).bind(now.as_millis()).bind(big(max));
            async move { all(&found.fetch_all(conn).await?) }.boxed()
        })
        .await
    }

    async fn next_schedule_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(next_at) FROM taskdeck.schedules WHERE next_at IS NOT NULL";
        self.read(move |conn| async move { Ok(time(&query(sql).fetch_one(conn).await?, 0)?) }.boxed()).await
    }

    async fn save_schedule(&self, schedule: StoredSchedule) -> Result<bool, StoreError> {
        commit!(self, work, [schedule], {
            work.news.schedules = true;
            save(work.conn(), &schedule, schedule.last_task).await
        })
    }

    async fn fire_schedule(
        &self,
        schedule: StoredSchedule,
        tasks: Vec<NewTask>,
    ) -> Result<Option<Vec<StartOutcome>>, StoreError> {
        commit!(self, work, [schedule, tasks], fire(work, &schedule, &tasks).await)
    }

    async fn remove_schedule(&self, name: ScheduleName) -> Result<bool, StoreError> {
        commit!(self, work, [name], {
            work.news.schedules = true;
            let sql = "DELETE FROM taskdeck.schedules WHERE name = $1";
            Ok(query(sql).bind(name.as_str()).execute(work.conn()).await?.rows_affected() == 1)
        })
    }
}
