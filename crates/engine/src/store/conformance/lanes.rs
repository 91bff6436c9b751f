//! Which tasks a claim takes: rooms of kinds, queues and partitions, and fairness.

use std::collections::HashMap;
use std::sync::Arc;

use taskdeck_core::{QueueName, Status, Timestamp, UserId};

use super::{
    NOW, apply, assert_counts, claim, completed, conformance, id, later, new_task, request, room, session,
    start,
};
use crate::store::{
    ClaimRequest, Control, KindRoom, NewTask, PartitionRoom, QueueRoom, Scope, SessionRow, Store,
};

fn queue(name: &'static str) -> QueueName {
    QueueName::new(name).unwrap()
}

fn in_queue(n: u128, name: &'static str) -> NewTask {
    let mut task = new_task(n, "sample");
    task.record_mut().queue = queue(name);
    task
}

async fn claimed(store: &dyn Store, request: ClaimRequest) -> Vec<u128> {
    let claimed = store.claim(request).await.unwrap();
    claimed.iter().map(|claimed| claimed.record.id.as_uuid().as_u128()).collect()
}

async fn no_more_of_a_kind_are_claimed_than_it_has_room_for(store: Arc<dyn Store>) {
    for n in 1..=6 {
        start(&*store, new_task(n, if n <= 4 { "sample" } else { "other" })).await;
    }
    let kinds = vec![room("sample", 2), room("other", usize::MAX)];
    let found = claimed(&*store, ClaimRequest { kinds, ..request(session(1), 10) }).await;
    assert_eq!(found, [1, 2, 5, 6], "the others pass those that have no room");
    assert_counts(&*store).await;
}

async fn a_paused_queue_holds_back_only_its_own(store: Arc<dyn Store>) {
    for n in 1..=4 {
        start(&*store, in_queue(n, if n <= 3 { "slow" } else { "fast" })).await;
    }
    let queues = HashMap::from([(queue("slow"), QueueRoom { room: 0, ..QueueRoom::default() })]);
    assert_eq!(claimed(&*store, ClaimRequest { queues, ..request(session(1), 10) }).await, [4]);
    let queues = HashMap::from([(queue("slow"), QueueRoom { room: 2, ..QueueRoom::default() })]);
    assert_eq!(claimed(&*store, ClaimRequest { queues, ..request(session(1), 10) }).await, [1, 2]);
}

async fn queues_take_turns_however_full_one_is(store: Arc<dyn Store>) {
    for n in 1..=20 {
        start(&*store, in_queue(n, "full")).await;
    }
    start(&*store, in_queue(21, "small")).await;
    start(&*store, in_queue(22, "small")).await;
    let mut urgent = in_queue(23, "full");
    urgent.record_mut().priority = 100;
    start(&*store, urgent).await;
    let mut found = claimed(&*store, request(session(1), 4)).await;
    found.sort_unstable();
    assert_eq!(found, [1, 21, 22, 23], "within a queue by priority, between queues in turn");
}

async fn no_more_of_a_partition_are_claimed_than_its_limit(store: Arc<dyn Store>) {
    for n in 1..=9 {
        let mut task = new_task(n, "sample");
        task.record_mut().partition = Some(["ann", "bob", "cid"][usize::try_from(n % 3).unwrap()].to_owned());
        start(&*store, task).await;
    }
    let partition =
        PartitionRoom { limit: 2, running: HashMap::from([("bob".to_owned(), 1), ("cid".to_owned(), 2)]) };
    let kinds = vec![KindRoom { partition: Some(partition), ..room("sample", usize::MAX) }];
    let found = claimed(&*store, ClaimRequest { kinds, ..request(session(1), 10) }).await;
    assert_eq!(found, [1, 3, 6], "one more of bob's (1), two of ann's (3, 6), none of cid's");
}

async fn tasks_of_a_newer_version_are_left_to_newer_workers(store: Arc<dyn Store>) {
    let mut newer = new_task(1, "sample");
    newer.record_mut().kind_version = 2;
    start(&*store, newer).await;
    start(&*store, new_task(2, "sample")).await;
    assert_eq!(claimed(&*store, request(session(1), 10)).await, [2]);
}

