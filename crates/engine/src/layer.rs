//! What a program puts around its tasks: hooks at start-up and shutdown, layers around starts and attempts.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use taskdeck_core::{Actor, DeckError, StartRequest, Started, TaskError};

use crate::client::Client;
use crate::context::TaskContext;
use crate::deck::Deck;
use crate::origin::Origin;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pub(crate) type Hook = Box<dyn Fn(Deck) -> Boxed<()> + Send + Sync>;
pub(crate) type AttemptLayer =
    Arc<dyn Fn(TaskContext, NextAttempt) -> Boxed<Result<Value, TaskError>> + Send + Sync>;
pub(crate) type StartLayer =
    Arc<dyn Fn(StartCall, NextStart) -> Boxed<Result<Started, DeckError>> + Send + Sync>;

/// The layers of a deck, the outermost first.
#[derive(Clone, Default)]
pub(crate) struct Layers {
    pub(crate) attempts: Vec<AttemptLayer>,
    pub(crate) starts: Vec<StartLayer>,
}

/// The rest of an attempt: the layers further in, and the body.
pub struct NextAttempt {
    layers: std::vec::IntoIter<AttemptLayer>,
    ctx: TaskContext,
    body: Boxed<Result<Value, TaskError>>,
}

impl std::fmt::Debug for NextAttempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NextAttempt({:?})", self.ctx)
    }
}

impl NextAttempt {
    /// Runs it; the output is JSON.
    ///
    /// # Errors
    /// What the body or a layer further in returns.
    pub async fn run(mut self) -> Result<Value, TaskError> {
        match self.layers.next() {
            Some(layer) => layer(self.ctx.clone(), self).await,
            None => self.body.await,
        }
    }
}

impl Layers {
    /// The body with the layers around it.
    pub(crate) fn around(
        &self,
        ctx: &TaskContext,
        body: Boxed<Result<Value, TaskError>>,
    ) -> Boxed<Result<Value, TaskError>> {
        if self.attempts.is_empty() {
            return body;
        }
        let next = NextAttempt { layers: self.attempts.clone().into_iter(), ctx: ctx.clone(), body };
        Box::pin(next.run())
    }
}

/// A start on its way in.
#[derive(Clone, Debug)]
pub struct StartCall {
    /// The kind.
    pub kind: String,
    /// The request.
    pub request: StartRequest,
    /// On whose behalf.
    pub actor: Actor,
}

/// The rest of a start: the layers further in, and the start itself.
pub struct NextStart {
    layers: std::vec::IntoIter<StartLayer>,
    client: Client,
    origin: Origin,
}

impl std::fmt::Debug for NextStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NextStart")
    }
}

impl NextStart {
    pub(crate) fn new(layers: &Layers, client: Client, origin: Origin) -> Self {
        Self { layers: layers.starts.clone().into_iter(), client, origin }
    }

    /// Starts it.
    ///
    /// # Errors
    /// What [`Client::start`] or a layer further in returns.
    pub async fn run(mut self, call: StartCall) -> Result<Started, DeckError> {
        match self.layers.next() {
            Some(layer) => layer(call, self).await,
            None => self.client.start_within(&call.kind, call.request, self.origin).await,
        }
    }
}
