//! What `#[task]` makes of `check`, `upgrade` and the limits, where there is an engine.
#![cfg(feature = "engine")]
#![deny(warnings, unsafe_code, clippy::unused_async, clippy::allow_attributes)]

use std::time::Duration;

use serde_json::json;
use taskdeck::prelude::*;
use taskdeck::{Actor, DeckError, Settings, StartRequest, Status};

async fn has_room(task: &Resize, deck: &Deck) -> Result<(), String> {
    let waiting = deck.as_actor(Actor::System).counts().await.map_err(|error| error.to_string())?;
    if task.width > 4_000 {
        return Err(format!("there is no room for {} px, with {} tasks", task.width, waiting.total()));
    }
    Ok(())
}

mod versions {
    use serde_json::{Value, json};

    /// Version 1 had one number for both sides.
    #[expect(clippy::needless_pass_by_value, reason = "the signature is the macro's")]
    pub(crate) fn upgrade(version: u32, params: Value) -> Result<Value, String> {
        match params.get("side") {
            Some(side) if side.is_number() => Ok(json!({ "width": side, "height": side })),
            _ => Err(format!("version {version} had a number for `side`")),
        }
    }
}

/// Resizes the picture.
#[task(check = has_room, version = 2, upgrade = versions::upgrade, concurrency = 1, expires = "1h")]
async fn resize(width: u32, height: u32) -> Result<u32, TaskError> {
    Ok(width * height)
}

mod before {
    use taskdeck::prelude::*;

    #[task]
    pub(crate) async fn resize(#[param(json)] side: serde_json::Value) -> Result<u32, TaskError> {
        Err(TaskError::permanent(format!("never run, with {side}")))
    }
}

fn idle() -> Settings {
    Settings { worker: false, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_refuses_a_start_with_its_reason_and_nothing_is_stored() {
    let deck = Deck::builder().memory().register::<Resize>().build().await.unwrap();
    let refused = deck.start(Resize { width: 5_000, height: 1 }).await.unwrap_err();
    let reason = "there is no room for 5000 px, with 0 tasks".to_owned();
    assert_eq!(refused, DeckError::CheckFailed { reason });
    assert_eq!(deck.as_actor(Actor::System).counts().await.unwrap().total(), 0);

    let started = deck.start(Resize { width: 4, height: 3 }).await.unwrap();
    assert_eq!(started.result(Some(Duration::from_mins(1))).await.unwrap(), 12);
    deck.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn params_of_an_older_version_are_upgraded_before_the_body_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let deck =
        Deck::builder().sqlite(&path).settings(idle()).register::<before::Resize>().build().await.unwrap();
    let fits = deck.start(before::Resize { side: json!(7) }).await.unwrap().id();
    let does_not = deck.start(before::Resize { side: json!("seven") }).await.unwrap().id();
    deck.shutdown().await;
    drop(deck);

    let deck = Deck::builder().sqlite(&path).register::<Resize>().build().await.unwrap();
    let client = deck.as_actor(Actor::System);
    let wait = Some(Duration::from_mins(1));
    assert_eq!(client.result(fits, wait).await.unwrap().result, json!(49));
    let failed = client.result(does_not, wait).await.unwrap_err();
    let DeckError::TaskFailed { error, message } = failed else { panic!("{failed}") };
    assert_eq!(error, "params");
    assert!(message.contains("version 1 had a number for `side`"), "{message}");

    // What is new is of this version, and asks for no upgrade.
    let request = StartRequest { params: json!({"width": 2, "height": 2}), ..StartRequest::default() };
    let new = client.run("resize", request, Duration::from_mins(1)).await.unwrap();
    assert_eq!(new.result, json!(4));
    deck.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_attribute_hold_the_kind_back() {
    let deck = Deck::builder().memory().settings(idle()).register::<Resize>().build().await.unwrap();
    let client = deck.as_actor(Actor::System);
    let lanes = client.kind_lanes().await.unwrap();
    assert_eq!((lanes[0].name.as_str(), lanes[0].limits.concurrency), ("resize", Some(1)));
    let handle = deck.start(Resize { width: 1, height: 1 }).await.unwrap();
    assert_eq!(handle.state().await.unwrap().status, Status::Queued);
    deck.shutdown().await;
}
