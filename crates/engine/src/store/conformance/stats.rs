//! What happened when, and since when what is queued waits.

use std::collections::HashMap;
use std::sync::Arc;

use taskdeck_core::{AttemptEnd, Event, Kind, Percentiles, State, Stats, Timestamp, minute_of};

use super::{
    NOW, apply, completed, conformance, ended, id, kind, later, lease, new_task, request, room, session,
    start,
};
use crate::store::{Change, ClaimRequest, LaneWait, NewTask, Record, Store};

const MINUTE: i64 = 60_000;

fn queued(n: u128, name: &'static str, since: Timestamp) -> NewTask {
    let mut task = new_task(n, name);
    task.record_mut().created_at = since;
    task.record_mut().machine.state = State::Queued { since, ahead: false };
    task
}

async fn claim_at(store: &dyn Store, now: Timestamp) -> Vec<Record> {
    let kinds = vec![room("sample", usize::MAX), room("other", usize::MAX)];
    let request = ClaimRequest { kinds, queues: HashMap::new(), now, ..request(session(1), 100) };
    store
        .claim(request)
        .await
        .unwrap()
        .into_iter()
        .map(|claimed| Arc::unwrap_or_clone(claimed.record))
        .collect()
}

async fn stats(store: &dyn Store, of: Option<Kind>) -> Stats {
    store.stats(of, NOW, later(3 * MINUTE), Some(60_000)).await.unwrap()
}

async fn each_minute_tells_what_happened_in_it(store: Arc<dyn Store>) {
    for n in 1..=4 {
        start(&*store, queued(n, if n == 4 { "other" } else { "sample" }, NOW)).await;
    }
    let claimed = claim_at(&*store, later(MINUTE)).await;
    assert_eq!(claimed.len(), 4);
    for (n, record) in claimed.iter().enumerate() {
        let token = lease(record).token;
        let change = match n {
            0 | 1 => completed(record.id, token),
            _ => ended(record.id, token, AttemptEnd::Failed { retry_at: None }),
        };
        apply(&*store, Change { now: later(MINUTE + 8), ..change }).await;
    }
    let all = stats(&*store, None).await;
    let counted: Vec<_> =
        all.points.iter().map(|point| (point.started, point.begun, point.completed, point.failed)).collect();
    assert_eq!(counted, [(4, 0, 0, 0), (0, 4, 2, 2), (0, 0, 0, 0), (0, 0, 0, 0)]);
    let minute = Some(Percentiles { p50: 58_879, p95: 60_927, p99: 60_927 });
    assert_eq!((all.points[0].wait, all.points[1].wait), (None, minute));
    assert_eq!(all.points[1].run.unwrap().p50, 8, "so short a time is exact");
    let other = stats(&*store, Some(kind("other"))).await.total;
    assert_eq!((other.started, other.begun, other.completed + other.failed), (1, 1, 1));
    assert_eq!(stats(&*store, Some(kind("unknown"))).await.total.started, 0);
}

async fn a_retried_task_ends_again_and_a_rescued_attempt_has_no_length(store: Arc<dyn Store>) {
    start(&*store, queued(1, "sample", NOW)).await;
    let record = claim_at(&*store, later(1)).await.remove(0);
    let failed = ended(record.id, lease(&record).token, AttemptEnd::Failed { retry_at: None });
    apply(&*store, failed).await;
    apply(&*store, Change::new(id(1), Event::RetryRequested, later(MINUTE))).await;
    claim_at(&*store, later(MINUTE + 16)).await;
    store.rescue(session(1), later(2 * MINUTE)).await.unwrap();
    let record = claim_at(&*store, later(2 * MINUTE)).await.remove(0);
    let change = completed(record.id, lease(&record).token);
    apply(&*store, Change { now: later(2 * MINUTE), ..change }).await;
    let all = stats(&*store, None).await;
    assert_eq!((all.total.started, all.total.begun, all.total.failed, all.total.completed), (1, 3, 1, 1));
    assert_eq!(all.points[1].wait.unwrap().p50, 16, "from the retry on");
    assert_eq!((all.points[1].run, all.points[2].run.map(|run| run.p99)), (None, Some(0)));
}

async fn old_minutes_are_forgotten_a_few_at_a_time(store: Arc<dyn Store>) {
    for n in 0..5 {
        start(&*store, queued(n + 1, "sample", later(i64::try_from(n).unwrap() * MINUTE))).await;
    }
    let before = later(3 * MINUTE);
    assert_eq!(store.remove_rollups(before, 2).await.unwrap(), 2);
    assert_eq!(store.remove_rollups(before, 2).await.unwrap(), 1);
    assert_eq!(store.remove_rollups(before, 2).await.unwrap(), 0);
    let left = store.stats(None, NOW, later(5 * MINUTE), Some(60_000)).await.unwrap();
    let first = left.points.iter().find(|point| point.started > 0).unwrap();
    assert_eq!((left.total.started, minute_of(first.at)), (2, minute_of(before)));
}

async fn the_longest_wait_of_a_lane_is_known(store: Arc<dyn Store>) {
    let waits = || async { store.waits().await.unwrap() };
    assert!(waits().await.is_empty());
    let mut urgent = queued(1, "sample", later(50));
    urgent.record_mut().priority = 9;
    start(&*store, urgent).await;
    // Created first, queued last.
    start(&*store, queued(2, "sample", later(90))).await;
    start(&*store, queued(3, "sample", later(20))).await;
    let mut low = queued(4, "sample", later(10));
    low.record_mut().priority = -1;
    start(&*store, low).await;
    start(&*store, queued(5, "other", later(70))).await;
    let wait = |kind: &str, since| LaneWait { queue: "default".to_owned(), kind: kind.to_owned(), since };
    assert_eq!(waits().await, [wait("other", later(70)), wait("sample", later(10))]);
    claim_at(&*store, later(100)).await;
    assert!(waits().await.is_empty(), "what runs does not wait");
}

async fn what_runs_is_known_with_its_session(store: Arc<dyn Store>) {
    for n in 1..=3 {
        start(&*store, new_task(n, "sample")).await;
    }
    store.claim(request(session(1), 2)).await.unwrap();
    store.claim(request(session(2), 1)).await.unwrap();
    let by = |record: &Record| (record.id, lease(record).session);
    let mut found: Vec<_> = store.running(10).await.unwrap().iter().map(by).collect();
    found.sort_unstable();
    assert_eq!(found, [(id(1), session(1)), (id(2), session(1)), (id(3), session(2))]);
    assert_eq!(store.running(2).await.unwrap().len(), 2);
}

conformance!(
    each_minute_tells_what_happened_in_it,
    a_retried_task_ends_again_and_a_rescued_attempt_has_no_length,
    old_minutes_are_forgotten_a_few_at_a_time,
    the_longest_wait_of_a_lane_is_known,
    what_runs_is_known_with_its_session,
);
