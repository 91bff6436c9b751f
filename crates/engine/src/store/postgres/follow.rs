//! What follows for other tasks when some change: those that run after them, and their children. A round at a time: all
//! that follows from a round is read in two statements, locked in one, and decided; that is the next round.

use std::collections::HashMap;

use sqlx_core::query::query;
use taskdeck_core::{CancelInfo, ErrorInfo, Event, Status, TaskId, Timestamp};

use super::change;
use super::fault::Fault;
use super::rows::{json, task_id, uuids};
use super::work::Work;
use crate::store::{Applied, Change, Moved, Options, Record};

/// A task that changed.
struct Cause {
    /// The change of the caller that it goes back to.
    root: usize,
    record: Record,
    before: Status,
    event: Event,
    now: Timestamp,
}

impl Cause {
    fn of(root: usize, change: &Change, record: &Record, before: Status) -> Self {
        Self { root, record: record.clone(), before, event: change.event.clone(), now: change.now }
    }

    fn ended(&self) -> bool {
        self.record.status().has_ended() && self.record.status() != self.before
    }

    /// A person's retry brought it back.
    fn came_back(&self) -> bool {
        self.before.has_ended() && self.record.status() != self.before && !self.record.status().has_ended()
    }

    fn stops_children(&self) -> bool {
        self.ended() && self.record.status() != Status::Completed
            || matches!(self.event, Event::CancelRequested(_))
    }
}

/// Applies what follows from changes, and from that, until nothing does.
pub(super) async fn follow(
    work: &mut Work<'_>,
    changes: &[Change],
    applied: &mut [Applied],
) -> Result<(), Fault> {
    let changed = |(root, (change, applied)): (usize, (&Change, &Applied))| match applied {
        Applied::Changed(record, before, _) => Some(Cause::of(root, change, record, *before)),
        _ => None,
    };
    let mut causes: Vec<_> = changes.iter().zip(applied.iter()).enumerate().filter_map(changed).collect();
    while !causes.is_empty() {
        let next = consequences(work, &causes).await?;
        work.lock(next.iter().map(|(_, change)| change.id), []).await?;
        causes.clear();
        for (root, change) in next {
            if let Applied::Changed(record, before, _) = change::write(work, &change).await? {
                causes.push(Cause::of(root, &change, &record, before));
                if let Some(Applied::Changed(_, _, also)) = applied.get_mut(root) {
                    also.push(Moved { record: *record, before: Some(before) });
                }
            }
        }
    }
    Ok(())
}

async fn consequences(work: &mut Work<'_>, causes: &[Cause]) -> Result<Vec<(usize, Change)>, Fault> {
    let turned = causes.iter().filter(|cause| cause.ended() || cause.came_back());
    let dependents = dependents(work, turned.map(|cause| cause.record.id).collect()).await?;
    let stopped = causes.iter().filter(|cause| cause.stops_children());
    let children = children(work, stopped.map(|cause| cause.record.id).collect()).await?;
    let mut changes = Vec::new();
    for cause in causes {
        let (record, now) = (&cause.record, cause.now);
        for dependent in dependents.get(&record.id).into_iter().flatten() {
            let event = match record.status() {
                Status::Completed => Event::DependencyDone,
                status if status.has_ended() => Event::DependencyFailed,
                // Refused when another one of those that it runs after has failed as well, or when another task has
                // its key now: then it stays as it is, and a person decides.
                _ => Event::DependencyRetried,
            };
            if !(cause.ended() || cause.came_back()) {
                continue;
            }
            let mut change = Change::new(*dependent, event, now);
            if change.event == Event::DependencyFailed {
                change.extra.error = Some(failure(record));
            }
            changes.push((cause.root, change));
        }
        if !cause.stops_children() {
            continue;
        }
        for child in children.get(&record.id).into_iter().flatten() {
            let why = if record.machine.cancel.is_some() { "was cancelled" } else { "did not complete" };
            let request = CancelInfo {
                requested_at: now,
                by: record.machine.cancel.as_ref().and_then(|cancel| cancel.by.clone()),
                reason: Some(format!("the task {} that started it {why}", record.id)),
            };
            changes.push((cause.root, Change::new(*child, Event::CancelRequested(request), now)));
        }
    }
    let completed = causes.iter().filter(|cause| cause.ended() && cause.record.status() == Status::Completed);
    let completed: Vec<_> =
        completed.map(|cause| cause.record.id).filter(|id| dependents.contains_key(id)).collect();
    if !completed.is_empty() {
        query("UPDATE taskdeck.dependencies SET done = true WHERE after = ANY($1)")
            .bind(uuids(&completed))
            .execute(work.conn())
            .await?;
    }
    Ok(changes)
}

/// The error of a task that runs after one that did not complete.
pub(super) fn failure(of: &Record) -> ErrorInfo {
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

/// The tasks that run after these.
async fn dependents(work: &mut Work<'_>, after: Vec<TaskId>) -> Result<HashMap<TaskId, Vec<TaskId>>, Fault> {
    let sql = "SELECT after, task FROM taskdeck.dependencies WHERE after = ANY($1) ORDER BY after, task";
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    if !after.is_empty() {
        for row in &query(sql).bind(uuids(&after)).fetch_all(work.conn()).await? {
            found.entry(task_id(row, 0)?).or_default().push(task_id(row, 1)?);
        }
    }
    Ok(found)
}

/// The children of these that have not ended and go with their parents.
async fn children(work: &mut Work<'_>, of: Vec<TaskId>) -> Result<HashMap<TaskId, Vec<TaskId>>, Fault> {
    let sql = "SELECT parent, id, options FROM taskdeck.tasks
        WHERE parent = ANY($1) AND parent IS NOT NULL AND status < 4 ORDER BY id";
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    if !of.is_empty() {
        for row in &query(sql).bind(uuids(&of)).fetch_all(work.conn()).await? {
            let options: Options = json(row, 2)?.unwrap_or_default();
            if !options.detached {
                found.entry(task_id(row, 0)?).or_default().push(task_id(row, 1)?);
            }
        }
    }
    Ok(found)
}

/// A task that this one runs after and that ended without completing; it may have been removed since.
pub(super) async fn failed_dependency(work: &mut Work<'_>, task: TaskId) -> Result<Option<TaskId>, Fault> {
    let found = query(
        "SELECT d.after FROM taskdeck.dependencies d LEFT JOIN taskdeck.tasks t ON t.id = d.after
         WHERE d.task = $1 AND NOT d.done AND (t.id IS NULL OR t.status > 4) LIMIT 1",
    )
    .bind(*task.as_uuid())
    .fetch_optional(work.conn())
    .await?;
    Ok(found.as_ref().map(|row| task_id(row, 0)).transpose()?)
}
