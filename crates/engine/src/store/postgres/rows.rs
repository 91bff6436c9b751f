//! Between a row of `tasks` and a [`Record`]. All SQL that names the columns is here.

use std::borrow::Cow;

use sqlx_core::row::Row;
use sqlx_postgres::{PgBindIterExt, PgConnection, PgRow};
use taskdeck_core::{
    BatchId, ErrorInfo, Kind, Lease, LeaseToken, Machine, Progress, QueueName, SessionId, State, Status,
    TaskId, Timestamp, UserId,
};
use uuid::Uuid;

use super::fault::Fault;
use super::query::{Bound, query};
use crate::store::{Options, Record};

/// The columns in the order that [`record`] reads.
macro_rules! columns {
    () => {
        "id, kind, kind_version, queue, priority, label, key, tags, user_id, trace_id, created_at, status, version, \
         attempt, tries, max_tries, at_most_once, queued_at, ahead, scheduled_at, session, token, question, \
         question_until, cancel, expires_at, started_at, ended_at, partial, questions, endings, error_code, \
         error_message, progress, partition, parent, child, batch, waits_for, options, notice_seq"
    };
}
pub(super) use columns;

type Read<T> = Result<T, sqlx_core::Error>;

pub(super) fn bad(why: &impl ToString) -> sqlx_core::Error {
    sqlx_core::Error::Decode(why.to_string().into())
}

/// A number that is small by nature, as the database keeps it.
pub(super) fn int(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

pub(super) fn nat(row: &PgRow, index: usize) -> Read<u32> {
    let n: i32 = row.try_get(index)?;
    u32::try_from(n).map_err(|error| bad(&error))
}

pub(super) fn big(n: impl TryInto<i64>) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}

pub(super) fn count(row: &PgRow, index: usize) -> Read<u64> {
    let n: i64 = row.try_get(index)?;
    Ok(u64::try_from(n).unwrap_or(0))
}

pub(super) fn status(row: &PgRow, index: usize) -> Read<Status> {
    let code: i16 = row.try_get(index)?;
    let known = u8::try_from(code).ok().and_then(Status::from_code);
    known.ok_or_else(|| bad(&"no such status"))
}

pub(super) fn code(status: Status) -> i16 {
    i16::from(status.code())
}

pub(super) fn task_id(row: &PgRow, index: usize) -> Read<TaskId> {
    row.try_get(index).map(TaskId::from_uuid)
}

pub(super) fn time(row: &PgRow, index: usize) -> Read<Option<Timestamp>> {
    Ok(row.try_get::<Option<i64>, _>(index)?.map(Timestamp::from_millis))
}

pub(super) fn user(row: &PgRow, index: usize) -> Read<Option<UserId>> {
    let user: Option<String> = row.try_get(index)?;
    user.map(UserId::new).transpose().map_err(|error| bad(&error))
}

pub(super) fn json<T: serde::de::DeserializeOwned>(row: &PgRow, index: usize) -> Read<Option<T>> {
    let text: Option<&str> = row.try_get(index)?;
    text.map(|text| serde_json::from_str(text).map_err(|error| bad(&error))).transpose()
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::unreadable("value", &error))
}

/// A text as PostgreSQL can keep it: without NUL.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

pub(super) fn uuids<'a>(ids: impl IntoIterator<Item = &'a TaskId>) -> Vec<Uuid> {
    ids.into_iter().map(|id| *id.as_uuid()).collect()
}

fn state(row: &PgRow) -> Read<State> {
    let ended_at = || time(row, 27)?.ok_or_else(|| bad(&"an ended task without its end"));
    Ok(match status(row, 11)? {
        Status::Scheduled => State::Scheduled { until: time(row, 19)? },
        Status::Queued => {
            State::Queued { since: time(row, 17)?.unwrap_or_default(), ahead: row.try_get(18)? }
        }
        Status::Running => {
            let session = SessionId::from_uuid(row.try_get(20)?);
            State::Running { lease: Lease { session, token: LeaseToken(row.try_get(21)?) } }
        }
        Status::WaitingConfirmation => {
            State::WaitingConfirmation { key: row.try_get(22)?, until: time(row, 23)? }
        }
        Status::Completed => State::Completed { ended_at: ended_at()?, partial: row.try_get(28)? },
        Status::Failed => State::Failed { ended_at: ended_at()? },
        Status::Cancelled => State::Cancelled { ended_at: ended_at()? },
        Status::Interrupted => State::Interrupted { ended_at: ended_at()? },
    })
}

