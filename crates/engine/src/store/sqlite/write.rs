//! The writing verbs, each inside a transaction of the writer.

use std::collections::HashMap;

use rusqlite::params;
use taskdeck_core::{
    AttemptEnd, Decision, Event, FileId, Lease, LeaseToken, LogLine, SessionId, State, Status, TaskId,
    Timestamp, Upload, decide,
};

use super::rows::{self, COLUMNS, blob};
use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::{
    Applied, Change, ClaimRequest, Claimed, NewTask, ProgressWrite, Record, RemoveWhich, Removed,
    StartOutcome,
};

/// How many queued tasks of kinds that nobody here has a claim looks past.
const CLAIM_BUDGET: usize = 10_000;

pub(super) fn start(tx: &mut Tx<'_>, tasks: &[NewTask]) -> Result<Vec<StartOutcome>, WorkError> {
    tasks.iter().map(|task| start_one(tx, task)).collect()
}

fn start_one(tx: &mut Tx<'_>, task: &NewTask) -> Result<StartOutcome, WorkError> {
    let record = &task.record;
    if !rows::insert(tx, record)? {
        let existing = match rows::find(tx.conn, record.id)? {
            Some(existing) => Some(existing),
            None => {
                record.key.as_deref().map_or(Ok(None), |key| rows::find_by_key(tx.conn, &record.kind, key))?
            }
        };
        return existing.map(|existing| StartOutcome::Existing(Box::new(existing))).ok_or_else(|| {
            WorkError::unreadable("task", &"refused, though neither its id nor its key is taken")
        });
    }
    let id = blob(record.id.as_uuid());
    tx.conn
        .prepare_cached("INSERT INTO payloads (task, params) VALUES (?1, ?2)")?
        .execute((id, &task.params))?;
    for (param, file) in &task.uploads {
        let mut link = tx
            .conn
            .prepare_cached("INSERT INTO task_files (task, role, name, file) VALUES (?1, 0, ?2, ?3)")?;
        link.execute((id, param, blob(file.as_uuid())))?;
    }
    tx.count(record.queue.as_str(), record.kind.as_str(), record.machine.state.status(), 1);
    Ok(StartOutcome::New(Box::new(record.clone())))
}

fn moved(tx: &mut Tx<'_>, record: &Record, from: Status) {
    let to = record.machine.state.status();
    if from != to {
        tx.count(record.queue.as_str(), record.kind.as_str(), from, -1);
        tx.count(record.queue.as_str(), record.kind.as_str(), to, 1);
    }
}

pub(super) fn claim(tx: &mut Tx<'_>, request: &ClaimRequest) -> Result<Vec<Claimed>, WorkError> {
    let known: HashMap<&str, u32> =
        request.kinds.iter().map(|(kind, version)| (kind.as_str(), *version)).collect();
    let mut found = Vec::with_capacity(request.max);
    {
        let sql = format!(
            "SELECT {COLUMNS} FROM tasks WHERE status = 1 ORDER BY ahead DESC, priority DESC, id LIMIT ?1"
        );
        let mut statement = tx.conn.prepare_cached(&sql)?;
        let mut stored = statement.query([request.max.saturating_add(CLAIM_BUDGET)])?;
        while found.len() < request.max {
            let Some(row) = stored.next()? else { break };
            let record = rows::record(row)?;
            if known.get(record.kind.as_str()).is_some_and(|version| record.kind_version <= *version) {
                found.push(record);
            }
        }
    }
    found.into_iter().map(|record| claim_one(tx, record, request)).collect()
}

fn claim_one(tx: &mut Tx<'_>, mut record: Record, request: &ClaimRequest) -> Result<Claimed, WorkError> {
    let lease = Lease { session: request.session, token: new_token() };
    let from = record.machine.state.status();
    match decide(&record.machine, &Event::Claimed(lease), request.now) {
        Ok(Decision::Changed(machine)) => record.machine = *machine,
        Ok(Decision::Unchanged) => {}
        Err(refused) => return Err(WorkError::unreadable("queued task", &refused)),
    }
    let id = blob(record.id.as_uuid());
    let (params, checkpoint): (String, Option<String>) = tx
        .conn
        .prepare_cached("SELECT params, checkpoint FROM payloads WHERE task = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if checkpoint.is_none() {
        // It begins anew: the bar of the attempt before would be wrong.
        record.progress = taskdeck_core::Progress::default();
    }
    let last_log_seq = if record.machine.attempt > 1 { last_log_seq(tx.conn, record.id)? } else { 0 };
    rows::update(tx, &record)?;
    moved(tx, &record, from);
    Ok(Claimed { record, params, checkpoint, last_log_seq })
}

