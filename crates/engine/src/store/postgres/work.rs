//! One transaction: the rows that it holds, what it collects, and how that is written in few statements.
//!
//! A row is locked before it is decided on, so nothing of it changes until the commit. Rows are locked in the order of
//! their ids, a statement for all that are known to be needed; what follows from them comes after, so two transactions
//! can still meet crosswise. Then the server ends one of them, and it is run again.
//!
//! It is the lock of an update that leaves the keys: a transaction of a program's own that starts something after a task
//! holds its row `FOR KEY SHARE`, which keeps it from being removed and from nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sqlx_postgres::{PgBindIterExt, PgConnection};
use taskdeck_core::{ErrorInfo, LogLine, Status, TaskId, Timestamp};

use super::deltas::{Deltas, insert_deltas};
use super::fault::Fault;
use super::query::{Bound, query};
use super::rows::{self, columns, int, nat, task_id, text, to_json, uuids};
use super::signal::News;
use crate::store::Record;

/// When a transaction last asked the server something, for who waits for it.
#[derive(Clone)]
pub(super) struct Asked(Arc<Mutex<Instant>>);

impl Asked {
    pub(super) fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub(super) fn again(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn at(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction.
pub(super) struct Work<'c> {
    conn: &'c mut PgConnection,
    /// It is a transaction of the program's own, which may stay open for long.
    pub(super) of_program: bool,
    asked: Asked,
    held: HashMap<TaskId, Held>,
    /// Those of them that are not written yet, in the order in which they changed.
    changed: Vec<TaskId>,
    attempts: Vec<EndedAttempt>,
    logs: Vec<Lines>,
    results: Vec<(TaskId, String)>,
    pub(super) deltas: Deltas,
    /// What other nodes are told of when it is committed.
    pub(super) news: News,
}

/// Lines of a task's log: the numbers of the first and the last, and all of them as JSON.
type Lines = (TaskId, u64, u64, String);

/// A chunk that is there already: its commit was made though nobody heard of it, so its lines are sent again, perhaps with
/// some that came after them. The longer one stays, also when the older arrives after it.
macro_rules! insert_logs {
    ($from:literal) => {
        concat!(
            "INSERT INTO taskdeck.log_chunks AS c (task, first_seq, last_seq, lines) SELECT * FROM unnest(",
            $from,
            ") ON CONFLICT (task, first_seq) DO UPDATE SET last_seq = excluded.last_seq, lines = excluded.lines
                 WHERE excluded.last_seq > c.last_seq"
        )
    };
}

/// What changed of tasks, and all that is written with it.
const WRITE: &str = concat!(
    "WITH attempts AS (INSERT INTO taskdeck.attempts
         (task, attempt, started_at, ended_at, outcome, error_code, error_message, detail, worker)
         SELECT * FROM unnest($27::uuid[], $28::int[], $29::bigint[], $30::bigint[], $31::text[], $32::text[],
             $33::text[], $34::text[], $35::text[])),
     results AS (UPDATE taskdeck.payloads p SET result = u.result
         FROM unnest($36::uuid[], $37::text[]) AS u(task, result) WHERE p.task = u.task),
     log_chunks AS (",
    insert_logs!("$38::uuid[], $39::bigint[], $40::bigint[], $41::text[]"),
    "), ",
    insert_deltas!(42 43 44 45, 46 47 48, 49 50 51 52 53 54 55 56 57 58),
    rows::update_tasks!()
);

struct Held {
    record: Record,
    changed: bool,
}

pub(super) struct EndedAttempt {
    pub(super) task: TaskId,
    pub(super) attempt: u32,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Timestamp,
    pub(super) outcome: &'static str,
    pub(super) error: Option<ErrorInfo>,
    pub(super) detail: Option<String>,
    pub(super) worker: Option<String>,
}

const LOCK: &str =
    concat!("SELECT ", columns!(), " FROM taskdeck.tasks WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE");

impl<'c> Work<'c> {
    pub(super) fn new(conn: &'c mut PgConnection, asked: Asked) -> Self {
        Self {
            conn,
            of_program: false,
            asked,
            held: HashMap::new(),
            changed: Vec::new(),
            attempts: Vec::new(),
            logs: Vec::new(),
            results: Vec::new(),
            deltas: Deltas::default(),
            news: News::default(),
        }
    }

    /// In a transaction of the program's own.
    pub(super) fn within(conn: &'c mut PgConnection) -> Self {
        Self { of_program: true, ..Self::new(conn, Asked::now()) }
    }

    /// The connection, for a statement: the one before it was answered.
    pub(super) fn conn(&mut self) -> &mut PgConnection {
        self.asked.again();
        self.conn
    }

    /// Locks the tasks that are not held yet. Of those that the caller knows as they are stored, only the version is
    /// read.
    pub(super) async fn lock<'a>(
        &mut self,
        ids: impl IntoIterator<Item = TaskId>,
        known: impl IntoIterator<Item = &'a Record>,
    ) -> Result<(), Fault> {
        let mut ids: Vec<_> = ids.into_iter().filter(|id| !self.held.contains_key(id)).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(());
        }
        let mut known: HashMap<_, _> = known.into_iter().map(|record| (record.id, record)).collect();
        let records = if known.is_empty() {
            rows::records(&query(LOCK).bind(uuids(&ids)).fetch_all(self.conn()).await?)?
        } else {
            let sql =
                "SELECT id, version FROM taskdeck.tasks WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";
            let found = query(sql).bind(uuids(&ids)).fetch_all(self.conn()).await?;
            let mut older = Vec::new();
            for row in &found {
                let (id, version) = (task_id(row, 0)?, nat(row, 1)?);
                match known.remove(&id).filter(|record| record.machine.version == version) {
                    Some(record) => self.hold(record.clone()),
                    None => older.push(id),
                }
            }
            if older.is_empty() { Vec::new() } else { rows::find(self.conn(), &older).await? }
        };
        for record in rows::with_progress(self.conn(), records).await? {
            self.hold(record);
        }
        Ok(())
    }

