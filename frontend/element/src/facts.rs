//! What is shown of a task's state, as texts. Pure: it is given the time.

use taskdeck_core::{Status, TaskState, Timestamp, format, told};

use crate::line::Standing;

/// What the widget shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// The status's name, for styles; `gone` where nobody knows how it ended, empty while nothing is known.
    pub(crate) status: &'static str,
    /// What the note is about, for styles: `bad`, `warn`, `calm`, or nothing.
    pub(crate) tone: &'static str,
    pub(crate) badge: String,
    pub(crate) label: String,
    /// From 0 to 1; none while it is not known how far a running task is.
    pub(crate) value: Option<f64>,
    pub(crate) percent: String,
    /// How many are done, in which step, how long it takes, which attempt it is.
    pub(crate) more: String,
    /// What it is doing; nothing where there is a note, which stands in the same place.
    pub(crate) message: String,
    /// What is special.
    pub(crate) note: String,
    /// What is read out: the status, and each tenth of the way.
    pub(crate) said: String,
    /// Whether the page wants nothing to be shown.
    pub(crate) hidden: bool,
}

/// What there is to show.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) task: Option<&'a TaskState>,
    pub(crate) standing: Standing,
    /// Whether the page named a task at all.
    pub(crate) named: bool,
    /// Whether the token held once, or says itself that its time is over.
    pub(crate) over: bool,
    /// By the server's clock.
    pub(crate) now: Timestamp,
}

/// What is shown of a task, and of the way to the server.
pub(crate) fn facts(seen: Seen<'_>) -> Facts {
    let Seen { task, standing, named, over, now } = seen;
    let (away, tone) = match standing {
        Standing::Connecting | Standing::Live | Standing::Ended => ("", ""),
        Standing::Polling => ("Not live: asking every few seconds.", "warn"),
        Standing::Offline => ("Not live: the server cannot be reached.", "warn"),
        Standing::Denied if over => ("The time of this view is over.", "calm"),
        Standing::Denied => ("This page may not show this task.", "calm"),
        Standing::Gone if task.is_some() => ("This task was deleted.", "calm"),
        Standing::Gone => ("There is no such task (any more).", "calm"),
    };
    let Some(task) = task else {
        let is_still = !named || matches!(standing, Standing::Denied | Standing::Gone);
        return Facts {
            label: if is_still { "No task" } else { "Loading" }.to_owned(),
            note: if named { away } else { "No task is named." }.to_owned(),
            tone: if named { tone } else { "calm" },
            value: is_still.then_some(0.0),
            ..Facts::default()
        };
    };
    let gone = standing == Standing::Gone && !task.status.has_ended();
    // Whether what is known is of this moment.
    let fresh = matches!(standing, Standing::Live | Standing::Polling);
    let value = match task.status {
        Status::Completed => Some(1.0),
        Status::Running if fresh || standing == Standing::Connecting => task.progress.fraction,
        _ => Some(task.progress.fraction.unwrap_or(0.0)),
    };
    let (own, own_tone) = if gone { (String::new(), "") } else { note(task, fresh.then_some(now), now) };
    let note = match (own.as_str(), away) {
        ("", only) | (only, "") => only.to_owned(),
        (own, away) => format!("{} {away}", format::sentence(own)),
    };
    let message = task.progress.message.clone().filter(|_| note.is_empty());
    Facts {
        status: if gone { "gone" } else { task.status.name() },
        tone: if own.is_empty() { tone } else { own_tone },
        badge: if gone { "Deleted".to_owned() } else { badge(task) },
        label: task.label.clone(),
        value,
        percent: told::percent(task),
        more: more(task, fresh.then_some(now)),
        message: message.unwrap_or_default(),
        note,
        said: if gone { "Deleted".to_owned() } else { told::announcement(task) },
        hidden: false,
    }
}

fn badge(task: &TaskState) -> String {
    match task.status {
        Status::Running if task.cancel.is_some() => "Cancelling".to_owned(),
        Status::Completed if task.partial => "Completed in part".to_owned(),
        status => status.title().to_owned(),
    }
}

