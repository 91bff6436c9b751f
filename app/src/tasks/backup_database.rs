//! Backs up Taskdeck's own store.

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

#[cfg(feature = "ssr")]
mod server;

/// What a backup is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Choices)]
#[serde(rename_all = "snake_case")]
pub enum BackupFormat {
    /// SQL: the tasks as text, to read or to load into another database
    Sql,
    /// Archive (tar.gz): the database, the uploaded files and the files that tasks made
    Tar,
}

/// What a backup left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSummary {
    /// The name of the file; it is among the task's files.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Copies Taskdeck's own store while work goes on, and leaves it as a file to download. All that tasks were given is in
/// it, secrets too: keep it as you keep the store. For SQLite: a PostgreSQL database has its own tools.
#[task(
    title = "Back up Taskdeck",
    category = "maintenance",
    icon = "archive",
    tags("backup", "sqlite"),
    timeout = "1h",
    check = server::check,
    retry(max_tries = 2, base = "5s", max = "1m")
)]
pub async fn backup_database(
    ctx: TaskContext,
    /// What the backup is written as.
    #[param(default = BackupFormat::Sql)]
    format: BackupFormat,
) -> Result<BackupSummary, TaskError> {
    server::run(ctx, format).await
}
