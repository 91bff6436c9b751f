use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::UserId;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn session(n: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(n))
}

fn lease(token: i64) -> Lease {
    Lease { session: session(1), token: LeaseToken(token) }
}

fn cancel() -> CancelInfo {
    CancelInfo { requested_at: NOW, by: UserId::new("ann").ok(), reason: Some("wrong file".to_owned()) }
}

fn task(state: State) -> Machine {
    Machine::new(state, 3)
}

fn queued_task() -> Machine {
    task(State::Queued { since: NOW, ahead: false })
}

fn running_task() -> Machine {
    changed(&queued_task(), &Event::Claimed(lease(7)))
}

fn changed(task: &Machine, event: &Event) -> Machine {
    match decide(task, event, NOW).expect("accepted") {
        Decision::Changed(next) => *next,
        Decision::Unchanged => panic!("nothing changed"),
    }
}

fn end(token: i64, end: AttemptEnd) -> Event {
    Event::AttemptEnded { token: LeaseToken(token), end }
}

#[test]
fn a_task_is_claimed_and_completes() {
    let running = running_task();
    assert_eq!(running.attempt, 1);
    assert_eq!(running.started_at, Some(NOW));
    let done = changed(&running, &end(7, AttemptEnd::Completed { partial: false }));
    assert_eq!(done.state.status(), Status::Completed);
    assert_eq!((done.version, done.tries, done.endings), (3, 0, 1));
}

#[test]
fn the_first_ending_wins() {
    let done = changed(&running_task(), &end(7, AttemptEnd::Completed { partial: false }));
    let late = decide(&done, &end(7, AttemptEnd::Failed { retry_at: None }), NOW);
    assert_eq!(late, Err(Refused::LeaseLost));
}

#[test]
fn an_ending_under_an_older_claim_is_refused() {
    let rescued = changed(&running_task(), &Event::Rescued { session: session(1) });
    let again = changed(&rescued, &Event::Claimed(lease(8)));
    assert_eq!(
        decide(&again, &end(7, AttemptEnd::Completed { partial: false }), NOW),
        Err(Refused::LeaseLost)
    );
}

#[test]
fn a_passing_fault_is_scheduled_until_the_tries_are_used_up() {
    let at = NOW.plus_millis(5_000);
    let mut task = queued_task();
    for tries in 1..=2 {
        let running = changed(&task, &Event::Claimed(lease(i64::from(tries))));
        let waiting = changed(&running, &end(i64::from(tries), AttemptEnd::Failed { retry_at: Some(at) }));
        assert_eq!(waiting.state, State::Scheduled { until: Some(at) });
        assert_eq!(decide(&waiting, &Event::Due, NOW), Err(Refused::NotYet));
        let Ok(Decision::Changed(due)) = decide(&waiting, &Event::Due, at) else { panic!("due") };
        task = *due;
    }
    let running = changed(&task, &Event::Claimed(lease(3)));
    let failed = changed(&running, &end(3, AttemptEnd::Failed { retry_at: Some(at) }));
    assert_eq!(failed.state.status(), Status::Failed);
    assert_eq!(failed.tries, 3);
}

#[test]
fn a_graceful_shutdown_costs_no_try_and_a_crash_does() {
    let released = changed(&running_task(), &end(7, AttemptEnd::Released));
    assert_eq!((released.state.status(), released.tries), (Status::Queued, 0));
    let rescued = changed(&running_task(), &Event::Rescued { session: session(1) });
    assert_eq!((rescued.state.status(), rescued.tries), (Status::Queued, 1));
}

#[test]
fn a_task_that_kills_its_process_cannot_loop_for_ever() {
    let mut task = queued_task();
    for token in 1..=3 {
        task = changed(&task, &Event::Claimed(lease(token)));
        task = changed(&task, &Event::Rescued { session: session(1) });
    }
    assert_eq!(task.state.status(), Status::Interrupted);
}

#[test]
fn at_most_once_is_interrupted_by_a_crash_and_by_a_shutdown() {
    let running = Machine { at_most_once: true, ..running_task() };
    for event in [Event::Rescued { session: session(1) }, end(7, AttemptEnd::Released)] {
        assert_eq!(changed(&running, &event).state.status(), Status::Interrupted);
    }
}