/// A claim's token: random, so that no two claims of a task ever share one, over restarts and clock changes too.
fn new_token() -> LeaseToken {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    LeaseToken((high >> 1).cast_signed())
}

pub(super) fn last_log_seq(conn: &rusqlite::Connection, id: TaskId) -> Result<u64, WorkError> {
    let mut statement = conn
        .prepare_cached("SELECT last_seq FROM log_chunks WHERE task = ?1 ORDER BY first_seq DESC LIMIT 1")?;
    let mut stored = statement.query([blob(id.as_uuid())])?;
    Ok(stored.next()?.map(|row| row.get(0)).transpose()?.unwrap_or(0))
}

pub(super) fn apply(tx: &mut Tx<'_>, changes: &[Change]) -> Result<Vec<Applied>, WorkError> {
    changes.iter().map(|change| apply_one(tx, change)).collect()
}

fn apply_one(tx: &mut Tx<'_>, change: &Change) -> Result<Applied, WorkError> {
    let Some(mut record) = rows::find(tx.conn, change.id)? else { return Ok(Applied::Missing) };
    let before = record.machine.clone();
    match decide(&before, &change.event, change.now) {
        Err(refused) => return Ok(Applied::Refused(refused, Box::new(record))),
        Ok(Decision::Unchanged) => return Ok(Applied::Unchanged(Box::new(record))),
        Ok(Decision::Changed(machine)) => record.machine = *machine,
    }
    if let (Event::RetryRequested, Some(key)) = (&change.event, &record.key)
        && let Some(holder) = rows::find_by_key(tx.conn, &record.kind, key)?
    {
        return Ok(Applied::KeyActive { key: key.clone(), holder: holder.id });
    }
    let extra = &change.extra;
    if let Some(progress) = &extra.progress {
        record.progress.clone_from(progress);
    }
    if let Some(label) = &extra.label {
        record.label.clone_from(label);
    }
    match &extra.error {
        Some(error) => record.error = Some(error.clone()),
        None if record.machine.state.status() == Status::Completed => record.error = None,
        None => {}
    }
    append_log(tx, record.id, &extra.log)?;
    if let Some(result) = &extra.result {
        let mut statement = tx.conn.prepare_cached("UPDATE payloads SET result = ?2 WHERE task = ?1")?;
        statement.execute((blob(record.id.as_uuid()), result))?;
    }
    if let Some(outcome) = attempt_outcome(&change.event, record.machine.state.status()) {
        end_attempt(tx, &record, &before.started_at, change, outcome)?;
    }
    rows::update(tx, &record)?;
    let from = before.state.status();
    moved(tx, &record, from);
    Ok(Applied::Changed(Box::new(record), from))
}

/// How the attempt ended, if this event ended one.
fn attempt_outcome(event: &Event, to: Status) -> Option<&'static str> {
    match event {
        Event::AttemptEnded { .. } | Event::Rescued { .. } if to == Status::Cancelled => Some("cancelled"),
        Event::AttemptEnded { end: AttemptEnd::Completed { .. }, .. } => Some("completed"),
        Event::AttemptEnded { end: AttemptEnd::Failed { .. }, .. } => Some("failed"),
        Event::AttemptEnded { end: AttemptEnd::Released, .. } => Some("released"),
        Event::Rescued { .. } => Some("interrupted"),
        _ => None,
    }
}

