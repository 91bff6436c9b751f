//! What happens to tasks: decided by the machine on rows that are held, written with all that belongs to it.

use sqlx_core::row::Row;
use taskdeck_core::{
    Decision, ErrorInfo, Event, FileId, QuestionOutcome, SessionId, State, Status, TaskId, Timestamp, decide,
};

use super::fault::Fault;
use super::follow;
use super::query::query;
use super::rows::{self, big, int, task_id};
use super::work::{EndedAttempt, Work};
use crate::store::{Applied, Change, Moved, Record, effect};

/// Applies changes in their order, and then all that follows from them for other tasks.
pub(super) async fn apply(work: &mut Work<'_>, changes: &[Change]) -> Result<Vec<Applied>, Fault> {
    let known = changes.iter().filter_map(|change| change.known.as_deref());
    work.lock(changes.iter().map(|change| change.id), known).await?;
    let mut applied = Vec::with_capacity(changes.len());
    for change in changes {
        applied.push(write(work, change).await?);
    }
    follow::follow(work, changes, &mut applied).await?;
    Ok(applied)
}

/// Applies a change to its own task only, which is held if it exists.
pub(super) async fn write(work: &mut Work<'_>, change: &Change) -> Result<Applied, Fault> {
    let Some(mut record) = work.task(change.id).cloned() else { return Ok(Applied::Missing) };
    let (from, began) = (record.status(), record.machine.started_at);
    match decide(&record.machine, &change.event, change.now) {
        Err(refused) => return Ok(Applied::Refused(refused, Box::new(record))),
        Ok(Decision::Unchanged) => return Ok(Applied::Unchanged(Box::new(record))),
        Ok(Decision::Changed(machine)) => {
            record.machine = *machine;
            record.tick = 0;
        }
    }
    if matches!(change.event, Event::RetryRequested | Event::DependencyRetried)
        && let Some(refused) = retry_refused(work, &record).await?
    {
        return Ok(refused);
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
    work.log(record.id, &extra.log)?;
    if let Some(result) = &extra.result {
        work.result(record.id, result.clone());
    }
    if let Some(outcome) = effect::attempt_outcome(&change.event, record.status()) {
        work.end_attempt(EndedAttempt {
            task: record.id,
            attempt: record.machine.attempt,
            started_at: began.unwrap_or(change.now),
            ended_at: change.now,
            outcome,
            error: extra.error.clone(),
            detail: extra.detail.clone(),
            worker: extra.worker.clone(),
        });
    }
    effect::tally(&record, from, began, change, || work.deltas.minute(&record.kind, change.now));
    write_question(work, change, record.id).await?;
    work.put(record.clone(), from);
    Ok(Applied::Changed(Box::new(record), from, Vec::new()))
}

/// Why a retry cannot be: its key is taken, or a task that it runs after did not complete.
async fn retry_refused(work: &mut Work<'_>, record: &Record) -> Result<Option<Applied>, Fault> {
    if record.key.is_none() && record.machine.waits_for == 0 {
        return Ok(None);
    }
    // What this transaction made of others counts.
    work.flush().await?;
    if let Some(key) = &record.key
        && let Some(holder) = rows::find_by_key(work.conn(), &record.kind, key).await?
    {
        return Ok(Some(Applied::KeyActive { key: key.clone(), holder: holder.id }));
    }
    if record.machine.waits_for == 0 {
        return Ok(None);
    }
    Ok(follow::failed_dependency(work, record.id).await?.map(Applied::DependencyFailed))
}

/// What a change does to the task's questions.
async fn write_question(work: &mut Work<'_>, change: &Change, task: TaskId) -> Result<(), Fault> {
    let id = *task.as_uuid();
    match &change.event {
        Event::Asked { key, until, .. } => {
            let Some(question) = &change.extra.question else { return Ok(()) };
            query(
                "INSERT INTO taskdeck.questions (task, key, question, asked_at, until) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (task, key) DO UPDATE SET question = excluded.question, asked_at = excluded.asked_at,
                     until = excluded.until, outcome = 0, fields = NULL, answered_by = NULL, answered_at = NULL",
            )
            .bind(id)
            .bind(key)
            .bind(rows::to_json(question)?)
            .bind(change.now.as_millis())
            .bind(until.map(Timestamp::as_millis))
            .execute(work.conn())
            .await?;
        }
        Event::Answered { key } => {
            let Some(answer) = &change.extra.answer else { return Ok(()) };
            let outcome = if answer.approved { QuestionOutcome::Approved } else { QuestionOutcome::Declined };
            query(
                "UPDATE taskdeck.questions SET outcome = $3, fields = $4, answered_by = $5, answered_at = $6
                 WHERE task = $1 AND key = $2",
            )
            .bind(id)
            .bind(key)
            .bind(i16::from(outcome.code()))
            .bind(&answer.fields)
            .bind(answer.by.as_ref().map(taskdeck_core::UserId::as_str))
            .bind(change.now.as_millis())
            .execute(work.conn())
            .await?;
        }
        Event::QuestionTimedOut => {
            let sql = "UPDATE taskdeck.questions SET outcome = 3 WHERE task = $1 AND outcome = 0";
            query(sql).bind(id).execute(work.conn()).await?;
        }
        Event::RetryRequested => {
            // Approvals stay: what was allowed once need not be asked again.
            let sql = "DELETE FROM taskdeck.questions WHERE task = $1 AND outcome <> 1";
            query(sql).bind(id).execute(work.conn()).await?;
        }
        _ => {}
    }
    Ok(())
}

const EXPIRED: &str = "SELECT id FROM taskdeck.tasks WHERE expires_at IS NOT NULL AND expires_at <= $1
    ORDER BY expires_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED";
const UNANSWERED: &str =
    "SELECT id FROM taskdeck.tasks WHERE question_until IS NOT NULL AND question_until <= $1
    ORDER BY question_until LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED";
const DUE: &str =
    "SELECT id FROM taskdeck.tasks WHERE scheduled_at IS NOT NULL AND waits_for = 0 AND scheduled_at <= $1
    ORDER BY scheduled_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED";

/// Scheduled tasks become due, waiting ones expire, questions time out; and what a program's own transaction started after
/// tasks that ended before its commit gets to know of it. Rows that another node is busy with are left to
/// it.
pub(super) async fn due(work: &mut Work<'_>, now: Timestamp, max: usize) -> Result<Vec<Moved>, Fault> {
    let mut changes = Vec::new();
    // What has expired must not become due first.
    for (sql, event, error) in [
        (EXPIRED, Event::Expired, Some(("expired", "It waited longer than it may."))),
        (
            UNANSWERED,
            Event::QuestionTimedOut,
            Some(("confirmation_timed_out", "Nobody answered its question in time.")),
        ),
        (DUE, Event::Due, None),
    ] {
        let found = query(sql).bind(now.as_millis()).bind(big(max)).fetch_all(work.conn()).await?;
        for row in &found {
            changes.push(with_error(Change::new(task_id(row, 0)?, event.clone(), now), error));
        }
    }
    changes.append(&mut follow::settle(work, now, max).await?.0);
    moved(work, &changes).await
}

pub(super) async fn rescue(
    work: &mut Work<'_>,
    session: SessionId,
    now: Timestamp,
) -> Result<Vec<Moved>, Fault> {
    let sql = "DELETE FROM taskdeck.sessions WHERE id = $1 RETURNING worker";
    let gone = query(sql).bind(*session.as_uuid()).fetch_optional(work.conn()).await?;
    let worker: Option<String> = gone.as_ref().map(|row| row.try_get(0)).transpose()?;
    let sql = "SELECT id FROM taskdeck.tasks WHERE status = 2 AND session = $1";
    let found = query(sql).bind(*session.as_uuid()).fetch_all(work.conn()).await?;
    let gone = Some(("interrupted", "The worker that ran the task went away."));
    let mut changes = Vec::with_capacity(found.len());
    for row in &found {
        let mut change = with_error(Change::new(task_id(row, 0)?, Event::Rescued { session }, now), gone);
        change.extra.worker.clone_from(&worker);
        changes.push(change);
    }
    moved(work, &changes).await
}

pub(super) async fn rescue_dead(
    work: &mut Work<'_>,
    session: SessionId,
    beat: Option<u64>,
    now: Timestamp,
) -> Result<Option<Vec<Moved>>, Fault> {
    let sql = "SELECT beat FROM taskdeck.sessions WHERE id = $1 FOR UPDATE";
    let stored = query(sql).bind(*session.as_uuid()).fetch_optional(work.conn()).await?;
    let stored = stored.as_ref().map(|row| rows::count(row, 0)).transpose()?;
    if stored == beat { rescue(work, session, now).await.map(Some) } else { Ok(None) }
}

fn with_error(mut change: Change, error: Option<(&str, &str)>) -> Change {
    change.extra.error =
        error.map(|(code, message)| ErrorInfo { code: code.to_owned(), message: message.to_owned() });
    change
}

/// Applies changes; the tasks that changed, those that follow included.
/// Tells so many tasks of a program's own transactions of others that ended before its commit; whether there were any.
pub(super) async fn settle(work: &mut Work<'_>, now: Timestamp, max: usize) -> Result<bool, Fault> {
    let (changes, found) = follow::settle(work, now, max).await?;
    moved(work, &changes).await?;
    Ok(found)
}

async fn moved(work: &mut Work<'_>, changes: &[Change]) -> Result<Vec<Moved>, Fault> {
    let mut moved = Vec::new();
    for applied in apply(work, changes).await? {
        if let Applied::Changed(record, before, mut also) = applied {
            moved.push(Moved { record: *record, before: Some(before) });
            moved.append(&mut also);
        }
    }
    Ok(moved)
}

/// Replaces the params of a task that failed.
pub(super) async fn set_params(
    work: &mut Work<'_>,
    id: TaskId,
    kind_version: u32,
    params: &str,
    uploads: &[(String, FileId)],
) -> Result<bool, Fault> {
    work.lock([id], []).await?;
    let failed = |record: &Record| matches!(record.machine.state, State::Failed { .. });
    let Some(record) = work.task(id).filter(|record| failed(record)).cloned() else { return Ok(false) };
    work.news.moved(&record);
    query("UPDATE taskdeck.tasks SET kind_version = $2, version = version + 1 WHERE id = $1")
        .bind(*id.as_uuid())
        .bind(int(kind_version))
        .execute(work.conn())
        .await?;
    // The work begins anew: a checkpoint of other params would be wrong.
    query("UPDATE taskdeck.payloads SET params = $2, checkpoint = NULL WHERE task = $1")
        .bind(*id.as_uuid())
        .bind(params)
        .execute(work.conn())
        .await?;
    // A file that nobody names any more goes with the loose ones.
    query("DELETE FROM taskdeck.task_files WHERE task = $1 AND role = 0")
        .bind(*id.as_uuid())
        .execute(work.conn())
        .await?;
    let uploads: Vec<_> = uploads.iter().map(|(param, file)| (id, param.as_str(), *file)).collect();
    super::files::link_uploads(work.conn(), &uploads).await?;
    Ok(true)
}
