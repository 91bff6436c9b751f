//! Starting tasks: new rows, or the ones that were there already. Many at once, in few statements.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx_postgres::{PgBindIterExt, PgConnection};
use taskdeck_core::{Batch, Event, State, Status, TaskId};

use super::change;
use super::deltas::{Deltas, insert_deltas};
use super::fault::Fault;
use super::follow;
use super::query::query;
use super::rows::{self, big, status, task_id, text, uuids};
use super::signal::News;
use super::work::Work;
use crate::store::{Applied, Change, Moved, NewTask, Record, StartOutcome};

/// How often a key may be taken by another task that then ends, between our look at the row and at the key.
const TAKEN_TRIES: usize = 5;

/// Whether a start was tried before, and nobody heard what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    No,
    Unheard,
}

pub(super) async fn start(
    work: &mut Work<'_>,
    tasks: &[NewTask],
    tried: Tried,
) -> Result<Vec<StartOutcome>, Fault> {
    let mut outcomes = Vec::with_capacity(tasks.len());
    let mut rest = tasks;
    while !rest.is_empty() {
        let (round, later) = rest.split_at(independent(rest));
        outcomes.append(&mut start_round(work, round, tried).await?);
        rest = later;
    }
    Ok(outcomes)
}

/// Tasks that nothing but their ids can keep from being new, and that nothing belongs to.
pub(super) fn are_plain(tasks: &[NewTask]) -> bool {
    let plain = |task: &NewTask| {
        let (record, takes) = (&task.record, !task.uploads.is_empty());
        let follows = !task.after.is_empty() || !task.then.is_empty();
        record.key.is_none() && record.child.is_none() && !follows && !takes
    };
    tasks.iter().all(plain)
}

const PLAIN: &str = concat!(
    "WITH payloads AS (INSERT INTO taskdeck.payloads (task, params) SELECT * FROM unnest($1::uuid[], $32::text[])), ",
    insert_deltas!(33 34 35 36, 37 38 39, 40 41 42 43 44 45 46 47 48 49),
    rows::insert_tasks!(),
    rows::if_fresh!("$50")
);

/// The version of the pauses and limits by which those of the tasks are claimed that are; the oldest of them.
fn controls<'a>(tasks: impl Iterator<Item = &'a NewTask>) -> Option<u64> {
    tasks.filter_map(|task| task.unclaimed.as_ref()).map(|(_, controls)| *controls).min()
}

/// The tasks as they are when they may not be claimed in their start.
pub(super) fn unclaimed(tasks: &[NewTask]) -> Vec<NewTask> {
    let one = |task: &NewTask| match &task.unclaimed {
        Some((record, _)) => NewTask { record: Arc::clone(record), unclaimed: None, ..task.clone() },
        None => task.clone(),
    };
    tasks.iter().map(one).collect()
}

/// Starts plain tasks in one statement, which is a transaction of its own: one way to the server and back. Nothing is
/// started when one of the ids is taken, which is a clash.
pub(super) async fn start_plain(
    conn: &mut PgConnection,
    tasks: &[NewTask],
) -> Result<(Vec<StartOutcome>, News), Fault> {
    let (mut deltas, mut news) = (Deltas::default(), News::default());
    for task in tasks {
        note(&mut deltas, &mut news, &task.record);
    }
    let records: Vec<_> = tasks.iter().map(|task| &*task.record).collect();
    let start = rows::bind_new(query(PLAIN), &records)?;
    let start = start.bind(tasks.iter().map(|task| text(&task.params)).bind_iter());
    deltas.bind(start).bind(controls(tasks.iter()).map(big)).execute(conn).await?;
    let new = |task: &NewTask| StartOutcome::New(Arc::clone(&task.record), Vec::new());
    Ok((tasks.iter().map(new).collect(), news))
}

/// Counts a new task.
fn note(deltas: &mut Deltas, news: &mut News, record: &Record) {
    deltas.count(record, None);
    news.moved(record);
    let tally = deltas.minute(&record.kind, record.created_at);
    tally.started += 1;
    if record.status() == Status::Running {
        tally.begun(0);
    }
}

