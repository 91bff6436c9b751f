//! Between a row of `tasks` and a [`Record`]. All SQL that names the columns is here.

use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, params};
use taskdeck_core::{
    BatchId, ErrorInfo, Kind, Lease, LeaseToken, Machine, QueueName, SessionId, State, Status, TaskId,
    Timestamp, UserId,
};
use uuid::Uuid;

use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::{Options, Record};

/// The columns in the order that [`record`] reads.
pub(super) const COLUMNS: &str = "id, kind, kind_version, queue, priority, label, key, tags, user, trace_id, \
    created_at, status, version, attempt, tries, max_tries, at_most_once, queued_at, ahead, scheduled_at, session, \
    token, question, question_until, cancel, expires_at, started_at, ended_at, partial, questions, endings, \
    error_code, error_message, progress, partition, parent, child, batch, waits_for, options, notice_seq";

pub(super) fn blob(id: &Uuid) -> &[u8] {
    id.as_bytes()
}

pub(super) fn task_id(row: &Row<'_>, index: usize) -> rusqlite::Result<TaskId> {
    uuid(row, index).map(TaskId::from_uuid)
}

pub(super) fn uuid(row: &Row<'_>, index: usize) -> rusqlite::Result<Uuid> {
    let bytes: [u8; 16] = row.get(index)?;
    Ok(Uuid::from_bytes(bytes))
}

pub(super) fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(index)?.map(Timestamp::from_millis))
}

pub(super) fn bad(index: usize, why: &impl ToString) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, why.to_string().into())
}

pub(super) fn json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    index: usize,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(index)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| bad(index, &error))).transpose()
}

/// The record of a row that holds [`COLUMNS`].
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let status = Status::from_code(row.get(11)?).ok_or_else(|| bad(11, &"no such status"))?;
    let ended_at = || time(row, 27)?.ok_or_else(|| bad(27, &"an ended task without its end"));
    let state = match status {
        Status::Scheduled => State::Scheduled { until: time(row, 19)? },
        Status::Queued => State::Queued { since: time(row, 17)?.unwrap_or_default(), ahead: row.get(18)? },
        Status::Running => State::Running {
            lease: Lease { session: SessionId::from_uuid(uuid(row, 20)?), token: LeaseToken(row.get(21)?) },
        },
        Status::WaitingConfirmation => {
            State::WaitingConfirmation { key: row.get(22)?, until: time(row, 23)? }
        }
        Status::Completed => State::Completed { ended_at: ended_at()?, partial: row.get(28)? },
        Status::Failed => State::Failed { ended_at: ended_at()? },
        Status::Cancelled => State::Cancelled { ended_at: ended_at()? },
        Status::Interrupted => State::Interrupted { ended_at: ended_at()? },
    };
    let machine = Machine {
        state,
        version: row.get(12)?,
        attempt: row.get(13)?,
        tries: row.get(14)?,
        max_tries: row.get(15)?,
        at_most_once: row.get(16)?,
        cancel: json(row, 24)?,
        expires_at: time(row, 25)?,
        started_at: time(row, 26)?,
        questions: row.get(29)?,
        endings: row.get(30)?,
        waits_for: row.get(38)?,
    };
    let error = match (row.get::<_, Option<String>>(31)?, row.get::<_, Option<String>>(32)?) {
        (Some(code), Some(message)) => Some(ErrorInfo { code, message }),
        _ => None,
    };
    Ok(Record {
        id: task_id(row, 0)?,
        kind: Kind::new(row.get::<_, String>(1)?).map_err(|error| bad(1, &error))?,
        kind_version: row.get(2)?,
        queue: QueueName::new(row.get::<_, String>(3)?).map_err(|error| bad(3, &error))?,
        priority: row.get(4)?,
        label: row.get(5)?,
        key: row.get(6)?,
        tags: json(row, 7)?.unwrap_or_default(),
        user: row
            .get::<_, Option<String>>(8)?
            .map(UserId::new)
            .transpose()
            .map_err(|error| bad(8, &error))?,
        trace_id: row.get(9)?,
        created_at: Timestamp::from_millis(row.get(10)?),
        machine,
        error,
        progress: json(row, 33)?.unwrap_or_default(),
        partition: row.get(34)?,
        parent: row.get::<_, Option<[u8; 16]>>(35)?.map(|bytes| TaskId::from_uuid(Uuid::from_bytes(bytes))),
        child: row.get(36)?,
        batch: row.get::<_, Option<[u8; 16]>>(37)?.map(|bytes| BatchId::from_uuid(Uuid::from_bytes(bytes))),
        options: json(row, 39)?.unwrap_or_default(),
        notice_seq: row.get(40)?,
        tick: 0,
    })
}

