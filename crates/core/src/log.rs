//! Log lines of a task.

use serde::{Deserialize, Serialize};

use crate::read::read;
use crate::{Timestamp, ansi};

/// How grave a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For the one who wrote the code.
    Trace,
    /// For the one who looks for a fault.
    Debug,
    /// What happens.
    Info,
    /// What is odd, but does not stop the work.
    Warn,
    /// What went wrong.
    Error,
}

impl LogLevel {
    /// The name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line of a task's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// Its place in the task's log, from 1, without gaps.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// How grave it is.
    pub level: LogLevel,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// The text; may hold ANSI colours, never markup.
    pub text: String,
}

read!(LogLine { seq, at, level, attempt, text });

impl LogLine {
    /// The line as it is copied and downloaded: without colours, with a line break at its end.
    #[must_use]
    pub fn plain(&self) -> String {
        let level = self.level.name().to_ascii_uppercase();
        format!("{} {level:<5} {}\n", self.at, ansi::plain(&self.text))
    }
}

/// A run of log lines, and where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogPage {
    /// The lines, in order.
    pub lines: Vec<LogLine>,
    /// The last `seq` of the page (or the `since` that was asked for, when there is no line): ask with it next.
    pub last_seq: u64,
    /// Whether there are more lines after these.
    pub more: bool,
}

read!(LogPage { lines, last_seq, more });
