//! The database that tasks put data into: a SQLite file of its own, apart from Taskdeck's store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Mutex, MutexGuard};

use super::import_csv;

/// How long a connection waits while another program writes.
const BUSY: Duration = Duration::from_secs(30);

/// The database that imported rows go to. Tasks get it by its type: `ctx.get::<DataDatabase>()`.
#[derive(Debug)]
pub struct DataDatabase {
    path: PathBuf,
    /// SQLite lets one write at a time, in no order. Here imports take turns, first come, first served.
    turn: Mutex<()>,
}

/// The data database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {} as the data database", path.display())]
pub struct DataDatabaseError {
    path: PathBuf,
    source: rusqlite::Error,
}

impl DataDatabase {
    /// The database in this file, which is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be made or is no SQLite database.
    pub fn open(path: &Path) -> Result<Self, DataDatabaseError> {
        let database = Self { path: path.to_owned(), turn: Mutex::new(()) };
        let made = database.connect().and_then(|connection| import_csv::create_ledger(&connection));
        made.map(|()| database).map_err(|source| DataDatabaseError { path: path.to_owned(), source })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A connection of its own. What it commits survives a crash of the machine.
    pub(crate) fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(connection)
    }

    /// Waits for the turn to write. Only for code that may block.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.blocking_lock()
    }
}
