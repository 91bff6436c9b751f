//! A worker as everybody sees it.

use serde::{Deserialize, Serialize};

use crate::{SessionId, StatsPoint, TaskId, TaskState, Timestamp};

/// A process that runs tasks, or one that only looks after them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerState {
    /// Its session: another one each time that it starts.
    pub id: SessionId,
    /// Where it is: host and process.
    pub name: String,
    /// The version of Taskdeck that it runs.
    pub version: String,
    /// Whether it is the one that answers.
    pub here: bool,
    /// How many attempts it runs at the same time; none where it runs no tasks.
    pub slots: u32,
    /// When it came.
    pub started_at: Timestamp,
    /// How long ago it was last seen to live, in milliseconds, by the clock of the one that answers; none when that
    /// one has not looked yet.
    pub seen_ms: Option<u64>,
    /// Whether a task blocks its runtime; known only of the one that answers.
    pub stalled: bool,
    /// What it runs; the first thousand.
    pub running: Vec<TaskState>,
    /// Tasks whose attempt is over while its code still holds a slot: it does not heed that it is told to stop. Known
    /// only of the one that answers.
    pub held: Vec<TaskId>,
    /// What it has worked since it came: attempts begun and how they ended (tries, not tasks), how long their tasks had
    /// waited, how long they took. Known only of the one that answers.
    #[serde(default)]
    pub work: Option<StatsPoint>,
}
