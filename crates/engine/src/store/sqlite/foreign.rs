//! Transactions of the program's own on the deck's file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::start;
use super::statements::Statements;
use super::work_error::WorkError;
use super::writer::Tx;
use crate::store::{NewTask, StartOutcome, StoreError};

/// Starts a task in a transaction of another connection to the same file; after an error nothing of it is left there.
pub(super) fn start_in(
    conn: &Connection,
    file: &Path,
    chained: &Arc<AtomicBool>,
    task: &NewTask,
) -> Result<StartOutcome, StoreError> {
    let refused = |why: &str| Err(StoreError::Database(why.to_owned()));
    if conn.is_autocommit() {
        return refused("the connection has no transaction");
    }
    if !conn.path().is_some_and(|path| is_same(Path::new(path), file)) {
        return refused("the transaction is not on the file that the deck is in");
    }
    if !task.after.is_empty() || !task.then.is_empty() {
        // Before anybody can see it: the writing thread looks for those that run after a task.
        chained.store(true, Ordering::Release);
    }
    let failed = |error: rusqlite::Error| StoreError::from(WorkError::from(error));
    conn.execute_batch("SAVEPOINT taskdeck_start").map_err(failed)?;
    let statements = Statements::new(conn, Arc::clone(chained));
    let mut tx = Tx::new(&statements);
    let outcome = start::start_one(&mut tx, task).and_then(|outcome| tx.flush().map(|()| outcome));
    drop(statements);
    let end = match &outcome {
        Ok(_) => "RELEASE taskdeck_start",
        Err(_) => "ROLLBACK TO taskdeck_start; RELEASE taskdeck_start",
    };
    // SQLite has rolled all of it back when there is no savepoint any more.
    let ended = conn.execute_batch(end).map_err(failed);
    let outcome = outcome?;
    ended?;
    Ok(outcome)
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