/// The columns that a state fills.
#[derive(Default)]
struct StateColumns<'a> {
    queued_at: Option<i64>,
    ahead: bool,
    scheduled_at: Option<i64>,
    session: Option<[u8; 16]>,
    token: Option<i64>,
    question: Option<&'a str>,
    question_until: Option<i64>,
    partial: bool,
    /// Whether it has not begun, and may expire.
    waits: bool,
}

fn state_columns(state: &State) -> StateColumns<'_> {
    let none = StateColumns::default();
    match state {
        State::Scheduled { until } => {
            StateColumns { scheduled_at: until.map(Timestamp::as_millis), waits: true, ..none }
        }
        State::Queued { since, ahead } => {
            StateColumns { queued_at: Some(since.as_millis()), ahead: *ahead, waits: true, ..none }
        }
        State::Running { lease } => {
            let session = Some(*lease.session.as_uuid().as_bytes());
            StateColumns { session, token: Some(lease.token.0), ..none }
        }
        State::WaitingConfirmation { key, until } => {
            StateColumns { question: Some(key), question_until: until.map(Timestamp::as_millis), ..none }
        }
        State::Completed { partial, .. } => StateColumns { partial: *partial, ..none },
        State::Failed { .. } | State::Cancelled { .. } | State::Interrupted { .. } => none,
    }
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, WorkError> {
    serde_json::to_string(value).map_err(|error| WorkError::unreadable("value", &error))
}

fn progress_json(record: &Record) -> Result<Option<String>, WorkError> {
    if record.progress == taskdeck_core::Progress::default() {
        Ok(None)
    } else {
        to_json(&record.progress).map(Some)
    }
}

/// Inserts a task; false when its id, its key, or its name under its parent is taken.
pub(super) fn insert(tx: &Tx<'_, '_>, record: &Record) -> Result<bool, WorkError> {
    let inserted = if is_simple(record) { insert_simple(tx, record)? } else { insert_full(tx, record)? };
    Ok(inserted == 1)
}

/// Whether a new task has nothing but what [`insert_simple`] writes: most are so.
fn is_simple(record: &Record) -> bool {
    let machine = &record.machine;
    record.key.is_none()
        && record.tags.is_empty()
        && record.partition.is_none()
        && record.parent.is_none()
        && record.batch.is_none()
        && record.options == Options::default()
        && machine.expires_at.is_none()
        && machine.waits_for == 0
        && machine.tries == 0
        && matches!(machine.state, State::Queued { ahead: false, .. } | State::Running { .. })
}

const INSERT_SIMPLE: &str = "INSERT INTO tasks (id, kind, kind_version, queue, priority, label, user, trace_id,
        created_at, status, version, attempt, tries, max_tries, at_most_once, queued_at, session, token, started_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?13, ?14, ?15, ?16, ?17, ?18)
    ON CONFLICT DO NOTHING";

