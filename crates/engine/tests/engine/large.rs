//! A queue that is very long: it costs no memory, and nothing gets slower with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use taskdeck_core::{
    Actor, BatchRequest, ListQuery, QueueName, StartRequest, Status, StatusSet, Task, ThenRequest,
};
use taskdeck_engine::{Durability, Settings};

use crate::support::{Scripted, builder, settings};

const BATCH: u64 = 10_000;

/// What this process holds of the memory, in bytes.
fn resident() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes =
        line.and_then(|line| line.trim().split(' ').next()).and_then(|number| number.parse().ok());
    kilobytes.unwrap_or(0_u64) * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_very_long_queue_is_started_listed_counted_and_worked_at_as_a_short_one() {
    let tasks = if std::env::var_os("TASKDECK_SOAK").is_some() { 1_000_000 } else { 50_000 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let gate = Arc::default();
    let settings = Settings { durability: Durability::Normal, ..settings() };
    let deck = builder(&gate).settings(settings.clone()).sqlite(&path).build().await.unwrap();
    let client = deck.as_actor(Actor::System);
    client.pause_queue(&QueueName::default()).await.unwrap();
    let before = resident();
    let began = Instant::now();
    for _ in 0..tasks / BATCH {
        let request = StartRequest { params: json!({"act": "complete"}), ..StartRequest::default() };
        let one = ThenRequest { kind: Scripted::kind(), request };
        let batch = BatchRequest { label: None, tasks: vec![one; usize::try_from(BATCH).unwrap()] };
        client.start_batch(batch).await.unwrap();
    }
    let started = began.elapsed();
    let grown = resident().saturating_sub(before);
    // The page cache of the writing connection, and a batch.
    assert!(grown < 256_000_000, "{tasks} queued tasks hold {grown} bytes");

    let quick = |what: &str, began: Instant, most: Duration| {
        let took = began.elapsed();
        assert!(took < most, "{what} took {took:?}");
        took
    };
    let began = Instant::now();
    let counts = client.counts().await.unwrap();
    assert_eq!((counts.of(Status::Queued), counts.total()), (tasks, tasks));
    let counted = quick("counting", began, Duration::from_secs(1));
    let queued = StatusSet::EMPTY.with(Status::Queued);
    for query in [
        ListQuery::default(),
        ListQuery { status: queued, ..ListQuery::default() },
        ListQuery { kind: Some(Scripted::kind()), status: queued, ..ListQuery::default() },
    ] {
        let began = Instant::now();
        let page = client.list(&query).await.unwrap();
        assert!(!page.tasks.is_empty() && page.next_cursor.is_some());
        quick("a page", began, Duration::from_secs(1));
    }
    let oldest = {
        let conn = rusqlite::Connection::open(&path).unwrap();
        let first = conn.query_row("SELECT min(id) FROM tasks", [], |row| row.get(0)).unwrap();
        taskdeck_core::TaskId::from_uuid(uuid::Uuid::from_bytes(first))
    };
    deck.shutdown().await;
    drop(deck);

    // The next process neither reads nor moves them before it works.
    let began = Instant::now();
    let deck = builder(&gate).settings(settings).sqlite(&path).build().await.unwrap();
    let opened = quick("opening", began, Duration::from_secs(5));
    let client = deck.as_actor(Actor::System);
    let began = Instant::now();
    client.resume_queue(&QueueName::default()).await.unwrap();
    assert!(client.result(oldest, Some(Duration::from_secs(20))).await.is_ok());
    let first = quick("the first task", began, Duration::from_secs(5));
    let grown = resident().saturating_sub(before);
    assert!(grown < 256_000_000, "{tasks} queued tasks hold {grown} bytes while they are worked at");
    eprintln!(
        "{tasks} queued in {started:?}, {grown} bytes more; counts {counted:?}, opening {opened:?}, first {first:?}"
    );
    deck.shutdown().await;
}
