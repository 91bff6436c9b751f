//! Who watches an import: what it tells while it goes on, and how it is told to stop.

use serde::{Deserialize, Serialize};

/// A row that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// Where it is: `line 17`.
    pub(crate) part: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

/// Who watches an import. None of these may block for long: rows wait meanwhile.
pub(crate) trait Watch {
    /// So many bytes of the file are read and so many rows of it imported.
    fn progress(&self, bytes: u64, of: u64, rows: u64);
    /// A row was left out. Told for each of them, the thousandth too.
    fn problem(&self, problem: &Problem);
    /// Something worth a line in the log.
    fn info(&self, text: &str);
    /// Something that a person should know.
    fn warn(&self, text: &str);
    /// Whether to stop.
    fn is_stopped(&self) -> bool;
}
