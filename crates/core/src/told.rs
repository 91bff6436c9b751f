//! What is told of a task in words, wherever it is shown: by a card, a bar in a row, the element on a stranger's page.
//! Pure: the time is an argument.

use crate::{CancelInfo, Status, TaskState, Timestamp, format};

/// How long a running task may say nothing before it is told, in milliseconds.
const SILENT_MS: u64 = 30_000;

/// How far it is: `42 %`; empty while that is not known, and for what did not complete though its last step was done.
#[must_use]
pub fn percent(task: &TaskState) -> String {
    match (task.status, task.progress.percent()) {
        (Status::Completed, _) => "100 %".to_owned(),
        (status, Some(percent)) if percent < 100 || !status.has_ended() => format!("{percent} %"),
        _ => String::new(),
    }
}

/// The time left, as far as it can be guessed, while the task runs, and how fast it goes: `about 12 s left, 313 rows/s`.
#[must_use]
pub fn time_left(task: &TaskState) -> String {
    match (task.status, task.progress.eta_ms) {
        (Status::Running, Some(left)) if task.cancel.is_none() => {
            let left = format!("about {} left", format::duration(left.max(1_000), false));
            match format::rate(&task.progress) {
                Some(rate) => format!("{left}, {rate}"),
                None => left,
            }
        }
        _ => String::new(),
    }
}

/// Which attempt it is, from the second on and where the second is waited for: `attempt 2/3`; else empty.
#[must_use]
pub fn attempt(task: &TaskState) -> String {
    match (task.attempt, task.status) {
        (0, _) => String::new(),
        (1, status) if status != Status::Scheduled => String::new(),
        _ => format!("attempt {}", attempt_of(task)),
    }
}

/// Which attempt it is, and of how many: `2/3`; empty before the first. A shutdown, an answer and a person's retry begin
/// attempts that do not count, so the number may be another than what counts: `4 (counts as 2/3)`.
#[must_use]
pub fn attempt_of(task: &TaskState) -> String {
    let (attempt, most) = (task.attempt, task.max_tries);
    if attempt == 0 {
        return String::new();
    }
    if most < 2 {
        return attempt.to_string();
    }
    // The attempt that goes on, or went well, is not among the tries that are used up.
    let goes_on = !matches!(task.status, Status::Failed | Status::Interrupted | Status::Scheduled);
    let counts = (task.tries + u32::from(goes_on)).clamp(1, most);
    if counts == attempt {
        format!("{attempt}/{most}")
    } else {
        format!("{attempt} (counts as {counts}/{most})")
    }
}

/// Since when and until when it ran; the end is none while it runs. When a task whose process went away stopped is not
/// known: it is noticed later, maybe much later, so it ran until it was last heard of, and no time is told of one that
/// never said anything.
#[must_use]
pub fn ran(task: &TaskState) -> Option<(Timestamp, Option<Timestamp>)> {
    let started = task.started_at?;
    let is_gone = task.error.as_ref().is_some_and(|error| error.code == "interrupted");
    if task.status != Status::Interrupted || !is_gone {
        return Some((started, task.ended_at));
    }
    let heard = task.progress.heard_at.filter(|heard| *heard > started)?;
    Some((started, Some(heard)))
}

/// Who asked for a cancel, and why: `by ann, because: wrong file`; empty when neither is known.
#[must_use]
pub fn asked(cancel: Option<&CancelInfo>) -> String {
    let by = cancel.and_then(|cancel| cancel.by.as_ref());
    let mut text = by.map(|by| format!("by {by}")).unwrap_or_default();
    let reason = cancel.and_then(|cancel| cancel.reason.as_deref());
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        text.push_str(if text.is_empty() { "because: " } else { ", because: " });
        text.push_str(reason);
    }
    text
}

/// Since how long a running task has said nothing, if that is long: by the server's clock, so that a page that was just
/// loaded says the same as one that was open all the time. One that waits for another task, or was told to stop, is not
/// expected to say anything.
#[must_use]
pub fn silence(task: &TaskState, now: Timestamp) -> Option<u64> {
    if task.status != Status::Running || task.waiting.is_some() || task.cancel.is_some() {
        return None;
    }
    let heard = task.progress.heard_at.max(task.started_at)?;
    Some(now.millis_since(heard)).filter(|silent| *silent >= SILENT_MS)
}

