//! The error of the server functions.

use std::fmt;

use serde::{Deserialize, Serialize};
use server_fn::error::{FromServerFnError, ServerFnErrorErr};
use server_fn::{Bytes, Decodes};
use taskdeck_core::{DeckError, FieldErrors, Problem};

use crate::form::check::CONFIRM;
use crate::format;
use crate::json::{self, JsonEncoding};

/// Why a server function did not do what was asked: the deck's own error, on the wire as JSON with its HTTP status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiError(pub DeckError);

/// The refusal that a form without JavaScript left in the URL.
pub(crate) fn error_in_url(text: &str) -> ApiError {
    // `server_fn` brings a reader of its own, which is four kilobytes of WASM; the browser has one.
    #[cfg(target_arch = "wasm32")]
    {
        let standard = text.replace('-', "+").replace('_', "/");
        let binary = leptos::prelude::window().atob(&standard).unwrap_or_default();
        // Each of its letters is a byte.
        ApiError::de(binary.chars().map(|byte| byte as u8).collect::<Vec<_>>().into())
    }
    #[cfg(not(target_arch = "wasm32"))]
    server_fn::error::ServerFnUrlError::<ApiError>::decode_err(text)
}

impl ApiError {
    /// What is wrong with each field, when that is the reason.
    #[must_use]
    pub fn fields(&self) -> Option<&FieldErrors> {
        match &self.0 {
            DeckError::InvalidParams { fields } => Some(fields),
            _ => None,
        }
    }

    /// Whether it is a question: what was asked for is a danger, and is done once it is said to be meant.
    #[must_use]
    pub fn is_question(&self) -> bool {
        self.fields().is_some_and(|fields| fields.get(CONFIRM).is_some())
    }

    /// Why, in words: what is wrong with each field, or with the whole.
    #[must_use]
    pub fn told(&self) -> String {
        match self.fields() {
            Some(fields) => fields.0.values().cloned().collect::<Vec<_>>().join(" "),
            None => self.to_string(),
        }
    }

    /// Whether the server could not be reached at all.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(&self.0, DeckError::Unavailable { reason } if reason == UNREACHABLE)
    }

    pub(crate) fn unreachable() -> Self {
        Self(DeckError::Unavailable { reason: UNREACHABLE.to_owned() })
    }
}

const UNREACHABLE: &str = "The server cannot be reached. Check that it runs, then try again.";

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format::sentence(&self.0.to_string()))
    }
}

impl std::error::Error for ApiError {}

impl From<DeckError> for ApiError {
    fn from(error: DeckError) -> Self {
        Self(error)
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        let error = match error {
            ServerFnErrorErr::Request(_) => return Self::unreachable(),
            ServerFnErrorErr::Args(reason) => DeckError::BadRequest { reason },
            ServerFnErrorErr::MissingArg(name) => {
                DeckError::BadRequest { reason: format!("the argument {name:?} is missing") }
            }
            ServerFnErrorErr::Deserialization(reason) => {
                DeckError::BadRequest { reason: format!("the message could not be read: {reason}") }
            }
            other => DeckError::Internal { reason: other.to_string() },
        };
        // Arguments that cannot be read are refused before a function's own body could set the status.
        crate::server::answer_with_status(&error);
        Self(error)
    }

    fn de(data: Bytes) -> Self {
        let own: Result<Self, _> = JsonEncoding::decode(data.clone());
        own.unwrap_or_else(|_| Self(from_problem(&data)))
    }
}

/// What stands before the server functions (the guard, a proxy) answers problems of its own.
fn from_problem(data: &[u8]) -> DeckError {
    match json::from_str::<Problem>(&String::from_utf8_lossy(data)) {
        Ok(Problem { fields: Some(fields), .. }) => DeckError::InvalidParams { fields },
        Ok(Problem { status: 403, detail: reason, .. }) => DeckError::Denied { reason },
        Ok(Problem { status: 500.., detail: reason, .. }) => DeckError::Unavailable { reason },
        Ok(Problem { detail: reason, .. }) => DeckError::BadRequest { reason },
        Err(_) => {
            DeckError::Unavailable { reason: "The server gave an answer that is none of ours.".to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_as_it_went() {
        let error = ApiError(DeckError::task_not_found());
        assert_eq!(ApiError::de(error.ser()), error);
    }

    #[test]
    fn a_problem_of_the_guard_is_understood() {
        let problem = Problem {
            status: 403,
            code: "cross_origin".to_owned(),
            detail: "another site may not do this".to_owned(),
            fields: None,
            task: None,
        };
        let error = ApiError::de(serde_json::to_vec(&problem).unwrap().into());
        assert_eq!(error.to_string(), "Another site may not do this.");
    }

    #[test]
    fn an_answer_that_is_no_json_is_told_as_such() {
        let error = ApiError::de(Bytes::from_static(b"<html>502 Bad Gateway</html>"));
        assert_eq!(error.0.code(), "unavailable");
        assert!(!error.is_unreachable());
    }
}
