//! What is done to many tasks at once.

use serde::{Deserialize, Serialize};

use crate::read::read;
use crate::{Status, TaskId, TaskState};

/// What is done to many tasks at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulkVerb {
    /// Ask them to stop.
    Cancel,
    /// Try them again.
    Retry,
    /// Remove them.
    Delete,
}

impl BulkVerb {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cancel, Self::Retry, Self::Delete];

    /// The name in URLs and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Delete => "delete",
        }
    }

    /// Whether it can be done to a task of this status.
    #[must_use]
    pub const fn fits(self, status: Status) -> bool {
        match self {
            Self::Cancel => !status.has_ended(),
            Self::Retry => status.can_retry(),
            Self::Delete => status.has_ended(),
        }
    }
}

impl std::str::FromStr for BulkVerb {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|verb| verb.name() == text).ok_or("not one of cancel, retry and delete")
    }
}

/// What is to be done to many tasks: to those that are named, or to those that fit a filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// What.
    pub verb: BulkVerb,
    /// To these.
    #[serde(default)]
    pub tasks: Vec<TaskId>,
    /// To those that fit this filter, when none are named.
    #[serde(default)]
    pub filter: Option<String>,
}

/// What a [`BulkRequest`] would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BulkPreview {
    /// To how many tasks it would be done.
    pub count: u64,
    /// How many are named or fit the filter, but are passed over as they stand now.
    pub skipped: u64,
    /// Whether there may be more than were counted: a search looks at so many tasks and no more.
    pub more: bool,
    /// The newest of those that it would be done to.
    pub first: Vec<TaskState>,
    /// The params of each of them in one line, in their order.
    pub previews: Vec<String>,
}

read!(BulkPreview { count, skipped, more, first; default previews });
