//! What bodies want somebody to know.

use taskdeck_core::{Action, DeckError, MOST_NOTICES, Notice, TaskId};

use super::Client;

impl Client {
    /// The notices of a task after `since`, in order. A task's state says the `seq` of its last one, so whoever was
    /// away asks from the last that they have.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn notices(&self, id: TaskId, since: u64) -> Result<Vec<Notice>, DeckError> {
        self.task_for(Action::Watch, id).await?;
        let most = u32::try_from(MOST_NOTICES).unwrap_or(u32::MAX);
        Ok(self.inner.store.notices(id, since, most).await?)
    }
}
