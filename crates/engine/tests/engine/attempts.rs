//! How attempts end: completed, failed, retried, panicked, timed out, cancelled, released.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::{Act, Scripted, builder, memory_deck, on_empty_store, reaches, settings};
use serde_json::json;
use taskdeck_core::{Actor, CancelOutcome, DeckError, StartRequest, Status};
use taskdeck_engine::{Deck, Settings};

#[tokio::test]
async fn a_task_completes_with_its_typed_result() {
    let (deck, client, _) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::Complete }).label("Say hello").await.unwrap();
    assert_eq!(handle.result(None).await.unwrap(), "attempt 1");
    let state = handle.state().await.unwrap();
    assert_eq!(
        (state.status, state.label.as_str(), state.progress.fraction),
        (Status::Completed, "Say hello", Some(1.0))
    );
    assert_eq!(state.user.map(|user| user.to_string()).as_deref(), Some("local"));
    deck.shutdown().await;
}

#[tokio::test]
async fn a_watched_task_shows_its_states_up_to_the_end() {
    let (_deck, client, gate) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::WaitForGate }).await.unwrap();
    gate.entered.wait().await;
    let mut watch = handle.watch().await;
    assert_eq!(watch.next().await.unwrap().status, Status::Running);
    gate.open.give();
    let mut last = None;
    while let Some(state) = watch.next().await {
        last = Some(state.status);
    }
    assert_eq!(last, Some(Status::Completed));
}

#[tokio::test]
async fn a_passing_fault_is_tried_again_and_both_attempts_are_kept() {
    let (_deck, client, _) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::FailOnce }).await.unwrap();
    assert_eq!(handle.result(None).await.unwrap(), "second try");
    let attempts = client.attempts(handle.id()).await.unwrap();
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome.as_deref().unwrap()).collect();
    assert_eq!(outcomes, ["completed", "failed"]);
    assert_eq!(attempts[1].error.as_ref().unwrap().code, "busy");
    assert_eq!(handle.state().await.unwrap().error, None);
}

#[tokio::test]
async fn a_permanent_fault_fails_at_once_and_tells_its_message() {
    let (_deck, client, gate) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::Fail }).await.unwrap();
    let error = handle.result(None).await.unwrap_err();
    let expected =
        DeckError::TaskFailed { error: "empty".to_owned(), message: "the list is empty".to_owned() };
    assert_eq!(error, expected);
    assert_eq!(gate.begun.load(Ordering::SeqCst), 1);
    assert_eq!(client.attempts(handle.id()).await.unwrap()[0].detail.as_deref(), Some("in row 0"));
}

#[tokio::test]
async fn a_panic_ends_its_task_and_nothing_else() {
    let (_deck, client, gate) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::Panic }).await.unwrap();
    let error = handle.result(None).await.unwrap_err();
    assert!(
        matches!(error, DeckError::TaskFailed { error, message } if error == "panic" && message.contains("out of cheese"))
    );
    assert_eq!(gate.begun.load(Ordering::SeqCst), 2, "a panic may pass: there were two tries");
    let after = client.start_task(Scripted { act: Act::Complete }).await.unwrap();
    assert!(after.result(None).await.is_ok());
}

#[tokio::test]
async fn a_task_that_takes_too_long_times_out() {
    let gate = Arc::default();
    let settings = Settings { timeout: Duration::from_millis(20), ..settings() };
    let deck = on_empty_store(builder(&gate).settings(settings)).await.build().await.unwrap();
    let handle = deck.start(Scripted { act: Act::Stubborn }).await.unwrap();
    let error = handle.result(None).await.unwrap_err();
    assert!(
        matches!(error, DeckError::TaskFailed { error, message } if error == "timeout" && message.contains("0.02 s"))
    );
}

#[tokio::test]
async fn a_running_task_that_listens_is_cancelled_in_its_own_time() {
    let (_deck, client, gate) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::WaitForGate }).await.unwrap();
    gate.entered.wait().await;
    assert_eq!(handle.cancel(Some("wrong file".to_owned())).await.unwrap(), CancelOutcome::Cancelling);
    let state = reaches(&client, handle.id(), Status::Cancelled).await;
    assert_eq!(state.cancel.unwrap().reason.as_deref(), Some("wrong file"));
    assert_eq!(state.error, None);
    assert_eq!(handle.cancel(None).await.unwrap(), CancelOutcome::AlreadyCompleted);
    assert_eq!(handle.result(None).await.unwrap_err(), DeckError::NoResult { status: Status::Cancelled });
}

