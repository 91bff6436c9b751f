//! What ended, and what was asked, while the actor was away.

use taskdeck_core::{Action, DeckError, Inbox, ListQuery, Status, StatusSet, Subject, Timestamp};

use super::Client;

/// How many tasks are told of at the most; older ones are in the list of tasks.
const MOST: u32 = 50;

impl Client {
    /// Those of the actor's own tasks that wait for an answer, and those that ended last; and when the actor last looked,
    /// so that what is new can be told from what is not. Nothing for who has no name: the program itself, and widgets of
    /// other pages.
    ///
    /// # Errors
    /// [`DeckError::Denied`], [`DeckError::Unavailable`].
    pub async fn inbox(&self) -> Result<Inbox, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        let now = self.inner.clock.now();
        let Some(user) = self.actor.user_id() else {
            return Ok(Inbox { tasks: Vec::new(), looked_at: None, now });
        };
        let of = |status| ListQuery {
            status,
            user: Some(user.clone()),
            limit: Some(2 * MOST),
            ..ListQuery::default()
        };
        let (asking, _) =
            self.inner.store.list(of(StatusSet::EMPTY.with(Status::WaitingConfirmation))).await?;
        let (mut ended, _) = self.inner.store.list(of(StatusSet::ENDED)).await?;
        // What a task starts is told of by the task.
        ended.retain(|record| record.parent.is_none());
        // The list has those that were started last; told are those first that ended last.
        ended.sort_by_key(|record| std::cmp::Reverse(record.machine.state.ended_at()));
        let records = asking.iter().chain(&ended).take(MOST as usize);
        let tasks = records.map(|record| self.inner.current(record)).collect();
        Ok(Inbox { tasks, looked_at: self.inner.store.last_look(user.clone()).await?, now })
    }

    /// Notes that the actor has looked at what happened until then; now when that is not said.
    ///
    /// # Errors
    /// [`DeckError::Denied`], [`DeckError::Unavailable`].
    pub async fn look(&self, until: Option<Timestamp>) -> Result<(), DeckError> {
        self.may(Action::List, Subject::Deck)?;
        let Some(user) = self.actor.user_id() else { return Ok(()) };
        // Nobody has seen what is still to come.
        let now = self.inner.clock.now();
        self.inner.store.note_look(user.clone(), until.map_or(now, |until| until.min(now))).await?;
        Ok(())
    }
}