/// What is read out when it changes: the status, and each tenth of the way. More would be chatter.
#[must_use]
pub fn announcement(task: &TaskState) -> String {
    let status = task.status.title();
    match (task.status, task.progress.percent()) {
        (Status::Running, _) if task.cancel.is_some() => "Cancelling".to_owned(),
        (Status::Running, Some(percent)) if percent >= 10 => {
            format!("{status}, {} percent", percent / 10 * 10)
        }
        (Status::Failed, _) => match &task.error {
            Some(error) => format!("{status}: {}", error.message),
            None => status.to_owned(),
        },
        _ => status.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ErrorInfo, UserId};

    fn task(status: Status) -> TaskState {
        let state = json!({
            "id": "01890000-0000-7000-8000-000000000000", "kind": "import_csv", "label": "Import", "status": status,
            "version": 2, "tick": 0, "queue": "default", "priority": 0, "attempt": 1, "tries": 0, "max_tries": 3,
            "progress": {}, "cancel": null, "error": null, "partial": false, "key": null, "tags": [], "user": null,
            "trace_id": null, "created_at": "2026-01-01T00:00:00Z", "scheduled_at": null, "started_at": null,
            "ended_at": null, "starts": 1, "questions": 0, "endings": 0, "notice_seq": 0
        });
        serde_json::from_value(state).unwrap()
    }

    #[test]
    fn the_attempt_is_told_from_the_second_on_and_where_it_is_waited_for() {
        let of = |status, number, tries, max_tries| {
            attempt(&TaskState { attempt: number, tries, max_tries, ..task(status) })
        };
        assert_eq!(of(Status::Queued, 0, 0, 3), "");
        assert_eq!(of(Status::Running, 1, 0, 3), "");
        assert_eq!(of(Status::Scheduled, 0, 0, 3), "", "a delay");
        assert_eq!(of(Status::Scheduled, 1, 1, 3), "attempt 1/3", "the first failed");
        assert_eq!(of(Status::Running, 2, 1, 3), "attempt 2/3");
        assert_eq!(of(Status::Completed, 2, 1, 3), "attempt 2/3");
        assert_eq!(of(Status::Failed, 3, 3, 3), "attempt 3/3");
        assert_eq!(of(Status::Running, 2, 0, 3), "attempt 2 (counts as 1/3)", "somebody asked for it");
        assert_eq!(of(Status::Running, 5, 3, 3), "attempt 5 (counts as 3/3)");
        assert_eq!(of(Status::Running, 2, 0, 1), "attempt 2", "after an answer, or somebody's retry");
        assert_eq!(attempt_of(&TaskState { attempt: 1, ..task(Status::Running) }), "1/3");
    }

    #[test]
    fn what_was_interrupted_ran_until_it_was_last_heard_of() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        let mut task = TaskState { started_at: at(1_000), ended_at: at(90_000), ..task(Status::Failed) };
        assert_eq!(ran(&task), at(1_000).map(|from| (from, at(90_000))));
        task.status = Status::Interrupted;
        assert_eq!(
            ran(&task),
            at(1_000).map(|from| (from, at(90_000))),
            "given back when the server stopped"
        );
        task.error = Some(ErrorInfo { code: "interrupted".to_owned(), message: "It went away.".to_owned() });
        assert_eq!(ran(&task), None, "it never said anything");
        task.progress.heard_at = at(500);
        assert_eq!(ran(&task), None, "that was an earlier attempt");
        task.progress.heard_at = at(4_000);
        assert_eq!(ran(&task), at(1_000).map(|from| (from, at(4_000))));
        assert_eq!(ran(&TaskState { started_at: None, ..task }), None);
    }

    #[test]
    fn a_cancel_is_told_with_who_and_why() {
        let cancel = |by: &str, reason: Option<&str>| CancelInfo {
            requested_at: Timestamp::from_millis(5),
            by: UserId::new(by.to_owned()).ok(),
            reason: reason.map(ToOwned::to_owned),
        };
        assert_eq!(asked(Some(&cancel("ann", Some("wrong file")))), "by ann, because: wrong file");
        assert_eq!(asked(Some(&cancel("", Some("late")))), "because: late");
        assert_eq!(asked(Some(&cancel("ann", Some("")))), "by ann");
        assert_eq!(asked(None), "");
    }

    #[test]
    fn silence_is_counted_from_the_last_word_by_the_servers_clock() {
        let at = Timestamp::from_millis;
        let mut task = task(Status::Running);
        (task.started_at, task.progress.heard_at) = (Some(at(1_000)), None);
        assert_eq!(silence(&task, at(30_999)), None);
        assert_eq!(silence(&task, at(31_000)), Some(30_000), "it never said anything");
        task.progress.heard_at = Some(at(20_000));
        assert_eq!(silence(&task, at(31_000)), None);
        assert_eq!(silence(&task, at(51_000)), Some(31_000));
        task.started_at = Some(at(50_000));
        assert_eq!(silence(&task, at(51_000)), None, "what an earlier attempt said does not count");
        task.started_at = Some(at(1_000));
        task.waiting = Some("the task of another".to_owned());
        assert_eq!(silence(&task, at(99_000)), None);
        task.waiting = None;
        task.status = Status::Completed;
        assert_eq!(silence(&task, at(99_000)), None);
    }

    #[test]
    fn announcements_come_by_tenths() {
        let mut task = task(Status::Running);
        let at = |task: &mut TaskState, fraction| {
            task.progress.set_fraction(fraction);
            announcement(task)
        };
        assert_eq!(at(&mut task, 0.05), "Running");
        assert_eq!(at(&mut task, 0.41), "Running, 40 percent");
        assert_eq!(at(&mut task, 0.49), "Running, 40 percent");
    }

    #[test]
    fn how_far_it_is_and_how_long_it_takes_is_told_as_far_as_it_is_known() {
        let mut task = task(Status::Running);
        assert_eq!((percent(&task).as_str(), time_left(&task).as_str()), ("", ""));
        task.progress.set_done(1_000, 4_000);
        (task.progress.unit, task.progress.eta_ms) = (Some("rows".to_owned()), Some(10_000));
        assert_eq!(percent(&task), "25 %");
        assert_eq!(time_left(&task), "about 10 s left, 300 rows/s");
        task.status = Status::Completed;
        assert_eq!((percent(&task).as_str(), time_left(&task).as_str()), ("100 %", ""));
        task.status = Status::Failed;
        assert_eq!(percent(&task), "25 %", "as far as it came");
        task.progress.set_done(4_000, 4_000);
        assert_eq!(percent(&task), "");
    }
}
