//! What goes wrong at the deck's doors.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::read;
use crate::read::read;
use crate::{Denied, Refused, ScheduleName, Status, TaskId};

/// What is wrong with each field, by the parameter's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldErrors(pub BTreeMap<String, String>);

impl FieldErrors {
    /// Notes what is wrong with a field; the first fault of a field is kept.
    pub fn add(&mut self, name: &str, message: impl Into<String>) {
        self.0.entry(name.to_owned()).or_insert_with(|| message.into());
    }

    /// What is wrong with this field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value`, if nothing is wrong.
    ///
    /// # Errors
    /// The faults themselves, if there are any.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, message)) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            // The messages are sentences; a list of them is one.
            write!(f, "{separator}{name}: {}", message.trim_end_matches('.'))?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}

/// Why a door of the deck did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum DeckError {
    /// There is no such thing.
    #[error("{what} not found")]
    NotFound {
        /// What was looked for, such as `Task`.
        what: String,
    },
    /// The actor may not.
    #[error("{reason}")]
    Denied {
        /// Why.
        reason: String,
    },
    /// The params are not valid.
    #[error("the params are not valid: {fields}")]
    InvalidParams {
        /// What is wrong with each.
        fields: FieldErrors,
    },
    /// The request itself is not well formed.
    #[error("{reason}")]
    BadRequest {
        /// What is wrong with it.
        reason: String,
    },
    /// More bytes than are taken.
    #[error("{what} is larger than {}", crate::form::bytes(*.max_bytes))]
    TooLarge {
        /// What is too large.
        what: String,
        /// How much is taken.
        max_bytes: u64,
    },
    /// Another active task has the key, and the start asked to be the only one.
    #[error("the key {key:?} is in use by the active task {task}")]
    KeyActive {
        /// The key.
        key: String,
        /// Who has it.
        task: TaskId,
    },
    /// The task has not ended yet.
    #[error("the task has not ended: it is {status}")]
    NotEnded {
        /// Where it stands.
        status: Status,
    },
    /// The task ended without a result.
    #[error("the task has no result: it was {status}")]
    NoResult {
        /// How it ended.
        status: Status,
    },
    /// The task failed.
    #[error("{message}")]
    TaskFailed {
        /// The error's code.
        error: String,
        /// The public message.
        message: String,
    },
    /// The task is not where this can be done.
    #[error("{reason}")]
    WrongStatus {
        /// Where it stands.
        status: Status,
        /// Why it cannot be done.
        reason: String,
    },
    /// Code of an earlier attempt still holds its slot.
    #[error("an earlier attempt of the task has not stopped yet")]
    StillRunning,
    /// A task that it runs after did not complete.
    #[error("the task {task}, which this one runs after, did not complete: retry that one")]
    DependencyFailed {
        /// Which.
        task: TaskId,
    },
    /// The schedule is made in the program's code.
    #[error("the schedule {name} is made in the program's code: change it there, or pause it")]
    MadeInCode {
        /// Which.
        name: ScheduleName,
    },
    /// It took longer than the caller wanted to wait.
    #[error("the task {task} goes on, but took longer than the time to wait")]
    TimedOut {
        /// The task that goes on.
        task: TaskId,
    },
    /// Another task has the id that the client made: of another kind, or started by somebody else.
    #[error("the id is taken by another task")]
    IdTaken {
        /// The id.
        task: TaskId,
    },
    /// The actor starts more than they may.
    #[error("too many starts: try again in {retry_after_ms} ms")]
    TooMany {
        /// When the next one may be tried, in milliseconds.
        retry_after_ms: u64,
    },
    /// What the kind needs before a task is started is not there.
    #[error("{reason}")]
    CheckFailed {
        /// What is missing, in words.
        reason: String,
    },
    /// The deck cannot do it now; later it may.
    #[error("{reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// A fault of the deck, told in full in its own log.
    #[error("internal error: {reason}")]
    Internal {
        /// What went wrong.
        reason: String,
    },
}