/// The record of a row that begins with [`columns`].
pub(super) fn record(row: &PgRow) -> Read<Record> {
    let machine = Machine {
        state: state(row)?,
        version: nat(row, 12)?,
        attempt: nat(row, 13)?,
        tries: nat(row, 14)?,
        max_tries: nat(row, 15)?,
        at_most_once: row.try_get(16)?,
        cancel: json(row, 24)?,
        expires_at: time(row, 25)?,
        started_at: time(row, 26)?,
        questions: nat(row, 29)?,
        endings: nat(row, 30)?,
        waits_for: nat(row, 38)?,
    };
    let error = match (row.try_get::<Option<String>, _>(31)?, row.try_get::<Option<String>, _>(32)?) {
        (Some(code), Some(message)) => Some(ErrorInfo { code, message }),
        _ => None,
    };
    Ok(Record {
        id: task_id(row, 0)?,
        kind: Kind::new(row.try_get::<String, _>(1)?).map_err(|error| bad(&error))?,
        kind_version: nat(row, 2)?,
        queue: QueueName::new(row.try_get::<String, _>(3)?).map_err(|error| bad(&error))?,
        priority: row.try_get(4)?,
        label: row.try_get(5)?,
        key: row.try_get(6)?,
        tags: json(row, 7)?.unwrap_or_default(),
        user: user(row, 8)?,
        trace_id: row.try_get(9)?,
        created_at: Timestamp::from_millis(row.try_get(10)?),
        machine,
        error,
        progress: json(row, 33)?.unwrap_or_default(),
        partition: row.try_get(34)?,
        parent: row.try_get::<Option<Uuid>, _>(35)?.map(TaskId::from_uuid),
        child: row.try_get(36)?,
        batch: row.try_get::<Option<Uuid>, _>(37)?.map(BatchId::from_uuid),
        options: json(row, 39)?.unwrap_or_default(),
        notice_seq: count(row, 40)?,
        tick: 0,
    })
}

pub(super) fn records(rows: &[PgRow]) -> Result<Vec<Record>, Fault> {
    Ok(rows.iter().map(record).collect::<Read<_>>()?)
}

/// Gives the running ones of them the progress that was written behind.
pub(super) async fn with_progress(
    conn: &mut PgConnection,
    mut records: Vec<Record>,
) -> Result<Vec<Record>, Fault> {
    let running: Vec<_> = records.iter().filter_map(|task| Some((task.id, token(task)?))).collect();
    if running.is_empty() {
        return Ok(records);
    }
    let found = query(
        "SELECT l.task, l.progress, l.label, l.version, l.tick FROM taskdeck.live l
         JOIN unnest($1::uuid[], $2::bigint[]) AS held(task, token)
             ON held.task = l.task AND held.token = l.token",
    )
    .bind(running.iter().map(|(id, _)| *id.as_uuid()).bind_iter())
    .bind(running.iter().map(|(_, token)| *token).bind_iter())
    .fetch_all(conn)
    .await?;
    for row in &found {
        let id = task_id(row, 0)?;
        for record in records.iter_mut().filter(|record| record.id == id) {
            record.progress = json(row, 1)?.unwrap_or_default();
            record.label = row.try_get(2)?;
            // Read with what it counts; of another version it says nothing of this one's order.
            record.tick = if nat(row, 3)? == record.machine.version { nat(row, 4)? } else { 0 };
        }
    }
    Ok(records)
}

fn token(record: &Record) -> Option<i64> {
    record.machine.state.lease().map(|lease| lease.token.0)
}

