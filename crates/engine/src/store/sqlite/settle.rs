//! What follows for other tasks when one changes: those that run after it, and its children.

use rusqlite::OptionalExtension;
use taskdeck_core::{CancelInfo, ErrorInfo, Event, Status, TaskId, Timestamp};

use super::change;
use super::rows::{self, COLUMNS, blob};
use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::{Applied, Change, Moved, Record};

/// Applies what follows from a change, and from that, until nothing does.
pub(super) fn follow(
    tx: &mut Tx<'_, '_>,
    record: &Record,
    before: Status,
    event: &Event,
    now: Timestamp,
) -> Result<Vec<Moved>, WorkError> {
    let mut also = Vec::new();
    let mut waiting = consequences(tx, record, before, event, now)?;
    while let Some(change) = waiting.pop() {
        if let Applied::Changed(next, from, _) = change::write(tx, &change)? {
            waiting.extend(consequences(tx, &next, from, &change.event, now)?);
            also.push(Moved { record: *next, before: Some(from) });
        }
    }
    Ok(also)
}

fn consequences(
    tx: &Tx<'_, '_>,
    record: &Record,
    before: Status,
    event: &Event,
    now: Timestamp,
) -> Result<Vec<Change>, WorkError> {
    let to = record.status();
    let mut changes = Vec::new();
    if to.has_ended() && to != before {
        let dependents = dependents(tx, record.id)?;
        if to == Status::Completed && !dependents.is_empty() {
            mark_done(tx, record.id)?;
        }
        for dependent in dependents {
            changes.push(match to {
                Status::Completed => Change::new(dependent, Event::DependencyDone, now),
                _ => {
                    let mut change = Change::new(dependent, Event::DependencyFailed, now);
                    change.extra.error = Some(failure(record));
                    change
                }
            });
        }
    } else if before.has_ended() && to != before {
        for dependent in dependents(tx, record.id)? {
            // Refused when another one of those that it runs after has failed as well, or when another task has its
            // key now: then it stays as it is, and a person decides.
            changes.push(Change::new(dependent, Event::DependencyRetried, now));
        }
    }
    let stops = to.has_ended() && to != Status::Completed && to != before
        || matches!(event, Event::CancelRequested(_));
    if stops {
        changes.extend(children(tx, record.id)?.into_iter().map(|child| {
            let why = if record.machine.cancel.is_some() { "was cancelled" } else { "did not complete" };
            let request = CancelInfo {
                requested_at: now,
                by: record.machine.cancel.as_ref().and_then(|cancel| cancel.by.clone()),
                reason: Some(format!("the task {} that started it {why}", record.id)),
            };
            Change::new(child, Event::CancelRequested(request), now)
        }));
    }
    Ok(changes)
}

fn failure(of: &Record) -> ErrorInfo {
    let how = match of.status() {
        Status::Cancelled => "was cancelled",
        Status::Interrupted => "was interrupted",
        _ => "failed",
    };
    ErrorInfo {
        code: "dependency_failed".to_owned(),
        message: format!("It runs after {:?} ({}), which {how}.", of.label, of.id),
    }
}

/// The change of a new task of whose dependencies one has failed already, with the error that says so.
pub(super) fn failed_by(tx: &Tx<'_, '_>, mut change: Change, after: &[TaskId]) -> Result<Change, WorkError> {
    for id in after {
        if let Some(record) = rows::find(tx.conn, *id)?
            && record.status().has_ended()
            && record.status() != Status::Completed
        {
            change.extra.error = Some(failure(&record));
            break;
        }
    }
    Ok(change)
}

fn mark_done(tx: &Tx<'_, '_>, after: TaskId) -> Result<(), WorkError> {
    tx.conn
        .prepare_cached("UPDATE dependencies SET done = 1 WHERE after = ?1")?
        .execute([blob(after.as_uuid())])?;
    Ok(())
}

fn dependents(tx: &Tx<'_, '_>, after: TaskId) -> Result<Vec<TaskId>, WorkError> {
    if !tx.statements.is_chained() {
        return Ok(Vec::new());
    }
    tx.statements
        .with("SELECT task FROM dependencies WHERE after = ?1", |statement| {
            let found = statement.query_map([blob(after.as_uuid())], |row| rows::task_id(row, 0))?;
            found.collect()
        })
        .map_err(WorkError::from)
}

fn children(tx: &Tx<'_, '_>, parent: TaskId) -> Result<Vec<TaskId>, WorkError> {
    let mut statement =
        tx.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM tasks WHERE parent = ?1 AND status < 4"))?;
    let found = statement.query_map([blob(parent.as_uuid())], rows::record)?;
    let found: Vec<Record> = found.collect::<rusqlite::Result<_>>()?;
    Ok(found.into_iter().filter(|child| !child.options.detached).map(|child| child.id).collect())
}

/// A task that this one runs after and that ended without completing; it may have been removed since.
pub(super) fn failed_dependency(tx: &Tx<'_, '_>, task: TaskId) -> Result<Option<TaskId>, WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "SELECT dependencies.after FROM dependencies LEFT JOIN tasks ON tasks.id = dependencies.after
         WHERE dependencies.task = ?1 AND NOT done AND (tasks.id IS NULL OR tasks.status > 4) LIMIT 1",
    )?;
    Ok(statement.query_row([blob(task.as_uuid())], |row| rows::task_id(row, 0)).optional()?)
}
