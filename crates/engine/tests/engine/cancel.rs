//! Cancelling: from every status, twice, against code that does not listen, and against the end itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use taskdeck_core::{
    Actor, CancelOutcome, DeckError, Definition, Question, Status, StatusSet, Task, TaskError, TaskId,
};
use taskdeck_engine::{Client, Deck, TaskBody, TaskContext};

use crate::support::{Act, Gate, Scripted, builder, memory_deck, on_empty_store, reaches};

/// Asks, and waits for the answer.
#[derive(Debug, Serialize, Deserialize)]
struct Asks {}

/// Has a child that waits for the gate, one behind it, and one that is on its own; waits for the first.
#[derive(Debug, Serialize, Deserialize)]
struct Parent {}

impl Task for Asks {
    const KIND: &'static str = "asks";
    type Output = ();

    fn definition() -> Definition {
        Definition::new(Self::kind())
    }
}

impl TaskBody for Asks {
    async fn run(self, ctx: TaskContext) -> Result<(), TaskError> {
        ctx.confirm(Question::new("sure", "Are you sure?")).await.map(drop)
    }
}

impl Task for Parent {
    const KIND: &'static str = "parent";
    type Output = String;

    fn definition() -> Definition {
        Definition::new(Self::kind())
    }
}

impl TaskBody for Parent {
    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        let first = ctx.child("first", Scripted { act: Act::WaitForGate }).label("first").await?;
        ctx.child("alone", Scripted { act: Act::WaitForGate }).label("alone").detached().await?;
        ctx.child("second", Scripted { act: Act::WaitForGate }).label("second").await?;
        first.result().await
    }
}

async fn deck() -> (Deck, Client, Arc<Gate>) {
    let gate = Arc::default();
    let builder = builder(&gate).register::<Asks>().register::<Parent>();
    let deck = on_empty_store(builder).await.build().await.expect("builds");
    let client = deck.as_actor(Actor::local());
    (deck, client, gate)
}

/// Both slots are taken by tasks that wait for the gate.
async fn fill(client: &Client, gate: &Gate) {
    for _ in 0..2 {
        client.start_task(Scripted { act: Act::WaitForGate }).await.expect("starts");
        gate.entered.wait().await;
    }
}

async fn outcomes(client: &Client, id: TaskId) -> Vec<String> {
    let attempts = client.attempts(id).await.expect("is there");
    attempts.into_iter().filter_map(|attempt| attempt.outcome).collect()
}

#[tokio::test]
async fn what_does_not_run_is_cancelled_at_once_and_once() {
    let (deck, client, gate) = deck().await;
    let asks = client.start_task(Asks {}).await.unwrap().id();
    reaches(&client, asks, Status::WaitingConfirmation).await;
    fill(&client, &gate).await;
    let complete = || client.start_task(Scripted { act: Act::Complete });
    let queued = complete().await.unwrap().id();
    let scheduled = complete().delay(Duration::from_secs(3_600)).await.unwrap().id();
    let waits = complete().after(queued).await.unwrap().id();
    let begun = gate.begun.load(Ordering::SeqCst);
    for (id, from) in [
        (asks, Status::WaitingConfirmation),
        (waits, Status::Scheduled),
        (queued, Status::Queued),
        (scheduled, Status::Scheduled),
    ] {
        assert_eq!(client.get(id).await.unwrap().status, from);
        assert_eq!(client.cancel(id, Some("not now".to_owned())).await.unwrap(), CancelOutcome::Cancelled);
        let state = client.get(id).await.unwrap();
        assert_eq!((state.status, state.endings), (Status::Cancelled, 1));
        assert_eq!(client.cancel(id, None).await.unwrap(), CancelOutcome::AlreadyCompleted);
        let cancel = client.get(id).await.unwrap().cancel.unwrap();
        assert_eq!(cancel.reason.as_deref(), Some("not now"));
        assert_eq!(cancel.by.map(|by| by.to_string()).as_deref(), Some("local"));
    }
    assert_eq!(outcomes(&client, asks).await, ["asked"]);
    assert_eq!(gate.begun.load(Ordering::SeqCst), begun, "none of them was begun");
    deck.shutdown().await;
}

#[tokio::test]
async fn a_second_request_changes_nothing_and_what_returns_well_after_it_has_completed() {
    let (_deck, client, gate) = memory_deck().await;
    let stubborn = client.start_task(Scripted { act: Act::Stubborn }).await.unwrap().id();
    gate.entered.wait().await;
    let first = client.cancel(stubborn, Some("the first".to_owned())).await.unwrap();
    let version = client.get(stubborn).await.unwrap().version;
    let second = client.cancel(stubborn, Some("the second".to_owned())).await.unwrap();
    assert_eq!((first, second), (CancelOutcome::Cancelling, CancelOutcome::Cancelling));
    let state = client.get(stubborn).await.unwrap();
    assert_eq!((state.version, state.cancel.unwrap().reason.as_deref()), (version, Some("the first")));
    gate.open.give();
    let state = reaches(&client, stubborn, Status::Completed).await;
    assert!(state.cancel.is_some(), "it was asked, and said that it was done");
}

