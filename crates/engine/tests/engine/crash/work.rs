//! What the killed process works at: small tasks, each of which leaves rows in another file.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use taskdeck_core::{Definition, Param, ParamKind, RetryPolicy, Task, TaskError, TaskId};
use taskdeck_engine::{TaskBody, TaskContext};
use tokio::sync::Notify;

/// The step of a body's last effect.
pub(super) const DONE: u32 = 99;
pub(super) const STEPS: u32 = 5;

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deed {
    /// Nothing but its effect.
    Plain,
    /// Takes some time.
    Slow,
    /// Goes on from its checkpoint.
    Steps,
    /// Fails at first.
    Flaky,
    /// Fails for good.
    Fails,
    /// Has two children and waits for them.
    Family,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Work {
    pub(super) deed: Deed,
}

impl Task for Work {
    const KIND: &'static str = "work";
    type Output = u32;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::new("deed", ParamKind::text())];
        definition.limits.retry = RetryPolicy { max_tries: 20, base_ms: 1, max_ms: 20 };
        definition
    }
}

impl TaskBody for Work {
    async fn run(self, ctx: TaskContext) -> Result<u32, TaskError> {
        let effects = ctx.get::<Arc<Effects>>()?;
        effects.begun(ctx.id(), ctx.attempt());
        match self.deed {
            Deed::Slow => tokio::time::sleep(Duration::from_millis(20)).await,
            Deed::Steps => {
                let done = ctx.restore::<u32>()?.unwrap_or(0);
                for step in done + 1..=STEPS {
                    effects.add(ctx.id(), ctx.attempt(), step);
                    ctx.progress_of(step.into(), STEPS.into());
                    ctx.checkpoint(&step).await?;
                }
            }
            Deed::Flaky if !ctx.attempt().is_multiple_of(3) => return Err(TaskError::transient("not yet")),
            Deed::Plain | Deed::Flaky => {}
            Deed::Fails => return Err(TaskError::permanent("as it should")),
            Deed::Family => {
                let first = ctx.child("first", Self { deed: Deed::Plain }).share(0.5).await?;
                let second = ctx.child("second", Self { deed: Deed::Flaky }).share(0.5).await?;
                first.result().await?;
                second.result().await?;
            }
        }
        effects.add(ctx.id(), ctx.attempt(), DONE);
        Ok(ctx.attempt())
    }
}

/// As slow work, but never begun twice.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Once {}

impl Task for Once {
    const KIND: &'static str = "once";
    type Output = u32;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.limits.at_most_once = true;
        definition
    }
}

impl TaskBody for Once {
    async fn run(self, ctx: TaskContext) -> Result<u32, TaskError> {
        Work { deed: Deed::Slow }.run(ctx).await
    }
}

/// The other file, and what this process has begun.
pub(super) struct Effects {
    conn: Mutex<Connection>,
    begun: Mutex<HashSet<TaskId>>,
    changed: Notify,
}

impl Effects {
    pub(super) fn open(folder: &Path) -> Self {
        let conn = Connection::open(folder.join("effects.db")).unwrap();
        conn.busy_timeout(Duration::from_secs(5)).unwrap();
        // What is written survives the process, which is all that is killed here.
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
             CREATE TABLE IF NOT EXISTS effects (task BLOB, attempt INTEGER, step INTEGER)",
        )
        .unwrap();
        Self { conn: Mutex::new(conn), begun: Mutex::default(), changed: Notify::new() }
    }

    pub(super) fn add(&self, task: TaskId, attempt: u32, step: u32) {
        let conn = self.conn.lock().unwrap();
        let mut insert = conn.prepare_cached("INSERT INTO effects VALUES (?1, ?2, ?3)").unwrap();
        insert.execute((task.as_uuid().as_bytes(), attempt, step)).unwrap();
    }

    fn begun(&self, task: TaskId, attempt: u32) {
        self.add(task, attempt, 0);
        self.begun.lock().unwrap().insert(task);
        self.changed.notify_waiters();
    }

    /// Returns when this process has begun the task.
    pub(super) async fn has_begun(&self, task: TaskId) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.begun.lock().unwrap().contains(&task) {
                return;
            }
            changed.await;
        }
    }
}
