//! What every store must do, run on a file, in memory, and on PostgreSQL. A new adapter is right when it passes.

mod chance;
mod edit;
mod file_only;
mod files;
mod follow;
mod lanes;
mod logs;
mod looks;
mod notices;
mod search;
mod stats;

use std::collections::HashMap;
use std::sync::Arc;

use taskdeck_core::{
    AttemptEnd, CancelInfo, ErrorInfo, Event, Kind, Lease, LeaseToken, ListOrder, ListQuery, LogLevel,
    LogLine, Machine, Progress, QueueName, Refused, Rev, SessionId, State, Status, StatusSet, TaskId,
    Timestamp,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::sqlite::SqliteStore;
use super::{
    Applied, Bounds, Change, ClaimRequest, Claimed, KindRoom, NewTask, Options, ProgressWrite, Record,
    RemoveWhich, StartOutcome, Store,
};
use crate::Durability;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn later(millis: i64) -> Timestamp {
    NOW.plus_millis(millis)
}

fn session(n: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(n))
}

fn id(n: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(n))
}

fn kind(name: &'static str) -> Kind {
    Kind::new(name).unwrap()
}

fn new_task(n: u128, name: &'static str) -> NewTask {
    NewTask::new(Record { kind: kind(name), ..record(n) }, format!(r#"{{"n":{n}}}"#))
}

/// A queued task.
pub(super) fn record(n: u128) -> Record {
    Record {
        id: id(n),
        kind: kind("sample"),
        kind_version: 1,
        queue: QueueName::default(),
        priority: 0,
        label: format!("task {n}"),
        key: None,
        tags: vec!["nightly".to_owned()],
        user: None,
        trace_id: None,
        created_at: NOW,
        machine: Machine::new(State::Queued { since: NOW, ahead: false }, 3),
        error: None,
        progress: Progress::default(),
        partition: None,
        parent: None,
        child: None,
        batch: None,
        options: Options::default(),
        notice_seq: 0,
        tick: 0,
    }
}

fn keyed(n: u128, key: &str) -> NewTask {
    let mut task = new_task(n, "sample");
    task.record_mut().key = Some(key.to_owned());
    task
}

async fn start(store: &dyn Store, task: NewTask) -> Record {
    match store.start(vec![task]).await.unwrap().pop().unwrap() {
        StartOutcome::New(record, _) => Arc::unwrap_or_clone(record),
        StartOutcome::UnknownAfter(id) => panic!("{id} is unknown"),
        StartOutcome::Existing(record) => panic!("{} was there", record.id),
    }
}

async fn claim_as(store: &dyn Store, by: SessionId, max: usize) -> Vec<Claimed> {
    store.claim(request(by, max)).await.unwrap()
}

/// All that may be claimed of the kind `sample`.
fn request(by: SessionId, max: usize) -> ClaimRequest {
    let kinds = vec![room("sample", usize::MAX)];
    ClaimRequest { session: by, kinds, queues: HashMap::new(), max, turn: 0, now: later(1), controls: 0 }
}

fn room(name: &'static str, room: usize) -> KindRoom {
    KindRoom { kind: kind(name), version: 1, room, bounds: Bounds::default(), partition: None }
}

async fn claim(store: &dyn Store) -> (TaskId, LeaseToken) {
    let claimed = claim_as(store, session(1), 1).await.pop().expect("something to claim");
    (claimed.record.id, lease(&claimed.record).token)
}

fn lease(record: &Record) -> Lease {
    record.machine.state.lease().expect("runs")
}

/// The life of a task that does nothing, for those who count what it writes. One that has to wait for a slot is claimed
/// by a write of its own.
pub(super) async fn live(store: &dyn Store, waits: bool) {
    let mut task = NewTask::new(Record { tags: Vec::new(), ..record(1) }, "{}".to_owned());
    let task = if waits {
        start(store, task).await;
        claim_as(store, session(1), 1).await.pop().expect("something to claim").record
    } else {
        // As the client does when a slot is free: its start and its claim are one.
        let claimed = Event::Claimed(Lease { session: session(1), token: LeaseToken(7) });
        let claimed = taskdeck_core::decide(&task.record.machine, &claimed, later(1));
        let Ok(taskdeck_core::Decision::Changed(machine)) = claimed else { panic!("{claimed:?}") };
        task.record_mut().machine = *machine;
        start(store, task.clone()).await;
        task.record
    };
    let mut change = completed(task.id, lease(&task).token);
    change.known = Some(task);
    apply(store, change).await;
    assert_eq!(status(store, id(1)).await, Status::Completed);
}

fn ended(id: TaskId, token: LeaseToken, end: AttemptEnd) -> Change {
    Change::new(id, Event::AttemptEnded { token, end }, later(2))
}

fn completed(id: TaskId, token: LeaseToken) -> Change {
    ended(id, token, AttemptEnd::Completed { partial: false })
}

async fn apply(store: &dyn Store, change: Change) -> Applied {
    store.apply(vec![change]).await.unwrap().pop().unwrap()
}

async fn status(store: &dyn Store, id: TaskId) -> Status {
    store.get(id).await.unwrap().expect("is there").machine.state.status()
}

fn line(seq: u64) -> LogLine {
    LogLine { seq, at: NOW, level: LogLevel::Info, attempt: 1, text: format!("line {seq}") }
}

async fn assert_counts(store: &dyn Store) {
    assert_eq!(store.counts().await.unwrap(), store.recount().await.unwrap());
}

async fn a_start_is_idempotent_by_id_and_by_key(store: Arc<dyn Store>) {
    start(&*store, keyed(1, "nightly")).await;
    for again in [new_task(1, "sample"), keyed(2, "nightly")] {
        let outcome = store.start(vec![again]).await.unwrap().pop().unwrap();
        assert!(matches!(outcome, StartOutcome::Existing(record) if record.id == id(1)));
    }
    let (task, token) = claim(&*store).await;
    apply(&*store, completed(task, token)).await;
    start(&*store, keyed(3, "nightly")).await;
    assert_counts(&*store).await;
}

async fn the_most_urgent_task_of_a_known_kind_is_claimed(store: Arc<dyn Store>) {
    let mut urgent = new_task(3, "sample");
    urgent.record_mut().priority = 5;
    let mut newer = new_task(4, "sample");
    newer.record_mut().kind_version = 2;
    for task in [new_task(1, "unknown"), new_task(2, "sample"), urgent, newer] {
        start(&*store, task).await;
    }
    let claimed = claim_as(&*store, session(1), 10).await;
    let ids: Vec<_> = claimed.iter().map(|claimed| claimed.record.id).collect();
    assert_eq!(ids, [id(3), id(2)]);
    assert_eq!(claimed[1].params, r#"{"n":2}"#);
    assert_eq!(claimed[1].record.machine.attempt, 1);
    assert_ne!(lease(&claimed[0].record).token, lease(&claimed[1].record).token);
    assert!(claim_as(&*store, session(1), 10).await.is_empty());
    assert_counts(&*store).await;
}

async fn an_answered_confirmation_goes_before_every_priority(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    let (task, token) = claim(&*store).await;
    let asked = Event::Asked { token, key: "sure".to_owned(), until: Some(later(1_000)) };
    apply(&*store, Change::new(task, asked, later(2))).await;
    assert_eq!(status(&*store, task).await, Status::WaitingConfirmation);
    let mut urgent = new_task(2, "sample");
    urgent.record_mut().priority = 100;
    start(&*store, urgent).await;
    apply(&*store, Change::new(task, Event::Answered { key: "sure".to_owned() }, later(3))).await;
    assert_eq!(claim(&*store).await.0, task);
}

async fn an_ending_without_the_lease_is_refused(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    let (task, first) = claim(&*store).await;
    let rescued = store.rescue(session(1), later(2)).await.unwrap();
    assert_eq!(rescued.len(), 1);
    assert_eq!(rescued[0].record.machine.tries, 1);
    let again = claim_as(&*store, session(2), 1).await.pop().unwrap();
    let second = lease(&again.record).token;
    assert!(matches!(apply(&*store, completed(task, first)).await, Applied::Refused(Refused::LeaseLost, _)));
    let late = ProgressWrite {
        id: task,
        token: first,
        progress: Progress::default(),
        label: "late".to_owned(),
        rev: Rev::default(),
    };
    store.save_progress(vec![late]).await.unwrap();
    assert!(!store.checkpoint(task, first, "1".to_owned()).await.unwrap());
    assert!(store.checkpoint(task, second, "2".to_owned()).await.unwrap());
    assert_eq!(store.get(task).await.unwrap().unwrap().label, "task 1");
    assert!(matches!(apply(&*store, completed(task, second)).await, Applied::Changed(..)));
    assert!(matches!(apply(&*store, completed(task, second)).await, Applied::Refused(Refused::LeaseLost, _)));
    let attempts = store.attempts(task).await.unwrap();
    let outcomes: Vec<_> = attempts.iter().map(|a| (a.attempt, a.outcome.as_deref().unwrap())).collect();
    assert_eq!(outcomes, [(2, "completed"), (1, "interrupted")]);
    assert_counts(&*store).await;
}

async fn all_that_an_ending_brings_is_stored_with_it(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    let (task, token) = claim(&*store).await;
    let mut progress = Progress::default();
    progress.set_done(3, 4);
    let error = ErrorInfo { code: "timeout".to_owned(), message: "too slow".to_owned() };
    let mut change = ended(task, token, AttemptEnd::Failed { retry_at: Some(later(500)) });
    change.extra.error = Some(error.clone());
    change.extra.detail = Some("caused by: the weather".to_owned());
    change.extra.progress = Some(progress.clone());
    change.extra.log = vec![line(1), line(2)];
    change.extra.worker = Some("host:1".to_owned());
    apply(&*store, change).await;
    let record = store.get(task).await.unwrap().unwrap();
    assert_eq!(record.machine.state, State::Scheduled { until: Some(later(500)) });
    assert_eq!((record.error, record.progress), (Some(error.clone()), progress));
    let attempt = store.attempts(task).await.unwrap().pop().unwrap();
    assert_eq!(attempt.error, Some(error));
    assert_eq!(
        (attempt.detail.as_deref(), attempt.worker.as_deref()),
        (Some("caused by: the weather"), Some("host:1"))
    );
    assert_eq!(store.last_log_seq(task).await.unwrap(), 2);

    assert_eq!(store.next_due().await.unwrap(), Some(later(500)));
    assert!(store.due(later(499), 10).await.unwrap().is_empty());
    assert_eq!(store.due(later(500), 10).await.unwrap().len(), 1);
    let claimed = claim_as(&*store, session(1), 1).await.pop().unwrap();
    assert_eq!(claimed.last_log_seq, 2);
    let mut change = completed(task, lease(&claimed.record).token);
    change.extra.result = Some(r#"{"result":7}"#.to_owned());
    apply(&*store, change).await;
    let record = store.get(task).await.unwrap().unwrap();
    assert_eq!(record.error, None, "an attempt succeeded");
    assert_eq!(store.payload(task).await.unwrap().unwrap().result.as_deref(), Some(r#"{"result":7}"#));
}

async fn a_retry_keeps_the_checkpoint_and_is_refused_while_the_key_is_taken(store: Arc<dyn Store>) {
    start(&*store, keyed(1, "nightly")).await;
    let (task, token) = claim(&*store).await;
    assert!(store.checkpoint(task, token, r#"{"row":5}"#.to_owned()).await.unwrap());
    apply(&*store, ended(task, token, AttemptEnd::Failed { retry_at: None })).await;
    start(&*store, keyed(2, "nightly")).await;
    let retry = || Change::new(task, Event::RetryRequested, later(5));
    assert!(matches!(apply(&*store, retry()).await, Applied::KeyActive { holder, .. } if holder == id(2)));
    let cancel = CancelInfo { requested_at: later(6), by: None, reason: None };
    apply(&*store, Change::new(id(2), Event::CancelRequested(cancel.clone()), later(6))).await;
    assert_eq!(store.get(id(2)).await.unwrap().unwrap().machine.cancel, Some(cancel));
    assert!(matches!(apply(&*store, retry()).await, Applied::Changed(_, Status::Failed, _)));
    let claimed = claim_as(&*store, session(1), 1).await.pop().unwrap();
    assert_eq!(claimed.checkpoint.as_deref(), Some(r#"{"row":5}"#));
    assert_eq!(claimed.record.machine.attempt, 2);
    assert_counts(&*store).await;
}

async fn pages_hold_every_task_once_in_either_order(store: Arc<dyn Store>) {
    for n in 1..=25 {
        start(&*store, new_task(n, if n % 3 == 0 { "other" } else { "sample" })).await;
    }
    for claimed in claim_as(&*store, session(1), 5).await {
        apply(&*store, completed(claimed.record.id, lease(&claimed.record).token)).await;
    }
    let all = |query: ListQuery| {
        let store = Arc::clone(&store);
        async move {
            let (mut ids, mut cursor) = (Vec::new(), None);
            loop {
                let page = ListQuery { limit: Some(4), cursor, ..query.clone() };
                let (records, next) = store.list(page).await.unwrap();
                ids.extend(records.iter().map(|record| record.id.as_uuid().as_u128()));
                match next {
                    Some(next) => cursor = Some(next),
                    None => return ids,
                }
            }
        }
    };
    assert_eq!(all(ListQuery::default()).await, (1..=25).rev().collect::<Vec<_>>());
    let order = ListOrder::Oldest;
    assert_eq!(all(ListQuery { order, ..ListQuery::default() }).await, (1..=25).collect::<Vec<_>>());
    let active = ListQuery { status: StatusSet::ACTIVE, ..ListQuery::default() };
    assert_eq!(all(active.clone()).await.len(), 20);
    let ended = ListQuery { status: StatusSet::ENDED, ..ListQuery::default() };
    assert_eq!(all(ended.clone()).await, [7, 5, 4, 2, 1]);
    assert_eq!(all(ListQuery { order, ..ended }).await, [1, 2, 4, 5, 7]);
    let both = ListQuery { kind: Some(kind("other")), ..active };
    assert_eq!(all(ListQuery { order, ..both.clone() }).await, [3, 6, 9, 12, 15, 18, 21, 24]);
    assert_eq!(all(both).await, [24, 21, 18, 15, 12, 9, 6, 3]);
    let mixed = StatusSet::EMPTY.with(Status::Completed).with(Status::Queued);
    assert_eq!(all(ListQuery { status: mixed, ..ListQuery::default() }).await.len(), 25);
    let queue = QueueName::new("imports").unwrap();
    assert!(all(ListQuery { queue: Some(queue), ..ListQuery::default() }).await.is_empty());
}

async fn what_has_not_ended_is_never_removed(store: Arc<dyn Store>) {
    for n in 1..=4 {
        start(&*store, new_task(n, "sample")).await;
    }
    let (done, token) = claim(&*store).await;
    apply(&*store, completed(done, token)).await;
    claim(&*store).await;
    let all = (1..=4).map(id).collect();
    let everything = [
        RemoveWhich::Tasks(all),
        RemoveWhich::OwnTime(later(1_000_000)),
        RemoveWhich::Matching(Box::default()),
        RemoveWhich::Matching(Box::new(ListQuery { status: StatusSet::ACTIVE, ..ListQuery::default() })),
    ];
    let mut removed = Vec::new();
    for which in everything {
        removed.extend(store.remove(which, 100).await.unwrap().tasks.into_iter().map(|(id, _)| id));
    }
    assert_eq!(removed, [done]);
    assert!(store.payload(done).await.unwrap().is_none() && store.attempts(done).await.unwrap().is_empty());
    assert_eq!(store.counts().await.unwrap().total(), 3);
    assert_counts(&*store).await;
}

/// Many callers at once, each doing what a worker or a person does; then nothing is lost and the counters are right.
async fn random_interleavings_lose_nothing(store: Arc<dyn Store>) {
    const TASKS: u128 = 200;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..8_u128 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let mut seed = caller + 1;
            let mut next = move |below: u128| {
                // A small generator: the order of the callers is random enough by itself.
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 33) % below
            };
            for n in 0..TASKS / 8 {
                start(&*store, new_task(1 + caller * TASKS / 8 + n, "sample")).await;
                for claimed in claim_as(&*store, session(caller + 1), 2).await {
                    let (task, token) = (claimed.record.id, lease(&claimed.record).token);
                    let change = match next(6) {
                        0 => ended(task, token, AttemptEnd::Failed { retry_at: None }),
                        1 => ended(task, token, AttemptEnd::Failed { retry_at: Some(later(3)) }),
                        2 => ended(task, token, AttemptEnd::Released),
                        3 => continue, // held until it is rescued
                        _ => completed(task, token),
                    };
                    apply(&*store, change).await;
                }
                let any = id(1 + next(TASKS));
                match next(4) {
                    0 => {
                        let cancel = CancelInfo { requested_at: NOW, by: None, reason: None };
                        apply(&*store, Change::new(any, Event::CancelRequested(cancel), later(4))).await;
                    }
                    1 => drop(apply(&*store, Change::new(any, Event::RetryRequested, later(4))).await),
                    2 => drop(store.due(later(5), 10).await.unwrap()),
                    _ => drop(store.rescue(session(next(8) + 1), later(4)).await.unwrap()),
                }
            }
        });
    }
    callers.join_all().await;
    assert_counts(&*store).await;
    assert_eq!(store.counts().await.unwrap().total(), u64::try_from(TASKS).unwrap());
    for n in 1..=TASKS {
        let record = store.get(id(n)).await.unwrap().unwrap();
        let attempts = store.attempts(record.id).await.unwrap();
        let running = u32::from(record.machine.state.status() == Status::Running);
        assert_eq!(
            attempts.len(),
            (record.machine.attempt - running) as usize,
            "each ended attempt is recorded once"
        );
    }
}

/// A memory store, or one on a file in the folder.
pub(super) fn open(folder: Option<&TempDir>) -> Arc<dyn Store> {
    let path = folder.map(|folder| folder.path().join("deck.db"));
    Arc::new(SqliteStore::open(path.as_deref(), Durability::Full).unwrap())
}

/// Runs each of these on every store.
macro_rules! conformance {
    ($($test:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::store::conformance::open(None)).await;
            })*
        }
        mod file {
            $(#[tokio::test]
            async fn $test() {
                let folder = tempfile::TempDir::new().unwrap();
                super::$test(crate::store::conformance::open(Some(&folder))).await;
            })*
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[tokio::test]
            #[ignore = "needs a PostgreSQL server: cargo xtask test"]
            async fn $test() {
                let database = crate::store::postgres::testing::Database::new().await;
                let store = database.store().await;
                super::$test(store.clone()).await;
                database.drop(store).await;
            })*
        }
    };
}
pub(super) use conformance;

conformance!(
    a_start_is_idempotent_by_id_and_by_key,
    the_most_urgent_task_of_a_known_kind_is_claimed,
    an_answered_confirmation_goes_before_every_priority,
    an_ending_without_the_lease_is_refused,
    all_that_an_ending_brings_is_stored_with_it,
    a_retry_keeps_the_checkpoint_and_is_refused_while_the_key_is_taken,
    pages_hold_every_task_once_in_either_order,
    what_has_not_ended_is_never_removed,
    random_interleavings_lose_nothing,
);
