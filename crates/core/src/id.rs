//! Ids and names. Each is a type of its own, so that a user id cannot be passed where a task id is meant.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// A text is no valid id or name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct IdError {
    what: &'static str,
    why: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id that these 16 bytes are.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The id of this moment and these random bytes (a UUIDv7: ids sort by the time they were made).
            #[must_use]
            pub fn from_parts(now: Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// The 16 bytes.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdError { what: $what, why: "must be a UUID" })
            }
        }
    };
}

uuid_id!(
    /// One task: a UUIDv7, so that tasks sort by the time they were made.
    TaskId,
    "task id"
);
uuid_id!(
    /// One worker process from its start to its end.
    SessionId,
    "session id"
);
uuid_id!(
    /// One stored file: an upload or an artifact.
    FileId,
    "file id"
);
uuid_id!(
    /// Many tasks that were started together.
    BatchId,
    "batch id"
);
uuid_id!(
    /// One deck: a store and everything that belongs to it.
    DeckId,
    "deck id"
);

impl TaskId {
    /// When the id was made, if it is a UUIDv7.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        let millis = i64::try_from(seconds).ok()?.checked_mul(1000)?;
        Some(Timestamp::from_millis(millis.checked_add(i64::from(nanos / 1_000_000))?))
    }

    /// Whether the id is a UUIDv7, as an id that a client made must be.
    #[must_use]
    pub fn is_v7(&self) -> bool {
        self.0.get_version_num() == 7
    }
}

/// Proof of one claim: an ending write names it, and is refused when the task has been claimed anew since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseToken(pub i64);

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// The name, checked.
            ///
            /// # Errors
            /// When the text breaks the rule of this kind of name.
            pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self, IdError> {
                let text = text.into();
                match $check(&text) {
                    Ok(()) => Ok(Self(text)),
                    Err(why) => Err(IdError { what: $what, why }),
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text.to_owned())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

fn check_identifier(text: &str) -> Result<(), &'static str> {
    let mut bytes = text.bytes();
    let starts_well = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
    if starts_well
        && text.len() <= 64
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    {
        Ok(())
    } else {
        Err("must start with a-z, hold only a-z, 0-9 and _, and have at most 64 characters")
    }
}

fn check_schedule(text: &str) -> Result<(), &'static str> {
    let is_known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.');
    if text.len() <= 100 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(is_known) {
        Ok(())
    } else {
        Err("must start with a-z, hold only a-z, 0-9, _, - and ., and have at most 100 characters")
    }
}

fn check_text(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        Err("must have 1 to 200 characters and no control characters")
    } else {
        Ok(())
    }
}

name!(
    /// The stable, stored name of a registered type of task, such as `import_csv`; never the name of a Rust type.
    ///
    /// ```
    /// use taskdeck_core::Kind;
    /// assert!(Kind::new("import_csv").is_ok());
    /// assert!(Kind::new("ImportCsv").is_err());
    /// ```
    Kind,
    "kind",
    check_identifier
);
name!(
    /// A named lane with limits.
    QueueName,
    "queue",
    check_identifier
);
name!(
    /// The name of a schedule, such as `nightly-backup`.
    ///
    /// ```
    /// use taskdeck_core::ScheduleName;
    /// assert!(ScheduleName::new("reports.weekly-2").is_ok());
    /// assert!(ScheduleName::new("../weekly").is_err());
    /// ```
    ScheduleName,
    "schedule name",
    check_schedule
);
name!(
    /// Who: the id of a person or of a machine account.
    UserId,
    "user id",
    check_text
);

impl Default for QueueName {
    fn default() -> Self {
        Self(Cow::Borrowed("default"))
    }
}
