//! Why a task does not run: one sentence for people and a word for programs.

use serde::Serialize;

use crate::read::read;
use crate::{Rate, Status, TaskState, Timestamp};

/// Why a task does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotRunning {
    /// What programs tell it by, such as `queue_paused`.
    pub reason: String,
    /// The sentence.
    pub text: String,
    /// When it is expected to go on, if that is known.
    pub until: Option<Timestamp>,
}

read!(NotRunning { reason, text, until });

/// A queue, a kind or a partition, as far as it holds tasks back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneNow {
    /// Its name.
    pub name: String,
    /// Whether it is paused, and by whom as far as that is known.
    pub paused: Option<Option<String>>,
    /// How many of its tasks run.
    pub running: usize,
    /// How many may.
    pub concurrency: Option<usize>,
    /// How often its tasks begin.
    pub rate: Option<Rate>,
    /// How long the rate holds the next one back, in milliseconds.
    pub rate_wait_ms: u64,
}

impl LaneNow {
    fn is_full(&self) -> bool {
        self.concurrency.is_some_and(|most| self.running >= most)
    }
}

/// What there is to be known of a task that waits, and of where it waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldBack {
    /// The version of its params.
    pub params_version: u32,
    /// The version of its kind that the worker has; none when the worker does not have the kind.
    pub worker_version: Option<u32>,
    /// Whether nothing new begins, because the server stops.
    pub stopping: bool,
    /// Whether this server runs tasks at all.
    pub works: bool,
    /// For how many milliseconds none of those that run tasks was heard of, where that is so long that they may be dead.
    pub unheard_ms: Option<u64>,
    /// Its queue.
    pub queue: LaneNow,
    /// Its kind.
    pub kind: LaneNow,
    /// Its partition, where its kind limits those.
    pub partition: Option<LaneNow>,
    /// How many tasks may run at the same time.
    pub slots: usize,
    /// How many of the slots are taken.
    pub busy: usize,
    /// How many tasks are queued in all.
    pub queued: u64,
}

/// Why a task does not run, if it has not ended and does not.
///
/// ```
/// use taskdeck_core::{HeldBack, LaneNow, Status, why_not_running};
/// # let task: taskdeck_core::TaskState = serde_json::from_value(serde_json::json!({
/// #   "id": "018f0000-0000-7000-8000-000000000000", "kind": "a", "label": "A", "status": "queued", "version": 1,
/// #   "tick": 0, "queue": "mail", "priority": 0, "attempt": 0, "tries": 0, "max_tries": 1, "progress": {},
/// #   "cancel": null, "error": null, "partial": false, "key": null, "tags": [], "user": null, "trace_id": null,
/// #   "created_at": "2026-01-01T00:00:00Z", "scheduled_at": null, "started_at": null, "ended_at": null,
/// #   "starts": 0, "questions": 0, "endings": 0, "notice_seq": 0 }))?;
/// let queue = LaneNow { name: "mail".to_owned(), paused: Some(Some("ann".to_owned())), ..LaneNow::default() };
/// let held = HeldBack { worker_version: Some(1), works: true, queue, ..HeldBack::default() };
/// assert_eq!(why_not_running(&task, &held).unwrap().text, "The queue mail is paused by ann.");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn why_not_running(task: &TaskState, held: &HeldBack) -> Option<NotRunning> {
    let (reason, text, until) = match task.status {
        Status::Scheduled => scheduled(task),
        Status::WaitingConfirmation => {
            ("question", "It has asked a question, and goes on when somebody answers it.".to_owned(), None)
        }
        Status::Queued => {
            let (reason, text) = queued(task, held);
            (reason, text, None)
        }
        Status::Running => {
            let what = task.waiting.as_ref()?;
            ("waiting", format!("It waits for {what}, and lends its slot to others meanwhile."), None)
        }
        _ => return None,
    };
    Some(NotRunning { reason: reason.to_owned(), text, until })
}

fn scheduled(task: &TaskState) -> (&'static str, String, Option<Timestamp>) {
    let until = task.scheduled_at;
    match (task.waits_for, &task.error) {
        (1, _) => ("dependencies", "It runs after 1 task that has not completed.".to_owned(), until),
        (2.., _) => {
            let text = format!("It runs after {} tasks that have not completed.", task.waits_for);
            ("dependencies", text, until)
        }
        (0, Some(_)) if task.attempt > 0 => {
            let text = format!("Attempt {} failed, and the pause before the next is not over.", task.attempt);
            ("backoff", text, until)
        }
        (0, _) => ("scheduled", "It is scheduled for later.".to_owned(), until),
    }
}

