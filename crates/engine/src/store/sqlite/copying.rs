//! A file as a copy from it or to it opens it.

use std::path::Path;

use rusqlite::Connection;

use super::open::{self, StoreLock};
use crate::{BuildError, Durability};

/// A file that no engine works on: it is held as an engine would hold it.
pub(crate) struct Alone(#[expect(dead_code, reason = "it is held, and let go when it is dropped")] StoreLock);

/// A connection to a file that no engine works on, with the schema of this version.
pub(crate) fn open_alone(path: &Path) -> Result<(Connection, Alone), BuildError> {
    let lock = StoreLock::acquire(path)?;
    let conn = open::writer(Some(path), Durability::Full)?;
    open::migrate(&conn, Some(path))?;
    Ok((conn, Alone(lock)))
}

/// A connection that only reads, also while an engine writes; none when the schema is that of another version.
pub(crate) fn open_to_read(path: &Path) -> rusqlite::Result<Option<Connection>> {
    let conn = open::reader(path)?;
    Ok(open::is_current(&conn)?.then_some(conn))
}
