//! What a node tells of tasks that run on others.

use taskdeck_core::Rev;

use super::*;
use crate::store::postgres::testing::{Proxy, Way};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn whoever_asks_another_node_gets_a_newer_state_with_each_progress() {
    let (database, stage) = (Database::new().await, gated(0));
    let web = node(&database, &stage, false).await;
    let worker = node(&database, &stage, true).await;
    let id = web.start(Wait { number: 3 }).await.unwrap().id();
    sees(&web, id, |state| state.progress.done == Some(3)).await;
    let asked = async |deck: &Deck| client(deck).get(id).await.unwrap();
    let (there, here) = (asked(&web).await, asked(&worker).await);
    assert!(there.tick > 0, "one that is polled with the rev it had before is told of it");
    assert_eq!((there.rev(), there.progress.done), (here.rev(), here.progress.done));
    let listed = client(&web).list(&ListQuery::default()).await.unwrap().tasks.pop().unwrap();
    assert_eq!((listed.rev(), listed.progress.done), (there.rev(), Some(3)));
    let before: Rev = there.rev();
    worker.inner().live.get(id).unwrap().progress(|progress| progress.done = Some(4));
    sees(&web, id, |state| state.progress.done == Some(4)).await;
    let after = asked(&web).await;
    assert!(after.rev() > before, "{:?} comes after {before:?}", after.rev());
    assert_eq!(after.progress.done, Some(4));
    // A cancel makes a new version, in which no progress has been told.
    client(&web).cancel(id, None).await.unwrap();
    let cancelled = is(&web, id, Status::Cancelled).await;
    assert!(cancelled.rev() > after.rev());
    end(database, vec![web, worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn every_list_that_is_watched_is_told_of_new_tasks_however_many_there_are() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    let web = node(&database, &stage, false).await;
    let other = node(&database, &stage, false).await;
    let mut feeds = Vec::new();
    for n in 0..50 {
        let mut feed = client(&web).feed();
        // Different ones, that all show every task.
        let after = Some(taskdeck_core::Timestamp::from_millis(n));
        let query = Box::new(ListQuery { after, ..ListQuery::default() });
        feed.apply(ClientMessage::List { query }).await;
        feeds.push(feed);
    }
    // One that is told of has been looked at, and the others with it or before.
    let mut told = tokio::task::JoinSet::new();
    for mut feed in feeds {
        told.spawn(async move {
            loop {
                for message in feed.next().await.expect("the deck lives") {
                    if let ServerMessage::New { tasks } = message
                        && !tasks.is_empty()
                    {
                        return;
                    }
                }
            }
        });
    }
    let all = async {
        while !told.is_empty() {
            // Again and again: what was there before the first look at a list is not new in it.
            other.start(Wait { number: 1 }).await.unwrap();
            while told.try_join_next().is_some() {}
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("each is told");
    end(database, vec![web, other]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn who_waits_for_a_task_that_another_node_removes_before_the_first_look_is_told() {
    let (database, stage) = (Database::new().await, gated(0));
    let proxy = Proxy::to(database.address()).await;
    proxy.set(Way::Deaf);
    // It looks once a second, and hears no message.
    let deaf = builder(&database, &stage, false).postgres(database.url_over(&proxy)).build().await.unwrap();
    let other = node(&database, &stage, false).await;
    let handle = deaf.start(Wait { number: 1 }).await.unwrap();
    let id = handle.id();
    let waits = tokio::spawn(async move { handle.result(None).await });
    while !deaf.inner().hub.watched().tasks.contains(&id) {
        tokio::task::yield_now().await;
    }
    client(&other).cancel(id, None).await.unwrap();
    client(&other).delete(id).await.unwrap();
    let told = tokio::time::timeout(PATIENCE, waits).await.expect("it does not wait for ever").unwrap();
    assert!(told.is_err(), "{told:?}");
    end(database, vec![deaf, other]).await;
}