/// How many tasks, from the first, have nothing to do with each other: then one statement may insert them all.
fn independent(tasks: &[NewTask]) -> usize {
    let mut ids = HashSet::with_capacity(tasks.len());
    let apart = |task: &&NewTask| {
        let runs_after_one = task.after.iter().any(|after| ids.contains(after));
        !runs_after_one && ids.insert(task.record.id)
    };
    tasks.iter().take_while(apart).count()
}

pub(super) async fn start_batch(
    work: &mut Work<'_>,
    batch: &Batch,
    tasks: &[NewTask],
) -> Result<Vec<StartOutcome>, Fault> {
    query("INSERT INTO taskdeck.batches (id, label, user_id, created_at, total) VALUES ($1, $2, $3, $4, $5)")
        .bind(*batch.id.as_uuid())
        .bind(batch.label.as_deref().map(text))
        .bind(batch.user.as_ref().map(taskdeck_core::UserId::as_str))
        .bind(batch.created_at.as_millis())
        .bind(big(batch.total))
        .execute(work.conn())
        .await?;
    start(work, tasks, Tried::No).await
}

/// A task on its way into the store.
struct Coming<'a> {
    task: &'a NewTask,
    /// Which of the round's tasks it is, or comes after.
    root: usize,
    record: Arc<Record>,
    after: Vec<TaskId>,
    /// One that it runs after and that did not complete.
    failed: Option<TaskId>,
}

async fn start_round(
    work: &mut Work<'_>,
    tasks: &[NewTask],
    tried: Tried,
) -> Result<Vec<StartOutcome>, Fault> {
    let mut outcomes: Vec<Option<StartOutcome>> = Vec::new();
    outcomes.resize_with(tasks.len(), || None);
    let mut failed = Vec::new();
    let mut level: Vec<Coming<'_>> = Vec::with_capacity(tasks.len());
    let ends = lock_statuses(work, tasks).await?;
    for (root, task) in tasks.iter().enumerate() {
        match coming(task, root, &ends) {
            Ok(coming) => level.push(coming),
            Err(unknown) => outcomes[root] = Some(StartOutcome::UnknownAfter(unknown)),
        }
    }
    let mut is_root = true;
    // Then what is started after those that are new, and so on.
    while !level.is_empty() {
        let (new, taken) = insert(work, level, &ends, tried).await?;
        for (coming, found) in taken.into_iter().filter(|_| is_root) {
            outcomes[coming] = Some(StartOutcome::Existing(Box::new(found)));
        }
        level = Vec::new();
        for coming in new {
            for then in &coming.task.then {
                let record = waiting(Arc::clone(&then.record), 1);
                let after = vec![coming.record.id];
                level.push(Coming { task: then, root: coming.root, record, after, failed: None });
            }
            failed.extend(coming.failed.map(|on| (coming.root, coming.record.id, on)));
            match &mut outcomes[coming.root] {
                Some(StartOutcome::New(_, also)) if !is_root => {
                    also.push(Moved { record: Arc::unwrap_or_clone(coming.record), before: None });
                }
                outcome => *outcome = Some(StartOutcome::New(coming.record, Vec::new())),
            }
        }
        is_root = false;
    }
    fail(work, failed, &mut outcomes).await?;
    let all: Option<Vec<_>> = outcomes.into_iter().collect();
    all.ok_or_else(|| Fault::unreadable("start", &"a task has neither begun nor been found"))
}

/// The statuses of what these tasks run after, which stay so until the commit of a transaction of ours.
async fn lock_statuses(work: &mut Work<'_>, tasks: &[NewTask]) -> Result<HashMap<TaskId, Status>, Fault> {
    let mut after: Vec<_> = tasks.iter().flat_map(|task| task.after.iter().copied()).collect();
    after.sort_unstable();
    after.dedup();
    let mut ends = HashMap::with_capacity(after.len());
    if !after.is_empty() {
        // What an earlier round of this transaction made counts too.
        work.flush().await?;
        // A program's own transaction may stay open for long: what its tasks run after goes on, and may end before its
        // commit (`follow::settle`).
        let sql = if work.of_program {
            "SELECT id, status FROM taskdeck.tasks WHERE id = ANY($1) ORDER BY id FOR KEY SHARE"
        } else {
            "SELECT id, status FROM taskdeck.tasks WHERE id = ANY($1) ORDER BY id FOR SHARE"
        };
        for row in &query(sql).bind(uuids(&after)).fetch_all(work.conn()).await? {
            ends.insert(task_id(row, 0)?, status(row, 1)?);
        }
    }
    Ok(ends)
}

