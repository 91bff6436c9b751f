//! What is done to tasks: cancel, retry, delete, clean up.

use std::time::Duration;

use taskdeck_core::{
    Action, CancelInfo, CancelOutcome, DeckError, Event, ListQuery, Status, Subject, TaskId, TaskState,
};

use super::Client;
use crate::clock;
use crate::store::{Applied, Change, RemoveWhich};

const REMOVE_BATCH: usize = 500;

impl Client {
    /// Asks a task to stop. Asked again, it says the same.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn cancel(&self, id: TaskId, reason: Option<String>) -> Result<CancelOutcome, DeckError> {
        self.task_for(Action::Cancel, id).await?;
        let now = clock::now();
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        let request = CancelInfo { requested_at: now, by: self.actor.user_id().cloned(), reason };
        let applied = self.inner.apply(Change::new(id, Event::CancelRequested(request), now)).await?;
        match applied {
            Applied::Changed(record, _) | Applied::Unchanged(record) => {
                Ok(match record.machine.state.status() {
                    Status::Cancelled => CancelOutcome::Cancelled,
                    _ => CancelOutcome::Cancelling,
                })
            }
            Applied::Refused(_, record) if record.machine.state.status().has_ended() => {
                Ok(CancelOutcome::AlreadyCompleted)
            }
            Applied::Refused(refused, _) => Err(refused.into()),
            Applied::KeyActive { .. } | Applied::Missing => Err(DeckError::task_not_found()),
        }
    }

    /// Tries an ended task again: the same task, its next attempt, its checkpoint kept.
    ///
    /// # Errors
    /// [`DeckError::WrongStatus`] when it did not fail, was not cancelled or interrupted; [`DeckError::StillRunning`]
    /// while code of an earlier attempt holds a slot; [`DeckError::KeyActive`] when another active task has its key.
    pub async fn retry(&self, id: TaskId) -> Result<TaskState, DeckError> {
        let record = self.task_for(Action::Retry, id).await?;
        if record.machine.state.status().has_ended() && self.inner.live.holds_slot(id).await {
            return Err(DeckError::StillRunning);
        }
        match self.inner.apply(Change::new(id, Event::RetryRequested, clock::now())).await? {
            Applied::Changed(record, _) | Applied::Unchanged(record) => Ok(record.state(0)),
            Applied::Refused(refused, _) => Err(refused.into()),
            Applied::KeyActive { key, holder } => Err(DeckError::KeyActive { key, task: holder }),
            Applied::Missing => Err(DeckError::task_not_found()),
        }
    }

    /// Removes a task with all that is its own; cancels it first if it has not ended.
    ///
    /// # Errors
    /// [`DeckError::StillRunning`] when it does not stop within its grace time; [`DeckError::NotFound`],
    /// [`DeckError::Denied`].
    pub async fn delete(&self, id: TaskId) -> Result<(), DeckError> {
        let record = self.task_for(Action::Delete, id).await?;
        if !record.machine.state.status().has_ended() {
            self.cancel(id, Some("deleted".to_owned())).await?;
            let grace = self.inner.settings.grace + Duration::from_secs(3);
            if !self.wait_for_end(id, grace).await?.status.has_ended() {
                return Err(DeckError::StillRunning);
            }
        }
        match self.inner.remove(RemoveWhich::Tasks(vec![id]), 1).await? {
            0 => Err(DeckError::task_not_found()),
            _ => Ok(()),
        }
    }

    /// Removes the ended tasks of a list; how many.
    ///
    /// # Errors
    /// [`DeckError::Denied`], [`DeckError::Unavailable`].
    pub async fn clean_up(&self, query: &ListQuery) -> Result<u64, DeckError> {
        self.may(Action::Delete, Subject::Deck)?;
        let mut removed = 0;
        loop {
            let batch =
                self.inner.remove(RemoveWhich::Matching(Box::new(query.clone())), REMOVE_BATCH).await?;
            removed += batch as u64;
            if batch == 0 {
                return Ok(removed);
            }
        }
    }
}
