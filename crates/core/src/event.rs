//! What happened to a task between two states that were seen of it, and how a widget tells of it.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{ErrorInfo, MOST_NOTICES, Notice, Progress, Status, TaskId, TaskState};

/// What a widget tells of: the callbacks of `<TaskProgress/>`, and the DOM events of `<task-progress>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskEventKind {
    /// An attempt began: the first, a retry, or the one after an answer.
    Started,
    /// Its progress or its label is another.
    Progress,
    /// It waits for an answer.
    Confirmation,
    /// Something else that lasts: a cancel was asked for, it was cancelled, it waits for its next try, it was answered.
    Update,
    /// It ended well.
    Completed,
    /// It failed, or its process went away for good.
    Error,
    /// It ended, whichever way.
    Finish,
    /// Its body had something to say: see [`Notice`].
    EventNotification,
}

impl TaskEventKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Started,
        Self::Progress,
        Self::Confirmation,
        Self::Update,
        Self::Completed,
        Self::Error,
        Self::Finish,
        Self::EventNotification,
    ];

    /// The name on the wire and in the DOM: `event_notification`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Progress => "progress",
            Self::Confirmation => "confirmation",
            Self::Update => "update",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::Finish => "finish",
            Self::EventNotification => "event_notification",
        }
    }
}

/// What a widget's callback is given.
///
/// As JSON (the `detail` of a DOM event) what the context has is also beside these fields, unless one of them has its
/// name.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskEvent {
    /// Which task.
    pub task_id: TaskId,
    /// What happened.
    pub event: TaskEventKind,
    /// What a person calls the task.
    pub label: String,
    /// Where it stands now.
    pub status: Status,
    /// How far it is.
    pub progress: Progress,
    /// What it returned, once it has completed.
    pub result: Option<Value>,
    /// Why it failed, if it did.
    pub error: Option<ErrorInfo>,
    /// What its body said, in an [`TaskEventKind::EventNotification`].
    pub notice: Option<Notice>,
    /// Whether the task was deleted before its end was seen: then nobody knows how it ended, and what is said here of
    /// its status and progress is the last that was.
    pub gone: bool,
    /// What the one who put the widget there gave along; null when nothing.
    pub context: Value,
}

impl Serialize for TaskEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { task_id, event, label, status, progress, result, error, notice, gone, context } = self;
        let mut map = serializer.serialize_map(None)?;
        if let Value::Object(own) = context {
            for (name, value) in own.iter().filter(|(name, _)| !Self::FIELDS.contains(&name.as_str())) {
                map.serialize_entry(name, value)?;
            }
        }
        map.serialize_entry("task_id", task_id)?;
        map.serialize_entry("event", event)?;
        map.serialize_entry("label", label)?;
        map.serialize_entry("status", status)?;
        map.serialize_entry("progress", progress)?;
        map.serialize_entry("result", result)?;
        map.serialize_entry("error", error)?;
        map.serialize_entry("notice", notice)?;
        map.serialize_entry("gone", gone)?;
        map.serialize_entry("context", context)?;
        map.end()
    }
}

