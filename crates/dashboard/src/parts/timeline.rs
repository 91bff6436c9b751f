//! The life of a task, from its start to its end, with how long each part took.

use leptos::prelude::*;
use taskdeck_core::{Attempt, Notice, Status, TaskState, Timestamp};
use taskdeck_ui::{Duration, Erase, Icon, TimeAgo};

/// One point in a task's life.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moment {
    /// What happened.
    title: String,
    /// When; none for what goes on now.
    at: Option<Timestamp>,
    /// What follows it, in a word, and until when; an open end ticks.
    then: Option<(&'static str, Option<Timestamp>)>,
    /// The status that gives it its colour.
    tone: Status,
    /// The name of its icon.
    icon: &'static str,
    /// Whether it is the end of a task that left parts out.
    partial: bool,
}

/// The points of a task's life, in order. `attempts` come the last first, as the server gives them; `due` is when it was to
/// begin at first.
fn moments(
    task: &TaskState,
    due: Option<Timestamp>,
    attempts: &[Attempt],
    notices: &[Notice],
) -> Vec<Moment> {
    let mut moments = changes(task, due, attempts);
    for notice in notices {
        // What is told in the moment of a change was told before it.
        let after = moments.iter().position(|moment| moment.at.is_none_or(|at| at >= notice.at));
        let told = Moment {
            title: notice.text.clone(),
            at: Some(notice.at),
            then: None,
            tone: Status::Running,
            icon: "info",
            partial: false,
        };
        moments.insert(after.unwrap_or(moments.len()), told);
    }
    moments
}

fn changes(task: &TaskState, due: Option<Timestamp>, attempts: &[Attempt]) -> Vec<Moment> {
    let mut attempts: Vec<Execution> = attempts
        .iter()
        .rev()
        .map(|attempt| (attempt.attempt, attempt.started_at, attempt.ended_at, attempt.outcome.clone()))
        .collect();
    // The running attempt may not be among those that are kept yet.
    if let (Status::Running, Some(started_at)) = (task.status, task.started_at)
        && attempts.iter().all(|(number, ..)| *number != task.attempt)
    {
        attempts.push((task.attempt, started_at, None, None));
    }
    let first_start = attempts.first().map(|(_, at, ..)| *at);
    let until = first_start.or(task.ended_at);
    // It may have been told to run at once, or have ended before.
    let is_due =
        due.filter(|due| until.is_none_or(|until| *due <= until) && task.status != Status::Scheduled);
    let mut moments = vec![Moment {
        title: "Created".to_owned(),
        at: Some(task.created_at),
        then: match is_due {
            Some(due) => Some(("scheduled", Some(due))),
            None if first_start.is_none() && task.status == Status::Scheduled => Some(("scheduled", until)),
            None => Some(("waited", until)),
        },
        tone: Status::Queued,
        icon: "plus",
        partial: false,
    }];
    moments.extend(is_due.map(|due| Moment {
        title: "Due".to_owned(),
        at: Some(due),
        then: Some(("waited", until)),
        tone: Status::Scheduled,
        icon: "clock",
        partial: false,
    }));
    let count = attempts.len();
    // Those that did not go on with an answer.
    let begun = count - attempts.iter().take(count.saturating_sub(1)).filter(|it| has_asked(it)).count();
    for (index, (number, started_at, ended_at, outcome)) in attempts.iter().enumerate() {
        let next_start = attempts.get(index + 1).map(|(_, at, ..)| *at);
        let is_last = index + 1 == count;
        // What goes on with an answer is what had asked: a person takes it for the same attempt.
        let is_answered = index.checked_sub(1).is_some_and(|before| has_asked(&attempts[before]));
        moments.push(Moment {
            title: if is_answered {
                "Went on with the answer".to_owned()
            } else if begun == 1 {
                "Started".to_owned()
            } else {
                format!("Attempt {number} started")
            },
            at: Some(*started_at),
            // When a process went away is not known: only when that was noticed.
            then: Some((
                if outcome.as_deref() == Some("interrupted") { "noticed after" } else { "ran" },
                *ended_at,
            )),
            tone: Status::Running,
            icon: "play",
            partial: false,
        });
        let Some(ended_at) = ended_at else { continue };
        // The end of the last attempt is the end of the task, when it ended with it.
        if is_last && task.status.has_ended() {
            continue;
        }
        let (title, tone, icon) = ending(*number, outcome.as_deref());
        moments.push(Moment {
            title,
            at: Some(*ended_at),
            then: (!is_last || !task.status.has_ended()).then_some(("waited", next_start)),
            tone,
            icon,
            partial: false,
        });
    }
    if let (true, Some(ended_at)) = (task.status.has_ended(), task.ended_at) {
        let (title, icon) = match task.status {
            Status::Completed if task.partial => ("Completed in part", "check"),
            Status::Completed => ("Completed", "check"),
            Status::Failed => ("Failed", "x"),
            Status::Cancelled => ("Cancelled", "ban"),
            _ => ("Interrupted", "zap"),
        };
        moments.push(Moment {
            title: title.to_owned(),
            at: Some(ended_at),
            then: None,
            tone: task.status,
            icon,
            partial: task.status == Status::Completed && task.partial,
        });
    } else if task.status == Status::Scheduled {
        moments.push(Moment {
            title: match task.waits_for {
                0 => "Due".to_owned(),
                _ => "When what it runs after has completed".to_owned(),
            },
            at: task.scheduled_at,
            then: None,
            tone: Status::Scheduled,
            icon: "clock",
            partial: false,
        });
    }
    moments
}

