//! The log of a task.

use taskdeck_core::{Action, DeckError, LogPage, TaskId};

use super::Client;
use crate::deck::Inner;
use crate::store::StoreError;

impl Client {
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
        let last = match self.inner.live.get(id).and_then(|live| live.last_log_seq()) {
            Some(last) => last,
            None => self.inner.store.last_log_seq(id).await?,
        };
        let limit = limit.clamp(1, 5_000);
        Ok(self.inner.log_page(id, last.saturating_sub(u64::from(limit)), limit as usize).await?)
    }
}

impl Inner {
    /// Stored log lines after `since`: from memory where they still are, else from the store. What is not stored is not
    /// told: it would be lost with the process, and its numbers given to other lines.
    pub(crate) async fn log_page(&self, id: TaskId, since: u64, limit: usize) -> Result<LogPage, StoreError> {
        if let Some(page) = self.live.get(id).and_then(|live| live.log_since(since, limit)) {
            return Ok(page);
        }
        self.store.log(id, since, u32::try_from(limit).unwrap_or(u32::MAX)).await
    }
}

#[cfg(test)]
mod tests;
