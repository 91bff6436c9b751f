//! Starting tasks in a transaction of the program's own on the SQLite file of the deck.

use std::sync::Arc;
use std::time::Duration;

use taskdeck_core::{DeckError, StartRequest, Started};

use super::{Asked, Client};
use crate::deck::Inner;
use crate::origin::Origin;
use crate::store::{Moved, NewTask, StartOutcome, StoreError};

/// How soon it is looked again whether the transaction is over, where that could not be found out.
const AGAIN: Duration = Duration::from_millis(100);

/// A start of which everything was checked that can be checked beforehand. Made by [`Client::prepare`].
#[must_use = "it is started by `start_in`"]
#[derive(Debug)]
pub struct PreparedStart {
    client: Client,
    new: NewTask,
    unique: bool,
}

impl Client {
    /// Checks a start that is to be part of a transaction of the program's own, on a deck that is in a SQLite file. See
    /// [`PreparedStart::start_in`].
    ///
    /// # Errors
    /// As [`Client::start`], but for what only the transaction can show.
    pub async fn prepare(&self, kind: &str, request: StartRequest) -> Result<PreparedStart, DeckError> {
        let unique = request.unique;
        self.within_rate(1).await?;
        let new = self.new_task(kind, request, &Origin::actor(&self.actor), 0).await?;
        Ok(PreparedStart { client: self.clone(), new, unique })
    }
}

impl PreparedStart {
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Starts it in a transaction on the deck's own SQLite file: the task is there if and only if that is committed. It
    /// begins some milliseconds after the commit, at most a tenth of a second.
    ///
    /// SQLite has one writer: while the transaction is open nothing else of the deck is written, so it should be short;
    /// what waits for it longer than five seconds is told that the store did not answer. Begin it with
    /// [`rusqlite::TransactionBehavior::Immediate`], or the deck may have written in between, which fails it.
    ///
    /// # Errors
    /// As [`Client::start`]; [`DeckError::Unavailable`] when the transaction is not one on the deck's file, or SQLite refuses
    /// a write. After an error nothing of the start is left in the transaction.
    pub fn start_in(self, transaction: &rusqlite::Transaction<'_>) -> Result<Started, DeckError> {
        let Self { client, new, unique } = self;
        let asked = Asked::of(&new, unique);
        let outcome = client.inner.store.start_in_file(transaction, &new)?;
        if let StartOutcome::New(record, also) = &outcome {
            let ids = std::iter::once(record.id).chain(also.iter().map(|one| one.record.id)).collect();
            let inner = Arc::clone(&client.inner);
            client.inner.loops.spawn_on(tell(inner, ids), &client.inner.runtime);
        }
        client.started(&asked, outcome)
    }
}

/// Waits for the end of the transaction, and tells of what it has left.
async fn tell(inner: Arc<Inner>, ids: Vec<taskdeck_core::TaskId>) {
    let found = loop {
        let found = tokio::select! {
            found = inner.store.get_after_others(ids.clone()) => found,
            () = inner.stopped.cancelled() => return,
        };
        match found {
            Ok(found) => break found,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::debug!(%error, "the program's own transaction is still open");
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    let moved = |record| Moved { record, before: None };
    inner.told_all(&found.into_iter().map(moved).collect::<Vec<_>>());
}
