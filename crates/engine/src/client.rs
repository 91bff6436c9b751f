//! The way in: every verb, read and subscription, on behalf of one actor.

use std::sync::Arc;
use std::time::Duration;

use taskdeck_core::{
    Action, Actor, Artifact, Attempt, CancelInfo, CancelOutcome, Counts, DeckError, Definition, Event,
    FieldErrors, ListQuery, LogPage, Machine, ParamKind, ResultBody, StartRequest, Started, State, Status,
    Subject, Task, TaskDetail, TaskId, TaskPage, TaskState, Upload, authorise, form,
};

use crate::clock;
use crate::deck::Inner;
use crate::feed::Feed;
use crate::files::{UploadMeta, UploadWriter};
use crate::outcome::{self, StoredResult};
use crate::settings::Settings;
use crate::start::Start;
use crate::store::{Applied, Change, FileRole, NewTask, Record, RemoveWhich, StartOutcome, StoreError};

/// How far the time in an id that a client made may be off.
const CLIENT_ID_SLACK_MS: u64 = 24 * 60 * 60 * 1000;
const REMOVE_BATCH: usize = 500;
const LONGEST_NAME: usize = 200;

/// A deck, as one actor may use it.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
    actor: Actor,
}

impl Client {
    pub(crate) fn new(inner: Arc<Inner>, actor: Actor) -> Self {
        Self { inner, actor }
    }

