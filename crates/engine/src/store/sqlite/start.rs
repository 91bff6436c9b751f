//! Starting tasks: new rows, or the ones that were there already.

use std::sync::Arc;

use rusqlite::OptionalExtension;
use taskdeck_core::{Batch, Event, Status, Timestamp};

use super::rows::{self, blob};
use super::settle;
use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::{Change, Moved, NewTask, Record, StartOutcome};

pub(super) fn start(tx: &mut Tx<'_, '_>, tasks: &[NewTask]) -> Result<Vec<StartOutcome>, WorkError> {
    tasks.iter().map(|task| start_one(tx, task)).collect()
}

pub(super) fn start_batch(
    tx: &mut Tx<'_, '_>,
    batch: &Batch,
    tasks: &[NewTask],
) -> Result<Vec<StartOutcome>, WorkError> {
    let mut insert = tx.conn.prepare_cached(
        "INSERT INTO batches (id, label, user, created_at, total) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    insert.execute((
        blob(batch.id.as_uuid()),
        &batch.label,
        batch.user.as_ref().map(taskdeck_core::UserId::as_str),
        batch.created_at.as_millis(),
        tasks.len(),
    ))?;
    drop(insert);
    start(tx, tasks)
}

pub(super) fn start_one(tx: &mut Tx<'_, '_>, task: &NewTask) -> Result<StartOutcome, WorkError> {
    // Shared, not copied: what the caller made is what is stored, and what is answered.
    let mut record = Arc::clone(&task.record);
    let mut failed = false;
    for after in &task.after {
        match status_of(tx, *after)? {
            None => return Ok(StartOutcome::UnknownAfter(*after)),
            Some(Status::Completed) => {}
            Some(status) => {
                Arc::make_mut(&mut record).machine.waits_for += 1;
                failed |= status.has_ended();
            }
        }
    }
    if record.machine.waits_for > 0 {
        let until = match record.machine.state {
            taskdeck_core::State::Scheduled { until } => until,
            _ => None,
        };
        Arc::make_mut(&mut record).machine.state = taskdeck_core::State::Scheduled { until };
    }
    if !rows::insert(tx, &record)? {
        return existing(tx, &record);
    }
    insert_payload(tx, &record, task)?;
    tx.count(&record, None);
    let tally = tx.rollups.of(&record.kind, record.created_at);
    tally.started += 1;
    if record.status() == Status::Running {
        tally.begun(0);
    }
    let mut also = Vec::new();
    for then in &task.then {
        let then = NewTask { after: vec![record.id], ..then.clone() };
        if let StartOutcome::New(then, mut further) = start_one(tx, &then)? {
            also.push(Moved { record: Arc::unwrap_or_clone(then), before: None });
            also.append(&mut further);
        }
    }
    if failed {
        let now: Timestamp = record.created_at;
        let change = Change::new(record.id, Event::DependencyFailed, now);
        let change = settle::failed_by(tx, change, &task.after)?;
        let applied = super::change::apply_one(tx, &change)?;
        if let crate::store::Applied::Changed(changed, _, mut further) = applied {
            record = Arc::from(changed);
            also.append(&mut further);
        }
    }
    Ok(StartOutcome::New(record, also))
}

fn status_of(tx: &Tx<'_, '_>, id: taskdeck_core::TaskId) -> Result<Option<Status>, WorkError> {
    let mut statement = tx.conn.prepare_cached("SELECT status FROM tasks WHERE id = ?1")?;
    let code: Option<u8> = statement.query_row([blob(id.as_uuid())], |row| row.get(0)).optional()?;
    code.map(|code| {
        Status::from_code(code).ok_or_else(|| WorkError::unreadable("task", &"it has no such status"))
    })
    .transpose()
}

fn insert_payload(tx: &Tx<'_, '_>, record: &Record, task: &NewTask) -> Result<(), WorkError> {
    let id = blob(record.id.as_uuid());
    tx.statements.execute("INSERT INTO payloads (task, params) VALUES (?1, ?2)", (id, &task.params))?;
    super::files::link_uploads(tx, record.id, &task.uploads)?;
    if !task.after.is_empty() {
        tx.statements.chain();
    }
    for after in &task.after {
        let done = status_of(tx, *after)? == Some(Status::Completed);
        let mut edge = tx
            .conn
            .prepare_cached("INSERT OR IGNORE INTO dependencies (after, task, done) VALUES (?1, ?2, ?3)")?;
        edge.execute((blob(after.as_uuid()), id, done))?;
    }
    Ok(())
}

fn existing(tx: &Tx<'_, '_>, record: &Record) -> Result<StartOutcome, WorkError> {
    let mut found = rows::find(tx.conn, record.id)?;
    if let (None, Some(key)) = (&found, &record.key) {
        found = rows::find_by_key(tx.conn, &record.kind, key)?;
    }
    if let (None, Some(parent), Some(child)) = (&found, record.parent, &record.child) {
        found = rows::find_child(tx.conn, parent, child)?;
    }
    found.map(|found| StartOutcome::Existing(Box::new(found))).ok_or_else(|| {
        WorkError::unreadable("task", &"refused, though neither its id, its key nor its name is taken")
    })
}
