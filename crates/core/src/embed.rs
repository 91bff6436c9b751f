//! Tokens for widgets in other pages: what is asked for, and what is given. The signing is the engine's.

use serde::{Deserialize, Serialize};

use crate::read::read;
use crate::{TaskId, Timestamp};

/// A request for a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbedRequest {
    /// How long it holds, in milliseconds: from a second to a day; ten minutes when not said. A widget that is open
    /// renews it over its socket until the task ends.
    pub ttl: Option<u64>,
}

/// A token that reads one task and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmbedToken {
    /// Which task.
    pub task: TaskId,
    /// What a page hands to `<task-progress token="..">`. Whoever has it may read the task until then: its state, its
    /// params, its log and its result.
    pub token: String,
    /// Until when.
    pub expires_at: Timestamp,
}
read!(EmbedToken { task, token, expires_at });