    /// On whose behalf.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The deck's settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn may(&self, action: Action, subject: Subject<'_>) -> Result<(), DeckError> {
        Ok(authorise(&self.actor, action, subject)?)
    }

    /// The task, if there is one and the actor may do this to it.
    async fn task_for(&self, action: Action, id: TaskId) -> Result<Record, DeckError> {
        let record = self.inner.store.get(id).await?.ok_or_else(DeckError::task_not_found)?;
        self.may(action, Subject::Task(id, self.inner.definition(&record.kind)))?;
        Ok(record)
    }

    fn known(&self, action: Action, kind: &str) -> Result<Arc<Definition>, DeckError> {
        let entry =
            self.inner.registry.get(kind).ok_or_else(|| DeckError::NotFound { what: "Kind".to_owned() })?;
        self.may(action, Subject::Kind(&entry.definition))?;
        Ok(Arc::clone(&entry.definition))
    }

    /// The kinds, by name.
    ///
    /// # Errors
    /// [`DeckError::Denied`].
    pub fn kinds(&self) -> Result<Vec<Definition>, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        Ok(self.inner.registry.definitions().cloned().collect())
    }

    /// What is known of a kind.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub fn kind(&self, kind: &str) -> Result<Definition, DeckError> {
        self.known(Action::List, kind).map(|definition| (*definition).clone())
    }

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

    /// The task as it is now.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn get(&self, id: TaskId) -> Result<TaskState, DeckError> {
        let record = self.task_for(Action::Read, id).await?;
        Ok(self.inner.current(&record))
    }

    /// Those of the tasks that exist and that the actor may see.
    ///
    /// # Errors
    /// [`DeckError::Unavailable`].
    pub async fn get_many(&self, ids: &[TaskId]) -> Result<Vec<TaskState>, DeckError> {
        let found = self.inner.store.get_many(ids.to_vec()).await?;
        let may_see = |record: &&Record| {
            self.may(Action::Read, Subject::Task(record.id, self.inner.definition(&record.kind))).is_ok()
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
        let (records, next_cursor) = self.inner.store.list(query.clone()).await?;
        Ok(TaskPage { tasks: records.iter().map(|record| self.inner.current(record)).collect(), next_cursor })
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
        let result = match payload.result {
            Some(text) if task.status == Status::Completed => Some(self.result_body(id, &text).await?),
            _ => None,
        };
        let limits = self.inner.definition(&record.kind).map(|definition| &definition.limits);
        let grace = self.inner.settings.grace;
        Ok(TaskDetail {
            params: json(&payload.params)?,
            checkpoint: payload.checkpoint.as_deref().map(json).transpose()?,
            result,
            attempts: self.attempts_of(&record).await?,
            grace_ms: limits
                .and_then(|limits| limits.grace_ms)
                .unwrap_or_else(|| u64::try_from(grace.as_millis()).unwrap_or(u64::MAX)),
            task,
        })
    }

    async fn result_body(&self, id: TaskId, stored: &str) -> Result<ResultBody, DeckError> {
        let stored: StoredResult = json(stored)?;
        Ok(stored.body(&self.inner.store.task_files(Some(id)).await?))
    }

    /// What a completed task left; waits for its end if told to.
    ///
    /// # Errors
    /// [`DeckError::NotEnded`] (after the wait), [`DeckError::NoResult`] when it was cancelled or interrupted,
    /// [`DeckError::TaskFailed`], [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn result(&self, id: TaskId, wait: Option<Duration>) -> Result<ResultBody, DeckError> {
        let record = self.task_for(Action::Read, id).await?;
        let status = record.machine.state.status();
        let state = match wait {
            Some(wait) if !status.has_ended() => self.wait_for_end(id, wait).await?,
            _ => record.state(0),
        };
        match state.status {
            Status::Completed => {
                let payload = self.inner.store.payload(id).await?.ok_or_else(DeckError::task_not_found)?;
                let stored = payload
                    .result
                    .ok_or_else(|| DeckError::Internal { reason: "no result is stored".to_owned() })?;
                self.result_body(id, &stored).await
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
    async fn wait_for_end(&self, id: TaskId, wait: Duration) -> Result<TaskState, DeckError> {
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
        self.inner.hub.leave(reader, &std::collections::HashSet::from([id]), std::iter::empty());
        match outcome {
            Ok(ended) => ended,
            Err(_) => self.inner.current_of(id).await?.ok_or_else(DeckError::task_not_found),
        }
    }

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

    /// Log lines of a task after `since`, at most `limit` (and at most 5,000).
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn log(&self, id: TaskId, since: u64, limit: u32) -> Result<LogPage, DeckError> {
        self.task_for(Action::Read, id).await?;
        Ok(self.inner.log_page(id, since, limit.clamp(1, 5_000) as usize).await?)
    }

    /// The last log lines of a task.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn log_tail(&self, id: TaskId, limit: u32) -> Result<LogPage, DeckError> {
        self.task_for(Action::Read, id).await?;
        let last = match self.inner.live.get(id) {
            Some(live) => live.last_log_seq(),
            None => self.inner.store.last_log_seq(id).await?,
        };
        let limit = limit.clamp(1, 5_000);
        Ok(self.inner.log_page(id, last.saturating_sub(u64::from(limit)), limit as usize).await?)
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
        if record.machine.state.status() == Status::Running
            && attempts.iter().all(|ended| ended.attempt != attempt)
        {
            attempts.insert(
                0,
                Attempt {
                    attempt,
                    started_at: record.machine.started_at.unwrap_or(record.created_at),
                    ended_at: None,
                    outcome: None,
                    error: None,
                    detail: None,
                    worker: Some(self.inner.worker_name.clone()),
                },
            );
        }
        Ok(attempts)
    }

    /// A file that the task made, and its bytes.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn artifact(&self, id: TaskId, name: &str) -> Result<(Artifact, tokio::fs::File), DeckError> {
        self.task_for(Action::Read, id).await?;
        let missing = || DeckError::NotFound { what: "Artifact".to_owned() };
        let files = self.inner.store.task_files(Some(id)).await?;
        let found = files.iter().find(|file| file.role == FileRole::Artifact && file.name == name);
        let found = found.ok_or_else(missing)?;
        let bytes =
            tokio::fs::File::open(self.inner.files.path(found.file.id)).await.map_err(|_| missing())?;
        Ok((outcome::artifact(found), bytes))
    }

    /// Begins an upload for a file parameter of a kind.
    ///
    /// # Errors
    /// [`DeckError::NotFound`] for an unknown kind, [`DeckError::InvalidParams`] for a parameter that takes no such
    /// file, [`DeckError::Denied`].
    pub async fn upload(
        &self,
        kind: &str,
        param: &str,
        name: &str,
        media_type: &str,
    ) -> Result<UploadWriter, DeckError> {
        let definition = self.known(Action::Start, kind)?;
        let mut fields = FieldErrors::default();
        let Some(of) = definition.param(param) else {
            fields.add(param, "There is no such parameter.");
            return Err(fields.into());
        };
        if let Some(fault) = form::check_file(of, name, 0, media_type) {
            fields.add(param, fault);
            return Err(fields.into());
        }
        let max_bytes = match of.kind {
            ParamKind::File { max_bytes, .. } => max_bytes,
            _ => None,
        };
        // Only for showing: what a browser sends as a path is cut to its last part.
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default().chars().take(LONGEST_NAME).collect();
        let meta = UploadMeta { param: param.to_owned(), name, media_type: media_type.to_owned(), max_bytes };
        UploadWriter::create(Arc::clone(&self.inner), meta).await
    }

    /// A feed for one connection.
    #[must_use]
    pub fn feed(&self) -> Feed {
        Feed::new(self.clone(), Arc::clone(&self.inner))
    }
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, DeckError> {
    serde_json::from_str(text)
        .map_err(|error| DeckError::Internal { reason: format!("something stored cannot be read: {error}") })
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

impl Inner {
    /// Log lines after `since`: from memory where they are, else from the store.
    pub(crate) async fn log_page(&self, id: TaskId, since: u64, limit: usize) -> Result<LogPage, StoreError> {
        let live = self.live.get(id);
        if let Some(page) = live.as_ref().and_then(|live| live.log_since(since, limit)) {
            return Ok(page);
        }
        let mut page = self.store.log(id, since, u32::try_from(limit).unwrap_or(u32::MAX)).await?;
        // What is not stored yet follows, if it fits without a gap.
        if !page.more
            && let Some(rest) = live.and_then(|live| live.log_since(page.last_seq, limit - page.lines.len()))
        {
            page.last_seq = rest.last_seq;
            page.more = rest.more;
            page.lines.extend(rest.lines);
        }
        Ok(page)
    }
}
