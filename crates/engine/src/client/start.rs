//! Starting tasks.

mod prepared;
#[cfg(feature = "postgres")]
mod within;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use taskdeck_core::{
    Action, Batch, BatchId, BatchRequest, BatchStarted, Decision, DeckError, Definition, Event, FieldErrors,
    Lease, ParamKind, ResultBody, StartRequest, Started, Status, Subject, Task, TaskId, ThenRequest,
    Timestamp, Upload, decide, form, traceparent,
};
use tokio::sync::oneshot;

use super::Client;
use crate::bulk::BulkAction;
use crate::clock;
use crate::deck::Inner;
use crate::executor;
use crate::layer::{NextStart, StartCall};
use crate::new_record::new_record;
use crate::origin::Origin;
use crate::slot::Slot;
use crate::start::Start;
use crate::store::{Claimed, NewTask, StartOutcome, StoreError};

pub use prepared::PreparedStart;

/// How far the time in an id that a client made may be off.
const CLIENT_ID_SLACK_MS: u64 = 24 * 60 * 60 * 1000;
pub(super) const LONGEST_NAME: usize = 200;
/// How many tasks a batch, and the chains of `then` of one start, may have.
const LARGEST_BATCH: usize = 10_000;
const LONGEST_CHAIN: usize = 100;
const MOST_DEPENDENCIES: usize = 1_000;

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
    /// taken, [`DeckError::IdTaken`], [`DeckError::NotFound`] for an unknown kind, [`DeckError::TooMany`] when the actor starts more than they
    /// may, [`DeckError::CheckFailed`] when the kind's check says no, [`DeckError::BadRequest`], [`DeckError::Denied`].
    pub async fn start(&self, kind: &str, request: StartRequest) -> Result<Started, DeckError> {
        self.start_from(kind, request, Origin::actor(&self.actor)).await
    }

    pub(crate) async fn start_from(
        &self,
        kind: &str,
        request: StartRequest,
        origin: Origin,
    ) -> Result<Started, DeckError> {
        if self.inner.layers.starts.is_empty() {
            return self.start_within(kind, request, origin).await;
        }
        let next = NextStart::new(&self.inner.layers, self.clone(), origin);
        Box::pin(next.run(StartCall { kind: kind.to_owned(), request, actor: self.actor.clone() })).await
    }

    /// Starts a task within all layers.
    pub(crate) async fn start_within(
        &self,
        kind: &str,
        request: StartRequest,
        origin: Origin,
    ) -> Result<Started, DeckError> {
        let unique = request.unique;
        self.within_rate(1).await?;
        let new = self.new_task(kind, request, &origin, 0).await?;
        let asked = Asked::of(&new, unique);
        let outcome = match self.inner.slot_now(&new).filter(|_| new.after.is_empty()) {
            Some(slot) => self.inner.start_and_run(new, slot).await.map_err(|_| StoreError::Closed)??,
            None => {
                let outcome = self.inner.store.start(vec![new]).await?.pop().ok_or(StoreError::Closed)?;
                self.inner.tell_started(&outcome);
                outcome
            }
        };
        self.started(&asked, outcome)
    }

    /// Starts many tasks in one durable commit: all of them or none. Those that were there already (by key) are
    /// among the answers, but not in the batch.
    ///
    /// ```no_run
    /// # use taskdeck_core::{Actor, BatchRequest, Task};
    /// # async fn all<T: Task>(deck: taskdeck_engine::Deck, pictures: Vec<T>) -> Result<(), Box<dyn std::error::Error>> {
    /// let client = deck.as_actor(Actor::System);
    /// let mut batch = BatchRequest { label: Some("Thumbnails".to_owned()), ..BatchRequest::default() };
    /// for resize in &pictures {
    ///     batch = batch.task(resize)?;
    /// }
    /// let started = client.start_batch(batch).await?;
    /// let whole = client.batch(started.batch.id).await?;
    /// println!("{} tasks, {:.0} % have ended", whole.total, whole.fraction * 100.0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Client::start`]; an error of one task names its place, from 0.
    pub async fn start_batch(&self, request: BatchRequest) -> Result<BatchStarted, DeckError> {
        if request.tasks.is_empty() || request.tasks.len() > LARGEST_BATCH {
            return Err(DeckError::BadRequest { reason: "a batch has 1 to 10,000 tasks".to_owned() });
        }
        self.within_rate(request.tasks.len()).await?;
        let id = BatchId::from_uuid(*clock::new_task_id(self.inner.clock.now()).as_uuid());
        let origin = Origin { batch: Some(id), ..Origin::actor(&self.actor) };
        let mut asked = Vec::with_capacity(request.tasks.len());
        let mut tasks = Vec::with_capacity(request.tasks.len());
        for (place, ThenRequest { kind, request }) in request.tasks.into_iter().enumerate() {
            let unique = request.unique;
            let new = self.new_task(kind.as_str(), request, &origin, 0).await;
            let new = new.map_err(|error| in_batch(place, error))?;
            asked.push(Asked::of(&new, unique));
            tasks.push(new);
        }
        let batch = Batch {
            id,
            label: request.label,
            user: self.actor.user_id().cloned(),
            created_at: self.inner.clock.now(),
            total: tasks.len() as u64,
            counts: taskdeck_core::Counts::default(),
            fraction: 0.0,
        };
        let outcomes = self.inner.store.start_batch(batch, tasks).await?;
        for outcome in &outcomes {
            self.inner.tell_started(outcome);
        }
        let started = asked.iter().zip(outcomes).enumerate();
        let tasks = started
            .map(|(place, (asked, outcome))| {
                self.started(asked, outcome).map_err(|error| in_batch(place, error))
            })
            .collect::<Result<_, _>>()?;
        Ok(BatchStarted { batch: self.batch(id).await?, tasks })
    }

    /// A batch as a whole: how many of its tasks there are by status, and how much has ended.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn batch(&self, id: BatchId) -> Result<Batch, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        let found = self.inner.store.batch(id).await?;
        found.ok_or_else(|| DeckError::NotFound { what: "Batch".to_owned() })
    }

    /// Starts a task of a kind of our own, with a slot beside those that there are.
    pub(super) async fn start_own(
        &self,
        kind: &str,
        params: serde_json::Value,
        request: StartRequest,
        origin: &Origin,
    ) -> Result<Started, DeckError> {
        self.within_rate(1).await?;
        let definition = self.known(Action::Start, kind)?;
        let record = new_record(&definition, request, origin, self.inner.clock.now());
        let new = NewTask::new(record, params.to_string());
        let asked = Asked::of(&new, false);
        let outcome = match self.inner.own_slot(&new.record) {
            Some(slot) => self.inner.start_and_run(new, slot).await.map_err(|_| StoreError::Closed)??,
            None => {
                let outcome = self.inner.store.start(vec![new]).await?.pop().ok_or(StoreError::Closed)?;
                self.inner.tell_started(&outcome);
                outcome
            }
        };
        self.started(&asked, outcome)
    }

    /// Refuses kinds that only the deck itself starts.
    fn is_open(&self, kind: &str) -> Result<(), DeckError> {
        if kind == BulkAction::KIND {
            let reason = "a bulk action is started by choosing tasks".to_owned();
            return Err(DeckError::BadRequest { reason });
        }
        Ok(())
    }

    async fn within_rate(&self, starts: usize) -> Result<(), DeckError> {
        match self.actor.user_id() {
            Some(user) => self.inner.starts.take(&*self.inner.store, user, starts).await,
            None => Ok(()),
        }
    }

    /// The answer to a start.
    fn started(&self, asked: &Asked, outcome: StartOutcome) -> Result<Started, DeckError> {
        let existing = match outcome {
            StartOutcome::New(record, _) => {
                return Ok(Started { task: record.state(), deduplicated: false });
            }
            StartOutcome::UnknownAfter(task) => {
                let mut fields = FieldErrors::default();
                fields.add("after", format!("There is no task {task}."));
                return Err(fields.into());
            }
            StartOutcome::Existing(record) => record,
        };
        let task = existing.id;
        if task == asked.id {
            if existing.user.as_ref() != self.actor.user_id() || existing.kind != asked.kind {
                return Err(DeckError::IdTaken { task });
            }
        } else if existing.child.is_none() || existing.key.is_some() {
            let definition = self.inner.definition(&existing.kind);
            let visible = self.may(Action::Read, Subject::Task(task, definition)).is_ok();
            if asked.unique || !visible {
                return Err(DeckError::KeyActive { key: asked.key.clone().unwrap_or_default(), task });
            }
        }
        Ok(Started { task: self.inner.current(&existing), deduplicated: true })
    }

    async fn new_task(
        &self,
        kind: &str,
        mut request: StartRequest,
        origin: &Origin,
        depth: usize,
    ) -> Result<NewTask, DeckError> {
        self.is_open(kind)?;
        let definition = self.known(Action::Start, kind)?;
        let now = self.inner.clock.now();
        check_request(&request, now)?;
        if depth > LONGEST_CHAIN {
            return Err(DeckError::BadRequest { reason: "a chain has at most 100 tasks".to_owned() });
        }
        let mut params = form::validate(&definition, std::mem::take(&mut request.params))?;
        // What few kinds have is boxed: it would make each start's future larger, and they are moved about.
        let has_files = definition.params.iter().any(|param| matches!(param.kind, ParamKind::File { .. }));
        let uploads = match has_files {
            true => Box::pin(self.claim_uploads(&definition, &mut params)).await?,
            false => Vec::new(),
        };
        let params = params.to_string();
        self.inner.check(kind, &params).await?;
        let (after, follow) = (std::mem::take(&mut request.after), std::mem::take(&mut request.then));
        let record = new_record(&definition, request, origin, now);
        let origin =
            Origin { trace_id: record.trace_id.clone(), child_of: None, batch: None, ..origin.clone() };
        let mut then = Vec::with_capacity(follow.len());
        for ThenRequest { kind, request } in follow {
            then.push(Box::pin(self.new_task(kind.as_str(), request, &origin, depth + 1)).await?);
        }
        Ok(NewTask { uploads, after, then, ..NewTask::new(record, params) })
    }

    /// Replaces what the client says of its files by what the store knows of them.
    pub(super) async fn claim_uploads(
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

impl Inner {
    /// Tells of what was started, after it is durable.
    fn tell_started(&self, outcome: &StartOutcome) {
        if let StartOutcome::New(record, also) = outcome {
            self.told(record, None);
            self.told_all(also);
        }
    }

    /// Starts a task that has a slot: its start and its claim are one commit. The work goes on also when the caller
    /// goes away.
    fn start_and_run(
        self: &Arc<Self>,
        mut new: NewTask,
        slot: Arc<Slot>,
    ) -> oneshot::Receiver<Result<StartOutcome, StoreError>> {
        let lease = Lease { session: self.session(), token: clock::new_token() };
        if let Ok(Decision::Changed(machine)) =
            decide(&new.record.machine, &Event::Claimed(lease), self.clock.now())
        {
            let controls = self.dispatch.controls.load(Ordering::Acquire);
            new.unclaimed = Some((Arc::clone(&new.record), controls));
            new.record_mut().machine = *machine;
        }
        let (reply, answer) = oneshot::channel();
        let inner = Arc::clone(self);
        // On the deck's own runtime: the caller's may be gone before the task ends.
        let run = async move {
            let params = new.params.clone();
            let outcome = inner.store.start(vec![new]).await;
            let outcome = outcome.and_then(|mut one| one.pop().ok_or(StoreError::Closed));
            let claimed = match &outcome {
                // Pauses or limits have changed meanwhile.
                Ok(outcome @ StartOutcome::New(record, _)) if record.status() != Status::Running => {
                    inner.tell_started(outcome);
                    None
                }
                Ok(StartOutcome::New(record, also)) => {
                    inner.told_all(also);
                    let record = Arc::clone(record);
                    Some(Claimed { record, params, checkpoint: None, last_log_seq: 0, waited_ms: 0 })
                }
                _ => None,
            };
            // A caller that went away does not undo the start.
            drop(reply.send(outcome));
            if let Some(claimed) = claimed {
                // Boxed: what runs it is large, and need not be moved about while the start is under way.
                Box::pin(executor::execute(inner, claimed, slot, None)).await;
            }
        };
        self.running.spawn_on(run, &self.runtime);
        answer
    }
}

/// What is asked again when a start was answered with a task that was there.
struct Asked {
    id: TaskId,
    kind: taskdeck_core::Kind,
    key: Option<String>,
    unique: bool,
}

impl Asked {
    fn of(new: &NewTask, unique: bool) -> Self {
        let record = &new.record;
        Self { id: record.id, kind: record.kind.clone(), key: record.key.clone(), unique }
    }
}

fn in_batch(place: usize, error: DeckError) -> DeckError {
    match error {
        DeckError::InvalidParams { fields } => {
            let mut named = FieldErrors::default();
            for (name, message) in fields.0 {
                named.add(&format!("tasks[{place}].{name}"), message);
            }
            named.into()
        }
        DeckError::BadRequest { reason } => {
            DeckError::BadRequest { reason: format!("task {place}: {reason}") }
        }
        other => other,
    }
}

fn check_request(request: &StartRequest, now: Timestamp) -> Result<(), DeckError> {
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
    if too_long(&request.key) || too_long(&request.label) || too_long(&request.partition) {
        return bad("key, label and partition have 1 to 200 bytes");
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
    if request.max_tries == Some(0) {
        return bad("max_tries is at least 1: there is at least one attempt");
    }
    let due = request.delay.or_else(|| request.at.map(|at| at.millis_since(now)));
    if let (Some(due), Some(expires)) = (due, request.expires)
        && expires <= due
    {
        return bad("it would expire before it is due: expires counts from the start");
    }
    if request.timeout == Some(0) || request.expires == Some(0) {
        return bad("timeout and expires are at least one millisecond");
    }
    if request.after.len() > MOST_DEPENDENCIES {
        return bad("a task runs after at most 1,000 others");
    }
    let is_trace = |id: &String| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    if !request.trace_id.as_ref().is_none_or(is_trace) {
        return bad("a trace id has 32 hexadecimal digits");
    }
    if request.traceparent.as_deref().is_some_and(|text| traceparent(text).is_none()) {
        return bad("traceparent is not one of the W3C's Trace Context");
    }
    Ok(())
}
