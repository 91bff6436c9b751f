//! The error of a request inside a transaction.

use crate::store::StoreError;

/// What can go wrong in a transaction: the database, or what it holds.
#[derive(Debug)]
pub(super) enum WorkError {
    Database(rusqlite::Error),
    Unreadable { what: &'static str, why: String },
}

impl WorkError {
    pub(super) fn unreadable(what: &'static str, why: &impl ToString) -> Self {
        Self::Unreadable { what, why: why.to_string() }
    }
}

impl From<rusqlite::Error> for WorkError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<WorkError> for StoreError {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Database(error) => Self::Database(error.to_string()),
            WorkError::Unreadable { what, why } => Self::Unreadable { what, why },
        }
    }
}
