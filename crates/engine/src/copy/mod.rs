//! Moving a deck from one store to another, such as from one SQLite file to PostgreSQL when one machine is not enough.
//!
//! Tasks are compared by their versions, and only those that differ are copied. So a copy that broke off goes on where
//! it stood when it is run again, and one that was made while the deck was running is brought up to date in little time
//! once the deck is stopped. At the end both sides are read again and their sums compared.

mod end;
mod postgres;
mod sqlite;
mod tables;
#[cfg(test)]
mod tests;
mod verify;

use std::path::PathBuf;

use end::{End, Head, Id, Row};
use postgres::PostgresEnd;
use sqlite::SqliteEnd;
use tables::{OF_DECK, OF_TASKS, Table};
pub use verify::TableSum;

/// How many tasks are compared at a time, and how many are written in one transaction.
const COMPARED: usize = 4_000;
const WRITTEN: usize = 200;
/// How many rows are read at a time.
const PAGE: usize = 1_000;

/// Where a deck is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this file, and in the directory of its uploads and artifacts beside it.
    Sqlite(PathBuf),
    /// In the schema `taskdeck` of this database. The URL may hold a password.
    Postgres(String),
}

/// Why a deck was not copied. What was copied up to then stays, and is not copied again.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A store cannot be opened.
    #[error(transparent)]
    Open(#[from] crate::BuildError),
    /// There is nothing to copy.
    #[error("there is no store at {0}")]
    Missing(String),
    /// Nodes work on it, so that it changes all the time.
    #[error(
        "{place} is in use by {by}: stop it, or copy what is there so far with `online` and finish later"
    )]
    InUse {
        /// Which of both.
        place: &'static str,
        /// The nodes.
        by: String,
    },
    /// The target holds something else, which a copy would remove.
    #[error("the target holds another deck ({0}): copy to an empty one")]
    OtherDeck(String),
    /// The source has the schema of another version.
    #[error(
        "the source was last used by another version of Taskdeck: start this version on it once, or stop it first"
    )]
    OtherVersion,
    /// A store did not answer.
    #[error("{place}: {why}")]
    Store {
        /// Which of both kinds.
        place: &'static str,
        /// What it said.
        why: String,
    },
    /// A file could not be read or written.
    #[error("the file {file}: {why}")]
    File {
        /// Its id.
        file: String,
        /// What went wrong.
        why: String,
    },
    /// Both sides were read after the copy, and are not the same.
    #[error("the table {0} is not the same on both sides after the copy")]
    Differs(&'static str),
}

/// What a copy does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStage {
    /// It compares tasks and copies those that differ; counted in tasks.
    Tasks,
    /// It copies uploads and artifacts; counted in files.
    Files,
    /// It reads both sides again; counted in rows.
    Verify,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// What it does.
    pub stage: CopyStage,
    /// How much of that is done.
    pub done: u64,
    /// How much there is, as it was counted at the beginning of the stage.
    pub total: u64,
}

/// What a copy did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many tasks the source has.
    pub tasks: u64,
    /// How many of them were copied; the others were there already.
    pub copied: u64,
    /// How many tasks of an earlier copy were removed, since the source has them no more.
    pub removed: u64,
    /// How many files were copied.
    pub files: u64,
    /// Rows and sums of each table, the same on both sides. Empty for a copy of a deck that runs.
    pub verified: Vec<TableSum>,
}

/// A copy of a deck.
///
/// ```no_run
/// use taskdeck_engine::copy::{Copy, Place};
/// # async fn move_it() -> Result<(), taskdeck_engine::copy::CopyError> {
/// let from = Place::Sqlite("taskdeck.db".into());
/// let to = Place::Postgres("postgres://ann@db/tasks".to_owned());
/// let copied = Copy::new(from, to).run(|at| eprintln!("{} of {}", at.done, at.total)).await?;
/// println!("{} tasks, {} of them copied now", copied.tasks, copied.copied);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Copy {
    from: Place,
    to: Place,
    online: bool,
}

impl Copy {
    /// A copy of the deck at `from`, to be at `to`.
    #[must_use]
    pub fn new(from: Place, to: Place) -> Self {
        Self { from, to, online: false }
    }

    /// Copies what is there while the deck goes on running. Stop it and copy again to finish: then only what has changed
    /// since is copied.
    #[must_use]
    pub fn online(mut self) -> Self {
        self.online = true;
        self
    }

