//! What happens to a task, and what became of it.

use std::sync::Arc;

use taskdeck_core::{
    ErrorInfo, Event, LogLine, Progress, Question, Refused, Status, TaskId, Timestamp, UserId,
};

use super::{Moved, Record};

/// Something that happens to a task, with what is to be stored if it is accepted.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) id: TaskId,
    pub(crate) event: Event,
    pub(crate) now: Timestamp,
    pub(crate) extra: Extra,
    /// The task as the caller knows it. When the store still has that version, it need not read the task first.
    pub(crate) known: Option<Arc<Record>>,
}

impl Change {
    pub(crate) fn new(id: TaskId, event: Event, now: Timestamp) -> Self {
        Self { id, event, now, extra: Extra::default(), known: None }
    }
}

/// What is stored with a change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra {
    /// The error of the attempt that ended.
    pub(crate) error: Option<ErrorInfo>,
    /// Its detail, for those who look for the fault.
    pub(crate) detail: Option<String>,
    /// The stored result (JSON of `StoredResult`).
    pub(crate) result: Option<String>,
    /// The last progress.
    pub(crate) progress: Option<Progress>,
    /// The last label.
    pub(crate) label: Option<String>,
    /// The log lines not stored yet.
    pub(crate) log: Vec<LogLine>,
    /// Which worker the attempt ran on.
    pub(crate) worker: Option<String>,
    /// The question that it asks.
    pub(crate) question: Option<Question>,
    /// The answer to its question.
    pub(crate) answer: Option<StoredAnswer>,
}

/// An answer as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredAnswer {
    pub(crate) approved: bool,
    /// What was filled in: a JSON object.
    pub(crate) fields: String,
    pub(crate) by: Option<UserId>,
}

/// What became of a change.
#[derive(Debug)]
pub(crate) enum Applied {
    /// The task is now this; before it had that status. With it changed those that depend on it.
    Changed(Box<Record>, Status, Vec<Moved>),
    /// All was so already.
    Unchanged(Box<Record>),
    /// The machine refused it; the task is as it was.
    Refused(Refused, Box<Record>),
    /// A person's retry of a task whose key another active task has.
    KeyActive { key: String, holder: TaskId },
    /// A person's retry of a task that runs after one that did not complete.
    DependencyFailed(TaskId),
    /// There is no such task.
    Missing,
}