fn coming<'a>(task: &'a NewTask, root: usize, ends: &HashMap<TaskId, Status>) -> Result<Coming<'a>, TaskId> {
    let (mut waits_for, mut failed) = (0, None);
    for after in &task.after {
        match ends.get(after) {
            None => return Err(*after),
            Some(Status::Completed) => {}
            Some(status) => {
                waits_for += 1;
                failed = failed.or_else(|| status.has_ended().then_some(*after));
            }
        }
    }
    let record = waiting(Arc::clone(&task.record), waits_for);
    Ok(Coming { task, root, record, after: task.after.clone(), failed })
}

/// The task as it is while it waits for so many others.
fn waiting(mut record: Arc<Record>, waits_for: u32) -> Arc<Record> {
    if waits_for > 0 {
        let machine = &mut Arc::make_mut(&mut record).machine;
        let until = match machine.state {
            State::Scheduled { until } => until,
            _ => None,
        };
        machine.waits_for += waits_for;
        machine.state = State::Scheduled { until };
    }
    record
}

/// Those that are new now, and what was found in place of the others, by root.
async fn insert<'a>(
    work: &mut Work<'_>,
    mut coming: Vec<Coming<'a>>,
    ends: &HashMap<TaskId, Status>,
    tried: Tried,
) -> Result<(Vec<Coming<'a>>, Vec<(usize, Record)>), Fault> {
    // Two transactions that want the same keys take them in the same order. Of the same key the first comes first.
    coming.sort_by(|a, b| order(&a.record).cmp(&order(&b.record)));
    let (mut new, mut taken) = (Vec::with_capacity(coming.len()), Vec::new());
    for _ in 0..TAKEN_TRIES {
        let records: Vec<_> = coming.iter().map(|coming| &*coming.record).collect();
        let controls = controls(coming.iter().map(|coming| coming.task));
        let inserted: HashSet<_> = rows::insert(work.conn(), &records, controls).await?.into_iter().collect();
        let (now, rest): (Vec<_>, Vec<_>) =
            coming.into_iter().partition(|coming| inserted.contains(&coming.record.id));
        add(work, &now, ends).await?;
        new.extend(now);
        coming = Vec::new();
        for other in rest {
            match existing(work.conn(), &other.record).await? {
                // This very start, whose commit was made though nobody heard of it.
                Some(found) if is_same_start(&found, &other.record, tried) => new.push(other),
                Some(found) => taken.push((other.root, found)),
                // Whoever had its key has just ended.
                None => coming.push(other),
            }
        }
        if coming.is_empty() {
            new.sort_by_key(|coming| coming.root);
            return Ok((new, taken));
        }
    }
    Err(Fault::unreadable("task", &"refused, though neither its id, its key nor its name is taken"))
}

/// The token is of one claim, and what was not claimed and was tried before has one trace and one moment.
fn is_same_start(found: &Record, new: &Record, tried: Tried) -> bool {
    match new.machine.state.lease() {
        Some(lease) => found.machine.state.lease() == Some(lease),
        None if tried == Tried::No => false,
        None => {
            let made =
                |of: &Record| (of.id, of.created_at, of.trace_id.clone(), of.kind.clone(), of.user.clone());
            made(found) == made(new)
        }
    }
}

fn order(record: &Record) -> impl Ord + '_ {
    let key = record.key.as_deref().map(|key| (record.kind.as_str(), key));
    (key, record.parent.zip(record.child.as_deref()))
}

