//! A task as the store keeps it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskdeck_core::{
    BatchId, ErrorInfo, FileId, Kind, Machine, Progress, QueueName, State, Status, TaskId, TaskState,
    Timestamp, UserId,
};

/// What few tasks have; stored as one JSON value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result_ttl_ms: Option<u64>,
    /// What the one who started it may do, for the body to look at.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) permissions: BTreeSet<String>,
    /// The span of the trace that started it: 16 hexadecimal digits, `-` and two of flags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) span: Option<String>,
    /// When it was to begin at first, where its start said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_at: Option<Timestamp>,
    /// Whether it goes on when its parent is cancelled or fails.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) detached: bool,
}

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
    pub(crate) partition: Option<String>,
    pub(crate) parent: Option<TaskId>,
    /// The name under which its parent started it.
    pub(crate) child: Option<String>,
    pub(crate) batch: Option<BatchId>,
    pub(crate) options: Options,
    /// The `seq` of its last notice.
    pub(crate) notice_seq: u64,
    /// How many changes of progress there were in this version when it was last written behind, on whichever node it runs:
    /// what orders its states for those who read them elsewhere.
    pub(crate) tick: u32,
}

impl Record {
    pub(crate) fn status(&self) -> Status {
        self.machine.state.status()
    }

    /// A task that completed is all done, whether or not it ever said how far it was.
    fn shown_progress(&self) -> Progress {
        let mut progress = self.progress.clone();
        if self.status() == Status::Completed && progress.fraction.is_none() {
            progress.set_fraction(1.0);
        }
        progress
    }

    /// The task as everybody sees it.
    pub(crate) fn state(&self) -> TaskState {
        let machine = &self.machine;
        TaskState {
            id: self.id,
            kind: self.kind.clone(),
            label: self.label.clone(),
            status: machine.state.status(),
            version: machine.version,
            tick: self.tick,
            queue: self.queue.clone(),
            priority: self.priority,
            attempt: machine.attempt,
            tries: machine.tries,
            max_tries: machine.max_tries,
            progress: self.shown_progress(),
            cancel: machine.cancel.clone(),
            error: self.error.clone(),
            partial: matches!(machine.state, State::Completed { partial: true, .. }),
            key: self.key.clone(),
            tags: self.tags.clone(),
            user: self.user.clone(),
            trace_id: self.trace_id.clone(),
            parent: self.parent,
            batch: self.batch,
            partition: self.partition.clone(),
            waits_for: machine.waits_for,
            waiting: None,
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
            notice_seq: self.notice_seq,
        }
    }
}

/// A task to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewTask {
    /// Queued, scheduled, or claimed already by the node that starts it.
    pub(crate) record: Arc<Record>,
    pub(crate) params: String,
    /// The uploaded files that its params name, by parameter.
    pub(crate) uploads: Vec<(String, FileId)>,
    /// The tasks that it runs after.
    pub(crate) after: Vec<TaskId>,
    /// What is started after it, if it is new.
    pub(crate) then: Vec<NewTask>,
    /// If it is claimed already: as it is when that may not be, and the version of the pauses and limits by which it may.
    pub(crate) unclaimed: Option<(Arc<Record>, u64)>,
}

impl NewTask {
    pub(crate) fn new(record: Record, params: String) -> Self {
        let record = Arc::new(record);
        Self { record, params, uploads: Vec::new(), after: Vec::new(), then: Vec::new(), unclaimed: None }
    }

    /// Its record, to be changed before it is started.
    pub(crate) fn record_mut(&mut self) -> &mut Record {
        Arc::make_mut(&mut self.record)
    }
}

/// A task that changed, and the status it had before: none for a new one.
#[derive(Clone, Debug)]
pub(crate) struct Moved {
    pub(crate) record: Record,
    pub(crate) before: Option<Status>,
}
