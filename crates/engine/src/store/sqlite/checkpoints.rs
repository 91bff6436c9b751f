//! Moving what is in the WAL into the database's file.
//!
//! A thread of its own does it, away from the commits. It cannot start the WAL anew while commits go on: it never
//! gets to the last of them. A WAL that only grows makes every sync dearer (the file system has to note its new size)
//! and every read slower, so when it is long the writing thread moves the little that is left, between two commits;
//! the next commit then begins at the WAL's start again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::open;
use crate::{BuildError, Durability};

const EVERY: Duration = Duration::from_millis(100);
/// How many pages the WAL may have before the writing thread starts it anew: 16 MB.
const LONG: i64 = 4_000;

/// What the two threads tell each other.
#[derive(Debug, Default)]
pub(super) struct Wal {
    /// Something was written since the last look.
    written: AtomicBool,
    /// The WAL is long, and most of it is in the file.
    long: AtomicBool,
}

impl Wal {
    /// Called by the writing thread between two commits.
    pub(super) fn committed(&self, conn: &Connection) {
        self.written.store(true, Ordering::Relaxed);
        if self.long.swap(false, Ordering::Relaxed)
            && let Err(error) = checkpoint(conn)
        {
            tracing::warn!(%error, "the WAL of the store could not be started anew; it is tried again");
        }
    }
}

/// Moves what can be moved without waiting for anybody. Gives how many pages the WAL has.
fn checkpoint(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}

/// The thread that checkpoints.
pub(super) struct Checkpoints {
    alive: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// Starts it; it does nothing while nothing is written.
    pub(super) fn spawn(path: &Path, durability: Durability, wal: Arc<Wal>) -> Result<Self, BuildError> {
        let conn = open::writer(Some(path), durability)?;
        let (alive, gone) = mpsc::channel();
        let run = move || {
            while gone.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                if !wal.written.swap(false, Ordering::Relaxed) {
                    continue;
                }
                match checkpoint(&conn) {
                    Ok(pages) => wal.long.store(pages > LONG, Ordering::Relaxed),
                    Err(error) => {
                        tracing::warn!(%error, "the checkpoint of the store failed; it is tried again");
                        wal.written.store(true, Ordering::Relaxed);
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("taskdeck-checkpoint".to_owned()).spawn(run).map_err(
            |error| BuildError::Store { path: path.display().to_string(), why: error.to_string() },
        )?;
        Ok(Self { alive, thread })
    }

    /// Tells it to end.
    pub(super) fn stop(self) -> JoinHandle<()> {
        drop(self.alive);
        self.thread
    }
}