fn queued(task: &TaskState, held: &HeldBack) -> (&'static str, String) {
    if !held.works {
        return ("no_worker", "This server runs no tasks; it waits for one that does.".to_owned());
    }
    if held.stopping {
        return ("stopping", "The server is stopping; it runs after the next start.".to_owned());
    }
    match held.worker_version {
        None => {
            let text = format!("No worker has the kind {}; it runs when one does.", task.kind);
            return ("unknown_kind", text);
        }
        Some(version) if version < held.params_version => {
            let text = format!(
                "Its params have version {}, and the worker knows the kind {} only up to version {version}.",
                held.params_version, task.kind
            );
            return ("newer_version", text);
        }
        Some(_) => {}
    }
    let partition = held.partition.iter().map(|lane| ("partition_limit", "", "", "partition", lane));
    let lanes = [
        ("queue_limit", "queue_paused", "queue_rate", "queue", &held.queue),
        ("kind_limit", "kind_paused", "kind_rate", "kind", &held.kind),
    ];
    let lanes: Vec<_> = lanes.into_iter().chain(partition).collect();
    // A pause is a person's will, and holds whatever the limits say.
    for (_, paused, _, what, lane) in &lanes {
        if let Some(by) = &lane.paused {
            let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            return (paused, format!("The {what} {} is paused{by}.", lane.name));
        }
    }
    for (limit, _, rate, what, lane) in lanes {
        if lane.is_full() {
            let most = lane.concurrency.unwrap_or_default();
            let text =
                format!("The {what} {} runs at most {} at the same time.", lane.name, tasks(most as u64));
            return (limit, text);
        }
        if let (Some(of), 1..) = (lane.rate, lane.rate_wait_ms) {
            let wait = lane.rate_wait_ms.div_ceil(1_000);
            let text = format!("The {what} {} begins at most {of}; the next may in {wait} s.", lane.name);
            return (rate, text);
        }
    }
    // They may be dead: only the end of their lease says so.
    if let Some(ms) = held.unheard_ms {
        let text = format!("No worker was heard of for {} s; it waits for one that answers.", ms / 1_000);
        return ("silent_workers", text);
    }
    if held.busy >= held.slots {
        let slots = match held.slots {
            1 => "The only slot is".to_owned(),
            slots => format!("All {slots} slots are"),
        };
        return ("slots", format!("{slots} busy, with {} queued.", tasks(held.queued.max(1))));
    }
    ("starting", "A slot is free: it is about to start.".to_owned())
}

