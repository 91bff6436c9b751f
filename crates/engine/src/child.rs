//! Children: tasks that a running task starts under a name, and waits for without holding its slot.

use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use taskdeck_core::{Actor, DeckError, Status, Task, TaskError, TaskId};

use crate::client::Client;
use crate::context::{Scope, TaskContext};
use crate::origin::Origin;
use crate::start::{Start, TaskHandle};

/// The start of a child in the making: set options, then await it.
#[must_use = "a start does nothing until it is awaited"]
#[derive(Debug)]
pub struct ChildStart<T> {
    ctx: TaskContext,
    start: Start<T>,
    share: Option<f64>,
}

impl TaskContext {
    /// Starts a task as a child of this one. The pair of parent and name is unique: when this body is run again, the
    /// same call finds the child that is there. It carries on the user and the trace, and it is cancelled when this
    /// task is cancelled or fails for good.
    ///
    /// ```no_run
    /// # use taskdeck_core::{Task, TaskError};
    /// # async fn body<T: Task<Output = u64>>(ctx: taskdeck_engine::TaskContext, resize: T) -> Result<(), TaskError> {
    /// let child = ctx.child("resize", resize).share(0.8).await?;
    /// let bytes = child.result().await?;
    /// # Ok(()) }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "a task is given away when it is started")]
    pub fn child<T: Task>(&self, name: impl Into<String>, task: T) -> ChildStart<T> {
        let origin = Origin { child_of: Some((self.id(), name.into())), ..self.origin().clone() };
        let client = Client::new(Arc::clone(self.inner()), Actor::System);
        ChildStart { ctx: self.clone(), start: Start::new(client, &task).from(origin), share: None }
    }

    /// The output of a task that has completed: of one that this task runs after, say.
    ///
    /// # Errors
    /// When it has not completed, or its output is no `O`.
    pub async fn output_of<O: DeserializeOwned>(&self, task: TaskId) -> Result<O, TaskError> {
        let client = Client::new(Arc::clone(self.inner()), Actor::System);
        let body =
            client.result(task, None).await.map_err(|error| TaskError::permanent(error.to_string()))?;
        Ok(serde_json::from_value(body.result)?)
    }

    /// The tasks that this one runs after.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn after(&self) -> Result<Vec<TaskId>, TaskError> {
        Ok(self.inner().store.after(self.id()).await?)
    }
}

impl<T: Task> ChildStart<T> {
    /// What share of this task's progress the child's is, from 0.0 to 1.0; none unless said.
    pub fn share(mut self, share: f64) -> Self {
        self.share = Some(share);
        self
    }

    /// Lets the child go on when this task is cancelled or fails.
    pub fn detached(mut self) -> Self {
        self.start = self.start.detached();
        self
    }

    /// What a person calls it.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.start = self.start.label(label);
        self
    }

    /// Higher goes first; 0 unless said otherwise.
    pub fn priority(mut self, priority: i32) -> Self {
        self.start = self.start.priority(priority);
        self
    }
}

impl<T: Task> IntoFuture for ChildStart<T> {
    type Output = Result<Child<T>, TaskError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let scope = self.share.map(|share| self.ctx.scope(share));
            let handle = self.start.await.map_err(from_deck)?;
            Ok(Child { ctx: self.ctx, handle, scope })
        })
    }
}

/// A child that was started.
#[derive(Debug)]
pub struct Child<T> {
    ctx: TaskContext,
    handle: TaskHandle<T>,
    scope: Option<Scope>,
}

impl<T: Task> Child<T> {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.handle.id()
    }

    /// Waits for its end and gives the output. The slot of this task is free for others meanwhile, and taken again
    /// before this returns.
    ///
    /// # Errors
    /// When it failed, was cancelled or interrupted, or when this task is asked to stop.
    pub async fn result(&self) -> Result<T::Output, TaskError> {
        let state = self.handle.state().await.map_err(from_deck)?;
        let waiting = format!("the task “{}”", state.label);
        self.ctx.without_slot(waiting, self.ended()).await?;
        self.handle.result(None).await.map_err(from_deck)
    }

    async fn ended(&self) -> Result<(), TaskError> {
        let mut watch = self.handle.watch().await;
        loop {
            let state = tokio::select! {
                state = watch.next() => state,
                () = self.ctx.cancelled() => {
                    return Err(TaskError::transient("asked to stop").code("cancelled"));
                }
            };
            let Some(state) = state else { return Ok(()) };
            if let Some(scope) = &self.scope {
                let whole = state.status == Status::Completed;
                scope.progress(if whole { 1.0 } else { state.progress.fraction.unwrap_or(0.0) });
            }
        }
    }
}

fn from_deck(error: DeckError) -> TaskError {
    match error {
        DeckError::TaskFailed { error, message } => TaskError::permanent(message).code(error),
        DeckError::NoResult { status } => {
            TaskError::permanent(format!("the child was {status}")).code("child_ended")
        }
        DeckError::Unavailable { reason } => TaskError::transient(reason),
        other => TaskError::permanent(other.to_string()),
    }
}
