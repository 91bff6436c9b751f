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
    /// Whether a task blocks its runtime; of another node than the one that answers, as it last said.
    pub stalled: bool,
    /// What it runs; the first thousand.
    pub running: Vec<TaskState>,
    /// Tasks whose attempt is over while its code still holds a slot: it does not heed that it is told to stop.
    pub held: Vec<TaskId>,
    /// How many of those that it runs wait for their children and lend their slots to others meanwhile. Of another node
    /// than the one that answers, as it last said.
    #[serde(default)]
    pub lent: u32,
    /// What it has worked since it came: attempts begun and how they ended (tries, not tasks), how long their tasks had
    /// waited, how long they took. Of another node than the one that answers, as it last said.
    #[serde(default)]
    pub work: Option<StatsPoint>,
}

impl WorkerState {
    /// How many slots are taken: what waits for its children has lent its own. What another node runs and what it says
    /// of itself are not of the same moment, so that they may not fit for a while.
    ///
    /// ```
    /// # let worker: taskdeck_core::WorkerState = serde_json::from_value(serde_json::json!({
    /// #   "id": "018f0000-0000-7000-8000-000000000000", "name": "a", "version": "1", "here": true, "slots": 2,
    /// #   "started_at": "2026-01-01T00:00:00Z", "seen_ms": null, "stalled": false, "running": [],
    /// #   "held": ["018f0000-0000-7000-8000-000000000000"] }))?;
    /// assert_eq!(worker.taken(), 1);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn taken(&self) -> usize {
        (self.running.len() + self.held.len()).saturating_sub(self.lent as usize)
    }

    /// How it stands with its slots: `2 of 2 slots`, `2 of 2 slots, 1 waits for its children`.
    #[must_use]
    pub fn slots_in_words(&self) -> String {
        let said = format!("{} of {} slots", self.taken(), self.slots);
        match self.lent {
            0 => said,
            1 => said + ", 1 waits for its children",
            lent => format!("{said}, {lent} wait for their children"),
        }
    }
}
