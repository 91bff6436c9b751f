//! One transaction: the rows that it holds, what it collects, and how that is written in few statements.
//!
//! A row is locked before it is decided on, so nothing of it changes until the commit. Rows are locked in the order of
//! their ids, a statement for all that are known to be needed; what follows from them comes after, so two transactions
//! can still meet crosswise. Then the server ends one of them, and it is run again.

use std::collections::HashMap;

use sqlx_core::query::query;
use sqlx_postgres::{PgBindIterExt, PgConnection};
use taskdeck_core::{ErrorInfo, LogLine, Status, TaskId, Timestamp};

use super::deltas::Deltas;
use super::fault::Fault;
use super::rows::{self, columns, int, nat, task_id, text, to_json, uuids};
use super::signal::News;
use crate::store::Record;

/// A transaction.
pub(super) struct Work<'c> {
    conn: &'c mut PgConnection,
    held: HashMap<TaskId, Held>,
    /// Those of them that are not written yet, in the order in which they changed.
    changed: Vec<TaskId>,
    attempts: Vec<EndedAttempt>,
    logs: Vec<(TaskId, u64, u64, String)>,
    results: Vec<(TaskId, String)>,
    pub(super) deltas: Deltas,
    /// What other nodes are told of when it is committed.
    pub(super) news: News,
}

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
    concat!("SELECT ", columns!(), " FROM taskdeck.tasks WHERE id = ANY($1) ORDER BY id FOR UPDATE");

impl<'c> Work<'c> {
    pub(super) fn new(conn: &'c mut PgConnection) -> Self {
        Self {
            conn,
            held: HashMap::new(),
            changed: Vec::new(),
            attempts: Vec::new(),
            logs: Vec::new(),
            results: Vec::new(),
            deltas: Deltas::default(),
            news: News::default(),
        }
    }

    pub(super) fn conn(&mut self) -> &mut PgConnection {
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
            let sql = "SELECT id, version FROM taskdeck.tasks WHERE id = ANY($1) ORDER BY id FOR UPDATE";
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
        let changed = std::mem::take(&mut self.changed);
        for id in &changed {
            if let Some(held) = self.held.get_mut(id) {
                held.changed = false;
            }
        }
        let records = changed.iter().filter_map(|id| self.held.get(id)).map(|held| &held.record);
        let records: Vec<&Record> = records.collect();
        rows::update(self.conn, &records).await?;
        self.write_attempts().await?;
        self.write_results().await?;
        self.write_logs().await
    }

    async fn write_attempts(&mut self) -> Result<(), Fault> {
        let attempts = std::mem::take(&mut self.attempts);
        if attempts.is_empty() {
            return Ok(());
        }
        let each = || attempts.iter();
        query(
            "INSERT INTO taskdeck.attempts
                 (task, attempt, started_at, ended_at, outcome, error_code, error_message, detail, worker)
             SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
                 $7::text[], $8::text[], $9::text[])",
        )
        .bind(each().map(|of| *of.task.as_uuid()).bind_iter())
        .bind(each().map(|of| int(of.attempt)).bind_iter())
        .bind(each().map(|of| of.started_at.as_millis()).bind_iter())
        .bind(each().map(|of| of.ended_at.as_millis()).bind_iter())
        .bind(each().map(|of| of.outcome).bind_iter())
        .bind(each().map(|of| of.error.as_ref().map(|error| text(&error.code))).bind_iter())
        .bind(each().map(|of| of.error.as_ref().map(|error| text(&error.message))).bind_iter())
        .bind(each().map(|of| of.detail.as_deref().map(text)).bind_iter())
        .bind(each().map(|of| of.worker.as_deref().map(text)).bind_iter())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn write_results(&mut self) -> Result<(), Fault> {
        let results = std::mem::take(&mut self.results);
        if results.is_empty() {
            return Ok(());
        }
        query(
            "UPDATE taskdeck.payloads p SET result = u.result
             FROM unnest($1::uuid[], $2::text[]) AS u(task, result) WHERE p.task = u.task",
        )
        .bind(results.iter().map(|(task, _)| *task.as_uuid()).bind_iter())
        .bind(results.iter().map(|(_, result)| result.as_str()).bind_iter())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn write_logs(&mut self) -> Result<(), Fault> {
        let logs = std::mem::take(&mut self.logs);
        if logs.is_empty() {
            return Ok(());
        }
        query(
            "INSERT INTO taskdeck.log_chunks (task, first_seq, last_seq, lines)
             SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[])",
        )
        .bind(logs.iter().map(|(task, ..)| *task.as_uuid()).bind_iter())
        .bind(logs.iter().map(|(_, first, ..)| rows::big(*first)).bind_iter())
        .bind(logs.iter().map(|(_, _, last, _)| rows::big(*last)).bind_iter())
        .bind(logs.iter().map(|(.., lines)| lines.as_str()).bind_iter())
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Writes all that is left to write before the commit.
    pub(super) async fn finish(&mut self) -> Result<(), Fault> {
        self.flush().await?;
        let deltas = std::mem::take(&mut self.deltas);
        deltas.write(self.conn()).await
    }
}
