//! Why a backup ends without its file.

/// Why a backup did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// Somebody asked for it to stop.
    #[error("the backup was stopped")]
    Stopped,
    /// The backup cannot be written, or what belongs in it cannot be read.
    #[error("cannot write the backup: {0}")]
    Write(#[from] std::io::Error),
    /// The copy of the store cannot be read.
    #[error("cannot read the copy of the store: {0}")]
    Database(#[from] rusqlite::Error),
}