async fn pruning_walks_the_ended_in_the_order_of_their_creation(store: Arc<dyn Store>) {
    for n in 1..=3 {
        start(&*store, new_task(n, "sample")).await;
        let (task, token) = claim(&*store).await;
        apply(&*store, completed(task, token)).await;
    }
    let walk = |from, max| {
        let store = Arc::clone(&store);
        async move { store.oldest(Status::Completed, "sample".to_owned(), from, max).await.unwrap() }
    };
    let first = walk(None, 2).await;
    assert_eq!(first.iter().map(|task| task.id).collect::<Vec<_>>(), [id(1), id(2)]);
    assert_eq!(first[0].ended_at, later(2));
    assert_eq!(walk(Some(id(2)), 10).await.len(), 1);
    assert!(walk(Some(id(3)), 10).await.is_empty());
}

async fn sessions_live_while_they_are_known(store: Arc<dyn Store>) {
    let row = SessionRow {
        id: session(1),
        worker: "a:1".to_owned(),
        version: "1".to_owned(),
        slots: 4,
        started_at: NOW,
        beat: 1,
        said: None,
    };
    store.join(row).await.unwrap();
    assert!(store.beat(session(1), 2).await.unwrap());
    assert_eq!(store.sessions().await.unwrap()[0].beat, 2);
    start(&*store, new_task(1, "sample")).await;
    let (task, token) = claim(&*store).await;
    assert_eq!(store.holders().await.unwrap(), [session(1)]);
    let moved = store.rescue(session(1), later(3)).await.unwrap();
    assert_eq!((moved.len(), moved[0].before), (1, Some(Status::Running)));
    let attempts = store.attempts(task).await.unwrap();
    assert_eq!(attempts[0].worker.as_deref(), Some("a:1"), "the attempt names who went away");
    assert!(!store.beat(session(1), 3).await.unwrap(), "it was taken for dead");
    assert!(store.holders().await.unwrap().is_empty());
    apply(&*store, completed(task, token)).await;
    assert_eq!(super::status(&*store, task).await, Status::Queued, "its late ending is refused");
}

async fn tasks_of_several_versions_are_claimed_by_urgency(store: Arc<dyn Store>) {
    for (n, version, priority) in [(1, 1, 0), (2, 3, 9), (3, 2, 5), (4, 1, 5), (5, 2, 0)] {
        let mut task = new_task(n, "sample");
        task.record_mut().kind_version = version;
        task.record_mut().priority = priority;
        start(&*store, task).await;
    }
    let of = |version| vec![KindRoom { version, ..room("sample", 3) }];
    let old = claimed(&*store, ClaimRequest { kinds: of(1), ..request(session(1), 1) }).await;
    assert_eq!(old, [4]);
    let new = claimed(&*store, ClaimRequest { kinds: of(2), ..request(session(1), 10) }).await;
    assert_eq!(new, [3, 1, 5], "of both versions, and no more than there is room for");
    let waits = store.waits().await.unwrap();
    assert_eq!(waits.iter().map(|wait| wait.kind.as_str()).collect::<Vec<_>>(), ["sample"]);
    assert_eq!(claimed(&*store, ClaimRequest { kinds: of(3), ..request(session(1), 10) }).await, [2]);
}

async fn pauses_and_limits_are_kept(store: Arc<dyn Store>) {
    let control = |paused_at: Option<Timestamp>| Control {
        scope: Scope::Queue,
        name: "imports".to_owned(),
        paused_at,
        paused_by: paused_at.and(UserId::new("ann").ok()),
        limits: Some(taskdeck_core::LaneLimits {
            concurrency: Some(3),
            rate: "5/1s".parse().ok(),
            partition_concurrency: Some(2),
        }),
    };
    store.set_control(control(Some(NOW))).await.unwrap();
    store.set_control(Control { scope: Scope::Kind, ..control(None) }).await.unwrap();
    store.set_control(control(None)).await.unwrap();
    let found = store.controls().await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].paused_at, &found[0].limits), (None, &control(None).limits));
}

conformance!(
    no_more_of_a_kind_are_claimed_than_it_has_room_for,
    a_paused_queue_holds_back_only_its_own,
    queues_take_turns_however_full_one_is,
    no_more_of_a_partition_are_claimed_than_its_limit,
    tasks_of_a_newer_version_are_left_to_newer_workers,
    tasks_of_several_versions_are_claimed_by_urgency,
    pruning_walks_the_ended_in_the_order_of_their_creation,
    sessions_live_while_they_are_known,
    pauses_and_limits_are_kept,
);
