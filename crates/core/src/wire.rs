//! What goes over the wire: the same types in REST, server functions and the feed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::read::read;
use crate::{BatchId, Kind, Progress, QueueName, Rate, RetryPolicy, Status, Task, TaskId, Timestamp, UserId};

/// The order of a task's states: a durable version, and within it the ticks of its progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rev {
    /// Counts durable changes.
    pub version: u32,
    /// Counts progress within the version.
    pub tick: u32,
}

impl fmt::Display for Rev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.version, self.tick)
    }
}

/// A cancel request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CancelInfo {
    /// When it was made.
    pub requested_at: Timestamp,
    /// By whom, if that is known.
    pub by: Option<UserId>,
    /// Why, if it was said.
    pub reason: Option<String>,
}

read!(CancelInfo { requested_at, by, reason });

/// Why the last attempt failed, as everybody who sees the task may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorInfo {
    /// What programs tell it by: `error`, `panic`, `timeout`, or the task's own.
    pub code: String,
    /// What happened, in words.
    pub message: String,
}

read!(ErrorInfo { code, message });

/// A task as everybody sees it: in lists, in the feed, in the API.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskState {
    /// Its id.
    pub id: TaskId,
    /// Its kind.
    pub kind: Kind,
    /// What a person calls it; the kind's title unless the start or the body said otherwise.
    pub label: String,
    /// Where it stands.
    pub status: Status,
    /// Counts durable changes.
    pub version: u32,
    /// Counts progress within the version.
    pub tick: u32,
    /// Its queue.
    pub queue: QueueName,
    /// Higher goes first.
    pub priority: i32,
    /// The number of the running or last attempt; 0 before the first.
    pub attempt: u32,
    /// How many attempts count towards `max_tries`.
    pub tries: u32,
    /// How many attempts may count before the task fails for good.
    pub max_tries: u32,
    /// How far it is.
    pub progress: Progress,
    /// The cancel request, if there is one.
    pub cancel: Option<CancelInfo>,
    /// Why the last attempt failed, until an attempt succeeds.
    pub error: Option<ErrorInfo>,
    /// Whether it completed with parts left out.
    pub partial: bool,
    /// Its key.
    pub key: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who started it.
    pub user: Option<UserId>,
    /// The trace it belongs to.
    pub trace_id: Option<String>,
    /// The task that started it as its child.
    pub parent: Option<TaskId>,
    /// The batch that it was started in.
    pub batch: Option<BatchId>,
    /// The group within which the kind limits how many run at the same time.
    pub partition: Option<String>,
    /// How many of the tasks that it runs after have not completed.
    pub waits_for: u32,
    /// What a running task waits for while others use its slot, such as `the task “Resize”`.
    pub waiting: Option<String>,
    /// When it was started (accepted).
    pub created_at: Timestamp,
    /// When it is due, while it is scheduled.
    pub scheduled_at: Option<Timestamp>,
    /// When the running or last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Counts attempts begun; callbacks come from the difference to the last state seen.
    pub starts: u32,
    /// Counts questions asked.
    pub questions: u32,
    /// Counts endings.
    pub endings: u32,
    /// The `seq` of the last notice.
    pub notice_seq: u64,
}

read!(TaskState { id, kind, label, status, version, tick, queue, priority, attempt, tries, max_tries, progress, cancel, error, partial, key, tags, user, trace_id, created_at, scheduled_at, started_at, ended_at, starts, questions, endings, notice_seq; default parent, batch, partition, waits_for, waiting });

impl TaskState {
    /// A task as it is when it was just accepted: queued, nothing else said of it.
    ///
    /// ```
    /// use taskdeck_core::{Kind, Status, TaskId, TaskState, Timestamp};
    /// let (id, now) = (TaskId::from_parts(Timestamp::from_millis(5), [1; 10]), Timestamp::from_millis(5));
    /// let task = TaskState::new(id, Kind::new("import_csv").unwrap(), "Import", now);
    /// assert_eq!((task.status, task.label.as_str(), task.attempt), (Status::Queued, "Import", 0));
    /// ```
    #[must_use]
    pub fn new(id: TaskId, kind: Kind, label: impl Into<String>, created_at: Timestamp) -> Self {
        Self {
            id,
            kind,
            label: label.into(),
            status: Status::Queued,
            version: 1,
            tick: 0,
            queue: QueueName::default(),
            priority: 0,
            attempt: 0,
            tries: 0,
            max_tries: RetryPolicy::default().max_tries,
            progress: Progress::default(),
            cancel: None,
            error: None,
            partial: false,
            key: None,
            tags: Vec::new(),
            user: None,
            trace_id: None,
            parent: None,
            batch: None,
            partition: None,
            waits_for: 0,
            waiting: None,
            created_at,
            scheduled_at: None,
            started_at: None,
            ended_at: None,
            starts: 0,
            questions: 0,
            endings: 0,
            notice_seq: 0,
        }
    }

    /// Its place in the order of the task's states.
    #[must_use]
    pub const fn rev(&self) -> Rev {
        Rev { version: self.version, tick: self.tick }
    }
}

/// How many tasks there are, by status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(pub BTreeMap<Status, u64>);

impl Counts {
    /// How many have this status.
    #[must_use]
    pub fn of(&self, status: Status) -> u64 {
        self.0.get(&status).copied().unwrap_or(0)
    }

