//! What ended, and what was asked, while the actor was away.

use taskdeck_core::{Action, DeckError, Inbox, ListQuery, Status, StatusSet, Subject, Timestamp};

use super::Client;
use crate::store::{News, Record};

/// How many tasks, and how many notices, are told of at the most; older ones are in the list of tasks.
const MOST: u32 = 50;

impl Client {
    /// Those of the actor's own tasks that wait for an answer, those that ended last, and what they told meanwhile; and
    /// when the actor last looked, so that what is new can be told from what is not. What a task starts is told of by it. Nothing for who has no name: the program itself, and widgets of
    /// other pages.
    ///
    /// # Errors
    /// [`DeckError::Denied`], [`DeckError::Unavailable`].
    pub async fn inbox(&self) -> Result<Inbox, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        let now = self.inner.clock.now();
        let Some(user) = self.actor.user_id() else {
            return Ok(Inbox { tasks: Vec::new(), notices: Vec::new(), looked_at: None, now });
        };
        let asking = ListQuery {
            status: StatusSet::EMPTY.with(Status::WaitingConfirmation),
            user: Some(user.clone()),
            limit: Some(MOST),
            ..ListQuery::default()
        };
        let (asking, _) = self.inner.store.list(asking).await?;
        let News { ended, notices } = self.inner.store.news(user.clone(), MOST).await?;
        // Nobody has to be told of what they did themselves.
        let own = |record: &&Record| {
            record.machine.cancel.as_ref().and_then(|cancel| cancel.by.as_ref()) == Some(user)
        };
        let ended =
            ended.iter().filter(|record| record.machine.state.status() != Status::Cancelled || !own(record));
        let records = asking.iter().chain(ended).take(MOST as usize);
        let tasks = records.map(|record| self.inner.current(record)).collect();
        Ok(Inbox { tasks, notices, looked_at: self.inner.store.last_look(user.clone()).await?, now })
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
