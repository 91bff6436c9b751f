//! What follows for other tasks: dependencies, children, batches, questions, expiry.

use std::collections::HashMap;
use std::sync::Arc;

use taskdeck_core::{
    AttemptEnd, Batch, BatchId, CancelInfo, Counts, Event, LeaseToken, Question, QuestionOutcome, Refused,
    State, Status, TaskId, Timestamp,
};
use uuid::Uuid;

use super::{
    apply, assert_counts, claim, claim_as, completed, conformance, ended, id, keyed, later, new_task,
    session, start, status,
};
use crate::store::{Applied, Change, NewTask, RemoveWhich, StartOutcome, Store, StoredAnswer};

/// A task that runs after others.
fn after(n: u128, others: &[u128]) -> NewTask {
    NewTask { after: others.iter().map(|n| id(*n)).collect(), ..new_task(n, "sample") }
}

fn child(n: u128, parent: TaskId, name: &str) -> NewTask {
    let mut task = new_task(n, "sample");
    task.record_mut().parent = Some(parent);
    task.record_mut().child = Some(name.to_owned());
    task
}

fn failed(task: TaskId, token: LeaseToken) -> Change {
    ended(task, token, AttemptEnd::Failed { retry_at: None })
}

fn cancel(task: TaskId) -> Change {
    let request = CancelInfo { requested_at: later(3), by: None, reason: None };
    Change::new(task, Event::CancelRequested(request), later(3))
}

fn moved_to(applied: &Applied) -> Vec<(TaskId, Status)> {
    match applied {
        Applied::Changed(_, _, also) => {
            also.iter().map(|moved| (moved.record.id, moved.record.status())).collect()
        }
        other => panic!("{other:?}"),
    }
}

async fn a_task_runs_when_all_that_it_runs_after_have_completed(store: Arc<dyn Store>) {
    for task in [new_task(1, "sample"), new_task(2, "sample"), after(3, &[1, 2])] {
        start(&*store, task).await;
    }
    assert_eq!(status(&*store, id(3)).await, Status::Scheduled);
    let (first, token) = claim(&*store).await;
    assert_eq!(moved_to(&apply(&*store, completed(first, token)).await), [(id(3), Status::Scheduled)]);
    let (second, token) = claim(&*store).await;
    let end = ended(second, token, AttemptEnd::Completed { partial: true });
    assert_eq!(moved_to(&apply(&*store, end).await), [(id(3), Status::Queued)]);
    start(&*store, after(4, &[1, 2])).await;
    assert_eq!(status(&*store, id(4)).await, Status::Queued, "they have completed already");
    assert_eq!(store.after(id(3)).await.unwrap(), [id(1), id(2)]);
    assert_counts(&*store).await;
}

async fn a_failed_dependency_fails_all_that_follow_and_its_retry_brings_them_back(store: Arc<dyn Store>) {
    for task in [new_task(1, "sample"), after(2, &[1]), after(3, &[2])] {
        start(&*store, task).await;
    }
    let (first, token) = claim(&*store).await;
    apply(&*store, failed(first, token)).await;
    for n in 2..=3 {
        let record = store.get(id(n)).await.unwrap().unwrap();
        let error = record.error.clone().expect("says why");
        assert_eq!((record.status(), error.code.as_str()), (Status::Failed, "dependency_failed"));
        assert!(error.message.contains(&id(n - 1).to_string()), "{}", error.message);
    }
    let by_hand = apply(&*store, Change::new(id(3), Event::RetryRequested, later(3))).await;
    assert!(matches!(by_hand, Applied::DependencyFailed(on) if on == id(2)));
    apply(&*store, Change::new(id(1), Event::RetryRequested, later(4))).await;
    assert_eq!(status(&*store, id(2)).await, Status::Scheduled);
    assert_eq!(status(&*store, id(3)).await, Status::Scheduled);
    for n in 1..=3 {
        let (next, token) = claim(&*store).await;
        assert_eq!(next, id(n));
        apply(&*store, completed(next, token)).await;
    }
    let record = store.get(id(3)).await.unwrap().unwrap();
    assert_eq!((record.status(), record.error), (Status::Completed, None));
    assert_counts(&*store).await;
}