fn session(record: &Record) -> Option<Uuid> {
    record.machine.state.lease().map(|lease| *lease.session.as_uuid())
}

fn queued_at(record: &Record) -> Option<i64> {
    match record.machine.state {
        State::Queued { since, .. } => Some(since.as_millis()),
        _ => None,
    }
}

fn is_ahead(record: &Record) -> bool {
    matches!(record.machine.state, State::Queued { ahead: true, .. })
}

fn scheduled_at(record: &Record) -> Option<i64> {
    match record.machine.state {
        State::Scheduled { until } => until.map(Timestamp::as_millis),
        _ => None,
    }
}

/// The question that it waits for, and until when.
fn question(record: &Record) -> (Option<&str>, Option<i64>) {
    match &record.machine.state {
        State::WaitingConfirmation { key, until } => (Some(key), until.map(Timestamp::as_millis)),
        _ => (None, None),
    }
}

/// What has begun does not expire any more.
fn expires_at(record: &Record) -> Option<i64> {
    let waits = matches!(record.machine.state, State::Scheduled { .. } | State::Queued { .. });
    record.machine.expires_at.filter(|_| waits).map(Timestamp::as_millis)
}

fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

fn remove_at(record: &Record) -> Option<i64> {
    let ttl = record.options.result_ttl_ms?;
    Some(record.machine.state.ended_at()?.plus_millis(big(ttl)).as_millis())
}

fn active_key(record: &Record) -> Option<Cow<'_, str>> {
    record.key.as_deref().filter(|_| record.machine.state.ended_at().is_none()).map(text)
}

fn unless<T: PartialEq + serde::Serialize>(value: &T, empty: &T) -> Result<Option<String>, Fault> {
    if value == empty { Ok(None) } else { to_json(value).map(Some) }
}

fn all<'a, T>(records: &[&'a Record], of: impl Fn(&'a Record) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    records.iter().map(|record| of(record)).collect()
}

/// New tasks, as [`bind_new`] gives them.
macro_rules! insert_tasks {
    () => {
        "INSERT INTO taskdeck.tasks (id, kind, kind_version, queue, priority, label, key, tags, user_id, trace_id, \
             created_at, status, version, attempt, tries, max_tries, at_most_once, queued_at, ahead, scheduled_at, \
             expires_at, session, token, started_at, partition, parent, child, batch, waits_for, options, active_key) \
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::int[], $6::text[], $7::text[], \
             $8::text[], $9::text[], $10::text[], $11::bigint[], $12::smallint[], $13::int[], $14::int[], $15::int[], \
             $16::int[], $17::boolean[], $18::bigint[], $19::boolean[], $20::bigint[], $21::bigint[], $22::uuid[], \
             $23::bigint[], $24::bigint[], $25::text[], $26::uuid[], $27::text[], $28::uuid[], $29::int[], \
             $30::text[], $31::text[])"
    };
}
pub(super) use insert_tasks;

/// Fails a statement that inserts tasks when some of them are claimed by pauses and limits that are not those of now: text
/// that is no truth value. The argument is null when none is claimed.
macro_rules! if_fresh {
    ($known:literal) => {
        concat!(
            " WHERE (SELECT CASE WHEN ",
            $known,
            "::bigint IS NULL OR ",
            $known,
            " = ",
            $crate::store::postgres::control::controls_now!(),
            " THEN true ELSE concat('changed since ', ",
            $known,
            ")::boolean END)"
        )
    };
}
pub(super) use if_fresh;

/// Inserts tasks, in this order; the ids of those that were inserted. The others have an id, a key, or a name under
/// their parent that is taken. What is claimed is by this version of the pauses and limits.
pub(super) async fn insert(
    conn: &mut PgConnection,
    records: &[&Record],
    controls: Option<u64>,
) -> Result<Vec<TaskId>, Fault> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let sql = concat!(insert_tasks!(), if_fresh!("$32"), " ON CONFLICT DO NOTHING RETURNING id");
    let inserted = bind_new(query(sql), records)?.bind(controls.map(big)).fetch_all(conn).await?;
    Ok(inserted.iter().map(|row| task_id(row, 0)).collect::<Read<_>>()?)
}

