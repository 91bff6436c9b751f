//! Starting a task by its type, and the handle that comes back.

mod prepared;
#[cfg(feature = "postgres")]
mod within;

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use taskdeck_core::{
    CancelOutcome, ClientMessage, DeckError, Known, QueueName, ServerMessage, StartRequest, Task, TaskId,
    TaskState, ThenRequest, Timestamp,
};

use crate::client::Client;
use crate::feed::Feed;
use crate::origin::Origin;

pub use prepared::Prepared;

/// A start in the making: set options (`.key("nightly").label("Nightly import")`), then await it.
#[must_use = "a start does nothing until it is awaited"]
pub struct Start<T> {
    client: Client,
    params: Result<serde_json::Value, serde_json::Error>,
    request: StartRequest,
    /// On whose behalf, if not the client's.
    origin: Option<Origin>,
    of: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for Start<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Start").field("request", &self.request).finish_non_exhaustive()
    }
}

impl<T: Task> Start<T> {
    pub(crate) fn new(client: Client, task: &T) -> Self {
        let params = serde_json::to_value(task);
        Self { client, params, request: StartRequest::default(), origin: None, of: PhantomData }
    }

    pub(crate) fn from(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    pub(crate) fn detached(mut self) -> Self {
        if let Some(origin) = &mut self.origin {
            origin.detached = true;
        }
        self
    }

    fn into_request(self) -> Result<(Client, StartRequest), DeckError> {
        let reason = |error: serde_json::Error| format!("the params cannot be written as JSON: {error}");
        let params = self.params.map_err(|error| DeckError::BadRequest { reason: reason(error) })?;
        Ok((self.client, StartRequest { params, ..self.request }))
    }

    /// Only one active task of the kind has this key; if there is one, it is what comes back.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.request.key = Some(key.into());
        self
    }

    /// Refuses the start when another active task has the key.
    pub fn unique(mut self) -> Self {
        self.request.unique = true;
        self
    }

    /// What a person calls it.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.request.label = Some(label.into());
        self
    }

    /// Another queue than the kind's.
    pub fn queue(mut self, queue: QueueName) -> Self {
        self.request.queue = Some(queue);
        self
    }

    /// Higher goes first; 0 unless said otherwise.
    pub fn priority(mut self, priority: i32) -> Self {
        self.request.priority = priority;
        self
    }

    /// Waits this long before it is queued.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.request.delay = Some(millis(delay));
        self
    }

    /// Waits until then before it is queued.
    pub fn at(mut self, at: Timestamp) -> Self {
        self.request.at = Some(at);
        self
    }

    /// Adds a word to find it by.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.request.tags.push(tag.into());
        self
    }

    /// Runs only when this task has completed; fails when it does not. Several may be named.
    ///
    /// ```no_run
    /// # use taskdeck_core::{DeckError, Task};
    /// # async fn both<A: Task, B: Task, C: Task>(deck: taskdeck_engine::Deck, orders: A, prices: B, report: C)
    /// # -> Result<(), DeckError> {
    /// let orders = deck.start(orders).await?;
    /// let prices = deck.start(prices).await?;
    /// let report = deck.start(report).after(orders.id()).after(prices.id()).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// In its body, [`TaskContext::after`](crate::TaskContext::after) names those tasks again, and
    /// [`TaskContext::output_of`](crate::TaskContext::output_of) gives what they left.
    pub fn after(mut self, task: TaskId) -> Self {
        self.request.after.push(task);
        self
    }

    /// What is started when this one has completed: stored with it, in one commit. Several all follow this one; for a
    /// longer chain see [`StartRequest::then`].
    ///
    /// ```no_run
    /// # use taskdeck_core::{DeckError, Task};
    /// # async fn chain<A: Task, B: Task, C: Task>(deck: taskdeck_engine::Deck, backup: A, check: B, tell: C)
    /// # -> Result<(), DeckError> {
    /// let backup = deck.start(backup).then(&check).then(&tell).await?;
    /// # Ok(()) }
    /// ```
    pub fn then<U: Task>(mut self, task: &U) -> Self {
        match serde_json::to_value(task) {
            Ok(params) => {
                let request = StartRequest { params, ..StartRequest::default() };
                self.request.then.push(ThenRequest { kind: U::kind(), request });
            }
            Err(error) => self.params = Err(error),
        }
        self
    }

    /// The group within which the kind limits how many run at the same time.
    pub fn partition(mut self, partition: impl Into<String>) -> Self {
        self.request.partition = Some(partition.into());
        self
    }

    /// Fails when it has not begun after this time.
    pub fn expires(mut self, after: Duration) -> Self {
        self.request.expires = Some(millis(after));
        self
    }

    /// Is removed this long after its end, instead of after the kind's retention.
    pub fn result_ttl(mut self, ttl: Duration) -> Self {
        self.request.result_ttl = Some(millis(ttl));
        self
    }

    /// Other than the kind's number of tries.
    pub fn max_tries(mut self, tries: u32) -> Self {
        self.request.max_tries = Some(tries);
        self
    }

    /// Other than the kind's time for an attempt.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request.timeout = Some(millis(timeout));
        self
    }

    /// The W3C `traceparent` to carry on.
    pub fn traceparent(mut self, header: impl Into<String>) -> Self {
        self.request.traceparent = Some(header.into());
        self
    }

    /// The trace that it belongs to (32 hexadecimal digits).
    pub fn trace_id(mut self, trace_id: impl Into<String>) -> Self {
        self.request.trace_id = Some(trace_id.into());
        self
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl<T: Task> IntoFuture for Start<T> {
    type Output = Result<TaskHandle<T>, DeckError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let origin = self.origin.clone();
            let (client, request) = self.into_request()?;
            let origin = origin.unwrap_or_else(|| Origin::actor(client.actor()));
            let started = client.start_from(T::KIND, request, origin).await?;
            Ok(TaskHandle { client, id: started.task.id, of: PhantomData })
        })
    }
}

