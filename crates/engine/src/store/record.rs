//! A task as the store keeps it.

use taskdeck_core::{
    ErrorInfo, FileId, Kind, Machine, Progress, QueueName, State, TaskId, TaskState, Timestamp, UserId,
};

/// A task's row: what the machine decides on, and what is only shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: TaskId,
    pub(crate) kind: Kind,
    /// The version of the params.
    pub(crate) kind_version: u32,
    pub(crate) queue: QueueName,
    pub(crate) priority: i32,
    pub(crate) label: String,
    pub(crate) key: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) user: Option<UserId>,
    pub(crate) trace_id: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) machine: Machine,
    pub(crate) error: Option<ErrorInfo>,
    pub(crate) progress: Progress,
}

impl Record {
    /// The task as everybody sees it.
    pub(crate) fn state(&self, tick: u32) -> TaskState {
        let machine = &self.machine;
        TaskState {
            id: self.id,
            kind: self.kind.clone(),
            label: self.label.clone(),
            status: machine.state.status(),
            version: machine.version,
            tick,
            queue: self.queue.clone(),
            priority: self.priority,
            attempt: machine.attempt,
            tries: machine.tries,
            max_tries: machine.max_tries,
            progress: self.progress.clone(),
            cancel: machine.cancel.clone(),
            error: self.error.clone(),
            partial: matches!(machine.state, State::Completed { partial: true, .. }),
            key: self.key.clone(),
            tags: self.tags.clone(),
            user: self.user.clone(),
            trace_id: self.trace_id.clone(),
            created_at: self.created_at,
            scheduled_at: match machine.state {
                State::Scheduled { until } => until,
                _ => None,
            },
            started_at: machine.started_at,
            ended_at: machine.state.ended_at(),
            starts: machine.attempt,
            questions: machine.questions,
            endings: machine.endings,
            notice_seq: 0,
        }
    }
}

/// A task to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewTask {
    pub(crate) record: Record,
    pub(crate) params: String,
    /// The uploaded files that its params name, by parameter.
    pub(crate) uploads: Vec<(String, FileId)>,
}
