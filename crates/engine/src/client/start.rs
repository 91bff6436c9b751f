//! Starting tasks.

use std::time::Duration;

use taskdeck_core::{
    Action, DeckError, Definition, FieldErrors, Machine, ParamKind, ResultBody, StartRequest, Started, State,
    Subject, Task, Upload, form,
};

use super::Client;
use crate::clock;
use crate::start::Start;
use crate::store::{NewTask, Record, StartOutcome, StoreError};

/// How far the time in an id that a client made may be off.
const CLIENT_ID_SLACK_MS: u64 = 24 * 60 * 60 * 1000;
pub(super) const LONGEST_NAME: usize = 200;

impl Client {
    /// Starts a task by its type.
    #[expect(clippy::needless_pass_by_value, reason = "a task is given away when it is started")]
    pub fn start_task<T: Task>(&self, task: T) -> Start<T> {
        Start::new(self.clone(), &task)
    }

    /// Starts a task; returns when it is durable.
    ///
    /// # Errors
    /// [`DeckError::InvalidParams`] with an error a field, [`DeckError::KeyActive`] for a unique start whose key is
    /// taken, [`DeckError::NotFound`] for an unknown kind, [`DeckError::BadRequest`], [`DeckError::Denied`].
    pub async fn start(&self, kind: &str, request: StartRequest) -> Result<Started, DeckError> {
        let definition = self.known(Action::Start, kind)?;
        let unique = request.unique;
        let new = self.new_task(&definition, request).await?;
        let (id, key) = (new.record.id, new.record.key.clone());
        let outcome = self.inner.store.start(vec![new]).await?.pop().ok_or(StoreError::Closed)?;
        match outcome {
            StartOutcome::New(record) => {
                self.inner.told(&record, None);
                Ok(Started { task: record.state(0), deduplicated: false })
            }
            StartOutcome::Existing(record) if record.id == id => {
                if record.user.as_ref() != self.actor.user_id() || record.kind != definition.kind {
                    return Err(DeckError::BadRequest {
                        reason: "the id is taken by another task".to_owned(),
                    });
                }
                Ok(Started { task: self.inner.current(&record), deduplicated: true })
            }
            StartOutcome::Existing(record) => {
                let task = record.id;
                let visible = self.may(Action::Read, Subject::Task(task, Some(&definition))).is_ok();
                if unique || !visible {
                    return Err(DeckError::KeyActive { key: key.unwrap_or_default(), task });
                }
                Ok(Started { task: self.inner.current(&record), deduplicated: true })
            }
        }
    }

    async fn new_task(&self, definition: &Definition, request: StartRequest) -> Result<NewTask, DeckError> {
        let now = clock::now();
        check_request(&request, now)?;
        let mut params = form::validate(definition, request.params)?;
        let uploads = self.claim_uploads(definition, &mut params).await?;
        let due = request
            .at
            .or_else(|| request.delay.map(|delay| now.plus_millis(i64::try_from(delay).unwrap_or(i64::MAX))));
        let state = match due {
            Some(at) if at > now => State::Scheduled { until: Some(at) },
            _ => State::Queued { since: now, ahead: false },
        };
        let limits = &definition.limits;
        let machine = Machine {
            state,
            version: 1,
            attempt: 0,
            tries: 0,
            max_tries: limits.retry.max_tries,
            at_most_once: limits.at_most_once,
            cancel: None,
            expires_at: None,
            started_at: None,
            questions: 0,
            endings: 0,
        };
        let record = Record {
            id: request.id.unwrap_or_else(clock::new_task_id),
            kind: definition.kind.clone(),
            kind_version: definition.version,
            queue: request.queue.unwrap_or_else(|| limits.queue.clone()),
            priority: request.priority,
            label: request.label.unwrap_or_else(|| definition.title.clone()),
            key: request.key,
            tags: request.tags,
            user: self.actor.user_id().cloned(),
            trace_id: Some(request.trace_id.unwrap_or_else(clock::new_trace_id)),
            created_at: now,
            machine,
            error: None,
            progress: taskdeck_core::Progress::default(),
        };
        Ok(NewTask { record, params: params.to_string(), uploads })
    }

    /// Replaces what the client says of its files by what the store knows of them.
    async fn claim_uploads(
        &self,
        definition: &Definition,
        params: &mut serde_json::Value,
    ) -> Result<Vec<(String, taskdeck_core::FileId)>, DeckError> {
        let mut uploads = Vec::new();
        let mut errors = FieldErrors::default();
        for param in definition.params.iter().filter(|param| matches!(param.kind, ParamKind::File { .. })) {
            let Some(value) = params.get_mut(&param.name) else { continue };
            let Ok(claimed) = serde_json::from_value::<Upload>(value.clone()) else { continue };
            match self.inner.store.files(vec![claimed.id]).await?.pop() {
                None => errors.add(&param.name, "The file is not there any more: choose it again."),
                Some(file) => match form::check_file(param, &file.name, file.size, &file.media_type) {
                    Some(fault) => errors.add(&param.name, fault),
                    None => {
                        uploads.push((param.name.clone(), file.id));
                        *value = serde_json::to_value(file)
                            .map_err(|error| DeckError::Internal { reason: error.to_string() })?;
                    }
                },
            }
        }
        Ok(errors.into_result(uploads)?)
    }

    /// Starts a task and waits for its result, at most `timeout`.
    ///
    /// # Errors
    /// Those of [`Client::start`] and [`Client::result`]; [`DeckError::TimedOut`] with the task's id when it takes
    /// longer.
    pub async fn run(
        &self,
        kind: &str,
        request: StartRequest,
        timeout: Duration,
    ) -> Result<ResultBody, DeckError> {
        let task = self.start(kind, request).await?.task.id;
        match self.result(task, Some(timeout)).await {
            Err(DeckError::NotEnded { .. }) => Err(DeckError::TimedOut { task }),
            other => other,
        }
    }
}

fn check_request(request: &StartRequest, now: taskdeck_core::Timestamp) -> Result<(), DeckError> {
    let bad = |reason: &str| Err(DeckError::BadRequest { reason: reason.to_owned() });
    if let Some(id) = request.id {
        let off = id.timestamp().map(|at| at.millis_since(now).max(now.millis_since(at)));
        if !id.is_v7() || off.is_none_or(|off| off > CLIENT_ID_SLACK_MS) {
            return bad("an id made by the client must be a UUIDv7 of today");
        }
    }
    let too_long = |text: &Option<String>| {
        text.as_ref().is_some_and(|text| text.is_empty() || text.len() > LONGEST_NAME)
    };
    if too_long(&request.key) || too_long(&request.label) {
        return bad("key and label have 1 to 200 bytes");
    }
    if request.unique && request.key.is_none() {
        return bad("a unique start needs a key");
    }
    if request.tags.len() > 20 || request.tags.iter().any(|tag| tag.is_empty() || tag.len() > 50) {
        return bad("there may be 20 tags of 1 to 50 bytes each");
    }
    if request.delay.is_some() && request.at.is_some() {
        return bad("give a delay or a time, not both");
    }
    let is_trace = |id: &String| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    if !request.trace_id.as_ref().is_none_or(is_trace) {
        return bad("a trace id has 32 hexadecimal digits");
    }
    Ok(())
}