#[test]
fn after_a_cancel_request_ok_completes_and_everything_else_is_cancelled() {
    let cancelling = changed(&running_task(), &Event::CancelRequested(cancel()));
    assert_eq!(cancelling.state.status(), Status::Running);
    assert_eq!(decide(&cancelling, &Event::CancelRequested(cancel()), NOW), Ok(Decision::Unchanged));
    let cases = [
        (end(7, AttemptEnd::Completed { partial: true }), Status::Completed),
        (end(7, AttemptEnd::Failed { retry_at: Some(NOW) }), Status::Cancelled),
        (end(7, AttemptEnd::Released), Status::Cancelled),
        (Event::Rescued { session: session(1) }, Status::Cancelled),
        (Event::Asked { token: LeaseToken(7), key: "sure".to_owned(), until: None }, Status::Cancelled),
    ];
    for (event, status) in cases {
        assert_eq!(changed(&cancelling, &event).state.status(), status, "{event:?}");
    }
}

#[test]
fn a_cancel_ends_what_does_not_run_at_once() {
    let waiting = State::WaitingConfirmation { key: "sure".to_owned(), until: None };
    for state in [queued_task().state, State::Scheduled { until: None }, waiting] {
        let cancelled = changed(&task(state), &Event::CancelRequested(cancel()));
        assert_eq!(cancelled.state.status(), Status::Cancelled);
        assert_eq!(
            decide(&cancelled, &Event::CancelRequested(cancel()), NOW),
            Err(Refused::Ended(Status::Cancelled))
        );
    }
}

#[test]
fn an_answer_puts_the_task_ahead_and_costs_no_try() {
    let key = "sure".to_owned();
    let asked =
        changed(&running_task(), &Event::Asked { token: LeaseToken(7), key: key.clone(), until: None });
    assert_eq!((asked.state.status(), asked.questions), (Status::WaitingConfirmation, 1));
    assert!(decide(&asked, &Event::Answered { key: "other".to_owned() }, NOW).is_err());
    assert_eq!(decide(&asked, &Event::Rescued { session: session(1) }, NOW), Err(Refused::LeaseLost));
    let answered = changed(&asked, &Event::Answered { key });
    assert_eq!(answered.state, State::Queued { since: NOW, ahead: true });
    assert_eq!(answered.tries, 0);
}

#[test]
fn a_persons_retry_resets_tries_and_clears_the_cancel_request() {
    let cancelled = changed(&queued_task(), &Event::CancelRequested(cancel()));
    let retried = changed(&Machine { tries: 3, ..cancelled }, &Event::RetryRequested);
    assert_eq!((retried.state.status(), retried.tries, retried.cancel), (Status::Queued, 0, None));
}

#[test]
fn a_scheduled_task_is_due_when_a_person_says_so_and_keeps_its_tries() {
    let waiting = Machine { tries: 1, ..task(State::Scheduled { until: Some(NOW.plus_millis(5_000)) }) };
    let hurried = changed(&waiting, &Event::Hurried);
    assert_eq!((hurried.state.status(), hurried.tries), (Status::Queued, 1));
    assert_eq!(decide(&hurried, &Event::Hurried, NOW), Err(Refused::WrongStatus(Status::Queued)));
    let behind = Machine { waits_for: 1, ..waiting };
    assert_eq!(decide(&behind, &Event::Hurried, NOW), Err(Refused::WaitsForOthers));
}

#[test]
fn a_task_expires_only_before_it_began() {
    let expiring = Machine { expires_at: Some(NOW), ..queued_task() };
    assert_eq!(changed(&expiring, &Event::Expired).state.status(), Status::Failed);
    let running = Machine { expires_at: Some(NOW), ..running_task() };
    assert!(decide(&running, &Event::Expired, NOW).is_err());
}

fn any_event() -> impl Strategy<Value = Event> {
    let token = (1_i64..4).prop_map(LeaseToken);
    let key = prop_oneof![Just("a".to_owned()), Just("b".to_owned())];
    let until = prop_oneof![Just(None), Just(Some(NOW)), Just(Some(NOW.plus_millis(1)))];
    let ending = prop_oneof![
        any::<bool>().prop_map(|partial| AttemptEnd::Completed { partial }),
        until.clone().prop_map(|retry_at| AttemptEnd::Failed { retry_at }),
        Just(AttemptEnd::Released),
    ];
    prop_oneof![
        2 => Just(Event::Due),
        4 => (token.clone(), 1_u128..3)
            .prop_map(|(token, holder)| Event::Claimed(Lease { session: session(holder), token })),
        4 => (token.clone(), ending).prop_map(|(token, end)| Event::AttemptEnded { token, end }),
        1 => (token, key.clone(), until).prop_map(|(token, key, until)| Event::Asked { token, key, until }),
        1 => key.prop_map(|key| Event::Answered { key }),
        1 => Just(Event::QuestionTimedOut),
        1 => Just(Event::CancelRequested(cancel())),
        1 => Just(Event::RetryRequested),
        1 => Just(Event::Hurried),
        1 => (1_u128..3).prop_map(|holder| Event::Rescued { session: session(holder) }),
        1 => Just(Event::Expired),
        2 => Just(Event::DependencyDone),
        1 => Just(Event::DependencyFailed),
        1 => Just(Event::DependencyRetried),
    ]
}

