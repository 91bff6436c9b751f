//! What happened to a user's tasks while they were away.

use serde::Serialize;

use crate::read::read;
use crate::{Status, TaskId, TaskState, Timestamp};

/// A user's own tasks that wait for an answer, those that ended last, and what their tasks had to tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inbox {
    /// The tasks: those that wait first, then those that ended, the last first.
    pub tasks: Vec<TaskState>,
    /// What the user's tasks told (`ctx.notify(..)`), the last first.
    pub notices: Vec<InboxNotice>,
    /// When the user last looked; none when never.
    pub looked_at: Option<Timestamp>,
    /// The server's clock: until when this tells.
    pub now: Timestamp,
}

read!(Inbox { tasks, looked_at, now; default notices });

/// A notice, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InboxNotice {
    /// The task that left it.
    pub task: TaskId,
    /// What a person calls the task.
    pub label: String,
    /// Its place among the task's notices, from 1.
    pub seq: u64,
    /// When it was left.
    pub at: Timestamp,
    /// What it says.
    pub text: String,
}

read!(InboxNotice { task, label, seq, at, text });

impl Inbox {
    /// Whether a task of it is new to the user: it ended since they looked, or waits for them.
    #[must_use]
    pub fn is_new(&self, task: &TaskState) -> bool {
        task.status == Status::WaitingConfirmation || task.ended_at > self.looked_at
    }

    /// The notices that were left since the user looked.
    pub fn new_notices(&self) -> impl Iterator<Item = &InboxNotice> {
        self.notices.iter().filter(|notice| Some(notice.at) > self.looked_at)
    }

    /// How many tasks and notices are new.
    #[must_use]
    pub fn count_new(&self) -> usize {
        self.tasks.iter().filter(|task| self.is_new(task)).count() + self.new_notices().count()
    }
}
