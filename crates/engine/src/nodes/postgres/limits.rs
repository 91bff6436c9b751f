//! Pauses and limits, on nodes that have not heard of them; and room that becomes free elsewhere.

use taskdeck_core::{BatchRequest, DeckError, Role, User, UserId};

use super::*;
use crate::store::postgres::testing::{Proxy, Way};

/// A node that hears no message and looks by itself so seldom that it does not matter.
async fn deaf_node(proxy: &Proxy, database: &Database, stage: &Arc<Stage>) -> Deck {
    let settings =
        Settings { max_concurrent: 8, lease: Duration::from_secs(600), worker: true, ..Settings::default() };
    let builder = builder(database, stage, true).settings(settings);
    builder.postgres(database.url_over(proxy)).build().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_limit_and_a_pause_hold_on_nodes_that_have_not_heard_of_them() {
    let (database, stage) = (Database::new().await, gated(0));
    let proxy = Proxy::to(database.address()).await;
    proxy.set(Way::Deaf);
    let web = node(&database, &stage, false).await;
    let deaf = [deaf_node(&proxy, &database, &stage).await, deaf_node(&proxy, &database, &stage).await];
    // Before: whatever is started there begins in its start.
    let first = deaf[0].start(Wait { number: 0 }).await.unwrap().id();
    is(&deaf[0], first, Status::Running).await;
    let one = LaneLimits { concurrency: Some(1), ..LaneLimits::default() };
    client(&web).limit_kind(&Wait::kind(), Some(one)).await.unwrap();
    let mut ids = vec![first];
    for number in 1..=6 {
        let deck = &deaf[usize::try_from(number % 2).unwrap()];
        ids.push(deck.start(Wait { number }).await.unwrap().id());
    }
    stage.gate.as_ref().unwrap().add_permits(ids.len());
    for id in ids {
        is(&web, id, Status::Completed).await;
    }
    assert_eq!(*stage.now.lock().unwrap(), (0, 1), "one at a time, whoever runs it");
    client(&web).limit_kind(&Wait::kind(), None).await.unwrap();
    client(&web).pause_kind(&Wait::kind()).await.unwrap();
    for deck in &deaf {
        let started = deck.start(Wait { number: 0 }).await.unwrap().id();
        let state = client(deck).get(started).await.unwrap();
        assert_eq!((state.status, state.attempt), (Status::Queued, 0), "it does not begin in its start");
    }
    let [one, other] = deaf;
    end(database, vec![web, one, other]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn the_end_of_a_limited_task_tells_other_nodes_that_there_is_room() {
    let (database, stage) = (Database::new().await, gated(0));
    let worker = node(&database, &stage, true).await;
    let one = LaneLimits { concurrency: Some(1), ..LaneLimits::default() };
    client(&worker).limit_kind(&Wait::kind(), Some(one)).await.unwrap();
    let id = worker.start(Wait { number: 1 }).await.unwrap().id();
    is(&worker, id, Status::Running).await;
    // It only listens: nothing but a message makes it look.
    let other = database.store().await;
    let hears = async |what: fn(crate::store::Heard) -> bool| {
        let heard = async { while !what(other.heard().await) {} };
        tokio::time::timeout(PATIENCE, heard).await.expect("it is told");
    };
    hears(|heard| heard == crate::store::Heard::all()).await;
    client(&worker)
        .cancel(worker.start(Wait { number: 2 }).delay(PATIENCE).await.unwrap().id(), None)
        .await
        .unwrap();
    hears(|heard| heard.tasks).await;
    stage.gate.as_ref().unwrap().add_permits(1);
    is(&worker, id, Status::Completed).await;
    hears(|heard| heard.queued).await;
    other.close().await;
    end(database, vec![worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn of_a_partition_as_many_run_on_all_nodes_as_may() {
    let (database, stage) = (Database::new().await, gated(0));
    let decks = [node(&database, &stage, true).await, node(&database, &stage, true).await];
    let one = LaneLimits { partition_concurrency: Some(1), ..LaneLimits::default() };
    client(&decks[0]).limit_kind(&Wait::kind(), Some(one)).await.unwrap();
    let mut ids = Vec::new();
    for number in 0..6 {
        let deck = &decks[usize::try_from(number % 2).unwrap()];
        ids.push(deck.start(Wait { number }).partition("ann").await.unwrap().id());
    }
    is(&decks[0], ids[0], Status::Running).await;
    let other = decks[1].start(Wait { number: 6 }).partition("bob").await.unwrap().id();
    is(&decks[0], other, Status::Running).await;
    // Both nodes have slots, and look for work.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(*stage.now.lock().unwrap(), (2, 2), "one of each partition");
    client(&decks[0]).cancel(other, None).await.unwrap();
    is(&decks[0], other, Status::Cancelled).await;
    stage.gate.as_ref().unwrap().add_permits(ids.len());
    for id in ids {
        is(&decks[0], id, Status::Completed).await;
    }
    assert_eq!(*stage.now.lock().unwrap(), (0, 2), "one at a time, whoever runs it");
    end(database, decks.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_rate_is_what_begins_on_all_nodes() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    let decks = [node(&database, &stage, true).await, node(&database, &stage, true).await];
    let rate = Some(LaneLimits { rate: "3/1h".parse().ok(), ..LaneLimits::default() });
    client(&decks[0]).limit_kind(&Wait::kind(), rate).await.unwrap();
    for number in 0..8 {
        decks[usize::try_from(number % 2).unwrap()].start(Wait { number }).await.unwrap();
    }
    let store = &decks[0].inner().store;
    let completed = async { while store.counts().await.unwrap().of(Status::Completed) < 3 {} };
    tokio::time::timeout(PATIENCE, completed).await.expect("three begin");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.of(Status::Completed), counts.of(Status::Queued)), (3, 5));
    end(database, decks.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_user_starts_as_many_on_all_nodes_as_may() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    let settings = Settings { user_rate: "3/1h".parse().ok(), worker: false, ..builder_settings() };
    let open = async || builder(&database, &stage, false).settings(settings.clone()).build().await.unwrap();
    let decks = [open().await, open().await];
    let user = |name: &'static str| {
        Actor::User(User {
            id: UserId::new(name).unwrap(),
            role: Role::Operator,
            permissions: Default::default(),
        })
    };
    let clients = decks.each_ref().map(|deck| deck.as_actor(user("ann")));
    for client in clients.iter().cycle().take(3) {
        client.start_task(Wait { number: 1 }).await.expect("within the rate");
    }
    for client in &clients {
        let refused = client.start_task(Wait { number: 1 }).await.unwrap_err();
        let DeckError::TooMany { retry_after_ms } = refused else { panic!("{refused}") };
        assert!((1_000_000..=1_200_000).contains(&retry_after_ms), "{retry_after_ms}: a third of the hour");
    }
    let other = decks[0].as_actor(user("bob"));
    let batch = |n: u64| {
        let added = (0..n).try_fold(BatchRequest::default(), |batch, number| batch.task(&Wait { number }));
        added.unwrap()
    };
    let four = other.start_batch(batch(4)).await.unwrap_err();
    assert!(matches!(four, DeckError::TooMany { .. }), "all or none: {four}");
    other.start_batch(batch(3)).await.expect("within the rate of another user");
    end(database, decks.into()).await;
}
