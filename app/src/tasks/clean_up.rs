//! Removes tasks that ended long ago, before their time.

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

#[cfg(feature = "ssr")]
mod server;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Choices)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Completed
    Completed,
    /// Failed
    Failed,
    /// Cancelled
    Cancelled,
    /// Interrupted
    Interrupted,
}

/// What a clean-up did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanUpSummary {
    /// How many tasks it removed.
    pub removed: u64,
    /// How many there were that it was to remove.
    pub found: u64,
}

/// Removes ended tasks that were created long ago, with their logs, results and files, before their kind's retention
/// does. It can be put on a schedule.
#[task(
    title = "Clean up tasks",
    category = "admin",
    icon = "trash-2",
    tags("retention", "disk"),
    danger = "The tasks it removes are gone, with their logs, results and files.",
    timeout = "1h",
    retry(max_tries = 3, base = "5s", max = "1m")
)]
pub async fn clean_up_tasks(
    ctx: TaskContext,
    /// Which ended tasks; all of them when none is chosen.
    endings: Vec<Ending>,
    /// Only those that were created longer ago than this, in hours.
    #[param(title = "Older than (hours)", default = 24, min = 0, max = 87_600)]
    older_than: u32,
) -> Result<CleanUpSummary, TaskError> {
    server::run(ctx, endings, older_than).await
}
