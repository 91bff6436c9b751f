//! The feed: what a page and the server say to each other over `/ws`, as JSON text.
//!
//! It carries states, not events: the newest `(version, tick)` of a task wins, so that loss, coalescing and
//! reconnects cannot make a page wrong.

use serde::{Deserialize, Deserializer, Serialize};

use crate::read;
use crate::{Counts, DeckError, EmbedToken, ListQuery, LogLine, TaskId, TaskState, Timestamp};

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
        query: ListQuery,
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
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// A new token for a widget in another page, before the time of the old one is over.
    Token(EmbedToken),
    /// A subscription was refused.
    Refused {
        /// Of this task, if it is about one.
        task: Option<TaskId>,
        /// Why.
        error: DeckError,
    },
}

impl<'de> Deserialize<'de> for ServerMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read::tagged(deserializer, "type", |name, fields| {
            Ok(Some(match name {
                "hello" => Self::Hello {
                    build: fields.take("build")?,
                    dev: fields.take("dev")?,
                    now: fields.take("now")?,
                    beat_ms: fields.take("beat_ms")?,
                },
                "beat" => Self::Beat,
                "states" => Self::States { tasks: fields.take("tasks")? },
                "gone" => Self::Gone { id: fields.take("id")?, version: fields.take("version")? },
                "log" => Self::Log { task: fields.take("task")?, lines: fields.take("lines")? },
                "new" => Self::New { tasks: fields.take("tasks")? },
                "counts" => Self::Counts { counts: fields.take("counts")? },
                "token" => Self::Token(EmbedToken {
                    task: fields.take("task")?,
                    token: fields.take("token")?,
                    expires_at: fields.take("expires_at")?,
                }),
                "refused" => Self::Refused { task: fields.take("task")?, error: fields.take("error")? },
                _ => return Ok(None),
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_tagged_objects() {
        let message = serde_json::to_value(ClientMessage::Counts { on: true }).unwrap();
        assert_eq!(message, serde_json::json!({"type": "counts", "on": true}));
        for message in [
            ServerMessage::Hello {
                build: "b".to_owned(),
                dev: true,
                now: Timestamp::from_millis(9),
                beat_ms: 5,
            },
            ServerMessage::Beat,
            ServerMessage::States { tasks: Vec::new() },
            ServerMessage::Gone { id: TaskId::from_parts(Timestamp::from_millis(5), [1; 10]), version: 4 },
            ServerMessage::Log {
                task: TaskId::from_parts(Timestamp::from_millis(5), [1; 10]),
                lines: Vec::new(),
            },
            ServerMessage::New { tasks: Vec::new() },
            ServerMessage::Counts { counts: Counts::default() },
            ServerMessage::Token(EmbedToken {
                task: TaskId::from_parts(Timestamp::from_millis(5), [1; 10]),
                token: "embed1.x".to_owned(),
                expires_at: Timestamp::from_millis(7),
            }),
            ServerMessage::Refused { task: None, error: DeckError::StillRunning },
        ] {
            let text = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<ServerMessage>(&text).unwrap(), message);
        }
        let beat: ServerMessage = serde_json::from_str(r#"{"type":"beat"}"#).unwrap();
        assert_eq!(beat, ServerMessage::Beat);
    }
}
