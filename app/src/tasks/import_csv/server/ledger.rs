//! How far each import is, kept in the data database itself: a batch of rows and the place where the file goes on
//! are one transaction, so that after a crash no row is missing and none is there twice.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::error::ImportError;
use super::records::Place;
use super::watch::Problem;

/// What is not touched for this long belongs to no task any more.
const FORGET_AFTER_DAYS: u32 = 90;

/// Makes the ledger's table if it is not there.
pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS _taskdeck_imports (
             task       TEXT    PRIMARY KEY,
             plan       TEXT    NOT NULL,
             into_table TEXT    NOT NULL,
             columns    TEXT    NOT NULL,
             offset     INTEGER NOT NULL,
             line       INTEGER NOT NULL,
             rows       INTEGER NOT NULL,
             skipped    INTEGER NOT NULL,
             missing    TEXT    NOT NULL,
             problems   TEXT    NOT NULL,
             done       INTEGER NOT NULL,
             touched_at INTEGER NOT NULL
         ) WITHOUT ROWID;",
    )
}

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The table that the rows go to.
    pub(crate) table: String,
    /// The columns that they fill, in the file's order.
    pub(crate) columns: Vec<String>,
    /// Where the file goes on.
    pub(crate) place: Place,
    /// How many rows are in the table.
    pub(crate) rows: u64,
    /// How many were left out.
    pub(crate) skipped: u64,
    /// How many of the rows have no value, by column.
    pub(crate) missing: Vec<u64>,
    /// The first of the rows that were left out.
    pub(crate) problems: Vec<Problem>,
    /// Whether all is imported.
    pub(crate) done: bool,
}

/// The entry of a task, if it has one that was made by the same plan.
pub(crate) fn load(connection: &Connection, task: &str, plan: &str) -> Result<Option<Entry>, ImportError> {
    let row = connection
        .query_row(
            "SELECT into_table, columns, offset, line, rows, skipped, missing, problems, done
             FROM _taskdeck_imports WHERE task = ?1 AND plan = ?2",
            [task, plan],
            |row| {
                let texts: [String; 3] = [row.get(1)?, row.get(6)?, row.get(7)?];
                let place = Place { offset: row.get(2)?, line: row.get(3)? };
                Ok((row.get(0)?, texts, place, row.get(4)?, row.get(5)?, row.get(8)?))
            },
        )
        .optional()?;
    let Some((table, [columns, missing, problems], place, rows, skipped, done)) = row else {
        return Ok(None);
    };
    Ok(Some(Entry {
        table,
        columns: serde_json::from_str(&columns)?,
        place,
        rows,
        skipped,
        missing: serde_json::from_str(&missing)?,
        problems: serde_json::from_str(&problems)?,
        done,
    }))
}

/// Begins the entry of a task, in place of one by another plan.
pub(crate) fn begin(
    transaction: &Transaction<'_>,
    task: &str,
    plan: &str,
    entry: &Entry,
) -> Result<(), ImportError> {
    transaction.execute(
        "DELETE FROM _taskdeck_imports WHERE touched_at < unixepoch() - ?1 * 86400",
        [FORGET_AFTER_DAYS],
    )?;
    transaction.execute(
        "INSERT OR REPLACE INTO _taskdeck_imports
             (task, plan, into_table, columns, offset, line, rows, skipped, missing, problems, done, touched_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, unixepoch())",
        params![
            task,
            plan,
            entry.table,
            serde_json::to_string(&entry.columns)?,
            entry.place.offset,
            entry.place.line,
            entry.rows,
            entry.skipped,
            serde_json::to_string(&entry.missing)?,
            serde_json::to_string(&entry.problems)?,
            entry.done,
        ],
    )?;
    Ok(())
}

/// Stores how far the import is that was at `from`; false when it is not there any more. Then the rows of this
/// transaction must not stay: the table was replaced by another import, or a later attempt has gone on.
pub(crate) fn advance(
    transaction: &Transaction<'_>,
    task: &str,
    from: Place,
    entry: &Entry,
) -> Result<bool, ImportError> {
    let changed = transaction
        .prepare_cached(
            "UPDATE _taskdeck_imports SET offset = ?3, line = ?4, rows = ?5, skipped = ?6, missing = ?7,
                 problems = ?8, done = ?9, touched_at = unixepoch()
             WHERE task = ?1 AND offset = ?2 AND NOT done",
        )?
        .execute(params![
            task,
            from.offset,
            entry.place.offset,
            entry.place.line,
            entry.rows,
            entry.skipped,
            serde_json::to_string(&entry.missing)?,
            serde_json::to_string(&entry.problems)?,
            entry.done,
        ])?;
    Ok(changed == 1)
}

/// Forgets the imports that were on their way into a table which is now dropped. Those that are done stay: should
/// their task be asked again, it is to answer what it did, not to do it again.
pub(crate) fn forget_unfinished(transaction: &Transaction<'_>, table: &str) -> rusqlite::Result<usize> {
    transaction
        .execute("DELETE FROM _taskdeck_imports WHERE into_table = ?1 COLLATE NOCASE AND NOT done", [table])
}
