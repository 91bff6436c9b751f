//! The log of a task, from memory and from the store.

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
        let last = match self.inner.live.get(id) {
            Some(live) => live.last_log_seq(),
            None => self.inner.store.last_log_seq(id).await?,
        };
        let limit = limit.clamp(1, 5_000);
        Ok(self.inner.log_page(id, last.saturating_sub(u64::from(limit)), limit as usize).await?)
    }
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
