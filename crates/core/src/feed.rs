//! The feed: what a page and the server say to each other over `/ws`, as JSON text.
//!
//! It carries states, not events: the newest `(version, tick)` of a task wins, so that loss, coalescing and
//! reconnects cannot make a page wrong.

use serde::{Deserialize, Serialize};

use crate::{Counts, DeckError, ListQuery, LogLine, TaskId, TaskState, Timestamp};

/// How many new tasks of a list are named before only their number is told.
pub const LIST_ANNOUNCE_LIMIT: usize = 200;

/// A task that the client watches, and the state of it that the client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Which task.
    pub id: TaskId,
    /// The version it has; 0 for none.
    #[serde(default)]
    pub version: u32,
    /// The tick it has.
    #[serde(default)]
    pub tick: u32,
}

/// From the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Send the states of these tasks, now (if newer) and whenever they change.
    Subscribe {
        /// Which.
        tasks: Vec<Known>,
    },
    /// Send them no more.
    Unsubscribe {
        /// Which.
        tasks: Vec<TaskId>,
    },
    /// Send the log lines of a task after `since`, and those to come.
    Log {
        /// Which task.
        task: TaskId,
        /// The last `seq` the client has.
        since: u64,
    },
    /// Send no more log lines of the task.
    Unlog {
        /// Which task.
        task: TaskId,
    },
    /// Tell of new tasks in this list (instead of the list told of before).
    List {
        /// Which tasks; its cursor and limit do not matter.
        query: Box<ListQuery>,
    },
    /// Tell of no list any more.
    Unlist,
    /// Send the counts by status, now and when they change; or no more.
    Counts {
        /// Whether to.
        on: bool,
    },
}

/// From the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The first message.
    Hello {
        /// Identifies the server's build: a page of another build should reload.
        build: String,
        /// Whether the page should reload by itself when the build changed (`cargo xtask dev`).
        dev: bool,
        /// The server's clock, so that the page can tell how far its own is off.
        now: Timestamp,
        /// At least one message comes in this many milliseconds; else the line is dead.
        beat_ms: u64,
    },
    /// Nothing new; the line is alive.
    Beat,
    /// Newer states.
    States {
        /// Of these tasks.
        tasks: Vec<TaskState>,
    },
    /// The task was deleted.
    Gone {
        /// Which.
        id: TaskId,
        /// Its last version.
        version: u32,
    },
    /// Log lines; a gap before the first is refilled by asking with `since`.
    Log {
        /// Of this task.
        task: TaskId,
        /// The lines, in order.
        lines: Vec<LogLine>,
    },
    /// Tasks that came into the list since it was asked for.
    New {
        /// Which; at most [`LIST_ANNOUNCE_LIMIT`] at a time.
        tasks: Vec<TaskId>,
    },
    /// How many tasks there are, by status.
    Counts {
        /// How many.
        counts: Counts,
    },
    /// A subscription was refused.
    Refused {
        /// Of this task, if it is about one.
        task: Option<TaskId>,
        /// Why.
        error: DeckError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_tagged_objects() {
        let message = serde_json::to_value(ClientMessage::Counts { on: true }).unwrap();
        assert_eq!(message, serde_json::json!({"type": "counts", "on": true}));
        let beat: ServerMessage = serde_json::from_str(r#"{"type":"beat"}"#).unwrap();
        assert_eq!(beat, ServerMessage::Beat);
    }
}
