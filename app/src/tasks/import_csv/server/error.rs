//! Why an import ends without its rows.

use std::io;

/// Why an import did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The file or the table is not as it must be: trying again changes nothing.
    #[error("{message}")]
    Refused {
        /// What programs tell it by.
        code: &'static str,
        /// What is wrong and what to do, for a person.
        message: String,
    },
    /// Somebody asked for it to stop. What was stored stays, and the next attempt goes on from there.
    #[error("the import was stopped")]
    Stopped,
    /// The file cannot be read.
    #[error("cannot read the uploaded file: {0}")]
    Read(#[from] io::Error),
    /// The data database did not do what it was asked.
    #[error("the data database answered: {0}")]
    Database(#[from] rusqlite::Error),
    /// The record of an import cannot be read.
    #[error("the record of this import cannot be read: {0}")]
    Record(#[from] serde_json::Error),
}

/// The error of something that stays wrong.
pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> ImportError {
    ImportError::Refused { code, message: message.into() }
}
