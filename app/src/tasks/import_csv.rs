//! Imports a CSV file into a table of the data database.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

#[cfg(feature = "ssr")]
mod server;

#[cfg(feature = "ssr")]
pub(super) use server::create_ledger;

/// What stands between two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Choices)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// Comma
    Comma,
    /// Semicolon
    Semicolon,
    /// Tab
    Tab,
    /// Pipe
    Pipe,
}

/// What becomes of a table that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Choices)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// Replace the table
    Replace,
    /// Append to the table
    Append,
    /// Create a new table, refuse if there is one
    Create,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSummary {
    /// The table that the rows are in.
    pub table: String,
    /// How many rows were added.
    pub rows: u64,
    /// How many rows were left out, because they do not fit.
    pub skipped: u64,
    /// How many columns the file has.
    pub columns: u64,
    /// How many of the rows have no value (`NA` or nothing), by column.
    pub missing: BTreeMap<String, u64>,
}

/// Imports the rows of a CSV file into a table of the data database. Rows that do not fit are left out and reported by
/// line. An import that is interrupted goes on where it stopped.
#[task(
    title = "Import CSV",
    category = "data",
    icon = "table",
    tags("csv", "import", "table"),
    timeout = "1h",
    retry(max_tries = 3, base = "1s", max = "1m"),
    queue = "imports"
)]
pub async fn import_csv(
    ctx: TaskContext,
    /// A CSV file in UTF-8.
    #[param(accept = ".csv", max_bytes = "2GB")]
    file: Upload,
    /// Letters, digits and underscores. Left empty, it is made from the file's name.
    #[param(pattern = "[A-Za-z_][A-Za-z0-9_]{0,62}")]
    table: Option<String>,
    /// What stands between two fields.
    #[param(default = Delimiter::Comma)]
    delimiter: Delimiter,
    /// The first line names the columns. Without it they are called c1, c2 and so on.
    #[param(title = "The file has a header", default = true)]
    header: bool,
    /// What to do when there is a table of this name.
    #[param(title = "If the table exists", default = ImportMode::Replace)]
    mode: ImportMode,
) -> Result<ImportSummary, TaskError> {
    server::run(ctx, file, table, server::Options { delimiter, header, mode }).await
}
