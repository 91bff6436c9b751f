//! What happened to a user's tasks while they were away.

use serde::Serialize;

use crate::read::read;
use crate::{Status, TaskState, Timestamp};

/// A user's own tasks that wait for an answer, and those that ended last.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inbox {
    /// They: those that wait first, then those that ended, the last first.
    pub tasks: Vec<TaskState>,
    /// When the user last looked; none when never.
    pub looked_at: Option<Timestamp>,
    /// The server's clock: until when this tells.
    pub now: Timestamp,
}

read!(Inbox { tasks, looked_at, now });

impl Inbox {
    /// Whether a task of it is new to the user: it ended since they looked, or waits for them.
    #[must_use]
    pub fn is_new(&self, task: &TaskState) -> bool {
        task.status == Status::WaitingConfirmation || task.ended_at > self.looked_at
    }

    /// How many are.
    #[must_use]
    pub fn count_new(&self) -> usize {
        self.tasks.iter().filter(|task| self.is_new(task)).count()
    }
}
