//! Schedules in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use taskdeck_core::{ScheduleName, ScheduleSource, TaskId, Timestamp, UserId};

use super::SqliteStore;
use super::rows::{self, bad, blob, task_id, time, to_json};
use super::start;
use super::work_error::WorkError;
use super::writer::{Lane, Tx};
use crate::store::{NewTask, Pace, Pause, ScheduleStore, StartOutcome, StoreError, StoredSchedule};

/// The columns in the order that [`read`] reads.
const COLUMNS: &str = "spec, source, actor, version, next_at, last_at, last_task, created_at, paused_at, paused_by, pause_reason, at_fault";

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    rows::json(row, index)?.ok_or_else(|| bad(index, &"it is missing"))
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredSchedule> {
    let pace = match time(row, 8)? {
        None => Pace::Goes(time(row, 4)?),
        Some(at) => {
            let by = row.get::<_, Option<String>>(9)?.map(UserId::new).transpose();
            Pace::Paused(Pause {
                at,
                by: by.map_err(|error| bad(9, &error))?,
                reason: row.get(10)?,
                at_fault: row.get(11)?,
            })
        }
    };
    let last_task: Option<[u8; 16]> = row.get(6)?;
    Ok(StoredSchedule {
        spec: json(row, 0)?,
        source: if row.get::<_, bool>(1)? { ScheduleSource::Made } else { ScheduleSource::Code },
        actor: json(row, 2)?,
        version: row.get(3)?,
        pace,
        last_at: time(row, 5)?,
        last_task: last_task.map(|_| task_id(row, 6)).transpose()?,
        created_at: Timestamp::from_millis(row.get(7)?),
    })
}

fn find(conn: &Connection, name: &ScheduleName) -> Result<Option<StoredSchedule>, WorkError> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM schedules WHERE name = ?1"))?;
    Ok(statement.query_row([name.as_str()], read).optional()?)
}

fn due(conn: &Connection, now: Timestamp, max: usize) -> Result<Vec<StoredSchedule>, WorkError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM schedules WHERE next_at IS NOT NULL AND next_at <= ?1 ORDER BY next_at LIMIT ?2"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let found = statement.query_map((now.as_millis(), max), read)?.collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

fn save(tx: &Tx<'_, '_>, schedule: &StoredSchedule, last_task: Option<TaskId>) -> Result<bool, WorkError> {
    let (spec, actor) = (to_json(&schedule.spec)?, to_json(&schedule.actor)?);
    let pause = match &schedule.pace {
        Pace::Goes(_) => None,
        Pace::Paused(pause) => Some(pause),
    };
    let sql = if schedule.version == 0 {
        "INSERT INTO schedules (name, spec, source, actor, version, next_at, last_at, last_task, created_at,
             paused_at, paused_by, pause_reason, at_fault)
         VALUES (?1, ?2, ?3, ?4, ?5 + 1, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING"
    } else {
        "UPDATE schedules SET spec = ?2, source = ?3, actor = ?4, version = ?5 + 1, next_at = ?6, last_at = ?7,
             last_task = ?8, paused_at = ?10, paused_by = ?11, pause_reason = ?12, at_fault = ?13
         WHERE name = ?1 AND version = ?5 AND created_at = ?9"
    };
    let written = tx.conn.prepare_cached(sql)?.execute(params![
        schedule.spec.name.as_str(),
        spec,
        schedule.source == ScheduleSource::Made,
        actor,
        schedule.version,
        schedule.next_at().map(Timestamp::as_millis),
        schedule.last_at.map(Timestamp::as_millis),
        last_task.as_ref().map(|id| blob(id.as_uuid())),
        schedule.created_at.as_millis(),
        pause.map(|pause| pause.at.as_millis()),
        pause.and_then(|pause| pause.by.as_ref()).map(UserId::as_str),
        pause.and_then(|pause| pause.reason.as_deref()),
        pause.is_some_and(|pause| pause.at_fault),
    ])?;
    Ok(written == 1)
}

fn fire(
    tx: &mut Tx<'_, '_>,
    schedule: &StoredSchedule,
    tasks: &[NewTask],
) -> Result<Option<Vec<StartOutcome>>, WorkError> {
    let stored = find(tx.conn, &schedule.spec.name)?;
    // A name that was removed and made anew begins with version 1 again.
    let is_current = |stored: StoredSchedule| {
        (stored.version, stored.created_at) == (schedule.version, schedule.created_at)
    };
    if !stored.is_some_and(is_current) {
        return Ok(None);
    }
    let started = start::start(tx, tasks)?;
    let last = started.last().and_then(|outcome| match outcome {
        StartOutcome::New(task, _) => Some(task.id),
        StartOutcome::Existing(task) => Some(task.id),
        StartOutcome::UnknownAfter(_) => None,
    });
    if !save(tx, schedule, last.or(schedule.last_task))? {
        return Err(WorkError::unreadable("schedule", &"it changed within a transaction"));
    }
    Ok(Some(started))
}

#[async_trait]
impl ScheduleStore for SqliteStore {
    async fn schedules(&self) -> Result<Vec<StoredSchedule>, StoreError> {
        self.read(|conn| {
            let mut statement =
                conn.prepare_cached(&format!("SELECT {COLUMNS} FROM schedules ORDER BY name"))?;
            let found = statement.query_map([], read)?.collect::<rusqlite::Result<_>>()?;
            Ok(found)
        })
        .await
    }

    async fn schedule(&self, name: ScheduleName) -> Result<Option<StoredSchedule>, StoreError> {
        self.read(move |conn| find(conn, &name)).await
    }

    async fn due_schedules(&self, now: Timestamp, max: usize) -> Result<Vec<StoredSchedule>, StoreError> {
        self.read(move |conn| due(conn, now, max)).await
    }

    async fn next_schedule_at(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|conn| {
            let sql = "SELECT next_at FROM schedules WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1";
            let mut statement = conn.prepare_cached(sql)?;
            let next: Option<i64> = statement.query_row([], |row| row.get(0)).optional()?;
            Ok(next.map(Timestamp::from_millis))
        })
        .await
    }

    async fn save_schedule(&self, schedule: StoredSchedule) -> Result<bool, StoreError> {
        self.write(Lane::Control, move |tx| save(tx, &schedule, schedule.last_task)).await
    }

    async fn fire_schedule(
        &self,
        schedule: StoredSchedule,
        tasks: Vec<NewTask>,
    ) -> Result<Option<Vec<StartOutcome>>, StoreError> {
        self.write(Lane::Control, move |tx| fire(tx, &schedule, &tasks)).await
    }

    async fn remove_schedule(&self, name: ScheduleName) -> Result<bool, StoreError> {
        let sql = "DELETE FROM schedules WHERE name = ?1";
        self.write(Lane::Control, move |tx| Ok(tx.conn.execute(sql, [name.as_str()])? == 1)).await
    }
}
