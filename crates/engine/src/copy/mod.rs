//! Moving a deck from one store to another, such as from one SQLite file to PostgreSQL when one machine is not enough.
//!
//! Tasks are compared by their versions, and only those that differ are copied. So a copy that broke off goes on where
//! it stood when it is run again, and one that was made while the deck was running is brought up to date in little time
//! once the deck is stopped. At the end both sides are read again and their sums compared.

mod end;
mod files;
mod postgres;
mod sqlite;
mod tables;
mod tasks;
#[cfg(test)]
mod tests;
mod verify;

use std::path::PathBuf;

use end::{End, Row};
use postgres::PostgresEnd;
use sqlite::SqliteEnd;
use tables::{OF_DECK, Table};
pub use verify::TableSum;

/// How many rows are read at a time, and how many bytes of what may be long: a single row may have more.
const PAGE: usize = 1_000;
const BYTES: u64 = 16 * 1024 * 1024;

/// Where a deck is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this file, and in the directory of its uploads and artifacts beside it unless another is named.
    Sqlite(PathBuf),
    /// In the schema `taskdeck` of this database, with uploads and artifacts unless a directory is named. The URL may
    /// hold a password.
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
    /// The connection was lost on which nodes see that a copy is being made, so that one may have changed something.
    #[error("the connection that keeps nodes away from {place} was lost ({why}): copy again")]
    NotAlone {
        /// Which of both kinds.
        place: &'static str,
        /// What happened.
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
    /// Rows and sums of each table, and files and the sum of their bytes, the same on both sides. Empty for a copy of a
    /// deck that runs.
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
    from_files: Option<PathBuf>,
    to_files: Option<PathBuf>,
    online: bool,
}

impl Copy {
    /// A copy of the deck at `from`, to be at `to`.
    #[must_use]
    pub fn new(from: Place, to: Place) -> Self {
        Self { from, to, from_files: None, to_files: None, online: false }
    }

    /// The directory that the deck keeps its files in, if it was named: see [`crate::DeckBuilder::files`].
    #[must_use]
    pub fn from_files(mut self, directory: impl Into<PathBuf>) -> Self {
        self.from_files = Some(directory.into());
        self
    }

    /// The directory that the copy is to have for its files. It may be the same one.
    #[must_use]
    pub fn to_files(mut self, directory: impl Into<PathBuf>) -> Self {
        self.to_files = Some(directory.into());
        self
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
        let (from_files, to_files) = (self.from_files, self.to_files);
        let mut from: Box<dyn End> = match self.from {
            Place::Sqlite(path) => {
                Box::new(SqliteEnd::source(path, from_files, self.online, without_nul).await?)
            }
            Place::Postgres(url) => {
                Box::new(PostgresEnd::source(&url, from_files.as_deref(), self.online).await?)
            }
        };
        let mut to: Box<dyn End> = match self.to {
            Place::Sqlite(path) => Box::new(SqliteEnd::target(path, to_files).await?),
            Place::Postgres(url) => Box::new(PostgresEnd::target(&url, to_files).await?),
        };
        let (from, to) = (&mut *from, &mut *to);
        let done = all(from, to, self.online, &mut told).await;
        for end in [from, to] {
            // What was copied is copied; the connection ends with us too.
            if let Err(error) = end.end().await {
                tracing::debug!(%error, "an end of a copy did not end well");
            }
        }
        done
    }
}

async fn all(
    from: &mut dyn End,
    to: &mut dyn End,
    online: bool,
    told: &mut (impl FnMut(CopyProgress) + Send),
) -> Result<Copied, CopyError> {
    let meta = from.meta().await?;
    check_target(&meta, to).await?;
    // From here on it is known as a copy of this deck, so that it can be gone on with.
    to.begin(meta).await?;
    let mut copied = Copied::default();
    let bytes = files::copy(from, to, online, &mut copied, told).await?;
    tasks::copy(from, to, &mut copied, told).await?;
    let mut whole = Vec::new();
    for table in &OF_DECK {
        whole.push((table, all_rows(from, table).await?));
    }
    to.finish(whole).await?;
    if !online {
        copied.verified = verify::verify(from, to, told).await?;
        copied.verified.extend(bytes);
    }
    Ok(copied)
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

async fn all_rows(end: &mut dyn End, table: &'static Table) -> Result<Vec<Row>, CopyError> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let page = end.page(table, rows.last().cloned(), PAGE).await?;
        rows.extend(page.rows);
        if !page.more {
            return Ok(rows);
        }
    }
}
