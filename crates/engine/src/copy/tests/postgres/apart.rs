//! A copy and nodes keep away from each other.

use std::sync::mpsc;

use tokio::sync::Notify;

use super::*;
use crate::BuildError;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn postgres_a_node_that_starts_in_the_middle_of_a_copy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (file, database) = (folder.path().join("deck.db"), Database::new().await);
    let deck = on_file(&file).await;
    let client = deck.as_actor(Actor::local());
    let task = start(&client, "complete").await;
    reaches(&client, task, Status::Completed).await;
    deck.shutdown().await;
    drop((deck, client));
    let (from, to) = (Place::Sqlite(file), Place::Postgres(database.url()));
    let in_the_middle = std::sync::Arc::new(Notify::new());
    let (go_on, wait) = mpsc::channel::<()>();
    let told = std::sync::Arc::clone(&in_the_middle);
    let mut held = Some(wait);
    let copying = tokio::spawn(Copy::new(from, to.clone()).run(move |at| {
        if at.stage == CopyStage::Tasks
            && let Some(wait) = held.take()
        {
            told.notify_one();
            tokio::task::block_in_place(|| wait.recv().expect("the test goes on"));
        }
    }));
    in_the_middle.notified().await;
    let node = || Deck::builder().postgres(database.url()).register::<Busy>().settings(settings());
    let refused = node().build().await;
    assert!(matches!(refused, Err(BuildError::Copying { .. })), "{refused:?}");
    let second = copy(to, Place::Sqlite(folder.path().join("second.db"))).await;
    assert!(matches!(second, Err(CopyError::Open(BuildError::Copying { .. }))), "{second:?}");
    go_on.send(()).unwrap();
    assert_eq!(copying.await.unwrap().unwrap().copied, 1);
    // As soon as it says that it is done.
    let deck = node().build().await.unwrap();
    deck.shutdown().await;
    drop(deck);
    database.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn postgres_a_copy_beside_a_node_that_seldom_beats_is_refused_and_leaves_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::new().await;
    // Its counter moves every two minutes.
    let slow = Settings { lease: Duration::from_secs(720), ..settings() };
    let deck =
        Deck::builder().postgres(database.url()).register::<Busy>().settings(slow).build().await.unwrap();
    let client = deck.as_actor(Actor::local());
    let task = start(&client, "complete").await;
    reaches(&client, task, Status::Completed).await;
    let session = deck.inner().session();
    let refused = copy(Place::Postgres(database.url()), Place::Sqlite(folder.path().join("copy.db"))).await;
    assert!(matches!(refused, Err(CopyError::InUse { place: "the source", .. })), "{refused:?}");
    assert!(crate::heart::beat(deck.inner()).await.unwrap());
    assert_eq!(deck.inner().session(), session);
    deck.shutdown().await;
    drop((deck, client));
    copy(Place::Postgres(database.url()), Place::Sqlite(folder.path().join("copy.db"))).await.unwrap();
    database.end().await;
}