    /// Takes in a task whose row this transaction holds.
    pub(super) fn hold(&mut self, record: Record) {
        self.held.insert(record.id, Held { record, changed: false });
    }

    /// The task as this transaction has made it.
    pub(super) fn task(&self, id: TaskId) -> Option<&Record> {
        self.held.get(&id).map(|held| &held.record)
    }

    /// Notes how a held task is now, and counts it; `from` is the status that it had.
    pub(super) fn put(&mut self, record: Record, from: Status) {
        self.deltas.count(&record, Some(from));
        self.news.moved(&record);
        let id = record.id;
        let held = self.held.entry(id).or_insert_with(|| Held { record: record.clone(), changed: false });
        if !held.changed {
            self.changed.push(id);
        }
        *held = Held { record, changed: true };
    }

    pub(super) fn end_attempt(&mut self, attempt: EndedAttempt) {
        self.attempts.push(attempt);
    }

    pub(super) fn result(&mut self, task: TaskId, result: String) {
        self.results.push((task, result));
    }

    /// Adds lines to the log of a task that is held.
    pub(super) fn log(&mut self, task: TaskId, lines: &[LogLine]) -> Result<(), Fault> {
        if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
            self.logs.push((task, first.seq, last.seq, to_json(&lines)?));
            self.news.logged(task);
        }
        Ok(())
    }

    /// Writes what changed so far, so that statements see it.
    pub(super) async fn flush(&mut self) -> Result<(), Fault> {
        self.write(Deltas::default()).await
    }

    /// All in one statement: each would be a way to the server and back.
    async fn write(&mut self, deltas: Deltas) -> Result<(), Fault> {
        let changed = std::mem::take(&mut self.changed);
        for id in &changed {
            if let Some(held) = self.held.get_mut(id) {
                held.changed = false;
            }
        }
        let records = changed.iter().filter_map(|id| self.held.get(id)).map(|held| &held.record);
        let records: Vec<&Record> = records.collect();
        if records.is_empty() {
            // Nothing else changes by itself.
            self.write_logs().await?;
            return deltas.write(self.conn).await;
        }
        let attempts = std::mem::take(&mut self.attempts);
        let each = || attempts.iter();
        let results = std::mem::take(&mut self.results);
        let logs = std::mem::take(&mut self.logs);
        let changed = rows::bind_changed(query(WRITE), &records)?
            .bind(each().map(|of| *of.task.as_uuid()).bind_iter())
            .bind(each().map(|of| int(of.attempt)).bind_iter())
            .bind(each().map(|of| of.started_at.as_millis()).bind_iter())
            .bind(each().map(|of| of.ended_at.as_millis()).bind_iter())
            .bind(each().map(|of| of.outcome).bind_iter())
            .bind(each().map(|of| of.error.as_ref().map(|error| text(&error.code))).bind_iter())
            .bind(each().map(|of| of.error.as_ref().map(|error| text(&error.message))).bind_iter())
            .bind(each().map(|of| of.detail.as_deref().map(text)).bind_iter())
            .bind(each().map(|of| of.worker.as_deref().map(text)).bind_iter())
            .bind(results.iter().map(|(task, _)| *task.as_uuid()).bind_iter())
            .bind(results.iter().map(|(_, result)| result.as_str()).bind_iter());
        self.asked.again();
        let done = deltas.bind(bind_logs(changed, &logs)).execute(&mut *self.conn).await?;
        if done.rows_affected() == records.len() as u64 {
            Ok(())
        } else {
            Err(Fault::unreadable("task", &"a row that was held is not there any more"))
        }
    }

    async fn write_logs(&mut self) -> Result<(), Fault> {
        let logs = std::mem::take(&mut self.logs);
        if logs.is_empty() {
            return Ok(());
        }
        let sql = insert_logs!("$1::uuid[], $2::bigint[], $3::bigint[], $4::text[]");
        bind_logs(query(sql), &logs).execute(self.conn()).await?;
        Ok(())
    }

    /// Writes all that is left to write before the commit.
    pub(super) async fn finish(&mut self) -> Result<(), Fault> {
        let deltas = std::mem::take(&mut self.deltas);
        self.write(deltas).await
    }
}

fn bind_logs(to: Bound, logs: &[Lines]) -> Bound {
    to.bind(logs.iter().map(|(task, ..)| *task.as_uuid()).bind_iter())
        .bind(logs.iter().map(|(_, first, ..)| rows::big(*first)).bind_iter())
        .bind(logs.iter().map(|(_, _, last, _)| rows::big(*last)).bind_iter())
        .bind(logs.iter().map(|(.., lines)| lines.as_str()).bind_iter())
}
