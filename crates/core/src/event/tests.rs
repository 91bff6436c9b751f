use proptest::prelude::*;

use super::TaskEventKind as Kind;
use super::*;
use crate::{CancelInfo, Kind as KindName, Timestamp};

const T0: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn new() -> TaskState {
    TaskState::new(TaskId::from_parts(T0, [7; 10]), KindName::new("import_csv").unwrap(), "Import", T0)
}

/// What can happen to a task, as far as its states tell of it.
#[derive(Clone, Copy, Debug)]
enum Step {
    Begin,
    Progress,
    Label,
    Notify,
    Ask,
    Answer,
    AskCancel,
    TryAgain,
    Complete,
    Fail,
    Cancel,
    Retry,
}

/// The next state; none where the step cannot be.
fn next(state: &TaskState, step: Step) -> Option<TaskState> {
    let mut after = state.clone();
    let status = state.status;
    let active = !status.has_ended();
    let durable = |after: &mut TaskState, status| {
        after.status = status;
        after.version += 1;
        after.tick = 0;
    };
    match step {
        Step::Begin if matches!(status, Status::Queued | Status::Scheduled) => {
            durable(&mut after, Status::Running);
            after.starts += 1;
        }
        Step::Progress if status == Status::Running => {
            after.tick += 1;
            let fraction = after.progress.fraction.unwrap_or(0.0);
            after.progress.set_fraction(if fraction >= 1.0 { 0.0 } else { fraction + 0.125 });
        }
        Step::Label if status == Status::Running => {
            after.tick += 1;
            after.label.push('.');
        }
        Step::Notify if status == Status::Running => {
            after.tick += 1;
            after.notice_seq += 1;
        }
        Step::Ask if status == Status::Running => {
            durable(&mut after, Status::WaitingConfirmation);
            after.questions += 1;
        }
        Step::Answer if status == Status::WaitingConfirmation => durable(&mut after, Status::Queued),
        Step::AskCancel if status == Status::Running && state.cancel.is_none() => {
            durable(&mut after, Status::Running);
            after.cancel = Some(CancelInfo { requested_at: T0, by: None, reason: None });
        }
        Step::TryAgain if status == Status::Running => durable(&mut after, Status::Scheduled),
        Step::Complete if status == Status::Running => {
            durable(&mut after, Status::Completed);
            after.endings += 1;
        }
        Step::Fail if active => {
            durable(&mut after, Status::Failed);
            after.error = Some(ErrorInfo { code: "error".to_owned(), message: "no".to_owned() });
            after.endings += 1;
        }
        Step::Cancel if active => {
            durable(&mut after, Status::Cancelled);
            after.endings += 1;
        }
        Step::Retry if status.can_retry() => {
            durable(&mut after, Status::Queued);
            (after.cancel, after.error) = (None, None);
        }
        _ => return None,
    }
    Some(after)
}

fn history(steps: &[Step]) -> Vec<TaskState> {
    let mut states = vec![new()];
    for step in steps {
        if let Some(after) = states.last().and_then(|state| next(state, *step)) {
            states.push(after);
        }
    }
    states
}

/// All events of one who sees these states.
fn seen(states: &[TaskState]) -> Vec<Kind> {
    states.windows(2).flat_map(|pair| happened(&pair[0], &pair[1])).collect()
}

fn count(events: &[Kind], kind: Kind) -> usize {
    events.iter().filter(|event| **event == kind).count()
}

fn of(steps: &[Step]) -> Vec<Kind> {
    seen(&history(steps))
}

fn at_once(steps: &[Step]) -> Vec<Kind> {
    let states = history(steps);
    happened(&states[0], &states[states.len() - 1])
}

#[test]
fn completion_is_completed_and_finish() {
    use Step::*;
    assert_eq!(of(&[Begin, Complete]), [Kind::Started, Kind::Completed, Kind::Finish]);
    assert_eq!(at_once(&[Begin, Complete]), [Kind::Started, Kind::Completed, Kind::Finish]);
    let all = [Kind::Started, Kind::Progress, Kind::EventNotification, Kind::Completed, Kind::Finish];
    assert_eq!(at_once(&[Begin, Progress, Notify, Complete]), all);
}

