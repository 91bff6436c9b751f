//! Questions that a task asks a person, and their answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::read::read;
use crate::{Param, Timestamp, UserId};

/// What a task asks a person before it goes on.
///
/// ```
/// use taskdeck_core::{Param, Question};
/// let question = Question::new("drop_rows", "Delete the 1,204 rows that are already there?")
///     .buttons("Delete them", "Keep them")
///     .field(Param::of::<String>("reason"));
/// assert_eq!(question.key, "drop_rows");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    /// What the answer is kept under: the same key in a later attempt finds the same answer.
    pub key: String,
    /// What is asked.
    pub text: String,
    /// What the button that approves says.
    pub confirm_text: String,
    /// What the button that declines says.
    pub decline_text: String,
    /// What is asked besides yes or no.
    pub fields: Vec<Param>,
    /// How long to wait for an answer, in milliseconds; for ever when not said.
    pub timeout_ms: Option<u64>,
}

read!(Question { key, text, confirm_text, decline_text; default fields, timeout_ms });

impl Question {
    /// Asks `text`; the answer is kept under `key`.
    pub fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            text: text.into(),
            confirm_text: "Approve".to_owned(),
            decline_text: "Decline".to_owned(),
            fields: Vec::new(),
            timeout_ms: None,
        }
    }

    /// The same question with these words on its buttons.
    #[must_use]
    pub fn buttons(mut self, confirm: impl Into<String>, decline: impl Into<String>) -> Self {
        self.confirm_text = confirm.into();
        self.decline_text = decline.into();
        self
    }

    /// The same question with one more thing to fill in by who approves.
    #[must_use]
    pub fn field(mut self, field: Param) -> Self {
        self.fields.push(field);
        self
    }

    /// The same question, failing the task when nobody answers in this many milliseconds.
    #[must_use]
    pub fn timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.timeout_ms = Some(timeout_ms);
        self
    }
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionOutcome {
    /// Nobody has answered yet.
    Open,
    /// Somebody approved.
    Approved,
    /// Somebody declined.
    Declined,
    /// Nobody answered in time.
    TimedOut,
}

impl QuestionOutcome {
    /// The number that is stored.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Approved => 1,
            Self::Declined => 2,
            Self::TimedOut => 3,
        }
    }

    /// The outcome of a stored number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Open),
            1 => Some(Self::Approved),
            2 => Some(Self::Declined),
            3 => Some(Self::TimedOut),
            _ => None,
        }
    }
}

/// What a person answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Whether they approved.
    pub approved: bool,
    /// What they filled in, by field. Who declines need fill in nothing.
    pub fields: Value,
    /// Who answered, if that is known.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

read!(Answer { approved, by, at; default fields });

/// A question as it stands: open, or with its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenQuestion {
    /// What was asked.
    pub question: Question,
    /// When.
    pub asked_at: Timestamp,
    /// When it times out, if it does.
    pub until: Option<Timestamp>,
    /// What became of it.
    pub outcome: QuestionOutcome,
    /// The answer, once there is one.
    pub answer: Option<Answer>,
}

read!(OpenQuestion { question, asked_at, until, outcome, answer });

/// An answer on its way in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// Which question; the open one when not said.
    #[serde(default)]
    pub key: Option<String>,
    /// Whether it is approved. It has to be said: a forgotten field is no answer.
    pub approved: bool,
    /// What was filled in, by field.
    #[serde(default)]
    pub fields: Value,
}