fn end_attempt(
    tx: &Tx<'_>,
    record: &Record,
    started_at: &Option<Timestamp>,
    change: &Change,
    outcome: &str,
) -> Result<(), WorkError> {
    let error = change.extra.error.as_ref();
    let mut statement = tx.conn.prepare_cached(
        "INSERT INTO attempts (task, attempt, started_at, ended_at, outcome, error_code, error_message, detail, worker)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    statement.execute(params![
        blob(record.id.as_uuid()),
        record.machine.attempt,
        started_at.unwrap_or(change.now).as_millis(),
        change.now.as_millis(),
        outcome,
        error.map(|error| error.code.as_str()),
        error.map(|error| error.message.as_str()),
        change.extra.detail,
        change.extra.worker,
    ])?;
    Ok(())
}

pub(super) fn promote_due(tx: &mut Tx<'_>, now: Timestamp, max: usize) -> Result<Vec<Record>, WorkError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tasks WHERE status = 0 AND scheduled_at IS NOT NULL AND scheduled_at <= ?1
         ORDER BY scheduled_at LIMIT ?2"
    );
    let due = select(tx.conn, &sql, (now.as_millis(), max))?;
    decide_each(tx, due, &|_| Event::Due, now, None)
}

pub(super) fn rescue_all_but(
    tx: &mut Tx<'_>,
    keep: SessionId,
    now: Timestamp,
) -> Result<Vec<Record>, WorkError> {
    let sql = format!("SELECT {COLUMNS} FROM tasks WHERE status = 2 AND session <> ?1");
    let lost = select(tx.conn, &sql, [blob(keep.as_uuid())])?;
    let event = |record: &Record| match record.machine.state {
        State::Running { lease } => Event::Rescued { session: lease.session },
        _ => Event::Due,
    };
    let error = taskdeck_core::ErrorInfo {
        code: "interrupted".to_owned(),
        message: "The worker that ran the task went away.".to_owned(),
    };
    decide_each(tx, lost, &event, now, Some(&error))
}

fn select<P: rusqlite::Params>(
    conn: &rusqlite::Connection,
    sql: &str,
    params: P,
) -> Result<Vec<Record>, WorkError> {
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_map(params, rows::record)?.collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

fn decide_each(
    tx: &mut Tx<'_>,
    records: Vec<Record>,
    event: &dyn Fn(&Record) -> Event,
    now: Timestamp,
    error: Option<&taskdeck_core::ErrorInfo>,
) -> Result<Vec<Record>, WorkError> {
    let mut changed = Vec::with_capacity(records.len());
    for record in records {
        let mut change = Change::new(record.id, event(&record), now);
        change.extra.error = error.cloned();
        if let Applied::Changed(record, _) = apply_one(tx, &change)? {
            changed.push(*record);
        }
    }
    Ok(changed)
}

pub(super) fn save_progress(tx: &Tx<'_>, writes: &[ProgressWrite]) -> Result<(), WorkError> {
    let mut statement =
        tx.conn.prepare_cached("UPDATE tasks SET progress = ?3, label = ?4 WHERE id = ?1 AND token = ?2")?;
    for write in writes {
        let progress = serde_json::to_string(&write.progress)
            .map_err(|error| WorkError::unreadable("progress", &error))?;
        statement.execute((blob(write.id.as_uuid()), write.token.0, progress, &write.label))?;
    }
    Ok(())
}

pub(super) fn checkpoint(tx: &Tx<'_>, id: TaskId, token: LeaseToken, value: &str) -> Result<bool, WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "UPDATE payloads SET checkpoint = ?3
         WHERE task = ?1 AND EXISTS (SELECT 1 FROM tasks WHERE id = ?1 AND token = ?2)",
    )?;
    Ok(statement.execute((blob(id.as_uuid()), token.0, value))? == 1)
}

pub(super) fn append_log(tx: &Tx<'_>, id: TaskId, lines: &[LogLine]) -> Result<(), WorkError> {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(()) };
    let text = serde_json::to_string(lines).map_err(|error| WorkError::unreadable("log", &error))?;
    // A task that was deleted meanwhile gets no more log.
    let mut statement = tx.conn.prepare_cached(
        "INSERT INTO log_chunks (task, first_seq, last_seq, lines)
         SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM tasks WHERE id = ?1) ON CONFLICT DO NOTHING",
    )?;
    statement.execute((blob(id.as_uuid()), first.seq, last.seq, text))?;
    Ok(())
}