async fn a_scheduled_task_is_claimed_when_a_person_wants_it_now(store: Arc<dyn Store>) {
    let at = later(60_000);
    let mut delayed = keyed(1, "nightly");
    delayed.record_mut().machine.state = State::Scheduled { until: Some(at) };
    start(&*store, delayed).await;
    start(&*store, after(2, &[1])).await;
    let hurry = |n| Change::new(id(n), Event::Hurried, later(1));
    let behind = apply(&*store, hurry(2)).await;
    assert!(matches!(behind, Applied::Refused(Refused::WaitsForOthers, _)), "{behind:?}");
    assert!(matches!(apply(&*store, hurry(1)).await, Applied::Changed(_, Status::Scheduled, _)));
    assert_eq!(store.next_due().await.unwrap(), None, "its time is forgotten");
    let (first, token) = claim(&*store).await;
    // The same of the next try.
    apply(&*store, ended(first, token, AttemptEnd::Failed { retry_at: Some(at) })).await;
    assert_eq!(status(&*store, id(1)).await, Status::Scheduled);
    apply(&*store, hurry(1)).await;
    let (again, token) = claim(&*store).await;
    apply(&*store, completed(again, token)).await;
    let record = store.get(id(1)).await.unwrap().unwrap();
    assert_eq!((record.machine.attempt, record.machine.tries), (2, 1));
    assert_eq!(status(&*store, id(2)).await, Status::Queued);
    assert_counts(&*store).await;
}

async fn a_start_after_what_failed_fails_and_after_what_is_unknown_is_refused(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    apply(&*store, cancel(id(1))).await;
    let late = start(&*store, after(2, &[1])).await;
    assert_eq!(late.status(), Status::Failed);
    let unknown = store.start(vec![after(3, &[9])]).await.unwrap().pop().unwrap();
    assert!(matches!(unknown, StartOutcome::UnknownAfter(of) if of == id(9)));
    assert!(store.get(id(3)).await.unwrap().is_none());
    assert_counts(&*store).await;
}

async fn what_an_unended_task_runs_after_is_not_removed(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    start(&*store, new_task(2, "sample")).await;
    start(&*store, after(3, &[1, 2])).await;
    let (first, token) = claim(&*store).await;
    apply(&*store, completed(first, token)).await;
    let which = || RemoveWhich::Tasks(vec![id(1)]);
    assert!(store.remove(which(), 10).await.unwrap().tasks.is_empty());
    apply(&*store, cancel(id(3))).await;
    assert_eq!(store.remove(which(), 10).await.unwrap().tasks.len(), 1);
}

async fn what_is_started_then_waits_for_the_first_and_is_started_once(store: Arc<dyn Store>) {
    let then = || NewTask { then: vec![new_task(3, "sample")], ..new_task(2, "sample") };
    let mut first = keyed(1, "nightly");
    first.then = vec![then()];
    let outcome = store.start(vec![first.clone()]).await.unwrap().pop().unwrap();
    assert!(matches!(outcome, StartOutcome::New(_, also) if also.len() == 2));
    first.record_mut().id = id(7);
    first.then[0].record_mut().id = id(8);
    assert!(matches!(store.start(vec![first]).await.unwrap().pop(), Some(StartOutcome::Existing(_))));
    assert!(store.get(id(8)).await.unwrap().is_none(), "what follows a task that was there is there");
    for n in 1..=3 {
        let (next, token) = claim(&*store).await;
        assert_eq!(next, id(n));
        assert!(claim_as(&*store, session(1), 5).await.is_empty());
        apply(&*store, completed(next, token)).await;
    }
}

