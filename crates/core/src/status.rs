//! The eight statuses, and sets of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a task stands. `machine` says which may follow which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for a time (a delay, a retry's backoff) or for other tasks.
    Scheduled,
    /// Ready; waits for a free slot.
    Queued,
    /// A worker holds it.
    Running,
    /// Asked a person, and waits for the answer; holds no slot.
    WaitingConfirmation,
    /// Ended well (perhaps in part).
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
    /// Its process went away and it may not or need not be tried again by itself.
    Interrupted,
}

impl Status {
    /// All statuses, in the order of a task's life.
    pub const ALL: [Self; 8] = [
        Self::Scheduled,
        Self::Queued,
        Self::Running,
        Self::WaitingConfirmation,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Interrupted,
    ];

    /// The name in code, SQL, URLs and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::WaitingConfirmation => "waiting_confirmation",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// The name that a person reads.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::WaitingConfirmation => "Waiting for confirmation",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Interrupted => "Interrupted",
        }
    }

    /// Whether the task has ended. (A person's retry can still wake a failed, cancelled or interrupted one.)
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Interrupted)
    }

    /// Whether a person may retry the task.
    #[must_use]
    pub const fn can_retry(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::Interrupted)
    }

    /// The number under which a store keeps it; never changes.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The status of this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no status is named {0:?}")]
pub struct ParseStatusError(String);

impl FromStr for Status {
    type Err = ParseStatusError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| ParseStatusError(text.to_owned()))
    }
}

/// A set of statuses; on the wire the names, joined by commas.
///
/// ```
/// use taskdeck_core::{Status, StatusSet};
/// let set: StatusSet = "failed,cancelled".parse().unwrap();
/// assert!(set.contains(Status::Failed) && !set.contains(Status::Running));
/// assert_eq!(set.to_string(), "failed,cancelled");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StatusSet(u8);

impl StatusSet {
    /// No status.
    pub const EMPTY: Self = Self(0);
    /// Every status that is an ending.
    pub const ENDED: Self = Self(0b1111_0000);
    /// Every status that is no ending.
    pub const ACTIVE: Self = Self(0b0000_1111);

    /// The set with `status` added.
    #[must_use]
    pub const fn with(self, status: Status) -> Self {
        Self(self.0 | (1 << status.code()))
    }

    /// Whether `status` is in the set.
    #[must_use]
    pub const fn contains(self, status: Status) -> bool {
        self.0 & (1 << status.code()) != 0
    }

    /// Whether no status is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The statuses of the set, in the order of a task's life.
    pub fn iter(self) -> impl Iterator<Item = Status> {
        Status::ALL.into_iter().filter(move |status| self.contains(*status))
    }
}

impl FromIterator<Status> for StatusSet {
    fn from_iter<I: IntoIterator<Item = Status>>(statuses: I) -> Self {
        statuses.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Display for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, status) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(status.name())?;
        }
        Ok(())
    }
}

impl FromStr for StatusSet {
    type Err = ParseStatusError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::parse).collect()
    }
}

impl Serialize for StatusSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StatusSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