impl<'de> Deserialize<'de> for DeckError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read::tagged(deserializer, "code", |code, fields| {
            Ok(Some(match code {
                "not_found" => Self::NotFound { what: fields.take("what")? },
                "denied" => Self::Denied { reason: fields.take("reason")? },
                "invalid_params" => Self::InvalidParams { fields: fields.take("fields")? },
                "bad_request" => Self::BadRequest { reason: fields.take("reason")? },
                "too_large" => {
                    Self::TooLarge { what: fields.take("what")?, max_bytes: fields.take("max_bytes")? }
                }
                "key_active" => Self::KeyActive { key: fields.take("key")?, task: fields.take("task")? },
                "not_ended" => Self::NotEnded { status: fields.take("status")? },
                "no_result" => Self::NoResult { status: fields.take("status")? },
                "task_failed" => {
                    Self::TaskFailed { error: fields.take("error")?, message: fields.take("message")? }
                }
                "wrong_status" => {
                    Self::WrongStatus { status: fields.take("status")?, reason: fields.take("reason")? }
                }
                "still_running" => Self::StillRunning,
                "dependency_failed" => Self::DependencyFailed { task: fields.take("task")? },
                "made_in_code" => Self::MadeInCode { name: fields.take("name")? },
                "id_taken" => Self::IdTaken { task: fields.take("task")? },
                "timed_out" => Self::TimedOut { task: fields.take("task")? },
                "too_many" => Self::TooMany { retry_after_ms: fields.take("retry_after_ms")? },
                "check_failed" => Self::CheckFailed { reason: fields.take("reason")? },
                "unavailable" => Self::Unavailable { reason: fields.take("reason")? },
                "internal" => Self::Internal { reason: fields.take("reason")? },
                _ => return Ok(None),
            }))
        })
    }
}

impl DeckError {
    /// No task has that id.
    #[must_use]
    pub fn task_not_found() -> Self {
        Self::NotFound { what: "Task".to_owned() }
    }

    /// The HTTP status that says it.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::BadRequest { .. } | Self::CheckFailed { .. } => 400,
            Self::Denied { .. } => 403,
            Self::NotFound { .. } => 404,
            Self::TimedOut { .. } => 408,
            Self::KeyActive { .. }
            | Self::IdTaken { .. }
            | Self::NoResult { .. }
            | Self::WrongStatus { .. }
            | Self::StillRunning
            | Self::DependencyFailed { .. }
            | Self::MadeInCode { .. } => 409,
            Self::TooLarge { .. } => 413,
            Self::InvalidParams { .. } => 422,
            Self::NotEnded { .. } => 425,
            Self::TooMany { .. } => 429,
            Self::TaskFailed { .. } | Self::Internal { .. } => 500,
            Self::Unavailable { .. } => 503,
        }
    }

    /// The code that programs can tell it by.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Denied { .. } => "denied",
            Self::InvalidParams { .. } => "invalid_params",
            Self::BadRequest { .. } => "bad_request",
            Self::TooLarge { .. } => "too_large",
            Self::KeyActive { .. } => "key_active",
            Self::IdTaken { .. } => "id_taken",
            Self::NotEnded { .. } => "not_ended",
            Self::NoResult { .. } => "no_result",
            Self::TaskFailed { .. } => "task_failed",
            Self::WrongStatus { .. } => "wrong_status",
            Self::StillRunning => "still_running",
            Self::DependencyFailed { .. } => "dependency_failed",
            Self::MadeInCode { .. } => "made_in_code",
            Self::TimedOut { .. } => "timed_out",
            Self::TooMany { .. } => "too_many",
            Self::CheckFailed { .. } => "check_failed",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal { .. } => "internal",
        }
    }
}

impl From<Denied> for DeckError {
    fn from(denied: Denied) -> Self {
        Self::Denied { reason: denied.reason }
    }
}

