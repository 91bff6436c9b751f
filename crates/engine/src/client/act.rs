//! What is done to tasks: cancel, retry, delete, clean up.

use std::time::Duration;

use taskdeck_core::{
    Action, AnswerRequest, CancelInfo, CancelOutcome, DeckError, Event, ListQuery, QuestionOutcome, State,
    Status, Subject, Task, TaskId, TaskState, form, keep_secrets, may_hold_secrets,
};

use super::{Client, json};
use crate::bulk::BulkAction;
use crate::store::{Applied, Change, RemoveWhich, StoredAnswer};

const REMOVE_BATCH: usize = 500;
/// In characters.
const LONGEST_REASON: usize = 500;

impl Client {
    /// Asks a task to stop. Asked again, it says the same.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`]; [`DeckError::BadRequest`] for a reason of more than 500
    /// characters.
    pub async fn cancel(&self, id: TaskId, reason: Option<String>) -> Result<CancelOutcome, DeckError> {
        self.task_for(Action::Cancel, id).await?;
        if reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
            return Err(DeckError::BadRequest {
                reason: format!("a reason has at most {LONGEST_REASON} characters"),
            });
        }
        let now = self.inner.clock.now();
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        let request = CancelInfo { requested_at: now, by: self.actor.user_id().cloned(), reason };
        let applied = self.inner.apply(Change::new(id, Event::CancelRequested(request), now)).await?;
        match applied {
            Applied::Changed(record, ..) | Applied::Unchanged(record) => {
                Ok(match record.machine.state.status() {
                    Status::Cancelled => CancelOutcome::Cancelled,
                    _ => CancelOutcome::Cancelling,
                })
            }
            Applied::Refused(_, record) if record.machine.state.status().has_ended() => {
                Ok(CancelOutcome::AlreadyCompleted)
            }
            Applied::Refused(refused, _) => Err(refused.into()),
            Applied::KeyActive { .. } | Applied::DependencyFailed(_) | Applied::Missing => {
                Err(DeckError::task_not_found())
            }
        }
    }

    /// Tries an ended task again: the same task, its next attempt, its checkpoint kept. One that is scheduled does not
    /// wait for its time any more, be it that of a delay or of its next try.
    ///
    /// # Errors
    /// [`DeckError::WrongStatus`] when it is not scheduled, did not fail, was not cancelled or interrupted, and while it
    /// waits for other tasks; [`DeckError::StillRunning`] while code of an earlier attempt holds a slot;
    /// [`DeckError::KeyActive`] when another active task has its key.
    pub async fn retry(&self, id: TaskId) -> Result<TaskState, DeckError> {
        let record = self.task_for(Action::Retry, id).await?;
        if record.machine.state.status().has_ended()
            && (self.inner.live.holds_slot(id).await || self.is_held_elsewhere(id).await?)
        {
            return Err(DeckError::StillRunning);
        }
        let event = match record.status() {
            Status::Scheduled => Event::Hurried,
            _ => Event::RetryRequested,
        };
        match self.inner.apply(Change::new(id, event, self.inner.clock.now())).await? {
            Applied::Changed(record, ..) | Applied::Unchanged(record) => Ok(record.state()),
            Applied::Refused(refused, _) => Err(refused.into()),
            Applied::KeyActive { key, holder } => Err(DeckError::KeyActive { key, task: holder }),
            Applied::DependencyFailed(task) => Err(DeckError::DependencyFailed { task }),
            Applied::Missing => Err(DeckError::task_not_found()),
        }
    }

    /// Whether code of the task still holds a slot of another node, as that last said.
    async fn is_held_elsewhere(&self, id: TaskId) -> Result<bool, DeckError> {
        if !self.inner.store.is_shared() {
            return Ok(false);
        }
        let own = self.inner.session();
        let others = self.inner.store.sessions().await?.into_iter().filter(|session| session.id != own);
        Ok(others.filter_map(|session| session.said).any(|said| said.held.contains(&id)))
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
        if self.inner.remove(RemoveWhich::Tasks(vec![id]), 1).await? == 1 {
            return Ok(());
        }
        match self.inner.store.get(id).await? {
            None => Err(DeckError::task_not_found()),
            Some(record) => Err(DeckError::WrongStatus {
                status: record.status(),
                reason: "a task that has not ended runs after this one".to_owned(),
            }),
        }
    }

    /// Answers a task's question. The task goes on at once, before those that wait by priority.
    ///
    /// ```no_run
    /// # use taskdeck_core::{AnswerRequest, DeckError, TaskId};
    /// # async fn answer(client: taskdeck_engine::Client, id: TaskId) -> Result<(), DeckError> {
    /// let fields = serde_json::json!({ "reason": "they are of last year" });
    /// client.answer(id, AnswerRequest { approved: true, fields, ..AnswerRequest::default() }).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`DeckError::InvalidParams`] when the fields do not fit the question's, [`DeckError::WrongStatus`] when the task
    /// asks nothing (any more), [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn answer(&self, id: TaskId, answer: AnswerRequest) -> Result<TaskState, DeckError> {
        let record = self.task_for(Action::Answer, id).await?;
        let State::WaitingConfirmation { key: open, .. } = &record.machine.state else {
            return Err(DeckError::WrongStatus {
                status: record.status(),
                reason: "the task asks nothing".to_owned(),
            });
        };
        let key = answer.key.unwrap_or_else(|| open.clone());
        let asked = self.inner.store.questions(id).await?;
        let asked = asked
            .into_iter()
            .find(|asked| asked.question.key == key && asked.outcome == QuestionOutcome::Open);
        let Some(asked) = asked else {
            return Err(DeckError::NotFound { what: "Question".to_owned() });
        };
        let wanted = asked.question.fields;
        let wanted = if answer.approved { wanted } else { form::when_declined(&wanted) };
        let fields = form::validate_fields(&wanted, answer.fields)?;
        let mut change = Change::new(id, Event::Answered { key }, self.inner.clock.now());
        change.extra.answer = Some(StoredAnswer {
            approved: answer.approved,
            fields: fields.to_string(),
            by: self.actor.user_id().cloned(),
        });
        match self.inner.apply(change).await? {
            Applied::Changed(record, ..) | Applied::Unchanged(record) => Ok(record.state()),
            Applied::Refused(refused, _) => Err(refused.into()),
            _ => Err(DeckError::task_not_found()),
        }
    }

    /// Replaces the params of a failed task, so that a retry runs with these. Its checkpoint goes: it belonged to the
    /// old ones. Where they have the mask of a secret in its place, that secret stays.
    ///
    /// # Errors
    /// [`DeckError::InvalidParams`], [`DeckError::WrongStatus`] when the task has not failed, [`DeckError::NotFound`],
    /// [`DeckError::Denied`].
    pub async fn set_params(
        &self,
        id: TaskId,
        mut params: serde_json::Value,
    ) -> Result<TaskState, DeckError> {
        let record = self.task_for(Action::Edit, id).await?;
        if record.kind.as_str() == BulkAction::KIND {
            let reason = "what a bulk action does cannot be changed".to_owned();
            return Err(DeckError::BadRequest { reason });
        }
        let definition = self.known(Action::Edit, record.kind.as_str())?;
        let stored = self.inner.store.payload(id).await?.ok_or_else(DeckError::task_not_found)?.params;
        if may_hold_secrets(&stored) {
            keep_secrets(&mut params, &json(&stored)?);
        }
        let mut params = form::validate(&definition, params)?;
        let uploads = self.claim_uploads(&definition, &mut params).await?;
        if !self.inner.store.set_params(id, definition.version, params.to_string(), uploads).await? {
            return Err(DeckError::WrongStatus {
                status: record.status(),
                reason: "only the params of a failed task can be changed".to_owned(),
            });
        }
        let record = self.inner.store.get(id).await?.ok_or_else(DeckError::task_not_found)?;
        self.inner.told(&record, Some(record.status()));
        Ok(record.state())
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