#[tokio::test]
async fn a_running_task_that_does_not_listen_is_aborted_after_the_grace_time() {
    let (_deck, client, gate) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::Stubborn }).await.unwrap();
    gate.entered.wait().await;
    handle.cancel(None).await.unwrap();
    reaches(&client, handle.id(), Status::Cancelled).await;
}

#[tokio::test]
async fn blocking_code_keeps_its_slot_and_refuses_a_retry_until_it_returns() {
    let (_deck, client, gate) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::Block }).await.unwrap();
    gate.entered.wait().await;
    handle.cancel(None).await.unwrap();
    reaches(&client, handle.id(), Status::Cancelled).await;
    assert_eq!(client.retry(handle.id()).await.unwrap_err(), DeckError::StillRunning);
    gate.open.give();
    gate.open.give();
    let retried = loop {
        match client.retry(handle.id()).await {
            Err(DeckError::StillRunning) => {}
            other => break other.unwrap(),
        }
    };
    assert_eq!((retried.status, retried.cancel), (Status::Queued, None));
    reaches(&client, handle.id(), Status::Completed).await;
}

#[tokio::test]
async fn a_cancel_ends_a_queued_task_at_once() {
    let (_deck, client, gate) = memory_deck().await;
    for _ in 0..2 {
        client.start_task(Scripted { act: Act::WaitForGate }).await.unwrap();
        gate.entered.wait().await;
    }
    let queued = client.start_task(Scripted { act: Act::Complete }).await.unwrap();
    assert_eq!(queued.state().await.unwrap().status, Status::Queued, "both slots are taken");
    assert_eq!(queued.cancel(None).await.unwrap(), CancelOutcome::Cancelled);
}

#[tokio::test]
async fn parts_that_were_left_out_make_the_outcome_partial() {
    let (_deck, client, _) = memory_deck().await;
    let request = StartRequest { params: json!({"act": "partial"}), ..StartRequest::default() };
    let body = client.run("scripted", request, Duration::from_secs(20)).await.unwrap();
    assert!(body.partial && body.problem_count == 1);
    assert_eq!((body.problems[0].part.as_str(), body.result), ("line 2", json!("the rest")));
}

#[tokio::test]
async fn running_longer_than_the_caller_waits_answers_the_task_that_goes_on() {
    let (_deck, client, gate) = memory_deck().await;
    let request = StartRequest { params: json!({"act": "stubborn"}), ..StartRequest::default() };
    let error = client.run("scripted", request, Duration::from_millis(10)).await.unwrap_err();
    let DeckError::TimedOut { task } = error else { panic!("{error}") };
    gate.open.give();
    reaches(&client, task, Status::Completed).await;
}

#[tokio::test]
async fn a_shutdown_costs_no_try_and_the_next_deck_goes_on_from_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let gate = Arc::default();
    let deck = builder(&gate).sqlite(&path).build().await.unwrap();
    let handle = deck.start(Scripted { act: Act::WaitForGate }).await.unwrap();
    gate.entered.wait().await;
    deck.shutdown().await;
    drop(deck);
    let deck = builder(&gate).sqlite(&path).build().await.unwrap();
    let client = deck.as_actor(Actor::local());
    gate.entered.wait().await;
    let running = client.detail(handle.id()).await.unwrap();
    assert_eq!((running.task.attempt, running.task.tries), (2, 0));
    assert_eq!(running.checkpoint, Some(json!(7)));
    assert_eq!(running.attempts.len(), 2);
    gate.open.give();
    reaches(&client, handle.id(), Status::Completed).await;
    deck.shutdown().await;
}

#[tokio::test]
async fn a_kind_registered_twice_is_refused_when_the_deck_is_built() {
    let twice = Deck::builder().register::<Scripted>().register::<Scripted>().memory().build().await;
    assert!(twice.unwrap_err().to_string().contains("two tasks are named scripted"));
}

#[tokio::test]
async fn what_is_started_from_a_runtime_that_ends_runs_on_the_decks_own() {
    let (_deck, client, gate) = memory_deck().await;
    // After this the worker has looked: what is started now begins at once.
    client.start_task(Scripted { act: Act::Complete }).await.unwrap().result(None).await.unwrap();
    let elsewhere = client.clone();
    let start = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let start = async { elsewhere.start_task(Scripted { act: Act::WaitForGate }).await.unwrap().id() };
        runtime.block_on(start)
    };
    let id = tokio::task::spawn_blocking(start).await.unwrap();
    gate.entered.wait().await;
    gate.open.give();
    reaches(&client, id, Status::Completed).await;
}
