//! The way in: every verb, read and subscription, on behalf of one actor.

mod about;
mod act;
mod bulk;
mod embed;
mod files;
mod inbox;
mod lanes;
mod log;
mod notices;
mod read;
mod schedules;
mod start;
mod stats;
mod why;
mod workers;

use std::sync::Arc;

use serde_json::Value;
pub use start::PreparedStart;
pub use stats::{StatsQuery, StatsSince};
use taskdeck_core::{
    Action, Actor, DeckError, Definition, Subject, TaskId, authorise, may_hold_secrets, redact,
};

use crate::deck::{Deck, Inner};
use crate::feed::Feed;
use crate::settings::Settings;
use crate::store::Record;

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
    pub(super) async fn task_for(&self, action: Action, id: TaskId) -> Result<Record, DeckError> {
        let record = self.inner.store.get(id).await?.ok_or_else(DeckError::task_not_found)?;
        self.may(action, Subject::Task(id, self.inner.definition(&record.kind)))?;
        Ok(record)
    }

    pub(super) fn known(&self, action: Action, kind: &str) -> Result<Arc<Definition>, DeckError> {
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

/// Something stored, as it may be shown: with masks in the places of secrets.
fn shown(text: &str) -> Result<Value, DeckError> {
    let mut value = json(text)?;
    if may_hold_secrets(text) {
        redact(&mut value);
    }
    Ok(value)
}

impl Inner {
    /// Asks the kind whether a task with these params may be started.
    async fn check(self: &Arc<Self>, kind: &str, params: &str) -> Result<(), DeckError> {
        let Some(check) = self.registry.get(kind).and_then(|entry| entry.check) else { return Ok(()) };
        let deck = Deck::of(Arc::clone(self));
        check(params, &deck).await.map_err(|reason| DeckError::CheckFailed { reason })
    }
}