async fn a_child_is_found_by_its_name_and_goes_with_its_parent(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    let (parent, token) = claim(&*store).await;
    start(&*store, child(2, parent, "a")).await;
    let again = store.start(vec![child(3, parent, "a")]).await.unwrap().pop().unwrap();
    assert!(matches!(again, StartOutcome::Existing(record) if record.id == id(2)));
    start(&*store, child(4, parent, "b")).await;
    let mut detached = child(5, parent, "c");
    detached.record_mut().options.detached = true;
    start(&*store, detached).await;
    start(&*store, child(6, id(4), "grandchild")).await;
    apply(&*store, failed(parent, token)).await;
    for (n, expected) in
        [(2, Status::Cancelled), (4, Status::Cancelled), (5, Status::Queued), (6, Status::Cancelled)]
    {
        assert_eq!(status(&*store, id(n)).await, expected, "task {n}");
    }
    assert_counts(&*store).await;
}

async fn a_cancel_request_reaches_the_children_at_once(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    let (parent, _) = claim(&*store).await;
    start(&*store, child(2, parent, "a")).await;
    let applied = apply(&*store, cancel(parent)).await;
    assert_eq!(moved_to(&applied), [(id(2), Status::Cancelled)]);
    assert_eq!(status(&*store, parent).await, Status::Running, "it is asked, and stops by itself");
}

async fn a_batch_is_one_commit_and_counts_its_tasks(store: Arc<dyn Store>) {
    let of = BatchId::from_uuid(Uuid::from_u128(77));
    let batch = Batch {
        id: of,
        label: Some("monthly".to_owned()),
        user: None,
        created_at: later(0),
        total: 4,
        counts: Counts::default(),
        fraction: 0.0,
    };
    let mut tasks: Vec<_> = (1..=4).map(|n| new_task(n, "sample")).collect();
    for task in &mut tasks {
        task.record_mut().batch = Some(of);
    }
    assert_eq!(store.start_batch(batch, tasks).await.unwrap().len(), 4);
    let (done, token) = claim(&*store).await;
    apply(&*store, completed(done, token)).await;
    apply(&*store, cancel(id(2))).await;
    let now = store.batch(of).await.unwrap().unwrap();
    let counts = [Status::Queued, Status::Completed, Status::Cancelled].map(|status| now.counts.of(status));
    assert_eq!((counts, now.fraction, now.total), ([2, 1, 1], 0.5, 4));
    store.remove(RemoveWhich::Tasks(vec![done]), 1).await.unwrap();
    assert!((store.batch(of).await.unwrap().unwrap().fraction - 0.5).abs() < f64::EPSILON);
    // It goes with the last of its tasks; on a store that folds its counters, when it has.
    let all: Vec<_> = (1..=4).map(id).collect();
    for task in &all {
        apply(&*store, cancel(*task)).await;
    }
    store.remove(RemoveWhich::Tasks(all), 10).await.unwrap();
    let gone = async { while store.batch(of).await.unwrap().is_some() {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), gone).await.expect("in time");
}

async fn a_question_is_kept_with_its_answer_and_a_retry_keeps_approvals(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    for (key, approved) in [("first", true), ("second", false)] {
        let (task, token) = claim(&*store).await;
        let mut ask = Change::new(task, Event::Asked { token, key: key.to_owned(), until: None }, later(2));
        ask.extra.question = Some(Question::new(key, "Go on?"));
        apply(&*store, ask).await;
        assert!(claim_as(&*store, session(1), 1).await.is_empty(), "it waits");
        let mut answer = Change::new(task, Event::Answered { key: key.to_owned() }, later(3));
        let fields = r#"{"why":"yes"}"#.to_owned();
        answer.extra.answer = Some(StoredAnswer { approved, fields, by: None });
        apply(&*store, answer).await;
    }
    let outcomes = || async {
        let found = store.questions(id(1)).await.unwrap();
        found.into_iter().map(|asked| (asked.question.key, asked.outcome)).collect::<HashMap<_, _>>()
    };
    let both = outcomes().await;
    assert_eq!((both["first"], both["second"]), (QuestionOutcome::Approved, QuestionOutcome::Declined));
    let (task, token) = claim(&*store).await;
    apply(&*store, failed(task, token)).await;
    apply(&*store, Change::new(task, Event::RetryRequested, later(4))).await;
    assert_eq!(outcomes().await, HashMap::from([("first".to_owned(), QuestionOutcome::Approved)]));
    let attempts = store.attempts(task).await.unwrap();
    let ends: Vec<_> = attempts.iter().map(|attempt| attempt.outcome.as_deref().unwrap()).collect();
    assert_eq!(ends, ["failed", "asked", "asked"]);
}

