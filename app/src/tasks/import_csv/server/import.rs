//! Moves the rows of a CSV file into a table. After a crash, a cancel or an error the same task goes on where the last
//! batch ended.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Statement, TransactionBehavior};
use serde::Serialize;
use taskdeck::ui::format::thousands;

use super::affinity::is_missing;
use super::error::{ImportError, refused};
use super::ledger::{self, Entry};
use super::records::{Found, Records};
use super::sheet::{self, Sheet};
use super::watch::{Problem, Watch};
use super::{Delimiter, ImportMode, ImportSummary, target};
use crate::tasks::DataDatabase;
use crate::tasks::text::count_of;

/// How many rows share a transaction. Each one waits for the disk, so that many rows pay for the wait; a cancel
/// waits for the end of it.
pub(crate) const BATCH_ROWS: u64 = 8_000;

/// A batch of long rows ends sooner.
const BATCH_BYTES: u64 = 8_000_000;

/// The first problems are kept by line; all are counted.
const PROBLEMS: usize = 100;

/// How often the progress is told, and after how many records the clock is asked whether it is time.
const PROGRESS_EVERY: Duration = Duration::from_millis(75);
const RECORDS_PER_LOOK: u32 = 256;

/// What is to be imported, and how.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Plan<'a> {
    /// Where the file is.
    #[serde(skip)]
    pub(crate) file: &'a Path,
    /// What tells the file from others.
    pub(crate) source: &'a str,
    pub(crate) table: &'a str,
    pub(crate) delimiter: Delimiter,
    pub(crate) header: bool,
    pub(crate) mode: ImportMode,
    #[serde(skip)]
    pub(crate) batch_rows: u64,
}

/// Imports the file, or what is left of it. `task` is the one whose work this is.
pub(crate) fn import(
    database: &DataDatabase,
    task: &str,
    plan: &Plan<'_>,
    watch: &impl Watch,
) -> Result<ImportSummary, ImportError> {
    let file = File::open(plan.file)?;
    let bytes = file.metadata()?.len();
    let mut connection = database.connect()?;
    // What is asked for now may be something else than last time: then it is another import.
    let key = serde_json::to_string(plan)?;
    let entry = match ledger::load(&connection, task, &key)? {
        Some(entry) if entry.done => entry,
        Some(entry) if target::exists(&connection, &entry.table)? => {
            let (line, rows) = (entry.place.line, count_of(entry.rows, "row"));
            watch.info(&format!("Goes on at line {}: {rows} are in the table already.", thousands(line)));
            entry
        }
        _ => begin(database, &mut connection, task, &key, plan, watch)?,
    };
    tell_problems_again(&entry, watch);
    if entry.place.offset > bytes {
        return Err(refused("file_changed", "The file is shorter than it was when its import began."));
    }
    let mut importer = Importer { database, task, plan, watch, bytes, entry, last_told: None };
    importer.tell_progress();
    if !importer.entry.done {
        importer.rows(&mut connection, file)?;
    }
    Ok(summary(importer.entry))
}

/// Looks at the file, makes the table ready, and opens an entry in the ledger.
fn begin(
    database: &DataDatabase,
    connection: &mut Connection,
    task: &str,
    key: &str,
    plan: &Plan<'_>,
    watch: &impl Watch,
) -> Result<Entry, ImportError> {
    let sheet = Sheet::of(&mut File::open(plan.file)?, plan.delimiter, plan.header)?;
    for change in &sheet.changes {
        watch.warn(change);
    }
    let turn = database.turn();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let columns = target::prepare(&transaction, plan.table, plan.mode, plan.header, &sheet)?;
    if plan.mode == ImportMode::Replace {
        ledger::forget_unfinished(&transaction, plan.table)?;
    }
    let entry = Entry {
        table: plan.table.to_owned(),
        missing: vec![0; columns.len()],
        columns,
        place: sheet.rows_at,
        rows: 0,
        skipped: 0,
        problems: Vec::new(),
        done: false,
    };
    ledger::begin(&transaction, task, key, &entry)?;
    transaction.commit()?;
    drop(turn);
    watch.info(&format!(
        "Imports {} into the table {}.",
        count_of(entry.columns.len() as u64, "column"),
        plan.table
    ));
    Ok(entry)
}

/// An earlier attempt told these to whom nobody listens any more.
fn tell_problems_again(entry: &Entry, watch: &impl Watch) {
    for problem in &entry.problems {
        watch.problem(problem);
    }
    let unnamed =
        Problem { part: "an earlier row".to_owned(), message: "left out by an earlier attempt".to_owned() };
    for _ in entry.problems.len() as u64..entry.skipped {
        watch.problem(&unnamed);
    }
}

fn summary(entry: Entry) -> ImportSummary {
    ImportSummary {
        table: entry.table,
        rows: entry.rows,
        skipped: entry.skipped,
        columns: entry.columns.len() as u64,
        missing: entry.columns.into_iter().zip(entry.missing).collect(),
    }
}