fn insert_simple(tx: &Tx<'_, '_>, record: &Record) -> rusqlite::Result<usize> {
    let machine = &record.machine;
    let columns = state_columns(&machine.state);
    let row = params![
        blob(record.id.as_uuid()),
        record.kind.as_str(),
        record.kind_version,
        record.queue.as_str(),
        record.priority,
        record.label,
        record.user.as_ref().map(UserId::as_str),
        record.trace_id,
        record.created_at.as_millis(),
        machine.state.status().code(),
        machine.version,
        machine.attempt,
        machine.max_tries,
        machine.at_most_once,
        columns.queued_at,
        columns.session,
        columns.token,
        machine.started_at.map(Timestamp::as_millis),
    ];
    tx.statements.execute(INSERT_SIMPLE, row)
}

fn insert_full(tx: &Tx<'_, '_>, record: &Record) -> Result<usize, WorkError> {
    let machine = &record.machine;
    let columns = state_columns(&machine.state);
    let tags = if record.tags.is_empty() { None } else { Some(to_json(&record.tags)?) };
    let options = if record.options == Options::default() { None } else { Some(to_json(&record.options)?) };
    let mut statement = tx.conn.prepare_cached(
        "INSERT INTO tasks (id, kind, kind_version, queue, priority, label, key, tags, user, trace_id, created_at,
             status, version, attempt, tries, max_tries, at_most_once, queued_at, ahead, scheduled_at, expires_at,
             session, token, started_at, partition, parent, child, batch, waits_for, options, active_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
             ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?7)
         ON CONFLICT DO NOTHING",
    )?;
    let inserted = statement.execute(params![
        blob(record.id.as_uuid()),
        record.kind.as_str(),
        record.kind_version,
        record.queue.as_str(),
        record.priority,
        record.label,
        record.key,
        tags,
        record.user.as_ref().map(UserId::as_str),
        record.trace_id,
        record.created_at.as_millis(),
        machine.state.status().code(),
        machine.version,
        machine.attempt,
        machine.tries,
        machine.max_tries,
        machine.at_most_once,
        columns.queued_at,
        columns.ahead,
        columns.scheduled_at,
        machine.expires_at.map(Timestamp::as_millis),
        columns.session,
        columns.token,
        machine.started_at.map(Timestamp::as_millis),
        record.partition,
        record.parent.as_ref().map(|id| blob(id.as_uuid())),
        record.child,
        record.batch.as_ref().map(|id| blob(id.as_uuid())),
        machine.waits_for,
        options,
    ])?;
    Ok(inserted)
}

/// Writes what can change of a task, if it still has the version that the change was decided on. A task's version
/// grows with each durable change, so it stands for the whole row, the lease included.
pub(super) fn update(tx: &Tx<'_, '_>, record: &Record, decided_on: u32) -> Result<bool, WorkError> {
    let machine = &record.machine;
    let columns = state_columns(&machine.state);
    let cancel = machine.cancel.as_ref().map(to_json).transpose()?;
    let ended_at = machine.state.ended_at();
    let remove_at = record
        .options
        .result_ttl_ms
        .zip(ended_at)
        .map(|(ttl, ended_at)| ended_at.plus_millis(i64::try_from(ttl).unwrap_or(i64::MAX)).as_millis());
    let mut statement = tx.conn.prepare_cached(
        "UPDATE tasks SET label = ?2, status = ?3, version = ?4, attempt = ?5, tries = ?6, queued_at = ?7, ahead = ?8,
             scheduled_at = ?9, session = ?10, token = ?11, question = ?12, question_until = ?13, cancel = ?14,
             expires_at = ?15, started_at = ?16, ended_at = ?17, partial = ?18, questions = ?19, endings = ?20,
             error_code = ?21, error_message = ?22, progress = ?23, waits_for = ?24, remove_at = ?25,
             active_key = ?26
         WHERE id = ?1 AND version = ?27",
    )?;
    let changed = statement.execute(params![
        blob(record.id.as_uuid()),
        record.label,
        machine.state.status().code(),
        machine.version,
        machine.attempt,
        machine.tries,
        columns.queued_at,
        columns.ahead,
        columns.scheduled_at,
        columns.session,
        columns.token,
        columns.question,
        columns.question_until,
        cancel,
        machine.expires_at.filter(|_| columns.waits).map(Timestamp::as_millis),
        machine.started_at.map(Timestamp::as_millis),
        ended_at.map(Timestamp::as_millis),
        columns.partial,
        machine.questions,
        machine.endings,
        record.error.as_ref().map(|error| error.code.as_str()),
        record.error.as_ref().map(|error| error.message.as_str()),
        progress_json(record)?,
        machine.waits_for,
        remove_at,
        record.key.as_deref().filter(|_| ended_at.is_none()),
        decided_on,
    ])?;
    Ok(changed == 1)
}