fn tasks(count: u64) -> String {
    if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorInfo, Kind, TaskId};

    fn task(status: Status) -> TaskState {
        let now = Timestamp::from_millis(0);
        let new =
            TaskState::new(TaskId::from_parts(now, [0; 10]), Kind::new("resize").unwrap(), "Resize", now);
        TaskState { status, ..new }
    }

    fn free() -> HeldBack {
        HeldBack {
            params_version: 1,
            worker_version: Some(1),
            works: true,
            queue: LaneNow { name: "default".to_owned(), ..LaneNow::default() },
            kind: LaneNow { name: "resize".to_owned(), ..LaneNow::default() },
            slots: 4,
            ..HeldBack::default()
        }
    }

    fn said(held: &HeldBack) -> (String, String) {
        let why = why_not_running(&task(Status::Queued), held).unwrap();
        (why.reason, why.text)
    }

    fn check(held: &HeldBack, reason: &str, text: &str) {
        assert_eq!(said(held), (reason.to_owned(), text.to_owned()));
    }

    #[test]
    fn what_runs_or_has_ended_is_not_explained() {
        for status in
            [Status::Running, Status::Completed, Status::Failed, Status::Cancelled, Status::Interrupted]
        {
            assert_eq!(why_not_running(&task(status), &free()), None);
        }
    }

    #[test]
    fn a_task_of_a_later_time_says_when() {
        let at = Some(Timestamp::from_millis(7));
        let later = TaskState { scheduled_at: at, ..task(Status::Scheduled) };
        let why = why_not_running(&later, &free()).unwrap();
        assert_eq!((why.reason.as_str(), why.until), ("scheduled", at));
    }

    #[test]
    fn a_pause_between_attempts_is_told_as_one() {
        let error = Some(ErrorInfo { code: "error".to_owned(), message: "no network".to_owned() });
        let again = TaskState { attempt: 2, error, ..task(Status::Scheduled) };
        let why = why_not_running(&again, &free()).unwrap();
        assert_eq!(why.reason, "backoff");
        assert_eq!(why.text, "Attempt 2 failed, and the pause before the next is not over.");
    }

    #[test]
    fn dependencies_are_counted() {
        let text = |waits_for| {
            why_not_running(&TaskState { waits_for, ..task(Status::Scheduled) }, &free()).unwrap().text
        };
        assert_eq!(text(1), "It runs after 1 task that has not completed.");
        assert_eq!(text(3), "It runs after 3 tasks that have not completed.");
    }

    #[test]
    fn an_open_question_waits_for_a_person() {
        let why = why_not_running(&task(Status::WaitingConfirmation), &free()).unwrap();
        assert_eq!(why.reason, "question");
    }

    #[test]
    fn a_running_task_that_lent_its_slot_says_what_it_waits_for() {
        let waits = TaskState { waiting: Some("the task “7”".to_owned()), ..task(Status::Running) };
        let why = why_not_running(&waits, &free()).unwrap();
        assert_eq!(why.text, "It waits for the task “7”, and lends its slot to others meanwhile.");
    }

    #[test]
    fn a_server_without_a_worker_says_so() {
        assert_eq!(said(&HeldBack { works: false, ..free() }).0, "no_worker");
    }

    #[test]
    fn workers_that_were_not_heard_of_promise_nothing() {
        let held = HeldBack { unheard_ms: Some(16_400), busy: 4, ..free() };
        check(&held, "silent_workers", "No worker was heard of for 16 s; it waits for one that answers.");
    }

    #[test]
    fn a_server_that_stops_says_so() {
        assert_eq!(said(&HeldBack { stopping: true, ..free() }).0, "stopping");
    }

    #[test]
    fn a_kind_that_nobody_has_is_named() {
        let held = HeldBack { worker_version: None, ..free() };
        check(&held, "unknown_kind", "No worker has the kind resize; it runs when one does.");
    }

    #[test]
    fn params_of_a_newer_version_wait_for_a_newer_worker() {
        let held = HeldBack { params_version: 3, ..free() };
        let text = "Its params have version 3, and the worker knows the kind resize only up to version 1.";
        check(&held, "newer_version", text);
    }

    #[test]
    fn a_pause_is_named_with_who_made_it() {
        let mut held = free();
        held.kind.paused = Some(None);
        check(&held, "kind_paused", "The kind resize is paused.");
        held.queue.paused = Some(Some("ann".to_owned()));
        check(&held, "queue_paused", "The queue default is paused by ann.");
    }

    #[test]
    fn a_limit_is_named_with_its_number() {
        let mut held = free();
        held.partition = Some(LaneNow {
            name: "customer 7".to_owned(),
            running: 1,
            concurrency: Some(1),
            ..LaneNow::default()
        });
        check(&held, "partition_limit", "The partition customer 7 runs at most 1 task at the same time.");
        (held.kind.running, held.kind.concurrency) = (2, Some(2));
        check(&held, "kind_limit", "The kind resize runs at most 2 tasks at the same time.");
        (held.queue.running, held.queue.concurrency) = (3, Some(3));
        check(&held, "queue_limit", "The queue default runs at most 3 tasks at the same time.");
    }

    #[test]
    fn a_rate_says_when_the_next_may_begin() {
        let mut held = free();
        (held.queue.rate, held.queue.rate_wait_ms) = ("10/1m".parse().ok(), 4_200);
        check(&held, "queue_rate", "The queue default begins at most 10/1m; the next may in 5 s.");
        held.queue.rate_wait_ms = 0;
        (held.kind.rate, held.kind.rate_wait_ms) = ("1/1s".parse().ok(), 1);
        check(&held, "kind_rate", "The kind resize begins at most 1/1s; the next may in 1 s.");
    }

    #[test]
    fn busy_slots_are_counted() {
        let held = HeldBack { busy: 4, queued: 12, ..free() };
        check(&held, "slots", "All 4 slots are busy, with 12 tasks queued.");
        let held = HeldBack { busy: 1, slots: 1, queued: 1, ..free() };
        check(&held, "slots", "The only slot is busy, with 1 task queued.");
    }

    #[test]
    fn what_nothing_holds_back_is_about_to_start() {
        assert_eq!(said(&free()).0, "starting");
    }
}