pub(super) fn remove(tx: &mut Tx<'_>, which: &RemoveWhich, max: usize) -> Result<Removed, WorkError> {
    let records = match which {
        RemoveWhich::Tasks(ids) => {
            let found: Result<Vec<_>, _> = ids.iter().map(|id| rows::find(tx.conn, *id)).collect();
            found?
                .into_iter()
                .flatten()
                .filter(|record| record.machine.state.status().has_ended())
                .take(max)
                .collect()
        }
        RemoveWhich::EndedBefore(before) => {
            let sql = format!(
                "SELECT {COLUMNS} FROM tasks WHERE ended_at IS NOT NULL AND ended_at < ?1 ORDER BY ended_at LIMIT ?2"
            );
            select(tx.conn, &sql, (before.as_millis(), max))?
        }
        RemoveWhich::Matching(query) => super::list::ended(tx.conn, query, max)?,
    };
    let mut removed = Removed::default();
    for record in &records {
        remove_one(tx, record, &mut removed.files)?;
        removed.tasks.push((record.id, record.machine.version));
    }
    Ok(removed)
}

fn remove_one(tx: &mut Tx<'_>, record: &Record, files: &mut Vec<FileId>) -> Result<(), WorkError> {
    let id = blob(record.id.as_uuid());
    let linked: Vec<FileId> = {
        let mut statement = tx.conn.prepare_cached("SELECT file FROM task_files WHERE task = ?1")?;
        let found = statement.query_map([id], |row| rows::uuid(row, 0).map(FileId::from_uuid))?;
        found.collect::<rusqlite::Result<_>>()?
    };
    for table in ["task_files", "log_chunks", "attempts", "payloads"] {
        tx.conn.prepare_cached(&format!("DELETE FROM {table} WHERE task = ?1"))?.execute([id])?;
    }
    tx.conn.prepare_cached("DELETE FROM tasks WHERE id = ?1")?.execute([id])?;
    for file in linked {
        if forget_if_loose(tx, file)? {
            files.push(file);
        }
    }
    tx.count(record.queue.as_str(), record.kind.as_str(), record.machine.state.status(), -1);
    Ok(())
}

fn forget_if_loose(tx: &Tx<'_>, file: FileId) -> Result<bool, WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "DELETE FROM files WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM task_files WHERE file = ?1)",
    )?;
    Ok(statement.execute([blob(file.as_uuid())])? == 1)
}

pub(super) fn add_file(tx: &Tx<'_>, file: &Upload, now: Timestamp) -> Result<(), WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "INSERT INTO files (id, name, size, media_type, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    statement.execute((blob(file.id.as_uuid()), &file.name, file.size, &file.media_type, now.as_millis()))?;
    Ok(())
}

pub(super) fn add_artifact(
    tx: &Tx<'_>,
    task: TaskId,
    file: &Upload,
    now: Timestamp,
) -> Result<Option<FileId>, WorkError> {
    let id = blob(task.as_uuid());
    let before: Option<FileId> = {
        let mut statement = tx
            .conn
            .prepare_cached("SELECT file FROM task_files WHERE task = ?1 AND role = 1 AND name = ?2")?;
        let mut found = statement.query((id, &file.name))?;
        found.next()?.map(|row| rows::uuid(row, 0).map(FileId::from_uuid)).transpose()?
    };
    add_file(tx, file, now)?;
    let mut link = tx.conn.prepare_cached(
        "INSERT OR REPLACE INTO task_files (task, role, name, file) VALUES (?1, 1, ?2, ?3)",
    )?;
    link.execute((id, &file.name, blob(file.id.as_uuid())))?;
    match before {
        Some(before) if forget_if_loose(tx, before)? => Ok(Some(before)),
        _ => Ok(None),
    }
}

pub(super) fn remove_loose_files(tx: &Tx<'_>, before: Timestamp) -> Result<Vec<FileId>, WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "DELETE FROM files WHERE created_at < ?1
             AND NOT EXISTS (SELECT 1 FROM task_files WHERE task_files.file = files.id) RETURNING id",
    )?;
    let removed =
        statement.query_map([before.as_millis()], |row| rows::uuid(row, 0).map(FileId::from_uuid))?;
    Ok(removed.collect::<rusqlite::Result<_>>()?)
}
