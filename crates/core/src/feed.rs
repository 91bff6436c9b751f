//! The feed: what a page and the server say to each other over `/ws`, as JSON text.
//!
//! It carries states, not events: the newest `(version, tick)` of a task wins, so that loss, coalescing and
//! reconnects cannot make a page wrong.

use serde::{Deserialize, Deserializer, Serialize};

use crate::read;
use crate::read::read;
use crate::{Counts, DeckError, EmbedToken, ListQuery, LogLine, Progress, TaskId, TaskState, Timestamp};

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
    /// Nobody sees these any more: how far they are need be told only now and then. What else changes of them is told at
    /// once. Only readers of ticks can ask for it.
    OutOfSight {
        /// Which, of those subscribed to.
        tasks: Vec<TaskId>,
    },
    /// Somebody sees these again: how far they are is told now, and as it changes.
    InSight {
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
    /// Tell of new tasks in this list (instead of the list told of before). The answer is an empty
    /// [`New`](ServerMessage::New): from then on the list is told of, and what it holds then is to be asked for.
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

/// How far a task is. While it runs that changes many times a second, and all else of its state does not: a page with
/// a thousand running tasks has time for this much.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tick {
    /// The task.
    pub id: TaskId,
    /// The durable version that it belongs to: to a reader who knows another one it says nothing.
    pub version: u32,
    /// Counts progress within the version.
    pub tick: u32,
    /// How far it is.
    pub progress: Progress,
}

read!(Tick { id, version, tick, progress });

impl Tick {
    /// What of `next` is new to a reader who was told `told`; none when more than its progress changed.
    #[must_use]
    pub fn between(told: &TaskState, next: &TaskState) -> Option<Self> {
        // Within a version nothing else changes but these.
        let is_more = told.version != next.version
            || told.label != next.label
            || told.waiting != next.waiting
            || told.notice_seq != next.notice_seq;
        (!is_more && told.id == next.id).then(|| Self {
            id: next.id,
            version: next.version,
            tick: next.tick,
            // Now, as far as its reader is concerned: a thousand times ten times a second that need not be said.
            progress: Progress { heard_at: None, ..next.progress.clone() },
        })
    }

    /// The state with this progress, if it is newer and of the same version.
    #[must_use]
    pub fn applied_to(self, known: &TaskState) -> Option<TaskState> {
        let fits = known.id == self.id && known.version == self.version && known.tick < self.tick;
        fits.then(|| TaskState { tick: self.tick, progress: self.progress, ..known.clone() })
    }
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
    /// How far tasks are whose state is otherwise as told. Only to readers who ask for it: others get states.
    Ticks {
        /// Which, and how far.
        ticks: Vec<Tick>,
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
        /// Which; at most [`LIST_ANNOUNCE_LIMIT`] at a time. None: the list is told of from now on.
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
                "ticks" => Self::Ticks { ticks: fields.take("ticks")? },
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
        let message = serde_json::to_value(ClientMessage::OutOfSight { tasks: Vec::new() }).unwrap();
        assert_eq!(message, serde_json::json!({"type": "out_of_sight", "tasks": []}));
        for message in [
            ServerMessage::Hello {
                build: "b".to_owned(),
                dev: true,
                now: Timestamp::from_millis(9),
                beat_ms: 5,
            },
            ServerMessage::Beat,
            ServerMessage::States { tasks: Vec::new() },
            ServerMessage::Ticks {
                ticks: vec![Tick {
                    id: TaskId::from_parts(Timestamp::from_millis(5), [1; 10]),
                    version: 3,
                    tick: 9,
                    progress: Progress::default(),
                }],
            },
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

    #[test]
    fn a_tick_says_no_more_than_how_far_a_task_is_and_only_to_those_who_know_the_rest() {
        let json = serde_json::json!({
            "id": TaskId::from_parts(Timestamp::from_millis(5), [1; 10]), "kind": "import_csv", "label": "A",
            "status": "running", "version": 3, "tick": 1, "queue": "default", "priority": 0, "attempt": 1,
            "tries": 0, "max_tries": 3, "progress": {}, "partial": false, "tags": [],
            "created_at": Timestamp::from_millis(5), "starts": 1, "questions": 0, "endings": 0, "notice_seq": 0,
        });
        let told: TaskState = serde_json::from_value(json).unwrap();
        let mut next = TaskState { tick: 4, ..told.clone() };
        next.progress.set_done(2, 8);
        let tick = Tick::between(&told, &next).unwrap();
        assert_eq!(tick.clone().applied_to(&told), Some(next.clone()));
        assert_eq!(tick.clone().applied_to(&next), None, "it is known already");
        assert_eq!(
            tick.applied_to(&TaskState { version: 4, tick: 0, ..told.clone() }),
            None,
            "the task went on"
        );
        let renamed = TaskState { label: "B".to_owned(), ..next.clone() };
        assert_eq!(Tick::between(&told, &renamed), None);
        assert_eq!(Tick::between(&told, &TaskState { version: 4, ..next }), None);
    }
}