#[test]
fn a_failure_is_an_error_and_a_cancel_is_an_update() {
    use Step::*;
    assert_eq!(of(&[Begin, Fail]), [Kind::Started, Kind::Error, Kind::Finish]);
    assert_eq!(of(&[Cancel]), [Kind::Update, Kind::Finish]);
    assert_eq!(
        of(&[Begin, AskCancel, Cancel]),
        [Kind::Started, Kind::Update, Kind::Update, Kind::Finish],
        "asked for, and done"
    );
    assert_eq!(
        at_once(&[Begin, AskCancel, Complete]),
        [Kind::Started, Kind::Update, Kind::Completed, Kind::Finish],
        "a task may complete all the same"
    );
    let asked = [Begin, Progress, AskCancel, Cancel];
    let states = history(&asked);
    let seen_once = [Kind::Update, Kind::Progress, Kind::Update, Kind::Finish];
    assert_eq!(happened(&states[1], &states[4]), seen_once, "asked for and done, in one step");
    assert_eq!(count(&of(&asked), Kind::Update), 2);
}

#[test]
fn a_question_is_a_confirmation_and_its_answer_an_update() {
    use Step::*;
    assert_eq!(of(&[Begin, Ask]), [Kind::Started, Kind::Confirmation]);
    assert_eq!(
        of(&[Begin, Ask, Answer, Begin, Complete])[2..],
        [Kind::Update, Kind::Started, Kind::Completed, Kind::Finish]
    );
    let states = history(&[Begin, Ask, Answer, Begin, Ask]);
    assert_eq!(
        happened(&states[2], &states[5]),
        [Kind::Update, Kind::Started, Kind::Confirmation],
        "the next question"
    );
    let asked = [Begin, Progress, Notify, Ask];
    let all = [Kind::Started, Kind::Progress, Kind::EventNotification, Kind::Confirmation];
    assert_eq!(of(&asked), all, "what was said before it asked");
    assert_eq!(at_once(&asked), all, "comes before it, however much was seen at once");
    let states = history(&[Begin, Ask, Fail]);
    assert_eq!(happened(&states[2], &states[3]), [Kind::Error, Kind::Finish], "nobody answered in time");
}

#[test]
fn what_waits_for_its_next_try_and_what_is_retried_is_an_update() {
    use Step::*;
    assert_eq!(of(&[Begin, TryAgain, Begin]), [Kind::Started, Kind::Update, Kind::Started]);
    let states = history(&[Begin, Fail, Retry, Begin]);
    assert_eq!(happened(&states[2], &states[3]), [Kind::Update]);
    assert_eq!(
        happened(&states[1], &states[4]),
        [Kind::Update, Kind::Finish, Kind::Started],
        "an ending that was not seen comes before the start after it"
    );
}

#[test]
fn a_label_is_progress_and_an_estimate_alone_comes_with_it() {
    use Step::*;
    assert_eq!(of(&[Begin, Label]), [Kind::Started, Kind::Progress]);
}

#[test]
fn one_who_has_just_started_a_task_is_told_all_of_it() {
    use Step::*;
    let states = history(&[Begin, Complete]);
    assert_eq!(happened(&unstarted(&states[0]), &states[0]), [], "it waits");
    assert_eq!(happened(&unstarted(&states[1]), &states[1]), [Kind::Started]);
    assert_eq!(
        happened(&unstarted(&states[2]), &states[2]),
        [Kind::Started, Kind::Completed, Kind::Finish],
        "the answer came when all was over"
    );
    let scheduled = TaskState { status: Status::Scheduled, ..new() };
    assert_eq!(happened(&unstarted(&scheduled), &scheduled), []);
}

#[test]
fn an_older_state_is_no_news() {
    use Step::*;
    let states = history(&[Begin, Progress, Complete]);
    for (newer, state) in states.iter().enumerate() {
        for older in &states[..=newer] {
            assert_eq!(happened(state, older), []);
        }
    }
}

