//! One end of a copy: what both kinds of store can do for it.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::tables::Table;
use super::{BYTES, CopyError};

/// The 16 bytes of a UUID.
pub(super) type Id = [u8; 16];

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Cell {
    pub(super) fn id(&self) -> Option<Id> {
        match self {
            Self::Bytes(bytes) => bytes.as_slice().try_into().ok(),
            _ => None,
        }
    }
}

/// A row, in the order of the table's columns.
pub(super) type Row = Vec<Cell>;

/// Some rows of a table.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    /// Whether there may be more.
    pub(super) more: bool,
}

/// How many rows of these sizes are read at once.
pub(super) fn fitting(sizes: &[u64]) -> usize {
    let mut bytes = 0;
    let fits = |size: &&u64| {
        bytes += **size;
        bytes <= BYTES
    };
    // One that is too long is read too.
    sizes.iter().take_while(fits).count().max(1)
}

/// Enough of a task to see whether both ends have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) id: Id,
    pub(super) version: i64,
    pub(super) notice_seq: i64,
    /// Whether it runs: then its log and its checkpoint move without its version.
    pub(super) runs: bool,
}

/// What a file's bytes are read from.
#[derive(Debug)]
pub(super) struct LocalFile {
    pub(super) path: PathBuf,
    /// It was made for this, and goes when it has been read.
    pub(super) temporary: bool,
}

impl Drop for LocalFile {
    fn drop(&mut self) {
        if self.temporary {
            // It is in the directory for such files; one that stays is only space.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// A store, as a copy reads and writes it. Keys are compared byte by byte on both sides, so their orders are the same.
#[async_trait]
pub(super) trait End: Send {
    /// The names and values that belong to the deck: its id, and the secrets that its tokens are signed with.
    async fn meta(&mut self) -> Result<Vec<(String, String)>, CopyError>;

    /// How many rows a table has.
    async fn count(&mut self, table: &'static Table) -> Result<u64, CopyError>;

    /// Tasks in the order of their ids: those after one, up to another (to the end, if there is none), so many at most.
    async fn heads(&mut self, after: Option<Id>, to: Option<Id>, max: usize) -> Result<Vec<Head>, CopyError>;

    /// Which tasks run after which, of the tasks after one, up to another, in their order.
    async fn edges(&mut self, after: Option<Id>, to: Option<Id>) -> Result<Vec<Row>, CopyError>;

    /// How many bytes of long texts these tasks have in a table; those that have none may be left out.
    async fn sizes(&mut self, table: &'static Table, tasks: Vec<Id>) -> Result<Vec<(Id, u64)>, CopyError>;

    /// The rows of a table after one, in the order of their keys: so many at most, and no more than fit into memory.
    async fn page(
        &mut self,
        table: &'static Table,
        after: Option<Row>,
        max: usize,
    ) -> Result<Page, CopyError>;

    /// The rows of these tasks.
    async fn rows_of(&mut self, table: &'static Table, tasks: Vec<Id>) -> Result<Vec<Row>, CopyError>;

    /// Puts rows in the place of all that these tasks have in these tables, in one transaction.
    async fn replace(
        &mut self,
        tables: &'static [Table],
        tasks: Vec<Id>,
        rows: Vec<(&'static Table, Vec<Row>)>,
    ) -> Result<(), CopyError>;

    /// Notes whose copy it is, and takes back the keys that tasks hold until the copy is finished: another one may have
    /// them now.
    async fn begin(&mut self, meta: Vec<(String, String)>) -> Result<(), CopyError>;

    /// Puts rows in the place of whole tables, gives the keys back and counts anew, in one transaction.
    async fn finish(&mut self, rows: Vec<(&'static Table, Vec<Row>)>) -> Result<(), CopyError>;

    /// Lets others work on it again.
    async fn end(&mut self) -> Result<(), CopyError>;

    /// How long the bytes of a file are, if they are there.
    async fn file_size(&mut self, file: Id) -> Result<Option<u64>, CopyError>;

    /// How long the bytes of a file are, and their SHA-256, if they are there.
    async fn file_sum(&mut self, file: Id) -> Result<Option<(u64, [u8; 32])>, CopyError>;

    /// The bytes of a file.
    async fn file(&mut self, file: Id) -> Result<LocalFile, CopyError>;

    /// Keeps the bytes of a file.
    async fn keep_file(&mut self, file: Id, from: &Path) -> Result<(), CopyError>;
}
