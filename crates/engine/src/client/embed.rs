//! Tokens for widgets in pages of other origins.

use std::time::Duration;

use taskdeck_core::{Action, Actor, DeckError, EmbedRequest, EmbedToken, TaskId};

use super::Client;
use crate::deck::Deck;
use crate::embed::{Claim, LONGEST_MS, SHORTEST_MS};

/// How long a token holds when nobody says otherwise.
const TEN_MINUTES_MS: u64 = 600_000;

impl Client {
    /// A token with which a page elsewhere reads this task, and nothing else, for a while.
    ///
    /// ```no_run
    /// # async fn embed(client: taskdeck_engine::Client, id: taskdeck_core::TaskId) -> Result<(), taskdeck_core::DeckError> {
    /// let token = client.embed_token(id, taskdeck_core::EmbedRequest::default()).await?.token;
    /// println!("<task-progress src=\"https://deck.example\" task=\"{id}\" token=\"{token}\"></task-progress>");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`DeckError::BadRequest`] for a time that is too short or too long, [`DeckError::NotFound`],
    /// [`DeckError::Denied`].
    pub async fn embed_token(&self, id: TaskId, request: EmbedRequest) -> Result<EmbedToken, DeckError> {
        self.task_for(Action::Embed, id).await?;
        let ttl_ms = request.ttl.unwrap_or(TEN_MINUTES_MS);
        if !(SHORTEST_MS..=LONGEST_MS).contains(&ttl_ms) {
            let reason = format!("`ttl` is {ttl_ms} ms; allowed: {SHORTEST_MS} to {LONGEST_MS}");
            return Err(DeckError::BadRequest { reason });
        }
        Ok(self.sign(id, ttl_ms))
    }

    /// A new token for the widget that this client reads for, with the time of the old one, as long as its task has not
    /// ended; `None` when it has, or for any other actor.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Unavailable`].
    pub async fn renewed_embed_token(&self, ttl: Duration) -> Result<Option<EmbedToken>, DeckError> {
        let Actor::Embed(id) = *self.actor() else { return Ok(None) };
        let state = self.get(id).await?;
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(LONGEST_MS).clamp(SHORTEST_MS, LONGEST_MS);
        Ok((!state.status.has_ended()).then(|| self.sign(id, ttl_ms)))
    }

    fn sign(&self, task: TaskId, ttl_ms: u64) -> EmbedToken {
        let ttl = i64::try_from(ttl_ms).unwrap_or(i64::MAX);
        let expires_at = self.inner.clock.now().plus_millis(ttl);
        let claim = Claim { task, expires_at, ttl_ms };
        EmbedToken { task, token: self.inner.embed_key.sign(&claim), expires_at }
    }
}

impl Deck {
    /// The actor of a token that [`Client::embed_token`] gave, and how long such a token holds.
    ///
    /// # Errors
    /// [`DeckError::Denied`] when this deck did not sign it, or its time is over.
    pub fn embed_actor(&self, token: &str) -> Result<(Actor, Duration), DeckError> {
        let inner = self.inner();
        let claim = inner.embed_key.verify(token, inner.clock.now())?;
        Ok((Actor::Embed(claim.task), Duration::from_millis(claim.ttl_ms)))
    }
}