const BEGIN: &str =
    "UPDATE tasks SET status = 2, version = ?2, attempt = ?3, started_at = ?4, session = ?5, token = ?6,
        queued_at = NULL, ahead = 0
    WHERE id = ?1 AND version = ?7";

/// Writes the claim of a queued task that could not expire and whose stored progress stays as it is. Touches two
/// indexes.
pub(super) fn begin(tx: &Tx<'_, '_>, record: &Record, decided_on: u32) -> Result<bool, WorkError> {
    let machine = &record.machine;
    let columns = state_columns(&machine.state);
    let row = params![
        blob(record.id.as_uuid()),
        machine.version,
        machine.attempt,
        machine.started_at.map(Timestamp::as_millis),
        columns.session,
        columns.token,
        decided_on,
    ];
    Ok(tx.statements.execute(BEGIN, row)? == 1)
}

/// Whether [`end`] is enough: what else an ending could change is not set.
pub(super) fn is_plain(record: &Record) -> bool {
    record.key.is_none() && record.options.result_ttl_ms.is_none() && record.machine.cancel.is_none()
}

const END: &str =
    "UPDATE tasks SET label = ?2, status = ?3, version = ?4, tries = ?5, session = NULL, token = NULL,
        ended_at = ?6, partial = ?7, endings = ?8, error_code = ?9, error_message = ?10, progress = ?11
    WHERE id = ?1 AND version = ?12";

/// Writes the ending of a running, plain task, if it still has the version that it was decided on. Touches one index.
pub(super) fn end(tx: &Tx<'_, '_>, record: &Record, decided_on: u32) -> Result<bool, WorkError> {
    let machine = &record.machine;
    let progress = progress_json(record)?;
    let row = params![
        blob(record.id.as_uuid()),
        record.label,
        machine.state.status().code(),
        machine.version,
        machine.tries,
        machine.state.ended_at().map(Timestamp::as_millis),
        matches!(machine.state, State::Completed { partial: true, .. }),
        machine.endings,
        record.error.as_ref().map(|error| error.code.as_str()),
        record.error.as_ref().map(|error| error.message.as_str()),
        progress,
        decided_on,
    ];
    Ok(tx.statements.execute(END, row)? == 1)
}

/// The task of this id.
pub(super) fn find(conn: &rusqlite::Connection, id: TaskId) -> Result<Option<Record>, WorkError> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1"))?;
    Ok(statement.query_row([blob(id.as_uuid())], record).optional()?)
}

/// The active task of a kind that has this key.
pub(super) fn find_by_key(
    conn: &rusqlite::Connection,
    kind: &Kind,
    key: &str,
) -> Result<Option<Record>, WorkError> {
    let sql =
        format!("SELECT {COLUMNS} FROM tasks WHERE kind = ?1 AND active_key = ?2 AND active_key IS NOT NULL");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row((kind.as_str(), key), record).optional()?)
}

/// The child that a task started under this name.
pub(super) fn find_child(
    conn: &rusqlite::Connection,
    parent: TaskId,
    name: &str,
) -> Result<Option<Record>, WorkError> {
    let sql = format!("SELECT {COLUMNS} FROM tasks WHERE parent = ?1 AND child = ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row((blob(parent.as_uuid()), name), record).optional()?)
}
