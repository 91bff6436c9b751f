//! What follows for other tasks when some change: those that run after them, and their children. A round at a time: all
//! that follows from a round is read in two statements, locked in one, and decided; that is the next round.

use std::collections::HashMap;

use sqlx_postgres::PgRow;
use taskdeck_core::{CancelInfo, ErrorInfo, Event, Status, TaskId, Timestamp};

use super::change;
use super::fault::Fault;
use super::query::query;
use super::rows::{big, json, task_id, uuids};
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
    let edges = completed.flat_map(|cause| {
        let of = cause.record.id;
        dependents.get(&of).into_iter().flatten().map(move |task| (of, *task))
    });
    done(work, &edges.collect::<Vec<_>>()).await?;
    Ok(changes)
}

/// Notes that what these tasks run after is done. Only of those that are told of it: an edge that came meanwhile is
/// settled for itself.
async fn done(work: &mut Work<'_>, edges: &[(TaskId, TaskId)]) -> Result<(), Fault> {
    if edges.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE taskdeck.dependencies d SET done = true FROM unnest($1::uuid[], $2::uuid[]) AS u(after, task)
         WHERE d.after = u.after AND d.task = u.task",
    )
    .bind(uuids(edges.iter().map(|(after, _)| after)))
    .bind(uuids(edges.iter().map(|(_, task)| task)))
    .execute(work.conn())
    .await?;
    Ok(())
}

/// A transaction of a program's own does not keep what its tasks run after from ending, and who ended that saw nothing of
/// them. They are told when the transaction is committed: what has to happen to them. Those that another node is busy
/// with are left to it. With it, whether there were any.
pub(super) async fn settle(
    work: &mut Work<'_>,
    now: Timestamp,
    max: usize,
) -> Result<(Vec<Change>, bool), Fault> {
    let found = query(
        "DELETE FROM taskdeck.unsettled u USING (SELECT after, task FROM taskdeck.unsettled
             ORDER BY after, task LIMIT $1 FOR UPDATE SKIP LOCKED) AS free
         WHERE u.after = free.after AND u.task = free.task RETURNING u.after, u.task",
    );
    let found = found.bind(big(max)).fetch_all(work.conn()).await?;
    if found.is_empty() {
        return Ok((Vec::new(), false));
    }
    let pair = |row: &PgRow| Ok((task_id(row, 0)?, task_id(row, 1)?));
    let edges: Vec<(TaskId, TaskId)> = found.iter().map(pair).collect::<Result<_, sqlx_core::Error>>()?;
    // Whoever is just ending one of them sees its edge already, or has told nobody yet.
    work.lock(edges.iter().flat_map(|(after, task)| [*after, *task]), []).await?;
    let open = query(
        "SELECT d.after, d.task FROM taskdeck.dependencies d
         JOIN unnest($1::uuid[], $2::uuid[]) AS u(after, task) ON d.after = u.after AND d.task = u.task
         WHERE NOT d.done ORDER BY d.after, d.task",
    );
    let open = open
        .bind(uuids(edges.iter().map(|(after, _)| after)))
        .bind(uuids(edges.iter().map(|(_, task)| task)))
        .fetch_all(work.conn())
        .await?;
    let (mut changes, mut told) = (Vec::new(), Vec::new());
    for row in &open {
        let (after, task) = pair(row)?;
        let status = work.task(after).map(Record::status);
        if status == Some(Status::Completed) {
            told.push((after, task));
            changes.push(Change::new(task, Event::DependencyDone, now));
        } else if status.is_none_or(Status::has_ended) {
            let mut change = Change::new(task, Event::DependencyFailed, now);
            change.extra.error = Some(work.task(after).map_or_else(|| removed(after), failure));
            changes.push(change);
        }
    }
    done(work, &told).await?;
    Ok((changes, true))
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

/// The error of a task that runs after one that is there no more.
fn removed(of: TaskId) -> ErrorInfo {
    ErrorInfo {
        code: "dependency_failed".to_owned(),
        message: format!("It runs after {of}, which was removed."),
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
