//! What only a store on a file can do.

use std::sync::Arc;

use tempfile::TempDir;

use super::{assert_counts, id, keyed, new_task, start};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::{BuildError, Durability};

#[tokio::test]
async fn a_file_keeps_everything_over_a_reopening() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("deck.db");
    let store = SqliteStore::open(Some(&path), Durability::Full).unwrap();
    let deck = store.deck_id();
    let started = start(&store, keyed(1, "nightly")).await;
    store.close().await;
    drop(store);
    assert!(!folder.path().join("deck.db-wal").exists(), "everything is in the one file");
    let store = SqliteStore::open(Some(&path), Durability::Full).unwrap();
    assert_eq!(store.deck_id(), deck);
    assert_eq!(store.get(id(1)).await.unwrap(), Some(started));
}

#[tokio::test]
async fn a_second_engine_and_a_newer_schema_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("deck.db");
    let store = SqliteStore::open(Some(&path), Durability::Full).unwrap();
    let second = SqliteStore::open(Some(&path), Durability::Full).err().unwrap();
    assert!(
        matches!(&second, BuildError::Held { holder, .. } if holder.contains(&std::process::id().to_string()))
    );
    store.close().await;
    drop(store);
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let newer = SqliteStore::open(Some(&path), Durability::Full).err().unwrap();
    assert!(matches!(newer, BuildError::NewerSchema { found: 999, .. }));
}

#[tokio::test]
async fn a_backup_is_a_whole_copy_while_tasks_start() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(SqliteStore::open(Some(&folder.path().join("deck.db")), Durability::Full).unwrap());
    for n in 1..=50 {
        start(&*store, new_task(n, "sample")).await;
    }
    let copy = folder.path().join("copy.db");
    let starts = async {
        for n in 51..=150 {
            start(&*store, new_task(n, "sample")).await;
        }
    };
    let (backup, ()) = tokio::join!(store.backup_to(&copy), starts);
    backup.unwrap();
    let copy = SqliteStore::open(Some(&copy), Durability::Full).unwrap();
    assert!(copy.counts().await.unwrap().total() >= 50);
    assert_counts(&copy).await;
}