/// How many are done, in which step, how long it takes, how long it will, which attempt it is: as the card says it. The time is
/// none where what is known is not of this moment: then nothing ticks.
fn more(task: &TaskState, now: Option<Timestamp>) -> String {
    let progress = &task.progress;
    let running = task.status == Status::Running;
    let took = told::ran(task).and_then(|(from, until)| Some((from, if running { now } else { until }?)));
    let took = took.map(|(from, until)| format::duration(until.millis_since(from), !running));
    let left = now.map(|_| told::time_left(task));
    let parts = [format::done(progress), format::step(progress), took, left, Some(told::attempt(task))];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// What is special, and its tone.
fn note(task: &TaskState, fresh: Option<Timestamp>, now: Timestamp) -> (String, &'static str) {
    let error = task.error.as_ref().map(|error| error.message.clone());
    let starts = task.scheduled_at.map(|at| format::relative(at, now));
    let by = || spaced(told::asked(task.cancel.as_ref()));
    match (task.status, error) {
        (Status::Completed, _) if task.partial => ("Parts of the work were left out.".to_owned(), "warn"),
        (Status::Completed, _) => (String::new(), ""),
        (Status::Cancelled, _) => (format!("Cancelled{}", by()), "calm"),
        (Status::Failed, None) => ("It failed without saying why.".to_owned(), "bad"),
        (Status::Interrupted, None) => {
            ("Its process went away, and it is not tried again by itself.".to_owned(), "bad")
        }
        (Status::Failed | Status::Interrupted, Some(why)) => (why, "bad"),
        _ if task.cancel.is_some() => (format!("Cancelling{}", by()), "calm"),
        (Status::WaitingConfirmation, _) => ("It waits for an answer.".to_owned(), "warn"),
        (Status::Scheduled, Some(why)) => (why + &next(" Next attempt", starts), "bad"),
        (Status::Scheduled, None) if task.waits_for > 0 => ("Waits for other tasks.".to_owned(), ""),
        (Status::Scheduled, None) => (next("Starts", starts), ""),
        (_, Some(why)) => (why, "bad"),
        (Status::Running, None) => match (&task.waiting, fresh.and_then(|now| told::silence(task, now))) {
            (Some(what), _) => (format!("Waits for {what}."), ""),
            (None, Some(silent)) => (format!("No update for {}", format::duration(silent, false)), "warn"),
            (None, None) => (String::new(), ""),
        },
        (_, None) => (String::new(), ""),
    }
}

fn next(what: &str, at: Option<String>) -> String {
    at.map(|at| format!("{what} {at}")).unwrap_or_default()
}

fn spaced(text: String) -> String {
    if text.is_empty() { text } else { format!(" {text}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(changes: serde_json::Value) -> TaskState {
        let mut state = json!({
            "id": "01890000-0000-7000-8000-000000000000", "kind": "import_csv", "label": "Import", "status": "running",
            "version": 2, "tick": 0, "queue": "default", "priority": 0, "attempt": 1, "tries": 0, "max_tries": 3,
            "progress": {}, "cancel": null, "error": null, "partial": false, "key": null, "tags": [], "user": null,
            "trace_id": null, "created_at": "2026-01-01T00:00:00Z", "scheduled_at": null, "started_at": null,
            "ended_at": null, "starts": 1, "questions": 0, "endings": 0, "notice_seq": 0
        });
        let serde_json::Value::Object(changes) = changes else { panic!("no object") };
        for (name, value) in changes {
            state[name] = value;
        }
        serde_json::from_value(state).unwrap()
    }

    const T0: &str = "2026-01-01T00:00:00Z";

    fn at(seconds: i64) -> Timestamp {
        let start: Timestamp = serde_json::from_value(json!(T0)).unwrap();
        start.plus_millis(seconds * 1_000)
    }

    fn seen(task: Option<&TaskState>, standing: Standing) -> Facts {
        facts(Seen { task, standing, named: true, over: false, now: at(65) })
    }

    fn of(changes: serde_json::Value) -> Facts {
        seen(Some(&task(changes)), Standing::Live)
    }

    #[test]
    fn a_running_task_shows_how_far_it_is() {
        let shown = of(json!({"progress": {
            "fraction": 0.42, "done": 12345, "total": 30000, "unit": "rows", "message": "Reading", "eta_ms": 75_000,
            "step": {"name": "Read", "number": 2, "of": 8}
        }}));
        assert_eq!(shown.value, Some(0.42));
        assert_eq!(shown.percent, "42 %");
        assert_eq!(shown.more, "12,345 / 30,000 rows · Step 2 of 8: Read · about 1 m 15 s left, 235 rows/s");
        assert_eq!((shown.message.as_str(), shown.said.as_str()), ("Reading", "Running, 40 percent"));
        assert_eq!(of(json!({})).value, None, "the bar is open");
    }

    #[test]
    fn an_ending_says_how_it_ended() {
        let failed = of(json!({"status": "failed", "error": {"code": "e", "message": "no such table"}}));
        assert_eq!((failed.badge.as_str(), failed.note.as_str()), ("Failed", "no such table"));
        let completed =
            of(json!({"status": "completed", "started_at": T0, "ended_at": "2026-01-01T00:00:06.480Z"}));
        assert_eq!(completed.more, "6.4 s");
        assert_eq!((completed.value, completed.percent.as_str()), (Some(1.0), "100 %"));
    }

    #[test]
    fn what_is_not_live_says_so_and_does_not_tick() {
        let running = task(json!({"started_at": T0, "progress": {"message": "Reading", "eta_ms": 9_000}}));
        let live = seen(Some(&running), Standing::Live);
        assert_eq!(live.more, "1 m 05 s · about 9 s left");
        let away = seen(Some(&running), Standing::Offline);
        assert!(away.note.contains("cannot be reached"), "{away:?}");
        assert_eq!((away.more.as_str(), away.message.as_str()), ("", ""));
        assert_eq!(away.value, Some(0.0), "nothing sweeps");
        let failed = task(json!({"status": "failed", "error": {"code": "e", "message": "no such table"}}));
        let note = seen(Some(&failed), Standing::Polling).note;
        assert_eq!(note, "No such table. Not live: asking every few seconds.");
        assert_eq!(seen(None, Standing::Connecting).label, "Loading");
    }

    #[test]
    fn why_nothing_is_shown_is_told_apart() {
        let none = Seen { task: None, standing: Standing::Denied, named: true, over: false, now: at(0) };
        assert_eq!(facts(none).note, "This page may not show this task.");
        assert_eq!(facts(Seen { over: true, ..none }).note, "The time of this view is over.");
        let gone = facts(Seen { standing: Standing::Gone, ..none });
        assert_eq!((gone.label.as_str(), gone.value), ("No task", Some(0.0)));
        assert_eq!(gone.note, "There is no such task (any more).");
        let unnamed = facts(Seen { named: false, standing: Standing::Connecting, ..none });
        assert_eq!((unnamed.note.as_str(), unnamed.value), ("No task is named.", Some(0.0)));
    }

    #[test]
    fn a_task_that_was_deleted_does_not_run() {
        let running = task(json!({"started_at": T0, "progress": {"eta_ms": 9_000}}));
        let gone = seen(Some(&running), Standing::Gone);
        assert_eq!((gone.status, gone.badge.as_str(), gone.more.as_str()), ("gone", "Deleted", ""));
        assert_eq!(gone.note, "This task was deleted.");
        let completed = task(json!({"status": "completed"}));
        assert_eq!(seen(Some(&completed), Standing::Gone).badge, "Completed");
    }

    #[test]
    fn what_is_special_is_said_as_the_card_says_it() {
        let cancel = json!({"requested_at": T0, "by": "ann", "reason": "wrong file"});
        assert_eq!(of(json!({"cancel": cancel})).note, "Cancelling by ann, because: wrong file");
        assert_eq!(
            of(json!({"status": "cancelled", "cancel": cancel})).note,
            "Cancelled by ann, because: wrong file"
        );
        let error = json!({"code": "e", "message": "no network."});
        let again = of(json!({
            "status": "scheduled", "error": error, "attempt": 2, "tries": 1, "scheduled_at": "2026-01-01T00:01:15Z"
        }));
        assert_eq!((again.note.as_str(), again.tone), ("no network. Next attempt in 10 s", "bad"));
        assert_eq!(again.more, "attempt 2 (counts as 1/3)");
        assert_eq!(of(json!({"status": "scheduled", "waits_for": 1})).note, "Waits for other tasks.");
        assert_eq!(of(json!({"status": "completed", "partial": true})).tone, "warn");
        assert_eq!(
            of(json!({"status": "waiting_confirmation", "error": error})).note,
            "It waits for an answer."
        );
        assert_eq!(of(json!({"started_at": T0})).note, "No update for 1 m 05 s");
        assert_eq!(of(json!({"started_at": T0, "waiting": "the task A"})).note, "Waits for the task A.");
    }
}