    /// How many there are in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// A request to start a task. All but `params` may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StartRequest {
    /// The params, as a JSON object.
    pub params: Value,
    /// An id made by the client (a UUIDv7): a repeated request answers the same task.
    pub id: Option<TaskId>,
    /// Only one active task of the kind has a key; a second start returns it.
    pub key: Option<String>,
    /// Refuse instead of returning the active task of the same key.
    pub unique: bool,
    /// What a person calls it.
    pub label: Option<String>,
    /// Another queue than the kind's.
    pub queue: Option<QueueName>,
    /// Higher goes first; 0 when not said.
    pub priority: i32,
    /// Wait this long, in milliseconds.
    pub delay: Option<u64>,
    /// Wait until then.
    pub at: Option<Timestamp>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The W3C trace id to carry on.
    pub trace_id: Option<String>,
    /// The W3C `traceparent` to carry on: trace id and span.
    pub traceparent: Option<String>,
    /// The group within which the kind limits how many run at the same time.
    pub partition: Option<String>,
    /// Fail when it has not begun this many milliseconds from now.
    pub expires: Option<u64>,
    /// Remove it this many milliseconds after its end, instead of after the kind's retention.
    pub result_ttl: Option<u64>,
    /// Other than the kind's number of attempts that may count.
    pub max_tries: Option<u32>,
    /// Other than the kind's time for an attempt, in milliseconds.
    pub timeout: Option<u64>,
    /// Run only when all of these have completed.
    pub after: Vec<TaskId>,
    /// What to start when it has completed: stored with it, in one commit.
    pub then: Vec<ThenRequest>,
}

/// A task to be started after another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThenRequest {
    /// Its kind.
    pub kind: Kind,
    /// The request, as for a start of its own.
    #[serde(default)]
    pub request: StartRequest,
}

/// A task of a batch.
pub type BatchItem = ThenRequest;

/// A request to start many tasks in one durable commit: all of them or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchRequest {
    /// What a person calls the batch.
    pub label: Option<String>,
    /// The tasks: 1 to 10,000.
    pub tasks: Vec<BatchItem>,
}

impl BatchRequest {
    /// The same request with one more task.
    ///
    /// # Errors
    /// When the task cannot be written as JSON.
    pub fn task<T: Task>(mut self, task: &T) -> Result<Self, serde_json::Error> {
        let request = StartRequest { params: serde_json::to_value(task)?, ..StartRequest::default() };
        self.tasks.push(BatchItem { kind: T::kind(), request });
        Ok(self)
    }
}

/// A batch as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// What a person calls it.
    pub label: Option<String>,
    /// Who started it.
    pub user: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
    /// How many tasks it has.
    pub total: u64,
    /// How many of them there are by status. Tasks that were removed since are not counted.
    pub counts: Counts,
    /// How much of it has ended, from 0.0 to 1.0.
    pub fraction: f64,
}

/// The answer to the start of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchStarted {
    /// The batch.
    pub batch: Batch,
    /// Its tasks, in the order of the request.
    pub tasks: Vec<Started>,
}

/// How a queue or a kind is held back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LaneLimits {
    /// How many of its tasks run at the same time.
    pub concurrency: Option<u32>,
    /// How often its tasks begin.
    pub rate: Option<Rate>,
    /// For kinds: how many tasks of one partition run at the same time.
    pub partition_concurrency: Option<u32>,
}

/// A queue or a kind as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// Since when it is paused, if it is.
    pub paused_at: Option<Timestamp>,
    /// Who paused it, if that is known.
    pub paused_by: Option<UserId>,
    /// How it is held back.
    pub limits: LaneLimits,
    /// Whether a person set the limits in place of the program's.
    #[serde(default)]
    pub limits_set: bool,
    /// How many tasks it has by status.
    pub counts: Counts,
    /// Since when the one of its queued tasks waits that has waited longest.
    #[serde(default)]
    pub waiting_since: Option<Timestamp>,
}

/// The queues and the kinds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lanes {
    /// Every queue that is known.
    pub queues: Vec<Lane>,
    /// Every kind.
    pub kinds: Vec<Lane>,
}

/// What a lane is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneOf {
    /// A queue.
    Queue,
    /// A kind, in all queues.
    Kind,
}

impl LaneOf {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Kind => "kind",
        }
    }
}

/// The answer to a start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The task.
    #[serde(flatten)]
    pub task: TaskState,
    /// Whether it was there already (same key or same id).
    pub deduplicated: bool,
}

/// The answer to a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelOutcome {
    /// It did not run, and is cancelled.
    Cancelled,
    /// It runs, and was told to stop.
    Cancelling,
    /// It had ended before.
    AlreadyCompleted,
}

/// A part of the work that was left out, in a task that completed all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartProblem {
    /// Which part, such as `line 17`.
    pub part: String,
    /// What was wrong with it.
    pub message: String,
}

read!(PartProblem { part, message });

/// A file that a task made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// Its name, unique in the task.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub media_type: String,
    /// Where it is downloaded, relative to the deck's base path.
    pub url: String,
}

read!(Artifact { name, size, media_type, url });

/// What a completed task left.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ResultBody {
    /// The output.
    pub result: Value,
    /// Whether parts were left out.
    pub partial: bool,
    /// The parts that were left out; the first hundred.
    pub problems: Vec<PartProblem>,
    /// How many parts were left out in all.
    pub problem_count: u64,
    /// The files it made.
    pub artifacts: Vec<Artifact>,
}

read!(ResultBody { result, partial, artifacts; default problems, problem_count });

/// One execution of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Its number, from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; none while it runs.
    pub ended_at: Option<Timestamp>,
    /// How it ended: `completed`, `failed`, `cancelled`, `released`, `interrupted`, `asked`; none while it runs.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<ErrorInfo>,
    /// More for those who look for the fault.
    pub detail: Option<String>,
    /// Which worker it ran on.
    pub worker: Option<String>,
}

read!(Attempt { attempt, started_at, ended_at, outcome, error, detail, worker });