/// The number of an attempt, when it began, when it ended, and how.
type Execution = (u32, Timestamp, Option<Timestamp>, Option<String>);

fn has_asked((.., outcome): &Execution) -> bool {
    outcome.as_deref() == Some("asked")
}

fn ending(number: u32, outcome: Option<&str>) -> (String, Status, &'static str) {
    let (what, tone, icon) = match outcome {
        Some("completed") => ("completed", Status::Completed, "check"),
        Some("failed") => ("failed", Status::Failed, "x"),
        Some("cancelled") => ("was cancelled", Status::Cancelled, "ban"),
        Some("interrupted") => ("was interrupted", Status::Interrupted, "zap"),
        Some("asked") => return ("Asked a question".to_owned(), Status::WaitingConfirmation, "pause"),
        _ => ("was released", Status::Queued, "pause"),
    };
    (format!("Attempt {number} {what}"), tone, icon)
}

/// The timeline of a task.
#[component]
pub(crate) fn Timeline(
    /// The task, live.
    #[prop(into)]
    task: Signal<TaskState>,
    /// When it was to begin at first, where its start said so.
    due: Option<Timestamp>,
    /// Its attempts, the last first.
    #[prop(into)]
    attempts: Signal<Vec<Attempt>>,
    /// What it told.
    #[prop(into)]
    notices: Signal<Vec<Notice>>,
) -> impl IntoView {
    // Progress changes the state many times a second, but not the timeline.
    let moments = Memo::new(move |_| {
        task.with(|task| {
            attempts.with(|attempts| notices.with(|notices| moments(task, due, attempts, notices)))
        })
    });
    let points = move || moments.get().into_iter().map(|moment| view! { <Point moment/> }).collect_view();
    view! { <ol class="dash-timeline">{points}</ol> }.erase()
}