/// An import on its way.
struct Importer<'a, W> {
    database: &'a DataDatabase,
    task: &'a str,
    plan: &'a Plan<'a>,
    watch: &'a W,
    bytes: u64,
    entry: Entry,
    last_told: Option<Instant>,
}

impl<W: Watch> Importer<'_, W> {
    fn rows(&mut self, connection: &mut Connection, file: File) -> Result<(), ImportError> {
        let mut records = Records::new(file, self.plan.delimiter.byte(), self.entry.place)?;
        let insert = target::insert_sql(&self.entry.table, &self.entry.columns);
        loop {
            if self.watch.is_stopped() {
                return Err(ImportError::Stopped);
            }
            let from = self.entry.place;
            let turn = self.database.turn();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let last = {
                let mut insert = transaction.prepare_cached(&insert)?;
                self.batch(&mut records, &mut insert)?
            };
            self.entry.done = last == Found::End && !self.nothing_fits();
            if !ledger::advance(&transaction, self.task, from, &self.entry)? {
                let message = format!(
                    "While this import was running, another one replaced the table {} or a later attempt went on with it.",
                    self.entry.table
                );
                return Err(refused("replaced", message));
            }
            transaction.commit()?;
            drop(turn);
            match last {
                Found::Record => {}
                Found::End if self.nothing_fits() => return Err(self.refusal_of_all()),
                Found::End => {
                    self.tell_progress();
                    return Ok(());
                }
                other => {
                    let so_far = match self.entry.rows {
                        0 => "No row was imported.".to_owned(),
                        1 => format!("The row before it is in the table {}.", self.entry.table),
                        rows => format!(
                            "The {} before it are in the table {}.",
                            count_of(rows, "row"),
                            self.entry.table
                        ),
                    };
                    return Err(sheet::cut_off(other, &so_far));
                }
            }
        }
    }

    /// Imports one batch; what was found last tells whether there is more.
    fn batch(
        &mut self,
        records: &mut Records<File>,
        insert: &mut Statement<'_>,
    ) -> Result<Found, ImportError> {
        let end = self.entry.place.offset + BATCH_BYTES;
        let mut until_look = RECORDS_PER_LOOK;
        for _ in 0..self.plan.batch_rows {
            let found = records.read()?;
            if found != Found::Record {
                return Ok(found);
            }
            self.row(records, insert)?;
            self.entry.place = records.place();
            until_look -= 1;
            if until_look == 0 {
                until_look = RECORDS_PER_LOOK;
                if self.last_told.is_none_or(|told| told.elapsed() >= PROGRESS_EVERY) {
                    self.tell_progress();
                }
            }
            if self.entry.place.offset >= end {
                break;
            }
        }
        Ok(Found::Record)
    }

    fn row(&mut self, records: &Records<File>, insert: &mut Statement<'_>) -> Result<(), ImportError> {
        if let Some(fault) = sheet::fault(records, &self.entry.columns) {
            self.skip(records, fault);
            return Ok(());
        }
        match add(records, insert) {
            Ok(()) => {
                self.entry.rows += 1;
                for (field, missing) in records.fields().zip(&mut self.entry.missing) {
                    *missing += u64::from(std::str::from_utf8(field).is_ok_and(is_missing));
                }
            }
            // A constraint of a table that was there before: the others may well fit.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                self.skip(records, format!("the table refused the row: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn skip(&mut self, records: &Records<File>, message: String) {
        let problem = Problem { part: sheet::part(records.lines()), message };
        self.watch.problem(&problem);
        self.entry.skipped += 1;
        if self.entry.problems.len() < PROBLEMS {
            self.watch.warn(&format!("{}: {}", sheet::capitalised(&problem.part), problem.message));
            self.entry.problems.push(problem);
            if self.entry.problems.len() == PROBLEMS {
                self.watch
                    .warn(&format!("{PROBLEMS} rows were left out so far; more of them are only counted."));
            }
        }
    }

    fn nothing_fits(&self) -> bool {
        self.entry.rows == 0 && self.entry.skipped > 0
    }

    fn refusal_of_all(&self) -> ImportError {
        let first = self.entry.problems.first();
        let fault = first.map(|first| format!("{}: {}", sheet::capitalised(&first.part), first.message));
        sheet::no_row_fits(&fault.unwrap_or_default())
    }

    fn tell_progress(&mut self) {
        self.last_told = Some(Instant::now());
        let read = if self.entry.done { self.bytes } else { self.entry.place.offset };
        self.watch.progress(read, self.bytes, self.entry.rows);
    }
}

/// Adds a row. Values go in as text: SQLite makes numbers of what its column takes as numbers, and keeps the rest.
fn add<R: Read + Seek>(records: &Records<R>, insert: &mut Statement<'_>) -> rusqlite::Result<()> {
    for (index, field) in records.fields().enumerate() {
        let text = std::str::from_utf8(field)?;
        if is_missing(text) {
            insert.raw_bind_parameter(index + 1, rusqlite::types::Null)?;
        } else {
            insert.raw_bind_parameter(index + 1, text)?;
        }
    }
    insert.raw_execute()?;
    Ok(())
}
