//! Tasks that are started in a transaction of the program's own on the deck's SQLite file.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use taskdeck_core::{Actor, ListQuery, Status};
use taskdeck_engine::rusqlite::{Connection, Transaction, TransactionBehavior};
use taskdeck_engine::{Deck, TaskHandle};

use crate::support::{Act, Gate, Scripted, builder};

const PATIENCE: Duration = Duration::from_secs(20);

async fn deck(path: &Path, gate: &Arc<Gate>) -> Deck {
    builder(gate).sqlite(path).build().await.expect("builds")
}

/// The program's own way to the file, with a table of its own in it.
fn orders(path: &Path) -> Connection {
    let conn = Connection::open(path).expect("opens");
    conn.execute_batch("CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY)").expect("runs");
    conn
}

fn begin(conn: &mut Connection, order: i64) -> Transaction<'_> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate).expect("begins");
    transaction.execute("INSERT INTO orders VALUES (?1)", [order]).expect("inserts");
    transaction
}

fn complete() -> Scripted {
    Scripted { act: Act::Complete }
}

async fn ends(handle: TaskHandle<Scripted>) -> String {
    tokio::time::timeout(PATIENCE, handle.result(None)).await.expect("in time").expect("completes")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_there_if_and_only_if_the_program_s_own_row_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let deck = deck(&path, &Arc::default()).await;
    let client = deck.as_actor(Actor::System);
    let mut conn = orders(&path);

    let never = deck.start(complete()).key("order").prepare().await.unwrap();
    let transaction = begin(&mut conn, 1);
    let never = never.start_in(&transaction).unwrap().id();
    transaction.rollback().unwrap();

    // The key of what was rolled back is free.
    let later = deck.start(complete()).key("order").prepare().await.unwrap();
    let transaction = begin(&mut conn, 2);
    let later = later.start_in(&transaction).unwrap();
    assert!(client.get(later.id()).await.is_err(), "nobody sees it yet");
    transaction.commit().unwrap();
    let began = Instant::now();
    assert_eq!(ends(later).await, "attempt 1");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "it is found without waiting for a slow look: {took:?}");

    assert!(client.get(never).await.is_err());
    let kept: Vec<i64> = conn
        .prepare("SELECT number FROM orders")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(kept, [2]);
    let counts = client.counts().await.unwrap();
    assert_eq!((counts.of(Status::Completed), counts.of(Status::Queued)), (1, 0));
    deck.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_after_a_task_may_be_started_in_a_transaction_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let gate = Arc::<Gate>::default();
    let deck = deck(&path, &gate).await;
    // No task of the deck has ever run after another.
    let first = deck.start(Scripted { act: Act::WaitForGate }).await.unwrap();
    gate.entered.wait().await;
    let second = deck.start(complete()).after(first.id()).prepare().await.unwrap();
    let mut conn = orders(&path);
    let transaction = begin(&mut conn, 1);
    let second = second.start_in(&transaction).unwrap();
    transaction.commit().unwrap();
    gate.open.give();
    assert_eq!(ends(first).await, "went through");
    assert_eq!(ends(second).await, "attempt 1");
    deck.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_leaves_nothing_in_the_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let deck = deck(&path, &Arc::default()).await;
    let mut conn = orders(&path);
    conn.execute_batch(
        "CREATE TRIGGER refuses BEFORE INSERT ON payloads BEGIN SELECT RAISE(ABORT, 'not today'); END",
    )
    .unwrap();
    let prepared = deck.start(complete()).prepare().await.unwrap();
    let transaction = begin(&mut conn, 1);
    let error = prepared.start_in(&transaction).unwrap_err();
    assert!(error.to_string().contains("not today"), "{error}");
    transaction.commit().unwrap();
    conn.execute_batch("DROP TRIGGER refuses").unwrap();
    let client = deck.as_actor(Actor::System);
    assert!(client.list(&ListQuery::default()).await.unwrap().tasks.is_empty());
    assert_eq!(client.counts().await.unwrap().of(Status::Queued), 0);
    assert_eq!(conn.query_row("SELECT count(*) FROM orders", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    deck.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let deck = deck(&path, &Arc::default()).await;
    let mut elsewhere = orders(&folder.path().join("other.db"));
    let prepared = deck.start(complete()).prepare().await.unwrap();
    let error = prepared.start_in(&begin(&mut elsewhere, 1)).unwrap_err();
    assert!(error.to_string().contains("not on the file that the deck is in"), "{error}");
    let memory = builder(&Arc::default()).memory().build().await.unwrap();
    let prepared = memory.start(complete()).prepare().await.unwrap();
    let error = prepared.start_in(&begin(&mut elsewhere, 2)).unwrap_err();
    assert!(error.to_string().contains("in memory"), "{error}");
    memory.shutdown().await;
    deck.shutdown().await;
}