async fn time_expires_what_waits_and_times_out_what_is_asked(store: Arc<dyn Store>) {
    let expiring = |n, state| {
        let mut task = new_task(n, "sample");
        task.record_mut().machine.state = state;
        task.record_mut().machine.expires_at = Some(later(100));
        task
    };
    start(&*store, expiring(1, State::Queued { since: later(0), ahead: false })).await;
    start(&*store, expiring(2, State::Scheduled { until: Some(later(100)) })).await;
    start(&*store, new_task(3, "other")).await;
    assert_eq!(store.next_due().await.unwrap(), Some(later(100)));
    assert!(store.due(later(99), 10).await.unwrap().is_empty());
    assert_eq!(store.due(later(100), 10).await.unwrap().len(), 2);
    for n in 1..=2 {
        let record = store.get(id(n)).await.unwrap().unwrap();
        assert_eq!((record.status(), record.error.unwrap().code), (Status::Failed, "expired".to_owned()));
    }
    start(&*store, new_task(4, "sample")).await;
    let (task, token) = claim(&*store).await;
    let until: Option<Timestamp> = Some(later(200));
    apply(&*store, Change::new(task, Event::Asked { token, key: "go".to_owned(), until }, later(101))).await;
    assert_eq!(store.next_due().await.unwrap(), until);
    assert_eq!(store.due(later(200), 10).await.unwrap().len(), 1);
    let error = store.get(task).await.unwrap().unwrap().error.unwrap();
    assert_eq!(error.code, "confirmation_timed_out");
    assert_counts(&*store).await;
}

async fn a_change_decided_on_an_older_version_is_decided_again(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    let claimed = claim_as(&*store, session(1), 1).await.pop().unwrap();
    let token = claimed.record.machine.state.lease().unwrap().token;
    apply(&*store, cancel(id(1))).await;
    // What the worker knows is older than the cancel request.
    let mut change = ended(id(1), token, AttemptEnd::Released);
    change.known = Some(Arc::clone(&claimed.record));
    apply(&*store, change).await;
    assert_eq!(status(&*store, id(1)).await, Status::Cancelled, "not queued again");
    let mut late = completed(id(1), token);
    late.known = Some(claimed.record);
    assert!(matches!(apply(&*store, late).await, Applied::Refused(..)));
    assert_eq!(store.attempts(id(1)).await.unwrap().len(), 1);
    assert_counts(&*store).await;
}

conformance!(
    a_task_runs_when_all_that_it_runs_after_have_completed,
    a_failed_dependency_fails_all_that_follow_and_its_retry_brings_them_back,
    a_scheduled_task_is_claimed_when_a_person_wants_it_now,
    a_start_after_what_failed_fails_and_after_what_is_unknown_is_refused,
    what_an_unended_task_runs_after_is_not_removed,
    what_is_started_then_waits_for_the_first_and_is_started_once,
    a_child_is_found_by_its_name_and_goes_with_its_parent,
    a_cancel_request_reaches_the_children_at_once,
    a_batch_is_one_commit_and_counts_its_tasks,
    a_question_is_kept_with_its_answer_and_a_retry_keeps_approvals,
    time_expires_what_waits_and_times_out_what_is_asked,
    a_change_decided_on_an_older_version_is_decided_again,
);
