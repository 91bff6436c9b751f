//! Why a store did not do what it was asked.

use taskdeck_core::DeckError;

/// Why the store did not do what it was asked. The text is for the log; what is told outside is [`DeckError`].
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database answered with an error; the work may be tried again.
    #[error("{0}")]
    Database(String),
    /// Something in the database cannot be read: written by another version, or damaged.
    #[error("the stored {what} cannot be read: {why}")]
    Unreadable {
        /// What was read.
        what: &'static str,
        /// Why it cannot be read.
        why: String,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl From<StoreError> for DeckError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(_) | StoreError::Closed => {
                Self::Unavailable { reason: format!("the store did not answer: {error}") }
            }
            StoreError::Unreadable { .. } => Self::Internal { reason: error.to_string() },
        }
    }
}
