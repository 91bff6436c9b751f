//! What is shown of a task's state, as texts. Pure.

use taskdeck_core::{Status, TaskState};

use crate::line::Standing;

/// What the widget shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// The status's name, for styles; empty while nothing is known.
    pub(crate) status: &'static str,
    pub(crate) badge: String,
    pub(crate) label: String,
    /// From 0 to 1; none while it is not known how far a running task is.
    pub(crate) value: Option<f64>,
    pub(crate) percent: String,
    /// How many are done, in which step, how long it takes.
    pub(crate) more: String,
    pub(crate) message: String,
    /// What is special.
    pub(crate) note: String,
    /// What is read out: the status, and each tenth of the way.
    pub(crate) said: String,
}

/// What is shown of a task, and of the way to the server.
pub(crate) fn facts(state: Option<&TaskState>, standing: Standing) -> Facts {
    let away = match standing {
        Standing::Connecting | Standing::Live | Standing::Ended => "",
        Standing::Polling => "Not live: asking every few seconds.",
        Standing::Offline => "Not live: the server cannot be reached.",
        Standing::Refused => "This task cannot be shown here: it is gone, or the time of this view is over.",
    };
    let Some(task) = state else {
        let label = if standing == Standing::Refused { "No task" } else { "Loading" };
        return Facts { label: label.to_owned(), note: away.to_owned(), ..Facts::default() };
    };
    let value = match task.status {
        Status::Completed => Some(1.0),
        Status::Running => task.progress.fraction,
        _ => Some(task.progress.fraction.unwrap_or(0.0)),
    };
    let percent = match (task.status, task.progress.percent()) {
        (Status::Completed, _) => "100 %".to_owned(),
        (_, Some(percent)) => format!("{percent} %"),
        (_, None) => String::new(),
    };
    let said = match (task.status, task.progress.percent()) {
        (Status::Running, Some(percent)) if percent >= 10 => {
            format!("{}, {} percent", task.status.title(), percent / 10 * 10)
        }
        _ => task.status.title().to_owned(),
    };
    let note = note(task);
    Facts {
        status: task.status.name(),
        badge: badge(task),
        label: task.label.clone(),
        value,
        percent,
        more: more(task),
        message: task.progress.message.clone().unwrap_or_default(),
        note: [note.as_str(), away].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" "),
        said,
    }
}

fn badge(task: &TaskState) -> String {
    match task.status {
        Status::Running if task.cancel.is_some() => "Cancelling".to_owned(),
        Status::Completed if task.partial => "Completed in part".to_owned(),
        status => status.title().to_owned(),
    }
}

fn more(task: &TaskState) -> String {
    let progress = &task.progress;
    let done = progress.done.zip(progress.total).map(|(done, total)| {
        let unit = progress.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
        format!("{} of {}{unit}", thousands(done), thousands(total))
    });
    let step = progress.step.as_ref().map(|step| format!("{} ({} of {})", step.name, step.number, step.of));
    let left = progress.eta_ms.filter(|_| task.status == Status::Running && task.cancel.is_none());
    let left = left.map(|left| format!("about {} left", span(left)));
    done.into_iter().chain(step).chain(left).collect::<Vec<_>>().join(" · ")
}

fn note(task: &TaskState) -> String {
    let error = task.error.as_ref().map(|error| error.message.clone());
    match (task.status, error) {
        (Status::Completed | Status::Cancelled, _) => String::new(),
        (Status::Failed, None) => "It failed without saying why.".to_owned(),
        (Status::Interrupted, None) => "Its process went away.".to_owned(),
        (Status::WaitingConfirmation, _) => "It waits for an answer.".to_owned(),
        (_, Some(why)) => why,
        (_, None) => String::new(),
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time, in its two greatest units.
fn span(ms: u64) -> String {
    let seconds = (ms / 1_000).max(1);
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
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

    fn of(changes: serde_json::Value) -> Facts {
        facts(Some(&task(changes)), Standing::Live)
    }

    #[test]
    fn a_running_task_shows_how_far_it_is() {
        let shown = of(json!({"progress": {
            "fraction": 0.42, "done": 12345, "total": 30000, "unit": "rows", "message": "Reading", "eta_ms": 75_000
        }}));
        assert_eq!(shown.value, Some(0.42));
        assert_eq!(shown.percent, "42 %");
        assert_eq!(shown.more, "12,345 of 30,000 rows · about 1 min 15 s left");
        assert_eq!((shown.message.as_str(), shown.said.as_str()), ("Reading", "Running, 40 percent"));
        assert_eq!(of(json!({})).value, None, "the bar is open");
    }

    #[test]
    fn an_ending_says_how_it_ended() {
        let failed = of(json!({"status": "failed", "error": {"code": "e", "message": "no such table"}}));
        assert_eq!((failed.badge.as_str(), failed.note.as_str()), ("Failed", "no such table"));
        let completed = of(json!({"status": "completed"}));
        assert_eq!((completed.value, completed.percent.as_str()), (Some(1.0), "100 %"));
    }

    #[test]
    fn what_is_not_live_says_so() {
        let running = task(json!({}));
        assert!(facts(Some(&running), Standing::Offline).note.contains("cannot be reached"));
        let failed = task(json!({"status": "failed", "error": {"code": "e", "message": "no such table"}}));
        let note = facts(Some(&failed), Standing::Polling).note;
        assert_eq!(note, "no such table Not live: asking every few seconds.");
        assert_eq!(facts(None, Standing::Connecting).label, "Loading");
        assert!(facts(None, Standing::Refused).note.contains("cannot be shown"));
    }

    #[test]
    fn numbers_and_times_are_written_for_people() {
        assert_eq!([thousands(7), thousands(1_000), thousands(1_234_567)], ["7", "1,000", "1,234,567"]);
        assert_eq!([span(10), span(61_000), span(3_700_000)], ["1 s", "1 min 1 s", "1 h 1 min"]);
    }
}
