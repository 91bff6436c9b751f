//! What goes wrong in a task's body.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::sync::Arc;

/// Whether and when a failed attempt may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After the wait of the kind's policy.
    Backoff,
    /// After this many milliseconds.
    After(u64),
    /// Never: the same input gives the same error.
    Never,
}

/// The error of a task's body.
///
/// Any `std::error::Error` becomes one by `?`: its text is the message, its chain of causes the detail, and it is
/// tried again. The message is for everybody who may see the task; the detail for those who may see its log. Where the
/// environment asks for backtraces (`RUST_BACKTRACE=1`), `?` takes one too, which is stored with the detail.
///
/// ```
/// use taskdeck_core::{Retry, TaskError};
/// fn port(text: &str) -> Result<u16, TaskError> {
///     let port: u16 = text.parse()?;
///     if port == 0 {
///         return Err(TaskError::permanent("port 0 cannot be used").code("bad_port"));
///     }
///     Ok(port)
/// }
/// assert_eq!(port("x").unwrap_err().retry(), Retry::Backoff);
/// assert_eq!(port("0").unwrap_err().retry(), Retry::Never);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskError {
    retry: Retry,
    code: String,
    message: String,
    detail: Option<String>,
    taken: Taken,
}

/// Where an error was taken up. It is no part of what the error says: two errors that say the same are equal.
#[derive(Clone, Debug, Default)]
struct Taken(Option<Arc<Backtrace>>);

impl PartialEq for Taken {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Taken {}

impl TaskError {
    fn new(retry: Retry, message: impl Into<String>) -> Self {
        Self {
            retry,
            code: "error".to_owned(),
            message: message.into(),
            detail: None,
            taken: Taken::default(),
        }
    }

    /// A fault that may pass: tried again after the policy's wait, while there are tries.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(Retry::Backoff, message)
    }

    /// A fault that stays: the task fails at once.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(Retry::Never, message)
    }

    /// A fault that may pass after `wait_ms` milliseconds (a rate limit, say).
    pub fn retry_after(wait_ms: u64, message: impl Into<String>) -> Self {
        Self::new(Retry::After(wait_ms), message)
    }

    /// The same error under a code that programs can tell it by; `error` when not set.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    /// The same error with more for those who look for the fault.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Whether and when to try again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// The code that programs can tell it by.
    #[must_use]
    pub fn error_code(&self) -> &str {
        &self.code
    }

    /// What everybody who may see the task is told.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What those who look for the fault are told besides.
    #[must_use]
    pub fn detail_text(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The way to the `?` that made it, where the environment asks for backtraces.
    #[must_use]
    pub fn backtrace(&self) -> Option<Arc<Backtrace>> {
        self.taken.0.clone()
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

// `TaskError` itself is no `std::error::Error`, so that this can be, as in anyhow.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for TaskError {
    fn from(error: E) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(inner) = cause {
            causes.push(format!("caused by: {inner}"));
            cause = inner.source();
        }
        let detail = (!causes.is_empty()).then(|| causes.join("\n"));
        let backtrace = Backtrace::capture();
        let is_asked_for = backtrace.status() == BacktraceStatus::Captured;
        let taken = Taken(is_asked_for.then(|| Arc::new(backtrace)));
        Self { detail, taken, ..Self::transient(error.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the list")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn the_message_is_the_outermost_error_and_the_detail_its_causes() {
        let error = TaskError::from(Outer("x".parse::<u8>().unwrap_err()));
        assert_eq!(error.message(), "cannot read the list");
        assert_eq!(error.detail_text(), Some("caused by: invalid digit found in string"));
        let is_asked_for = Backtrace::capture().status() == BacktraceStatus::Captured;
        assert_eq!(error.backtrace().is_some(), is_asked_for, "only where RUST_BACKTRACE says so");
        assert!(TaskError::transient("by hand").backtrace().is_none());
    }
}