#[test]
fn an_event_looks_the_same_to_every_program() {
    let event = TaskEvent::new(Kind::EventNotification, &new());
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!(json["event"], "event_notification");
    assert_eq!(json["status"], "queued");
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

#[test]
fn a_context_is_merged_and_hides_nothing() {
    let mut event = TaskEvent::new(Kind::Finish, &new());
    event.context = serde_json::json!({"order": 7, "status": "forged"});
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!((&json["order"], &json["context"]["order"]), (&7.into(), &7.into()));
    assert_eq!(
        (json["status"].as_str(), json["context"]["status"].as_str()),
        (Some("queued"), Some("forged"))
    );
    let fields: Vec<_> = json.as_object().unwrap().keys().filter(|name| *name != "order").collect();
    assert_eq!(fields.len(), TaskEvent::FIELDS.len());
    assert!(TaskEvent::FIELDS.iter().all(|name| json.get(name).is_some()));
}

#[test]
fn what_is_deleted_has_ended() {
    use Step::*;
    let states = history(&[Begin, Complete]);
    assert_eq!(vanished(&states[1]), [Kind::Update, Kind::Finish]);
    assert_eq!(vanished(&states[2]), [], "it was told");
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    prop_oneof![
        4 => Just(Begin),
        2 => Just(Progress),
        1 => Just(Label),
        1 => Just(Notify),
        2 => Just(Ask),
        3 => Just(Answer),
        1 => Just(AskCancel),
        1 => Just(TryAgain),
        1 => Just(Complete),
        1 => Just(Fail),
        1 => Just(Cancel),
        3 => Just(Retry),
    ]
}

proptest! {
    /// Whatever was missed (a socket that was down, a hidden tab, states that came together), each transition is told
    /// exactly once: as often as to one who saw every state.
    #[test]
    fn every_transition_is_told_exactly_once_whatever_was_missed(
        steps in prop::collection::vec(step(), 1..60),
        missed in prop::collection::vec(any::<bool>(), 61),
    ) {
        let all = history(&steps);
        let last = all.len() - 1;
        let some: Vec<_> = all.iter().enumerate()
            .filter(|(n, _)| *n == 0 || *n == last || !missed[*n])
            .map(|(_, state)| state.clone())
            .collect();
        let (whole, partly) = (seen(&all), seen(&some));
        for kind in [Kind::Started, Kind::Confirmation, Kind::Completed, Kind::Finish, Kind::EventNotification] {
            prop_assert_eq!(count(&whole, kind), count(&partly, kind), "{:?}", kind);
        }
        prop_assert_eq!(count(&whole, Kind::Started), usize::try_from(all[last].starts).unwrap());
        prop_assert_eq!(count(&whole, Kind::Finish), usize::try_from(all[last].endings).unwrap());
        // An ending is told as what it was where it was seen.
        let fails = steps.len().min(all.iter().filter(|state| state.status == Status::Failed).count());
        prop_assert_eq!(count(&whole, Kind::Error), fails);
        if all[last].status == Status::Failed && all[last].endings > all[0].endings {
            prop_assert!(count(&partly, Kind::Error) >= 1);
        }
    }

    /// States that come late or twice change nothing, as long as the reader keeps the newest.
    #[test]
    fn states_in_any_order_tell_the_same_as_the_newest_of_them(
        steps in prop::collection::vec(step(), 1..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..80),
    ) {
        let all = history(&steps);
        let mut known = all[0].clone();
        let mut events = Vec::new();
        for index in order {
            let state = index.get(&all);
            events.extend(happened(&known, state));
            if state.rev() > known.rev() {
                known = state.clone();
            }
        }
        prop_assert_eq!(count(&events, Kind::Started), usize::try_from(known.starts).unwrap());
        prop_assert_eq!(count(&events, Kind::Finish), usize::try_from(known.endings).unwrap());
        prop_assert_eq!(count(&events, Kind::EventNotification), usize::try_from(known.notice_seq).unwrap());
    }
}