impl TaskEvent {
    /// What a context cannot say otherwise.
    const FIELDS: [&'static str; 10] =
        ["task_id", "event", "label", "status", "progress", "result", "error", "notice", "gone", "context"];

    /// The event of a task that now is `state`.
    #[must_use]
    pub fn new(event: TaskEventKind, state: &TaskState) -> Self {
        Self {
            task_id: state.id,
            event,
            label: state.label.clone(),
            status: state.status,
            progress: state.progress.clone(),
            result: None,
            error: state.error.clone(),
            notice: None,
            gone: false,
            context: Value::Null,
        }
    }
}

/// A task as it was before anything happened to it: what [`happened`] compares with for one who has just started the
/// task, since a start may be answered when the first attempt runs already.
#[must_use]
pub fn unstarted(task: &TaskState) -> TaskState {
    let waits = task.starts == 0 && !task.status.has_ended();
    TaskState {
        status: if waits { task.status } else { Status::Queued },
        version: 0,
        tick: 0,
        progress: Progress::default(),
        cancel: None,
        error: None,
        starts: 0,
        questions: 0,
        endings: 0,
        notice_seq: 0,
        ..task.clone()
    }
}

/// What happened from `before` to `after`, in order. Each start, question, notice and ending is told exactly once,
/// however many states lie between that were never seen: the counters in the states say how many there were.
///
/// What cannot be told apart is told as little as it can be: an ending that was not seen and was followed by a retry is
/// an error when the task has one, else an update; progress, and what else lasts, is told once for all that was missed.
///
/// ```
/// # use taskdeck_core::{TaskState, happened};
/// # fn tell(last_seen: &mut TaskState, new: TaskState) {
/// for event in happened(last_seen, &new) {
///     println!("{}", event.name());
/// }
/// *last_seen = new;
/// # }
/// ```
#[must_use]
pub fn happened(before: &TaskState, after: &TaskState) -> Vec<TaskEventKind> {
    use TaskEventKind as Kind;
    let mut events = Vec::new();
    if after.rev() <= before.rev() {
        return events;
    }
    let mut starts = after.starts.saturating_sub(before.starts);
    let mut endings = after.endings.saturating_sub(before.endings);
    let mut questions = after.questions.saturating_sub(before.questions);
    let notices = after.notice_seq.saturating_sub(before.notice_seq).min(MOST_NOTICES);
    let ended = after.status.has_ended();
    // The ending that `after` shows comes last, after what the attempt said until then; so does a question that is open.
    let last_ending = ended && endings > 0;
    endings -= u32::from(last_ending);
    let last_question = after.status == Status::WaitingConfirmation && questions > 0;
    questions -= u32::from(last_question);
    // An attempt that was running ends, or asks, before the next begins.
    let mut open = before.status == Status::Running;
    let runs = after.status == Status::Running;
    while starts + endings + questions > 0 {
        if questions > 0 && open {
            questions -= 1;
            open = false;
            events.push(Kind::Confirmation);
        } else if endings > 0 && (open || starts == 0 || (runs && endings >= starts)) {
            endings -= 1;
            open = false;
            events.extend([if after.error.is_some() { Kind::Error } else { Kind::Update }, Kind::Finish]);
        } else if starts > 0 {
            starts -= 1;
            open = true;
            events.push(Kind::Started);
        } else {
            questions -= 1;
            events.push(Kind::Confirmation);
        }
    }
    // What runs is cancelled in two steps, also where both were seen as one.
    if before.cancel.is_none()
        && after.cancel.is_some()
        && (after.status != Status::Cancelled || (last_ending && open))
    {
        events.push(Kind::Update);
    }
    if after.progress != before.progress || after.label != before.label {
        events.push(Kind::Progress);
    }
    events.extend((0..notices).map(|_| Kind::EventNotification));
    events.extend(last_question.then_some(Kind::Confirmation));
    if last_ending {
        let how = match after.status {
            Status::Completed => Kind::Completed,
            Status::Cancelled => Kind::Update,
            _ => Kind::Error,
        };
        events.extend([how, Kind::Finish]);
    }
    let lasts = |event: &Kind| !matches!(event, Kind::Progress | Kind::EventNotification);
    // A question that was cancelled, or that nobody answered in time, has its ending.
    let answered = before.status == Status::WaitingConfirmation
        && (after.starts > before.starts || !(ended || after.status == Status::WaitingConfirmation));
    let other = after.version > before.version && after.status != before.status && !events.iter().any(lasts);
    if answered || other {
        // Before what came of it.
        events.insert(0, Kind::Update);
    }
    events
}

/// What happened to a task that was deleted when this was the last state that was seen of it. What is deleted has ended,
/// so one who waits for its end is told of that, if of nothing else.
#[must_use]
pub fn vanished(before: &TaskState) -> Vec<TaskEventKind> {
    if before.status.has_ended() { Vec::new() } else { vec![TaskEventKind::Update, TaskEventKind::Finish] }
}

#[cfg(test)]
mod tests;
