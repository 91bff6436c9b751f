//! Opening a database: settings of a connection, migrations, and the lock that keeps a second engine out.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::{BuildError, Durability};

/// Applied in order; `PRAGMA user_version` says how many have been.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_init.sql"),
    include_str!("migrations/0002_engine.sql"),
    include_str!("migrations/0003_schedules.sql"),
    include_str!("migrations/0004_stats.sql"),
    include_str!("migrations/0005_notices.sql"),
    include_str!("migrations/0006_looks.sql"),
    include_str!("migrations/0007_news.sql"),
    include_str!("migrations/0008_batches.sql"),
];

/// A connection that writes.
pub(super) fn writer(path: Option<&Path>, durability: Durability) -> Result<Connection, BuildError> {
    let conn = match path {
        Some(path) => Connection::open(path),
        None => Connection::open_in_memory(),
    }
    .map_err(|error| BuildError::store(path, &error))?;
    configure(&conn, durability).map_err(|error| BuildError::store(path, &error))?;
    Ok(conn)
}

/// A connection that reads only.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

fn configure(conn: &Connection, durability: Durability) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(128);
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(
        None,
        "synchronous",
        match durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        },
    )?;
    // Checkpoints run on the maintenance thread, so that no commit pays for one.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -64_000)?;
    Ok(())
}

/// Brings the schema up to date.
pub(super) fn migrate(conn: &Connection, path: Option<&Path>) -> Result<(), BuildError> {
    let failed = |error: rusqlite::Error| BuildError::store(path, &error);
    let found: usize = conn
        .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        .map_err(failed)?
        .try_into()
        .unwrap_or(0);
    if found > MIGRATIONS.len() {
        return Err(BuildError::NewerSchema { path: display(path), found, known: MIGRATIONS.len() });
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let number = index + 1;
        let script = format!("BEGIN IMMEDIATE;\n{migration}\nPRAGMA user_version = {number};\nCOMMIT;");
        conn.execute_batch(&script).map_err(failed)?;
    }
    Ok(())
}

/// Whether the schema is that of this version.
#[cfg(feature = "postgres")]
pub(super) fn is_current(conn: &Connection) -> rusqlite::Result<bool> {
    let found: usize = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(found == MIGRATIONS.len())
}

fn display(path: Option<&Path>) -> String {
    path.map_or_else(|| "memory".to_owned(), |path| path.display().to_string())
}

/// The lock file beside a database: held while an engine works on it, so that there is exactly one.
///
/// The operating system gives it back when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct StoreLock {
    _file: File,
}

impl StoreLock {
    pub(super) fn acquire(database: &Path) -> Result<Self, BuildError> {
        let path = lock_path(database);
        let failed = |error: std::io::Error| BuildError::Store {
            path: path.display().to_string(),
            why: error.to_string(),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who holds it is only for the message.
                drop(file.read_to_string(&mut holder));
                return Err(BuildError::Held {
                    path: database.display().to_string(),
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        write!(file, "process {}", std::process::id()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