    /// Copies; `told` hears how far it is.
    ///
    /// # Errors
    /// As [`CopyError`] says. Run it again to go on.
    pub async fn run(self, mut told: impl FnMut(CopyProgress) + Send) -> Result<Copied, CopyError> {
        let without_nul = matches!(self.to, Place::Postgres(_));
        let mut from: Box<dyn End> = match self.from {
            Place::Sqlite(path) => Box::new(SqliteEnd::source(path, self.online, without_nul).await?),
            Place::Postgres(url) => Box::new(PostgresEnd::open(&url, "the source", self.online).await?),
        };
        let mut to: Box<dyn End> = match self.to {
            Place::Sqlite(path) => Box::new(SqliteEnd::target(path).await?),
            Place::Postgres(url) => Box::new(PostgresEnd::open(&url, "the target", false).await?),
        };
        let (from, to) = (&mut *from, &mut *to);
        let meta = from.meta().await?;
        check_target(&meta, to).await?;
        // From here on it is known as a copy of this deck, so that it can be gone on with.
        to.begin(meta).await?;
        let mut copied = Copied::default();
        files(from, to, &mut copied, &mut told).await?;
        tasks(from, to, &mut copied, &mut told).await?;
        let mut whole = Vec::new();
        for table in &OF_DECK {
            whole.push((table, all_rows(from, table).await?));
        }
        to.finish(whole).await?;
        if !self.online {
            copied.verified = verify::verify(from, to, &mut told).await?;
        }
        Ok(copied)
    }
}

fn deck_of(meta: &[(String, String)]) -> Option<&str> {
    meta.iter().find(|(name, _)| name == "deck_id").map(|(_, id)| id.as_str())
}

/// Refuses to write over another deck.
async fn check_target(meta: &[(String, String)], to: &mut dyn End) -> Result<(), CopyError> {
    let there = to.meta().await?;
    let (there, here) = (deck_of(&there), deck_of(meta));
    if there != here && !to.heads(None, None, 1).await?.is_empty() {
        return Err(CopyError::OtherDeck(there.unwrap_or_default().to_owned()));
    }
    Ok(())
}

async fn tasks(
    from: &mut dyn End,
    to: &mut dyn End,
    copied: &mut Copied,
    told: &mut (impl FnMut(CopyProgress) + Send),
) -> Result<(), CopyError> {
    let total = from.count(&OF_TASKS[0]).await?;
    told(CopyProgress { stage: CopyStage::Tasks, done: 0, total });
    let mut after = None;
    loop {
        let here = from.heads(after, None, COMPARED).await?;
        // The last page compares to the end: what the target has beyond it is gone.
        let last = here.last().map(|head| head.id).filter(|_| here.len() == COMPARED);
        let there = to.heads(after, last, usize::MAX).await?;
        let Difference { differ, gone } = difference(&here, &there);
        for ids in gone.chunks(WRITTEN) {
            to.replace_tasks(ids.to_vec(), Vec::new()).await?;
        }
        copied.removed += gone.len() as u64;
        for ids in differ.chunks(WRITTEN) {
            let mut rows = Vec::with_capacity(OF_TASKS.len());
            for table in &OF_TASKS {
                rows.push((table, from.rows_of(table, ids.to_vec()).await?));
            }
            to.replace_tasks(ids.to_vec(), rows).await?;
            copied.copied += ids.len() as u64;
            told(CopyProgress { stage: CopyStage::Tasks, done: copied.tasks + ids.len() as u64, total });
        }
        copied.tasks += here.len() as u64;
        told(CopyProgress { stage: CopyStage::Tasks, done: copied.tasks, total });
        let Some(last) = last else { return Ok(()) };
        after = Some(last);
    }
}

/// What is to be done so that both sides have the same.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    differ: Vec<Id>,
    gone: Vec<Id>,
}

/// Both are in the order of their ids.
fn difference(here: &[Head], there: &[Head]) -> Difference {
    let mut found = Difference::default();
    let mut others = there.iter().peekable();
    for head in here {
        while let Some(other) = others.next_if(|other| other.id < head.id) {
            found.gone.push(other.id);
        }
        let same = others.next_if(|other| other.id == head.id).is_some_and(|other| other == head);
        if !same || head.runs {
            found.differ.push(head.id);
        }
    }
    found.gone.extend(others.map(|other| other.id));
    found
}

/// Copies the bytes of the files that the target has not.
async fn files(
    from: &mut dyn End,
    to: &mut dyn End,
    copied: &mut Copied,
    told: &mut (impl FnMut(CopyProgress) + Send),
) -> Result<(), CopyError> {
    let [files, ..] = &OF_DECK;
    let rows = all_rows(from, files).await?;
    let total = rows.len() as u64;
    told(CopyProgress { stage: CopyStage::Files, done: 0, total });
    for (done, row) in (1..).zip(rows) {
        let (Some(id), Some(end::Cell::Number(size))) = (row[0].id(), row.get(2)) else { continue };
        if !to.has_file(id, u64::try_from(*size).unwrap_or(0)).await? {
            let file = from.file(id).await?;
            to.keep_file(id, &file.path).await?;
            copied.files += 1;
        }
        told(CopyProgress { stage: CopyStage::Files, done, total });
    }
    Ok(())
}

async fn all_rows(end: &mut dyn End, table: &'static Table) -> Result<Vec<Row>, CopyError> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let page = end.page(table, rows.last().cloned(), PAGE).await?;
        let full = page.len() == PAGE;
        rows.extend(page);
        if !full {
            return Ok(rows);
        }
    }
}
