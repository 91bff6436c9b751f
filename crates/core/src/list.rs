//! Lists of tasks: which ones, and a page of them.

use serde::{Deserialize, Serialize};

use crate::filter::{Age, id_part};
use crate::read::read;
use crate::{BatchId, Kind, QueueName, StatusSet, TaskId, TaskState, Timestamp, UserId};

/// In which order a list goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOrder {
    /// The newest task first.
    #[default]
    Newest,
    /// The oldest task first.
    Oldest,
}

/// A page of tasks, newest first where not asked otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<TaskState>,
    /// Where the next page begins; none when this is the last.
    pub next_cursor: Option<String>,
    /// The params of each task in one line, in the order of the tasks: `table=flights header=true`.
    pub previews: Vec<String>,
    /// Why there may be none: that no kind is called as the query says, and which may have been meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

read!(TaskPage { tasks, next_cursor, hint; default previews });

/// Which tasks a list shows. Empty fields do not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListQuery {
    /// Only these statuses.
    pub status: StatusSet,
    /// Only those that left parts of their work out, or only those that did not.
    pub partial: Option<bool>,
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only this queue.
    pub queue: Option<QueueName>,
    /// Only those whose last error has this code: `params`, say, for those whose params fit no more.
    pub error: Option<String>,
    /// Only this batch.
    pub batch: Option<BatchId>,
    /// Only the children of this task.
    pub parent: Option<TaskId>,
    /// Only those that have this tag.
    pub tag: Option<String>,
    /// Only those that this user started.
    pub user: Option<UserId>,
    /// Only those that have, or had, this key.
    pub key: Option<String>,
    /// Only those in whose label, kind, key, tags, error, id or trace id each of these words occurs; a phrase stands in quotes.
    pub text: Option<String>,
    /// Only those that were created at most so long ago.
    pub since: Option<Age>,
    /// Only those that were created after this time.
    pub after: Option<Timestamp>,
    /// Only those that were created before this time.
    pub before: Option<Timestamp>,
    /// In which order.
    pub order: ListOrder,
    /// Where to begin; from a page before, of the same order.
    pub cursor: Option<String>,
    /// How many at the most: 1 to 1,000, 50 when not said.
    pub limit: Option<u32>,
}

impl ListQuery {
    /// How many tasks a page holds.
    #[must_use]
    pub fn page_size(&self) -> u32 {
        self.limit.unwrap_or(50).clamp(1, 1_000)
    }

    /// The same query with `since` as a time: `now` is what it is counted from.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        if let Some(age) = self.since.take() {
            let from = now.plus_millis(i64::try_from(age.as_millis()).unwrap_or(i64::MAX).saturating_neg());
            self.after = self.after.max(Some(from));
        }
        self
    }

    /// Whether a task as it is now is in the list. `since` is not looked at (there is no clock here): see
    /// [`ListQuery::at`].
    #[must_use]
    pub fn matches(&self, task: &TaskState) -> bool {
        (self.status.is_empty() || self.status.contains(task.status))
            && self.partial.is_none_or(|partial| partial == task.partial)
            && self.kind.as_ref().is_none_or(|kind| *kind == task.kind)
            && self.queue.as_ref().is_none_or(|queue| *queue == task.queue)
            && self
                .error
                .as_ref()
                .is_none_or(|code| task.error.as_ref().is_some_and(|error| error.code == *code))
            && self.batch.is_none_or(|batch| task.batch == Some(batch))
            && self.parent.is_none_or(|parent| task.parent == Some(parent))
            && self.tag.as_ref().is_none_or(|tag| task.tags.contains(tag))
            && self.user.as_ref().is_none_or(|user| task.user.as_ref() == Some(user))
            && self.key.as_ref().is_none_or(|key| task.key.as_ref() == Some(key))
            && self.after.is_none_or(|after| task.created_at > after)
            && self.before.is_none_or(|before| task.created_at < before)
            && self.has_words(task)
    }

    fn has_words(&self, task: &TaskState) -> bool {
        let words = self.words();
        if words.is_empty() {
            return true;
        }
        let key = task.key.as_deref().unwrap_or_default();
        let error = task.error.as_ref().map_or("", |error| error.message.as_str());
        let (label, kind, tags) = (&task.label, &task.kind, task.tags.join("\n"));
        let text = format!("{label}\n{kind}\n{key}\n{tags}\n{error}").to_lowercase();
        let trace = task.trace_id.as_deref().unwrap_or_default();
        let ids = format!("{}\n{trace}", task.id.as_uuid().simple());
        words.iter().all(|word| {
            text.contains(&word.to_lowercase()) || id_part(word).is_some_and(|part| ids.contains(&part))
        })
    }
}