/// The table of the module's docs, written a second time by hand.
fn allowed(from: Status, to: Status) -> bool {
    use Status::{
        Cancelled, Completed, Failed, Interrupted, Queued, Running, Scheduled, WaitingConfirmation,
    };
    match from {
        Scheduled => matches!(to, Queued | Cancelled | Failed),
        Queued => matches!(to, Running | Cancelled | Failed),
        Running => to != Running,
        WaitingConfirmation => matches!(to, Queued | Cancelled | Failed),
        Failed => matches!(to, Queued | Scheduled),
        Cancelled => matches!(to, Queued | Scheduled),
        Interrupted => to == Queued,
        Completed => false,
    }
}

proptest! {
    #[test]
    fn no_history_breaks_the_rules(events in prop::collection::vec(any_event(), 1..60), at_most_once: bool, max_tries in 1_u32..4, waits_for in 0_u32..3) {
        let begin = if waits_for > 0 { task(State::Scheduled { until: None }) } else { queued_task() };
        let mut task = Machine { at_most_once, max_tries, waits_for, expires_at: Some(NOW), ..begin };
        for event in events {
            let before = task.clone();
            match decide(&task, &event, NOW) {
                Err(_) | Ok(Decision::Unchanged) => continue,
                Ok(Decision::Changed(next)) => task = *next,
            }
            let (from, to) = (before.state.status(), task.state.status());
            prop_assert_eq!(task.version, before.version + 1);
            let stays = matches!(event, Event::CancelRequested(_) | Event::DependencyDone);
            prop_assert!(from == to && stays || allowed(from, to), "{} -> {}", from, to);
            prop_assert!(to != Status::Queued || task.waits_for == 0, "queued before those it waits for");
            prop_assert!(task.attempt == before.attempt + u32::from(to == Status::Running && from != to));
            prop_assert!(task.tries <= task.max_tries);
            prop_assert_eq!(task.endings, before.endings + u32::from(from != to && to.has_ended()));
            if before.cancel.is_some() && event != Event::RetryRequested && from != to {
                prop_assert!(!matches!(to, Status::Scheduled | Status::Queued), "{} after a cancel request", to);
            }
            if at_most_once && from == Status::Running {
                prop_assert!(!matches!(to, Status::Scheduled | Status::Queued), "{} though at most once", to);
            }
            if let Event::AttemptEnded { token, .. } | Event::Asked { token, .. } = event {
                prop_assert_eq!(before.state.lease().map(|lease| lease.token), Some(token));
            }
        }
    }
}

#[test]
fn a_task_that_waits_for_others_is_queued_when_the_last_completes() {
    let waiting = Machine { waits_for: 2, ..task(State::Scheduled { until: None }) };
    let one_left = changed(&waiting, &Event::DependencyDone);
    assert_eq!((one_left.state.status(), one_left.waits_for), (Status::Scheduled, 1));
    let ready = changed(&one_left, &Event::DependencyDone);
    assert_eq!((ready.state.status(), ready.waits_for), (Status::Queued, 0));
}

#[test]
fn a_task_that_waits_for_a_time_too_is_not_queued_before_it() {
    let at = NOW.plus_millis(1_000);
    let waiting = Machine { waits_for: 1, ..task(State::Scheduled { until: Some(at) }) };
    assert_eq!(decide(&waiting, &Event::Due, at), Err(Refused::NotYet));
    let done = changed(&waiting, &Event::DependencyDone);
    assert_eq!(done.state.status(), Status::Scheduled);
    assert!(matches!(decide(&done, &Event::Due, at), Ok(Decision::Changed(_))));
}

#[test]
fn a_dependency_that_failed_fails_it_and_its_retry_brings_it_back() {
    let waiting = Machine { waits_for: 1, ..task(State::Scheduled { until: None }) };
    let failed = changed(&waiting, &Event::DependencyFailed);
    assert_eq!(failed.state.status(), Status::Failed);
    let back = changed(&failed, &Event::DependencyRetried);
    assert_eq!((back.state.clone(), back.waits_for), (State::Scheduled { until: None }, 1));
    let retried_by_hand = changed(&failed, &Event::RetryRequested);
    assert_eq!(retried_by_hand.state.status(), Status::Scheduled, "not before those it waits for");
}