/// Writes what belongs to new tasks, and counts them.
async fn add(work: &mut Work<'_>, new: &[Coming<'_>], ends: &HashMap<TaskId, Status>) -> Result<(), Fault> {
    if new.is_empty() {
        return Ok(());
    }
    for Coming { record, .. } in new {
        note(&mut work.deltas, &mut work.news, record);
    }
    query("INSERT INTO taskdeck.payloads (task, params) SELECT * FROM unnest($1::uuid[], $2::text[])")
        .bind(new.iter().map(|coming| *coming.record.id.as_uuid()).bind_iter())
        .bind(new.iter().map(|coming| text(&coming.task.params)).bind_iter())
        .execute(work.conn())
        .await?;
    let edges: Vec<_> = new
        .iter()
        .flat_map(|coming| coming.after.iter().map(|after| (coming.record.id, *after)))
        .map(|(task, after)| (task, after, ends.get(&after) == Some(&Status::Completed)))
        .collect();
    if !edges.is_empty() {
        query(
            "INSERT INTO taskdeck.dependencies (task, after, done)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[]) ON CONFLICT DO NOTHING",
        )
        .bind(edges.iter().map(|(task, ..)| *task.as_uuid()).bind_iter())
        .bind(edges.iter().map(|(_, after, _)| *after.as_uuid()).bind_iter())
        .bind(edges.iter().map(|(.., done)| *done).bind_iter())
        .execute(work.conn())
        .await?;
        if work.of_program {
            let open = || edges.iter().filter(|(.., done)| !done);
            work.news.due |= open().next().is_some();
            let sql =
                "INSERT INTO taskdeck.unsettled (task, after) SELECT * FROM unnest($1::uuid[], $2::uuid[])
                ON CONFLICT DO NOTHING";
            query(sql)
                .bind(open().map(|(task, ..)| *task.as_uuid()).bind_iter())
                .bind(open().map(|(_, after, _)| *after.as_uuid()).bind_iter())
                .execute(work.conn())
                .await?;
        }
    }
    link_uploads(work, new).await
}

async fn link_uploads(work: &mut Work<'_>, new: &[Coming<'_>]) -> Result<(), Fault> {
    let uploads: Vec<_> = new
        .iter()
        .flat_map(|coming| {
            coming.task.uploads.iter().map(|(param, file)| (coming.record.id, param.as_str(), *file))
        })
        .collect();
    super::files::link_uploads(work.conn(), &uploads).await
}

/// The task that has the id, the key, or the name of this one.
async fn existing(conn: &mut PgConnection, record: &Record) -> Result<Option<Record>, Fault> {
    let mut found = rows::find(conn, &[record.id]).await?.pop();
    if let (None, Some(key)) = (&found, &record.key) {
        found = rows::find_by_key(conn, &record.kind, key).await?;
    }
    if let (None, Some(parent), Some(child)) = (&found, record.parent, &record.child) {
        found = rows::find_child(conn, parent, child).await?;
    }
    Ok(found)
}

/// Fails those of whose dependencies one has failed already.
async fn fail(
    work: &mut Work<'_>,
    failed: Vec<(usize, TaskId, TaskId)>,
    outcomes: &mut [Option<StartOutcome>],
) -> Result<(), Fault> {
    if failed.is_empty() {
        return Ok(());
    }
    let on: Vec<_> = failed.iter().map(|(.., on)| *on).collect();
    let on: HashMap<_, _> =
        rows::find(work.conn(), &on).await?.into_iter().map(|record| (record.id, record)).collect();
    let mut changes = Vec::with_capacity(failed.len());
    for (root, task, after) in failed {
        let Some(StartOutcome::New(record, _)) = &outcomes[root] else { continue };
        let mut change = Change::new(task, Event::DependencyFailed, record.created_at);
        change.extra.error = on.get(&after).map(follow::failure);
        changes.push((root, change));
    }
    let (roots, changes): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
    let applied = change::apply(work, &changes).await?;
    for (root, applied) in roots.into_iter().zip(applied) {
        if let (Applied::Changed(changed, _, mut further), Some(StartOutcome::New(record, also))) =
            (applied, &mut outcomes[root])
        {
            *record = Arc::from(changed);
            also.append(&mut further);
        }
    }
    Ok(())
}
