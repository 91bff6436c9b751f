//! Stores that are full, locked, read-only or broken: starts are refused with the reason, endings are kept until they
//! can be stored, and work goes on when the cause is gone.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use taskdeck_core::{Actor, DeckError, Definition, Param, ParamKind, Status, Task, TaskError, TaskId};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::SqliteStore;
use super::writer::Lane;
use crate::store::Store;
use crate::{BuildError, Client, Deck, DeckBuilder, Durability, Settings, TaskBody, TaskContext};

const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for the gate, if it is to, and returns a large output.
#[derive(Debug, Serialize, Deserialize)]
struct Large {
    wait: bool,
    ballast: String,
}

#[derive(Debug)]
struct Gate {
    entered: Semaphore,
    open: Semaphore,
    left: Semaphore,
}

impl Task for Large {
    const KIND: &'static str = "large";
    type Output = String;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<bool>("wait"), Param::new("ballast", ParamKind::text())];
        definition
    }
}

impl TaskBody for Large {
    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        if self.wait {
            let gate = Arc::clone(&*ctx.get::<Arc<Gate>>()?);
            gate.entered.add_permits(1);
            gate.open.acquire().await.unwrap().forget();
            gate.left.add_permits(1);
            // What the body stores on its way waits for the store, as its ending does.
            ctx.checkpoint(&"c".repeat(100_000)).await?;
            return Ok("x".repeat(200_000));
        }
        Ok("small".to_owned())
    }
}

async fn passes(signal: &Semaphore) {
    let permit = tokio::time::timeout(PATIENCE, signal.acquire()).await;
    permit.expect("the signal comes").unwrap().forget();
}

struct Bad {
    deck: Deck,
    client: Client,
    gate: Arc<Gate>,
    /// Runs, and waits for the gate.
    waits: TaskId,
}

fn builder() -> DeckBuilder {
    let settings = Settings { max_concurrent: 4, durability: Durability::Normal, ..Settings::default() };
    Deck::builder().register::<Large>().settings(settings)
}

impl Bad {
    async fn new(builder: DeckBuilder) -> Self {
        let gate =
            Arc::new(Gate { entered: Semaphore::new(0), open: Semaphore::new(0), left: Semaphore::new(0) });
        let deck = builder.resource(Arc::clone(&gate)).build().await.unwrap();
        let waits = deck.start(Large { wait: true, ballast: String::new() }).await.unwrap().id();
        passes(&gate.entered).await;
        Self { client: deck.as_actor(Actor::System), deck, gate, waits }
    }

    async fn start(&self, bytes: usize) -> Result<TaskId, DeckError> {
        let started = self.deck.start(Large { wait: false, ballast: "b".repeat(bytes) }).await?;
        Ok(started.id())
    }

    /// Starts until the store does not take any more; why.
    async fn start_until_refused(&self) -> String {
        for _ in 0..1_000 {
            match self.start(60_000).await {
                Ok(_) => {}
                Err(DeckError::Unavailable { reason }) => return reason,
                Err(error) => panic!("{error}"),
            }
        }
        panic!("nothing was refused");
    }

    /// The body returns, though its ending cannot be stored.
    async fn leave(&self) {
        let told = self.deck.ready().await;
        assert!(matches!(told, Err(DeckError::Unavailable { .. })), "{told:?}");
        self.gate.open.add_permits(1);
        passes(&self.gate.left).await;
        // Another request that goes the same way, and comes back refused after the ending was.
        assert!(matches!(self.start(60_000).await, Err(DeckError::Unavailable { .. })));
        let state = self.client.get(self.waits).await.unwrap();
        assert_eq!((state.status, state.attempt), (Status::Running, 1));
    }

    /// The cause is gone: the ending is stored, and work goes on.
    async fn goes_on(&self) {
        let body = self.client.result(self.waits, Some(PATIENCE)).await.unwrap();
        assert_eq!(body.result.as_str().map(str::len), Some(200_000));
        let attempts = self.client.attempts(self.waits).await.unwrap();
        assert_eq!(attempts.len(), 1);
        assert_eq!(self.client.get(self.waits).await.unwrap().endings, 1);
        let next = self.start(60_000).await.unwrap();
        assert_eq!(self.client.result(next, Some(PATIENCE)).await.unwrap().result, "small");
        let store = &self.deck.inner().store;
        self.deck.shutdown().await;
        assert!(store.counts().await.is_err());
    }
}

/// Opened again, it holds what it should.
async fn assert_sound(path: &Path) {
    let store = SqliteStore::open(Some(path), Durability::Normal).unwrap();
    assert_eq!(store.counts().await.unwrap(), store.recount().await.unwrap());
    assert_eq!(store.holders().await.unwrap(), []);
    store.close().await;
}

