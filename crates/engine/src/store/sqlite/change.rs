//! What happens to tasks: decided by the machine, written with all that belongs to it.

use rusqlite::{OptionalExtension, params};
use taskdeck_core::{
    Decision, Event, FileId, LeaseToken, QuestionOutcome, SessionId, State, Status, TaskId, Timestamp, decide,
};

use super::logs;
use super::rows::{self, COLUMNS, blob};
use super::settle;
use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::{Applied, Change, Moved, ProgressWrite, Record, effect};

pub(super) fn apply(tx: &mut Tx<'_, '_>, changes: &[Change]) -> Result<Vec<Applied>, WorkError> {
    changes.iter().map(|change| apply_one(tx, change)).collect()
}

/// Applies a change and all that follows from it for other tasks.
pub(super) fn apply_one(tx: &mut Tx<'_, '_>, change: &Change) -> Result<Applied, WorkError> {
    let applied = write(tx, change)?;
    match applied {
        Applied::Changed(record, before, _) => {
            let also = settle::follow(tx, &record, before, &change.event, change.now)?;
            Ok(Applied::Changed(record, before, also))
        }
        other => Ok(other),
    }
}

/// Applies a change to its own task only.
pub(super) fn write(tx: &mut Tx<'_, '_>, change: &Change) -> Result<Applied, WorkError> {
    if let Some(known) = &change.known
        && let Some(applied) = write_on(tx, change, (**known).clone())?
    {
        return Ok(applied);
    }
    let Some(record) = rows::find(tx.conn, change.id)? else { return Ok(Applied::Missing) };
    write_on(tx, change, record)?
        .ok_or_else(|| WorkError::unreadable("task", &"its version changed inside a transaction"))
}

/// Decides on `record` and writes; `None` when the stored task has another version.
fn write_on(tx: &mut Tx<'_, '_>, change: &Change, mut record: Record) -> Result<Option<Applied>, WorkError> {
    let (from, decided_on, began) = (record.status(), record.machine.version, record.machine.started_at);
    match decide(&record.machine, &change.event, change.now) {
        // What is known in memory may be older than what is stored.
        Err(_) | Ok(Decision::Unchanged) if change.known.is_some() && !is_stored(tx, &record)? => {
            return Ok(None);
        }
        Err(refused) => return Ok(Some(Applied::Refused(refused, Box::new(record)))),
        Ok(Decision::Unchanged) => return Ok(Some(Applied::Unchanged(Box::new(record)))),
        Ok(Decision::Changed(machine)) => record.machine = *machine,
    }
    if matches!(change.event, Event::RetryRequested | Event::DependencyRetried)
        && let Some(refused) = retry_refused(tx, &record)?
    {
        return Ok(Some(refused));
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
        None if matches!(record.status(), Status::Completed) || change.event == Event::DependencyRetried => {
            record.error = None;
        }
        None => {}
    }
    let plain = from == Status::Running && record.status().has_ended() && rows::is_plain(&record);
    let written =
        if plain { rows::end(tx, &record, decided_on)? } else { rows::update(tx, &record, decided_on)? };
    if !written {
        return Ok(None);
    }
    logs::append(tx, record.id, &extra.log)?;
    if let Some(result) = &extra.result {
        let mut statement = tx.conn.prepare_cached("UPDATE payloads SET result = ?2 WHERE task = ?1")?;
        statement.execute((blob(record.id.as_uuid()), result))?;
    }
    if let Some(outcome) = effect::attempt_outcome(&change.event, record.status()) {
        end_attempt(tx, &record, began, change, outcome)?;
    }
    effect::tally(&record, from, began, change, || tx.rollups.of(&record.kind, change.now));
    write_question(tx, change, &record)?;
    tx.count(&record, Some(from));
    Ok(Some(Applied::Changed(Box::new(record), from, Vec::new())))
}

fn is_stored(tx: &Tx<'_, '_>, record: &Record) -> Result<bool, WorkError> {
    let mut statement = tx.conn.prepare_cached("SELECT 1 FROM tasks WHERE id = ?1 AND version = ?2")?;
    Ok(statement.exists((blob(record.id.as_uuid()), record.machine.version))?)
}

/// Why a retry cannot be: its key is taken, or a task that it runs after did not complete.
fn retry_refused(tx: &Tx<'_, '_>, record: &Record) -> Result<Option<Applied>, WorkError> {
    if let Some(key) = &record.key
        && let Some(holder) = rows::find_by_key(tx.conn, &record.kind, key)?
    {
        return Ok(Some(Applied::KeyActive { key: key.clone(), holder: holder.id }));
    }
    if record.machine.waits_for == 0 {
        return Ok(None);
    }
    Ok(settle::failed_dependency(tx, record.id)?.map(Applied::DependencyFailed))
}