#[component]
fn Point(
    /// Which.
    moment: Moment,
) -> impl IntoView {
    let Moment { title, at, then, tone, icon, partial } = moment;
    let gap = at.zip(then).map(|(from, (what, until))| {
        let what = match (what, until) {
            ("waited", None) => "waits",
            ("ran", None) => "runs",
            (what, _) => what,
        };
        view! {
            <p class="dash-point-gap">{what} " " <Duration from=from until=Signal::stored(until)/></p>
        }
    });
    view! {
        <li class="dash-point" data-status=tone.name() data-partial=partial.then_some("true")>
            <span class="dash-point-icon"><Icon name=icon/></span>
            <div class="dash-point-body">
                <p class="dash-point-title">
                    <span>{title}</span>
                    {at.map(|at| view! { <TimeAgo at=at/> })}
                </p>
                {gap}
            </div>
        </li>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Kind, TaskId};

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn task(status: Status) -> TaskState {
        let new = TaskState::new(
            TaskId::from_parts(at(0), [0; 10]),
            Kind::new("demo_steps").unwrap(),
            "Demo",
            at(0),
        );
        TaskState { status, ..new }
    }

    fn attempt(number: u32, from: i64, until: Option<i64>, outcome: Option<&str>) -> Attempt {
        Attempt {
            attempt: number,
            started_at: at(from),
            ended_at: until.map(at),
            outcome: outcome.map(str::to_owned),
            error: None,
            detail: None,
            worker: None,
        }
    }

    fn titles(moments: &[Moment]) -> Vec<&str> {
        moments.iter().map(|moment| moment.title.as_str()).collect()
    }

    #[test]
    fn a_task_that_waits_has_an_open_wait() {
        let moments = moments(&task(Status::Queued), None, &[], &[]);
        assert_eq!(titles(&moments), ["Created"]);
        assert_eq!(moments[0].then, Some(("waited", None)));
    }

    #[test]
    fn a_delay_is_told_from_a_wait_while_it_lasts() {
        let delayed = TaskState { scheduled_at: Some(at(900)), ..task(Status::Scheduled) };
        let waits = moments(&delayed, Some(at(900)), &[], &[]);
        assert_eq!(titles(&waits), ["Created", "Due"]);
        assert_eq!(waits[0].then, Some(("scheduled", None)));
        let running = TaskState { attempt: 1, started_at: Some(at(950)), ..task(Status::Running) };
        let runs = moments(&running, Some(at(900)), &[], &[]);
        assert_eq!(titles(&runs), ["Created", "Due", "Started"]);
        assert_eq!(runs[0].then, Some(("scheduled", Some(at(900)))));
        assert_eq!(runs[1].then, Some(("waited", Some(at(950)))));
        // Told to run now.
        let early = TaskState { started_at: Some(at(50)), ..running };
        assert_eq!(titles(&moments(&early, Some(at(900)), &[], &[])), ["Created", "Started"]);
    }

    #[test]
    fn a_running_attempt_that_is_not_kept_yet_is_shown() {
        let running = TaskState { attempt: 1, started_at: Some(at(50)), ..task(Status::Running) };
        let moments = moments(&running, None, &[], &[]);
        assert_eq!(titles(&moments), ["Created", "Started"]);
        assert_eq!(moments[0].then, Some(("waited", Some(at(50)))));
        assert_eq!(moments[1].then, Some(("ran", None)));
    }

    #[test]
    fn the_time_until_a_death_was_noticed_is_not_told_as_the_time_that_it_ran() {
        let lost = TaskState { attempt: 1, ended_at: Some(at(9_000)), ..task(Status::Interrupted) };
        let moments = moments(&lost, None, &[attempt(1, 100, Some(9_000), Some("interrupted"))], &[]);
        assert_eq!(titles(&moments), ["Created", "Started", "Interrupted"]);
        assert_eq!(moments[1].then, Some(("noticed after", Some(at(9_000)))));
    }

    #[test]
    fn what_goes_on_with_an_answer_is_told_so() {
        let done = TaskState { attempt: 2, ended_at: Some(at(900)), ..task(Status::Completed) };
        let attempts =
            [attempt(2, 500, Some(900), Some("completed")), attempt(1, 100, Some(200), Some("asked"))];
        let moments = moments(&done, None, &attempts, &[]);
        assert_eq!(
            titles(&moments),
            ["Created", "Started", "Asked a question", "Went on with the answer", "Completed"]
        );
    }

    #[test]
    fn the_end_of_the_last_attempt_is_the_end_of_the_task() {
        let failed = TaskState { attempt: 2, ended_at: Some(at(900)), ..task(Status::Failed) };
        let attempts =
            [attempt(2, 500, Some(900), Some("failed")), attempt(1, 100, Some(200), Some("failed"))];
        let notices = [Notice { seq: 1, at: at(200), text: "Half of it".to_owned() }];
        let mut moments = moments(&failed, None, &attempts, &notices);
        assert_eq!(
            titles(&moments),
            ["Created", "Attempt 1 started", "Half of it", "Attempt 1 failed", "Attempt 2 started", "Failed"]
        );
        moments.remove(2);
        assert_eq!(moments[2].then, Some(("waited", Some(at(500)))));
        assert_eq!(moments[4].then, None);
    }
}