impl From<FieldErrors> for DeckError {
    fn from(fields: FieldErrors) -> Self {
        Self::InvalidParams { fields }
    }
}

impl From<Refused> for DeckError {
    fn from(refused: Refused) -> Self {
        let reason = refused.to_string();
        match refused {
            Refused::Ended(status) | Refused::NotRetryable(status) | Refused::WrongStatus(status) => {
                Self::WrongStatus { status, reason }
            }
            Refused::WaitsForOthers => Self::WrongStatus { status: Status::Scheduled, reason },
            Refused::LeaseLost | Refused::NotYet => Self::WrongStatus { status: Status::Running, reason },
        }
    }
}

/// An error on the wire: `application/problem+json` (RFC 9457) with our `code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What programs tell it by.
    pub code: String,
    /// What happened, in words.
    pub detail: String,
    /// What is wrong with each field (422).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<FieldErrors>,
    /// The task it is about, where there is one that the caller did not name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
}

read!(Problem { status, code, detail, fields, task });

impl From<&DeckError> for Problem {
    fn from(error: &DeckError) -> Self {
        let fields = match error {
            DeckError::InvalidParams { fields } => Some(fields.clone()),
            _ => None,
        };
        let task = match error {
            DeckError::KeyActive { task, .. }
            | DeckError::TimedOut { task }
            | DeckError::DependencyFailed { task } => Some(*task),
            _ => None,
        };
        // A task's own error code says more than "task_failed".
        let code = match error {
            DeckError::TaskFailed { error, .. } => error.clone(),
            other => other.code().to_owned(),
        };
        Self { status: error.http_status(), code, detail: error.to_string(), fields, task }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_read_as_it_was_written() {
        let task = TaskId::from_parts(crate::Timestamp::from_millis(5), [1; 10]);
        let text = || "x".to_owned();
        let mut fields = FieldErrors::default();
        fields.add("rows", "too few");
        for error in [
            DeckError::NotFound { what: text() },
            DeckError::Denied { reason: text() },
            DeckError::InvalidParams { fields },
            DeckError::BadRequest { reason: text() },
            DeckError::TooLarge { what: text(), max_bytes: u64::MAX },
            DeckError::KeyActive { key: text(), task },
            DeckError::NotEnded { status: Status::Running },
            DeckError::NoResult { status: Status::Failed },
            DeckError::TaskFailed { error: text(), message: text() },
            DeckError::WrongStatus { status: Status::Queued, reason: text() },
            DeckError::StillRunning,
            DeckError::DependencyFailed { task },
            DeckError::MadeInCode { name: ScheduleName::new("nightly").unwrap() },
            DeckError::TimedOut { task },
            DeckError::TooMany { retry_after_ms: 7 },
            DeckError::CheckFailed { reason: text() },
            DeckError::Unavailable { reason: text() },
            DeckError::Internal { reason: text() },
        ] {
            let json = serde_json::to_value(&error).unwrap();
            assert_eq!(json["code"], error.code());
            assert_eq!(serde_json::from_value::<DeckError>(json).unwrap(), error);
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let read = |text: &str| serde_json::from_str::<DeckError>(text).unwrap_err().to_string();
        assert_eq!(read(r#"{"code":"denied"}"#), "missing field `reason`");
        assert_eq!(read(r#"{"code":"new"}"#), "unknown code `new`");
        assert_eq!(
            read(r#"{"code":"denied","reason":1}"#),
            "reason: invalid type: integer `1`, expected a string"
        );
    }

    #[test]
    fn the_code_on_the_wire_is_the_code_of_the_error() {
        let error = DeckError::KeyActive {
            key: "nightly".to_owned(),
            task: TaskId::from_parts(crate::Timestamp::from_millis(5), [1; 10]),
        };
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(json["code"], error.code());
        assert_eq!(Problem::from(&error).code, "key_active");
        assert_eq!(serde_json::from_value::<DeckError>(json).unwrap(), error);
    }
}