fn end_attempt(
    tx: &Tx<'_, '_>,
    record: &Record,
    began: Option<Timestamp>,
    change: &Change,
    outcome: &str,
) -> Result<(), WorkError> {
    let error = change.extra.error.as_ref();
    let row = params![
        blob(record.id.as_uuid()),
        record.machine.attempt,
        began.unwrap_or(change.now).as_millis(),
        change.now.as_millis(),
        outcome,
        error.map(|error| error.code.as_str()),
        error.map(|error| error.message.as_str()),
        change.extra.detail,
        change.extra.worker,
    ];
    tx.statements.execute(ATTEMPT, row)?;
    Ok(())
}

const ATTEMPT: &str = "INSERT INTO attempts
    (task, attempt, started_at, ended_at, outcome, error_code, error_message, detail, worker)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// What a change does to the task's questions.
fn write_question(tx: &Tx<'_, '_>, change: &Change, record: &Record) -> Result<(), WorkError> {
    let id = blob(record.id.as_uuid());
    if let (Event::Asked { key, until, .. }, Some(question)) = (&change.event, &change.extra.question) {
        let text = rows::to_json(question)?;
        let mut insert = tx.conn.prepare_cached(
            "INSERT OR REPLACE INTO questions (task, key, question, asked_at, until) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        insert.execute((id, key, text, change.now.as_millis(), until.map(Timestamp::as_millis)))?;
    }
    if let (Event::Answered { key }, Some(answer)) = (&change.event, &change.extra.answer) {
        let outcome = if answer.approved { QuestionOutcome::Approved } else { QuestionOutcome::Declined };
        let mut update = tx.conn.prepare_cached(
            "UPDATE questions SET outcome = ?3, fields = ?4, answered_by = ?5, answered_at = ?6
             WHERE task = ?1 AND key = ?2",
        )?;
        let by = answer.by.as_ref().map(taskdeck_core::UserId::as_str);
        update.execute((id, key, outcome.code(), &answer.fields, by, change.now.as_millis()))?;
    }
    if change.event == Event::QuestionTimedOut {
        let mut update =
            tx.conn.prepare_cached("UPDATE questions SET outcome = 3 WHERE task = ?1 AND outcome = 0")?;
        update.execute([id])?;
    }
    if change.event == Event::RetryRequested {
        // Approvals stay: what was allowed once need not be asked again.
        let mut delete = tx.conn.prepare_cached("DELETE FROM questions WHERE task = ?1 AND outcome <> 1")?;
        delete.execute([id])?;
    }
    Ok(())
}

/// Scheduled tasks become due, waiting ones expire, questions time out.
pub(super) fn due(tx: &mut Tx<'_, '_>, now: Timestamp, max: usize) -> Result<Vec<Moved>, WorkError> {
    let mut moved = Vec::new();
    let at = now.as_millis();
    // What has expired must not become due first.
    let expired = select(
        tx.conn,
        "WHERE expires_at IS NOT NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
        (at, max),
    )?;
    let waited = Some(("expired", "It waited longer than it may."));
    apply_to(tx, expired, &|record| told(record, Event::Expired, now, waited), &mut moved)?;
    let timed_out = select(
        tx.conn,
        "WHERE question_until IS NOT NULL AND question_until <= ?1 ORDER BY question_until LIMIT ?2",
        (at, max),
    )?;
    let unanswered = Some(("confirmation_timed_out", "Nobody answered its question in time."));
    apply_to(tx, timed_out, &|record| told(record, Event::QuestionTimedOut, now, unanswered), &mut moved)?;
    let due = select(
        tx.conn,
        "WHERE scheduled_at IS NOT NULL AND waits_for = 0 AND scheduled_at <= ?1
         ORDER BY scheduled_at LIMIT ?2",
        (at, max),
    )?;
    apply_to(tx, due, &|record| told(record, Event::Due, now, None), &mut moved)?;
    Ok(moved)
}

pub(super) fn rescue(
    tx: &mut Tx<'_, '_>,
    session: SessionId,
    now: Timestamp,
) -> Result<Vec<Moved>, WorkError> {
    let lost = select(tx.conn, "WHERE status = 2 AND session = ?1", [blob(session.as_uuid())])?;
    let worker: Option<String> = tx
        .conn
        .prepare_cached("DELETE FROM sessions WHERE id = ?1 RETURNING worker")?
        .query_row([blob(session.as_uuid())], |row| row.get(0))
        .optional()?;
    let mut moved = Vec::new();
    let gone = Some(("interrupted", "The worker that ran the task went away."));
    let rescued = |record: &Record| {
        let mut change = told(record, Event::Rescued { session }, now, gone);
        change.extra.worker.clone_from(&worker);
        change
    };
    apply_to(tx, lost, &rescued, &mut moved)?;
    Ok(moved)
}

pub(super) fn rescue_dead(
    tx: &mut Tx<'_, '_>,
    session: SessionId,
    beat: Option<u64>,
    now: Timestamp,
) -> Result<Option<Vec<Moved>>, WorkError> {
    let stands = {
        let mut statement = tx.conn.prepare_cached("SELECT beat FROM sessions WHERE id = ?1")?;
        let stored: Option<u64> =
            statement.query_row([blob(session.as_uuid())], |row| row.get(0)).optional()?;
        stored == beat
    };
    if stands { rescue(tx, session, now).map(Some) } else { Ok(None) }
}

pub(super) fn select<P: rusqlite::Params>(
    conn: &rusqlite::Connection,
    condition: &str,
    params: P,
) -> Result<Vec<Record>, WorkError> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM tasks {condition}"))?;
    let found = statement.query_map(params, rows::record)?.collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// What happens to a task, and the error that says so.
fn told(record: &Record, event: Event, now: Timestamp, error: Option<(&str, &str)>) -> Change {
    let mut change = Change::new(record.id, event, now);
    change.extra.error = error.map(|(code, message)| taskdeck_core::ErrorInfo {
        code: code.to_owned(),
        message: message.to_owned(),
    });
    change
}

fn apply_to(
    tx: &mut Tx<'_, '_>,
    records: Vec<Record>,
    change: &dyn Fn(&Record) -> Change,
    moved: &mut Vec<Moved>,
) -> Result<(), WorkError> {
    for record in records {
        let change = change(&record);
        if let Applied::Changed(record, before, mut also) = apply_one(tx, &change)? {
            moved.push(Moved { record: *record, before: Some(before) });
            moved.append(&mut also);
        }
    }
    Ok(())
}

pub(super) fn save_progress(tx: &Tx<'_, '_>, writes: &[ProgressWrite]) -> Result<(), WorkError> {
    let mut statement =
        tx.conn.prepare_cached("UPDATE tasks SET progress = ?3, label = ?4 WHERE id = ?1 AND token = ?2")?;
    for write in writes {
        let progress = rows::to_json(&write.progress)?;
        statement.execute((blob(write.id.as_uuid()), write.token.0, progress, &write.label))?;
    }
    Ok(())
}

pub(super) fn checkpoint(
    tx: &Tx<'_, '_>,
    id: TaskId,
    token: LeaseToken,
    value: &str,
) -> Result<bool, WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "UPDATE payloads SET checkpoint = ?3
         WHERE task = ?1 AND EXISTS (SELECT 1 FROM tasks WHERE id = ?1 AND token = ?2)",
    )?;
    Ok(statement.execute((blob(id.as_uuid()), token.0, value))? == 1)
}

/// Replaces the params of a task that failed.
pub(super) fn set_params(
    tx: &mut Tx<'_, '_>,
    id: TaskId,
    kind_version: u32,
    params: &str,
    uploads: &[(String, FileId)],
) -> Result<bool, WorkError> {
    let Some(record) = rows::find(tx.conn, id)? else { return Ok(false) };
    if !matches!(record.machine.state, State::Failed { .. }) {
        return Ok(false);
    }
    let key = blob(id.as_uuid());
    tx.conn
        .prepare_cached("UPDATE tasks SET kind_version = ?2, version = version + 1 WHERE id = ?1")?
        .execute((key, kind_version))?;
    // The work begins anew: a checkpoint of other params would be wrong.
    tx.conn
        .prepare_cached("UPDATE payloads SET params = ?2, checkpoint = NULL WHERE task = ?1")?
        .execute((key, params))?;
    // A file that nobody names any more goes with the loose ones.
    tx.conn.prepare_cached("DELETE FROM task_files WHERE task = ?1 AND role = 0")?.execute([key])?;
    super::files::link_uploads(tx, id, uploads)?;
    Ok(true)
}
