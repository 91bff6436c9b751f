//! Why a task does not run.

use taskdeck_core::{
    Action, Counts, DeckError, HeldBack, NotRunning, Status, TaskId, TaskState, why_not_running,
};

use super::Client;
use crate::store::{Record, Scope};

impl Client {
    /// Why a task that has not ended does not run; nothing when it runs or has ended.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn why_not_running(&self, id: TaskId) -> Result<Option<NotRunning>, DeckError> {
        let record = self.task_for(Action::Read, id).await?;
        let task = self.inner.current(&record);
        self.why(&record, &task).await
    }

    /// The task as it is now, and why it does not run if it does not.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn get_with_why(&self, id: TaskId) -> Result<(TaskState, Option<NotRunning>), DeckError> {
        let record = self.task_for(Action::Read, id).await?;
        let task = self.inner.current(&record);
        let why = self.why(&record, &task).await?;
        Ok((task, why))
    }

    pub(super) async fn why(
        &self,
        record: &Record,
        task: &TaskState,
    ) -> Result<Option<NotRunning>, DeckError> {
        // Only what is queued is held back by something outside of it.
        let held = match task.status {
            Status::Queued => self.held_back(record).await?,
            _ => HeldBack::default(),
        };
        Ok(why_not_running(task, &held))
    }

    async fn held_back(&self, record: &Record) -> Result<HeldBack, DeckError> {
        let inner = &self.inner;
        let (mut queue, mut kind, partition) = inner.dispatch.held(record);
        if queue.paused.is_some() || kind.paused.is_some() {
            for control in
                inner.store.controls().await?.into_iter().filter(|control| control.paused_at.is_some())
            {
                let lane = match control.scope {
                    Scope::Queue => &mut queue,
                    Scope::Kind => &mut kind,
                };
                if lane.name == control.name && lane.paused.is_some() {
                    lane.paused = Some(control.paused_by.map(|by| by.to_string()));
                }
            }
        }
        let slots = inner.settings.max_concurrent.max(1);
        let counts: Counts = inner.store.counts().await?;
        Ok(HeldBack {
            params_version: record.kind_version,
            worker_version: inner.definition(&record.kind).map(|definition| definition.version),
            stopping: inner.stopping.is_cancelled(),
            works: inner.settings.worker,
            queue,
            kind,
            partition,
            slots,
            busy: slots.saturating_sub(inner.worker.slots.available_permits()),
            queued: counts.of(Status::Queued),
        })
    }
}