/// Gives a statement new tasks: `$1` to `$31`.
pub(super) fn bind_new(to: Bound, records: &[&Record]) -> Result<Bound, Fault> {
    let each = || records.iter().copied();
    let none = Options::default();
    let bound = to
        .bind(each().map(|task| *task.id.as_uuid()).bind_iter())
        .bind(each().map(|task| task.kind.as_str()).bind_iter())
        .bind(each().map(|task| int(task.kind_version)).bind_iter())
        .bind(each().map(|task| task.queue.as_str()).bind_iter())
        .bind(each().map(|task| task.priority).bind_iter())
        .bind(each().map(|task| text(&task.label)).bind_iter())
        .bind(each().map(|task| task.key.as_deref().map(text)).bind_iter())
        .bind(all(records, |task| unless(&task.tags, &Vec::new()))?)
        .bind(each().map(|task| task.user.as_ref().map(UserId::as_str)).bind_iter())
        .bind(each().map(|task| task.trace_id.as_deref()).bind_iter())
        .bind(each().map(|task| task.created_at.as_millis()).bind_iter())
        .bind(each().map(|task| code(task.status())).bind_iter())
        .bind(each().map(|task| int(task.machine.version)).bind_iter())
        .bind(each().map(|task| int(task.machine.attempt)).bind_iter())
        .bind(each().map(|task| int(task.machine.tries)).bind_iter())
        .bind(each().map(|task| int(task.machine.max_tries)).bind_iter())
        .bind(each().map(|task| task.machine.at_most_once).bind_iter())
        .bind(each().map(queued_at).bind_iter())
        .bind(each().map(is_ahead).bind_iter())
        .bind(each().map(scheduled_at).bind_iter())
        .bind(each().map(expires_at).bind_iter())
        .bind(each().map(session).bind_iter())
        .bind(each().map(token).bind_iter())
        .bind(each().map(|task| millis(task.machine.started_at)).bind_iter())
        .bind(each().map(|task| task.partition.as_deref().map(text)).bind_iter())
        .bind(each().map(|task| task.parent.map(|id| *id.as_uuid())).bind_iter())
        .bind(each().map(|task| task.child.as_deref().map(text)).bind_iter())
        .bind(each().map(|task| task.batch.map(|id| *id.as_uuid())).bind_iter())
        .bind(each().map(|task| int(task.machine.waits_for)).bind_iter())
        .bind(all(records, |task| unless(&task.options, &none))?)
        .bind(each().map(active_key).bind_iter());
    Ok(bound)
}

/// What can change of tasks, as [`bind_changed`] gives it. The caller holds their rows, so they have the versions that it
/// decided on.
macro_rules! update_tasks {
    () => {
        "UPDATE taskdeck.tasks t SET label = u.label, status = u.status, version = u.version, attempt = u.attempt,
             tries = u.tries, queued_at = u.queued_at, ahead = u.ahead, scheduled_at = u.scheduled_at,
             session = u.session, token = u.token, question = u.question, question_until = u.question_until,
             cancel = u.cancel, expires_at = u.expires_at, started_at = u.started_at, ended_at = u.ended_at,
             partial = u.partial, questions = u.questions, endings = u.endings, error_code = u.error_code,
             error_message = u.error_message, progress = u.progress, waits_for = u.waits_for,
             remove_at = u.remove_at, active_key = u.active_key
         FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::int[], $5::int[], $6::int[], $7::bigint[],
             $8::boolean[], $9::bigint[], $10::uuid[], $11::bigint[], $12::text[], $13::bigint[], $14::text[],
             $15::bigint[], $16::bigint[], $17::bigint[], $18::boolean[], $19::int[], $20::int[], $21::text[],
             $22::text[], $23::text[], $24::int[], $25::bigint[], $26::text[])
             AS u(id, label, status, version, attempt, tries, queued_at, ahead, scheduled_at, session, token,
                 question, question_until, cancel, expires_at, started_at, ended_at, partial, questions, endings,
                 error_code, error_message, progress, waits_for, remove_at, active_key)
         WHERE t.id = u.id"
    };
}
pub(super) use update_tasks;

