//! What there is: tasks, lists, results, attempts.

use std::time::Duration;

use serde_json::{Map, Value};
use taskdeck_core::{
    Action, Actor, Attempt, Counts, DeckError, Kind, ListQuery, OpenQuestion, Param, ParamKind, ParamTitle,
    ResultBody, Status, Subject, TaskDetail, TaskId, TaskPage, TaskState, may_hold_secrets, redact,
};

use super::{Client, json, shown};
use crate::outcome::StoredResult;
use crate::preview::preview;
use crate::store::Record;

/// How many notices of a task its page shows.
const NOTICES: u32 = 100;

impl Client {
    /// The task as it is now.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn get(&self, id: TaskId) -> Result<TaskState, DeckError> {
        let record = self.task_for(Action::Watch, id).await?;
        Ok(self.inner.current(&record))
    }

    /// Those of the tasks that exist and that the actor may see.
    ///
    /// # Errors
    /// [`DeckError::Unavailable`].
    pub async fn get_many(&self, ids: &[TaskId]) -> Result<Vec<TaskState>, DeckError> {
        let found = self.inner.store.get_many(ids.to_vec()).await?;
        let may_see = |record: &&Record| {
            self.may(Action::Watch, Subject::Task(record.id, self.inner.definition(&record.kind))).is_ok()
        };
        Ok(found.iter().filter(may_see).map(|record| self.inner.current(record)).collect())
    }

    /// A page of tasks, newest first.
    ///
    /// # Errors
    /// [`DeckError::Denied`]; [`DeckError::BadRequest`] for a cursor that no page gave.
    pub async fn list(&self, query: &ListQuery) -> Result<TaskPage, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        if query.cursor.as_deref().is_some_and(|cursor| cursor.parse::<TaskId>().is_err()) {
            return Err(DeckError::BadRequest {
                reason: "the cursor is not one that a page gave".to_owned(),
            });
        }
        let (records, next_cursor) = self.inner.store.list(query.clone().at(self.inner.clock.now())).await?;
        let tasks: Vec<_> = records.iter().map(|record| self.inner.current(record)).collect();
        let previews = self.previews(&tasks).await?;
        let hint = match &query.kind {
            Some(kind) if tasks.is_empty() => self.unknown_kind(kind),
            _ => None,
        };
        Ok(TaskPage { tasks, next_cursor, previews, hint })
    }

    /// What is said of a kind that this server does not have; nothing of one that it has.
    fn unknown_kind(&self, kind: &Kind) -> Option<String> {
        if self.inner.definition(kind).is_some() {
            return None;
        }
        let name = kind.as_str();
        let mut like: Vec<_> = self.inner.registry.definitions().map(|one| one.kind.as_str()).collect();
        like.retain(|other| other.contains(name));
        like.sort_unstable();
        let like = match like.as_slice() {
            [] => String::new(),
            [one] => format!(" Did you mean {one}?"),
            [rest @ .., last] => format!(" Did you mean {} or {last}?", rest[..rest.len().min(3)].join(", ")),
        };
        Some(format!("This server has no kind called {name}.{like}"))
    }

    /// The params of each task in one line.
    pub(super) async fn previews(&self, tasks: &[TaskState]) -> Result<Vec<String>, DeckError> {
        let params = self.inner.store.params(tasks.iter().map(|task| task.id).collect()).await?;
        let previews = tasks.iter().zip(&params);
        Ok(previews.map(|(task, params)| preview(self.inner.definition(&task.kind), params)).collect())
    }

    /// How many tasks there are, by status.
    ///
    /// # Errors
    /// [`DeckError::Denied`].
    pub async fn counts(&self) -> Result<Counts, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        Ok(self.inner.store.counts().await?)
    }

    /// The task with all that its page shows.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn detail(&self, id: TaskId) -> Result<TaskDetail, DeckError> {
        let record = self.task_for(Action::Read, id).await?;
        let task = self.inner.current(&record);
        let payload = self.inner.store.payload(id).await?.ok_or_else(DeckError::task_not_found)?;
        let result = match task.status {
            Status::Completed => Some(self.result_body(id, payload.result.as_deref()).await?),
            _ => None,
        };
        let definition = self.inner.definition(&record.kind);
        let title = |param: &Param| ParamTitle {
            name: param.name.clone(),
            title: param.title.clone(),
            choices: choices(&param.kind),
        };
        let titles = definition.map(|definition| definition.params.iter().map(title).collect());
        let after = self.inner.store.after(id).await?;
        let grace = self.inner.settings.grace;
        Ok(TaskDetail {
            params: shown(&payload.params)?,
            due_at: record.options.due_at,
            checkpoint: payload.checkpoint.as_deref().map(shown).transpose()?,
            result,
            attempts: self.attempts_of(&record).await?,
            titles: titles.unwrap_or_default(),
            after: if after.is_empty() { Vec::new() } else { self.get_many(&after).await? },
            notices: match record.notice_seq {
                0 => Vec::new(),
                _ => self.inner.store.notices(id, 0, NOTICES).await?,
            },
            questions: if task.questions > 0 { self.questions_of(id).await? } else { Vec::new() },
            grace_ms: definition
                .and_then(|definition| definition.limits.grace_ms)
                .unwrap_or_else(|| u64::try_from(grace.as_millis()).unwrap_or(u64::MAX)),
            not_running: self.why(&record, &task).await?,
            task,
        })
    }

    async fn result_body(&self, id: TaskId, stored: Option<&str>) -> Result<ResultBody, DeckError> {
        // Nothing is stored for nothing.
        let mut result = stored.map_or_else(|| Ok(StoredResult::default()), json)?;
        // The program itself has what it returned as it returned it.
        if self.actor != Actor::System && stored.is_some_and(may_hold_secrets) {
            redact(&mut result.result);
        }
        Ok(result.body(&self.inner.store.task_files(Some(id)).await?))
    }

    async fn questions_of(&self, id: TaskId) -> Result<Vec<OpenQuestion>, DeckError> {
        let mut questions = self.inner.store.questions(id).await?;
        for answer in questions.iter_mut().filter_map(|asked| asked.answer.as_mut()) {
            redact(&mut answer.fields);
        }
        Ok(questions)
    }

    /// What a completed task left; waits for its end if told to.
    ///
    /// # Errors
    /// [`DeckError::NotEnded`] (after the wait), [`DeckError::NoResult`] when it was cancelled or interrupted,
    /// [`DeckError::TaskFailed`], [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn result(&self, id: TaskId, wait: Option<Duration>) -> Result<ResultBody, DeckError> {
        let record = self.task_for(Action::Watch, id).await?;
        let status = record.machine.state.status();
        let state = match wait {
            Some(wait) if !status.has_ended() => self.wait_for_end(id, wait).await?,
            _ => record.state(),
        };
        match state.status {
            Status::Completed => {
                let payload = self.inner.store.payload(id).await?.ok_or_else(DeckError::task_not_found)?;
                self.result_body(id, payload.result.as_deref()).await
            }
            Status::Failed => {
                let error = state.error;
                let (error, message) = error.map_or_else(
                    || ("error".to_owned(), "The task failed.".to_owned()),
                    |error| (error.code, error.message),
                );
                Err(DeckError::TaskFailed { error, message })
            }
            status if status.has_ended() => Err(DeckError::NoResult { status }),
            status => Err(DeckError::NotEnded { status }),
        }
    }

    /// The task's state when it has ended, or when `wait` is over.
    pub(super) async fn wait_for_end(&self, id: TaskId, wait: Duration) -> Result<TaskState, DeckError> {
        let (reader, subscriber) = self.inner.hub.join();
        // Armed before the look.
        self.inner.hub.watch(reader, id);
        let ended = async {
            loop {
                let state = self.inner.current_of(id).await?.ok_or_else(DeckError::task_not_found)?;
                if state.status.has_ended() {
                    return Ok(state);
                }
                if subscriber.pending().closed {
                    return Err(DeckError::Unavailable { reason: "the deck shuts down".to_owned() });
                }
                loop {
                    subscriber.ready.notified().await;
                    let mut pending = subscriber.pending();
                    let moved = pending.closed
                        || !pending.gone.is_empty()
                        || pending.states.values().any(|state| state.status.has_ended());
                    pending.states.clear();
                    if moved {
                        break;
                    }
                }
            }
        };
        let outcome = tokio::time::timeout(wait, ended).await;
        self.inner.hub.leave(reader, std::iter::once(id), std::iter::empty());
        match outcome {
            Ok(ended) => ended,
            Err(_) => self.inner.current_of(id).await?.ok_or_else(DeckError::task_not_found),
        }
    }

    /// The attempts of a task, the last first.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn attempts(&self, id: TaskId) -> Result<Vec<Attempt>, DeckError> {
        let record = self.task_for(Action::Read, id).await?;
        self.attempts_of(&record).await
    }

    async fn attempts_of(&self, record: &Record) -> Result<Vec<Attempt>, DeckError> {
        let mut attempts = self.inner.store.attempts(record.id).await?;
        // The running attempt lives in its task's row. (The list is read later than the row: it may hold it already.)
        let attempt = record.machine.attempt;
        if let Some(lease) = record.machine.state.lease()
            && attempts.iter().all(|ended| ended.attempt != attempt)
        {
            let worker = if lease.session == self.inner.session() {
                Some(self.inner.worker_name.clone())
            } else {
                let sessions = self.inner.store.sessions().await?;
                sessions.into_iter().find(|session| session.id == lease.session).map(|session| session.worker)
            };
            attempts.insert(
                0,
                Attempt {
                    attempt,
                    started_at: record.machine.started_at.unwrap_or(record.created_at),
                    ended_at: None,
                    outcome: None,
                    error: None,
                    detail: None,
                    worker,
                },
            );
        }
        Ok(attempts)
    }
}

/// What the form calls the values of a param that is chosen.
fn choices(kind: &ParamKind) -> Value {
    match kind {
        ParamKind::Choice { options } | ParamKind::MultiChoice { options, .. } => options
            .iter()
            .map(|choice| (choice.value.clone(), Value::from(choice.title.as_str())))
            .collect::<Map<_, _>>()
            .into(),
        _ => Value::Null,
    }
}