/// A task that was started: where it is, and its typed result.
pub struct TaskHandle<T> {
    client: Client,
    id: TaskId,
    of: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TaskHandle({})", self.id)
    }
}

impl<T: Task> TaskHandle<T> {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Where it stands now.
    ///
    /// # Errors
    /// [`DeckError::NotFound`] when it has been removed.
    pub async fn state(&self) -> Result<TaskState, DeckError> {
        self.client.get(self.id).await
    }

    /// Waits for its end and gives the output; waits for ever without a `timeout`.
    ///
    /// # Errors
    /// [`DeckError::TaskFailed`], [`DeckError::NoResult`] when it was cancelled or interrupted,
    /// [`DeckError::TimedOut`] when it takes longer.
    pub async fn result(&self, timeout: Option<Duration>) -> Result<T::Output, DeckError> {
        let wait = timeout.unwrap_or(Duration::MAX);
        let body = match self.client.result(self.id, Some(wait)).await {
            Err(DeckError::NotEnded { .. }) => return Err(DeckError::TimedOut { task: self.id }),
            other => other?,
        };
        serde_json::from_value(body.result).map_err(|error| DeckError::Internal {
            reason: format!("the stored result is no {}: {error}", T::KIND),
        })
    }

    /// Its states from now on: the present one first, then whenever it changes, until it has ended.
    pub async fn watch(&self) -> Watch {
        self.client.watch(self.id).await
    }

    /// Asks it to stop.
    ///
    /// # Errors
    /// [`DeckError::NotFound`] when it has been removed.
    pub async fn cancel(&self, reason: Option<String>) -> Result<CancelOutcome, DeckError> {
        self.client.cancel(self.id, reason).await
    }

    /// Tries it again once it has ended without a result, or at once when it waits for its next attempt.
    ///
    /// # Errors
    /// Those of [`Client::retry`].
    pub async fn retry(&self) -> Result<TaskState, DeckError> {
        self.client.retry(self.id).await
    }
}

impl Client {
    /// The handle of a task that was started before, by another request or another process. Whether there is one of this
    /// id, and of the kind `T`, shows when the handle is asked.
    #[must_use]
    pub fn handle<T: Task>(&self, id: TaskId) -> TaskHandle<T> {
        TaskHandle { client: self.clone(), id, of: PhantomData }
    }

    /// The states of a task from now on: the present one first, then whenever it changes, until it has ended.
    pub async fn watch(&self, id: TaskId) -> Watch {
        let mut feed = self.feed();
        let tasks = vec![Known { id, version: 0, tick: 0 }];
        feed.apply(ClientMessage::Subscribe { tasks }).await;
        Watch { feed, done: false }
    }
}

/// The states of one task, coalesced: a slow reader gets fewer and newer ones. Made by [`TaskHandle::watch`].
#[derive(Debug)]
pub struct Watch {
    feed: Feed,
    done: bool,
}

impl Watch {
    /// The next state; `None` after the ended one, when the task was removed, and when the deck shuts down.
    pub async fn next(&mut self) -> Option<TaskState> {
        while !self.done {
            for message in self.feed.next().await? {
                match message {
                    ServerMessage::States { tasks } => {
                        let state = tasks.into_iter().next()?;
                        self.done = state.status.has_ended();
                        return Some(state);
                    }
                    ServerMessage::Gone { .. } | ServerMessage::Refused { .. } => self.done = true,
                    _ => {}
                }
            }
        }
        None
    }
}