#[tokio::test]
async fn what_does_not_listen_is_aborted_gives_its_slot_back_and_can_be_retried() {
    let (_deck, client, gate) = memory_deck().await;
    let mut stubborn = Vec::new();
    for _ in 0..2 {
        stubborn.push(client.start_task(Scripted { act: Act::Stubborn }).await.unwrap().id());
        gate.entered.wait().await;
    }
    for id in &stubborn {
        client.cancel(*id, None).await.unwrap();
    }
    for id in &stubborn {
        let state = reaches(&client, *id, Status::Cancelled).await;
        assert_eq!((state.error, state.attempt, state.endings), (None, 1, 1));
        assert_eq!(outcomes(&client, *id).await, ["cancelled"]);
    }
    let next = client.start_task(Scripted { act: Act::Complete }).await.unwrap();
    assert!(next.result(Some(Duration::from_secs(20))).await.is_ok(), "a slot is free");
    let retried = client.retry(stubborn[0]).await.unwrap();
    assert_eq!((retried.cancel, retried.tries), (None, 0));
    gate.entered.wait().await;
    gate.open.give();
    reaches(&client, stubborn[0], Status::Completed).await;
}

#[tokio::test]
async fn blocking_code_holds_its_slot_until_it_returns_whatever_its_task_says() {
    let (_deck, client, gate) = memory_deck().await;
    let mut blocked = Vec::new();
    for _ in 0..2 {
        blocked.push(client.start_task(Scripted { act: Act::Block }).await.unwrap().id());
        gate.entered.wait().await;
        client.cancel(blocked[blocked.len() - 1], None).await.unwrap();
    }
    for id in &blocked {
        reaches(&client, *id, Status::Cancelled).await;
        assert_eq!(client.retry(*id).await.unwrap_err(), DeckError::StillRunning);
    }
    let next = client.start_task(Scripted { act: Act::Complete }).await.unwrap();
    assert_eq!(next.state().await.unwrap().status, Status::Queued, "both slots are held");
    gate.open.give();
    assert!(
        next.result(Some(Duration::from_secs(20))).await.is_ok(),
        "the first that returned gave its slot"
    );
    gate.open.give();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_that_races_with_the_end_tells_the_truth() {
    let (_deck, client, _) = memory_deck().await;
    let mut seen = StatusSet::EMPTY;
    for round in 0..400_u32 {
        let task = client.start_task(Scripted { act: Act::Complete }).await.unwrap().id();
        let race = async {
            for _ in 0..round % 40 {
                tokio::task::yield_now().await;
            }
            tokio::join!(client.cancel(task, None), client.cancel(task, None))
        };
        let (one, other) = race.await;
        let (one, other) = (one.unwrap(), other.unwrap());
        let state = client.result(task, Some(Duration::from_secs(20))).await;
        let status = client.get(task).await.unwrap();
        seen = seen.with(status.status);
        match status.status {
            Status::Completed => {
                assert!(state.is_ok());
                assert!(!matches!(
                    (one, other),
                    (CancelOutcome::Cancelled, _) | (_, CancelOutcome::Cancelled)
                ));
            }
            Status::Cancelled => {
                assert_eq!(state.unwrap_err(), DeckError::NoResult { status: Status::Cancelled });
            }
            other => panic!("{other}"),
        }
        assert_eq!(status.endings, 1);
        assert_eq!(outcomes(&client, task).await.len(), status.attempt as usize);
    }
    let counts = client.counts().await.unwrap();
    assert_eq!(counts.total(), 400);
    assert_eq!(counts.of(Status::Completed) + counts.of(Status::Cancelled), 400);
    assert!(seen.contains(Status::Completed));
}

#[tokio::test]
async fn a_cancelled_parent_takes_its_children_with_it_but_not_those_on_their_own() {
    let (_deck, client, gate) = deck().await;
    let parent = client.start_task(Parent {}).await.unwrap().id();
    // Two slots: the parent lends its own while it waits.
    gate.entered.wait().await;
    gate.entered.wait().await;
    let worker = client.workers().await.unwrap().remove(0);
    assert_eq!((worker.running.len(), worker.taken(), worker.lent), (3, 2, 1));
    assert_eq!(worker.slots_in_words(), "2 of 2 slots, 1 waits for its children");
    let all = client.list(&taskdeck_core::ListQuery::default()).await.unwrap().tasks;
    let id = |label: &str| all.iter().find(|task| task.label == label).expect("was started").id;
    assert_eq!(client.cancel(parent, None).await.unwrap(), CancelOutcome::Cancelling);
    for gone in [parent, id("first"), id("second")] {
        let state = reaches(&client, gone, Status::Cancelled).await;
        assert_eq!(state.endings, 1);
    }
    let why = client.get(id("second")).await.unwrap().cancel.unwrap().reason.unwrap();
    assert!(why.contains(&parent.to_string()) && why.contains("was cancelled"), "{why}");
    assert_eq!(client.get(id("alone")).await.unwrap().status, Status::Running);
    gate.open.give();
    reaches(&client, id("alone"), Status::Completed).await;
}