#[tokio::test]
async fn a_full_store_refuses_starts_keeps_endings_and_goes_on_when_there_is_room() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("deck.db");
    let store = Arc::new(SqliteStore::open(Some(&path), Durability::Normal).unwrap());
    let bad = Bad::new(builder().shared_store(Arc::clone(&store) as Arc<dyn Store>)).await;
    let most_pages = |most: i64| {
        let limit = move |tx: &mut super::Tx<'_, '_>| {
            Ok(tx
                .conn
                .query_row(&format!("PRAGMA max_page_count = {most}"), [], |row| row.get::<_, i64>(0))?)
        };
        store.write(Lane::Control, limit)
    };
    // It is not made smaller than it is.
    assert!(most_pages(1).await.unwrap() > 1);
    let reason = bad.start_until_refused().await;
    assert!(reason.contains("database or disk is full"), "{reason}");
    bad.leave().await;
    most_pages(1_000_000).await.unwrap();
    bad.goes_on().await;
    drop((bad, store));
    assert_sound(&path).await;
}

/// A small file system of its own, where that is allowed.
struct Small(TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(folder.path()).output();
        if done.is_ok_and(|done| done.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("skipped: this test needs to mount a file system");
        None
    }

    fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        assert!(Command::new("mount").args(["-o", &how]).arg(self.0.path()).status().unwrap().success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0.path()).status());
    }
}

#[tokio::test]
async fn a_full_disk_refuses_starts_keeps_endings_and_goes_on_when_there_is_room() {
    let Some(disk) = Small::mount() else { return };
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![0; 1_500_000]).unwrap();
    let path = disk.0.path().join("deck.db");
    let bad = Bad::new(builder().sqlite(&path)).await;
    let reason = bad.start_until_refused().await;
    assert!(reason.contains("full") || reason.contains("disk I/O error"), "{reason}");
    bad.leave().await;
    std::fs::remove_file(&ballast).unwrap();
    bad.goes_on().await;
    drop(bad);
    assert_sound(&path).await;
}

#[tokio::test]
async fn a_disk_that_is_read_only_is_named_when_the_store_is_opened() {
    let Some(disk) = Small::mount() else { return };
    let path = disk.0.path().join("deck.db");
    SqliteStore::open(Some(&path), Durability::Normal).unwrap().close().await;
    disk.remount("ro");
    let error = builder().sqlite(&path).build().await.unwrap_err();
    let BuildError::Store { path: named, why } = &error else { panic!("{error}") };
    assert!(named.starts_with(path.to_str().unwrap()) && why.to_lowercase().contains("read-only"), "{error}");
    disk.remount("rw");
    let bad = Bad::new(builder().sqlite(&path)).await;
    bad.gate.open.add_permits(1);
    bad.goes_on().await;
}

#[tokio::test]
async fn a_file_that_is_made_read_only_while_it_is_open_is_still_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("deck.db");
    let bad = Bad::new(builder().sqlite(&path)).await;
    let writable = std::fs::metadata(&path).unwrap().permissions();
    let mut read_only = writable.clone();
    read_only.set_readonly(true);
    std::fs::set_permissions(&path, read_only).unwrap();
    bad.gate.open.add_permits(1);
    bad.goes_on().await;
    std::fs::set_permissions(&path, writable).unwrap();
    assert_sound(&path).await;
}

#[tokio::test]
async fn a_store_that_another_process_has_locked_refuses_starts_and_goes_on_afterwards() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("deck.db");
    let bad = Bad::new(builder().sqlite(&path)).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let starts = (0..20).map(|_| bad.start(10));
    for refused in futures::future::join_all(starts).await {
        let Err(DeckError::Unavailable { reason }) = refused else { panic!("{refused:?}") };
        assert!(reason.contains("database is locked"), "{reason}");
    }
    // Not one wait after the other.
    assert!(began.elapsed() < Duration::from_secs(14), "all were told after {:?}", began.elapsed());
    assert_eq!(bad.client.counts().await.unwrap().total(), 1, "reading goes on");
    bad.leave().await;
    other.execute_batch("COMMIT").unwrap();
    bad.goes_on().await;
    drop(other);
    assert_sound(&path).await;
}

#[tokio::test]
async fn a_broken_file_is_named_when_it_is_opened() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("deck.db");
    SqliteStore::open(Some(&path), Durability::Normal).unwrap().close().await;
    let whole = std::fs::read(&path).unwrap();
    let mut broken_schema = whole.clone();
    broken_schema[100..4_096].fill(0xa5);
    for (bytes, why) in [(b"this is a letter".repeat(512), "not a database"), (broken_schema, "malformed")] {
        std::fs::write(&path, bytes).unwrap();
        let error = builder().sqlite(&path).build().await.unwrap_err();
        assert!(matches!(error, BuildError::Store { .. }));
        let said = error.to_string();
        assert!(said.contains("deck.db") && said.contains(why), "{said}");
    }
    std::fs::write(&path, whole).unwrap();
    assert_sound(&path).await;
}