/// Gives a statement changed tasks: `$1` to `$26`.
pub(super) fn bind_changed(to: Bound, records: &[&Record]) -> Result<Bound, Fault> {
    let each = || records.iter().copied();
    let none = Progress::default();
    let cancel = all(records, |task| task.machine.cancel.as_ref().map(to_json).transpose())?;
    let bound = to
        .bind(each().map(|task| *task.id.as_uuid()).bind_iter())
        .bind(each().map(|task| text(&task.label)).bind_iter())
        .bind(each().map(|task| code(task.status())).bind_iter())
        .bind(each().map(|task| int(task.machine.version)).bind_iter())
        .bind(each().map(|task| int(task.machine.attempt)).bind_iter())
        .bind(each().map(|task| int(task.machine.tries)).bind_iter())
        .bind(each().map(queued_at).bind_iter())
        .bind(each().map(is_ahead).bind_iter())
        .bind(each().map(scheduled_at).bind_iter())
        .bind(each().map(session).bind_iter())
        .bind(each().map(token).bind_iter())
        .bind(each().map(|task| question(task).0).bind_iter())
        .bind(each().map(|task| question(task).1).bind_iter())
        .bind(cancel)
        .bind(each().map(expires_at).bind_iter())
        .bind(each().map(|task| millis(task.machine.started_at)).bind_iter())
        .bind(each().map(|task| millis(task.machine.state.ended_at())).bind_iter())
        .bind(
            each()
                .map(|task| matches!(task.machine.state, State::Completed { partial: true, .. }))
                .bind_iter(),
        )
        .bind(each().map(|task| int(task.machine.questions)).bind_iter())
        .bind(each().map(|task| int(task.machine.endings)).bind_iter())
        .bind(each().map(|task| task.error.as_ref().map(|error| text(&error.code))).bind_iter())
        .bind(each().map(|task| task.error.as_ref().map(|error| text(&error.message))).bind_iter())
        .bind(all(records, |task| unless(&task.progress, &none))?)
        .bind(each().map(|task| int(task.machine.waits_for)).bind_iter())
        .bind(each().map(remove_at).bind_iter())
        .bind(each().map(active_key).bind_iter());
    Ok(bound)
}

const FIND: &str = concat!("SELECT ", columns!(), " FROM taskdeck.tasks WHERE id = ANY($1)");

/// The tasks of these ids that exist, as they are now.
pub(super) async fn find(conn: &mut PgConnection, ids: &[TaskId]) -> Result<Vec<Record>, Fault> {
    let found = query(FIND).bind(uuids(ids)).fetch_all(&mut *conn).await?;
    with_progress(conn, records(&found)?).await
}

/// The active task of a kind that has this key.
pub(super) async fn find_by_key(
    conn: &mut PgConnection,
    kind: &Kind,
    key: &str,
) -> Result<Option<Record>, Fault> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM taskdeck.tasks WHERE kind = $1 AND active_key = $2 AND active_key IS NOT NULL"
    );
    let found = query(sql).bind(kind.as_str()).bind(text(key)).fetch_optional(conn).await?;
    Ok(found.as_ref().map(record).transpose()?)
}

/// The child that a task started under this name.
pub(super) async fn find_child(
    conn: &mut PgConnection,
    parent: TaskId,
    name: &str,
) -> Result<Option<Record>, Fault> {
    let sql = concat!("SELECT ", columns!(), " FROM taskdeck.tasks WHERE parent = $1 AND child = $2");
    let found = query(sql).bind(*parent.as_uuid()).bind(text(name)).fetch_optional(conn).await?;
    Ok(found.as_ref().map(record).transpose()?)
}
