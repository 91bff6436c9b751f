//! Errors as `application/problem+json` (RFC 9457).

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::response::{Html, IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use taskdeck_core::{DeckError, Problem};

use crate::guard::CLOSED_POLICY;

/// The response that tells of a deck's error.
#[must_use]
pub fn problem(error: &DeckError) -> Response {
    let mut response = respond(&describe(error));
    if let Some(wait) = retry_after(error) {
        response.headers_mut().insert(RETRY_AFTER, wait);
    }
    response
}

/// When the same may be asked again, in whole seconds: never too early.
fn retry_after(error: &DeckError) -> Option<HeaderValue> {
    match error {
        DeckError::TooMany { retry_after_ms } => {
            Some(HeaderValue::from(retry_after_ms.div_ceil(1_000).max(1)))
        }
        _ => None,
    }
}

/// An error as it is told, after the log was told of it where that has to know.
fn describe(error: &DeckError) -> Problem {
    if let DeckError::Internal { reason } = error {
        tracing::error!(%reason, "failed to answer a request");
    }
    Problem::from(error)
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn respond(problem: &Problem) -> Response {
    let mut response = (status_of(problem), axum::Json(problem)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

/// Why a handler has no answer: the deck refused, or the request never got as far as the deck.
#[derive(Debug)]
pub(crate) enum Failure {
    Deck(DeckError),
    Http(StatusCode, &'static str, String),
}

impl Failure {
    pub(crate) fn bad_request(reason: impl Into<String>) -> Self {
        Self::Deck(DeckError::BadRequest { reason: reason.into() })
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::Deck(DeckError::NotFound { what: what.to_owned() })
    }

    pub(crate) fn is_too_large(&self) -> bool {
        matches!(self, Self::Deck(DeckError::TooLarge { .. }))
    }

    fn into_problem(self) -> Problem {
        match self {
            Self::Deck(error) => describe(&error),
            Self::Http(status, code, detail) => {
                Problem { status: status.as_u16(), code: code.to_owned(), detail, fields: None, task: None }
            }
        }
    }

    /// The failure as a page, for where the app's own pages cannot be had.
    pub(crate) fn into_page(self) -> Response {
        let problem = self.into_problem();
        let status = status_of(&problem);
        let title = status.canonical_reason().unwrap_or("Refused");
        let detail = problem.detail.replace('&', "&amp;").replace('<', "&lt;");
        let page = format!(
            "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <h1>{title}</h1><p>Taskdeck did not do this: {detail}.</p>"
        );
        (status, [(CONTENT_SECURITY_POLICY, CLOSED_POLICY)], Html(page)).into_response()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Deck(error) => problem(&error),
            http @ Self::Http(..) => respond(&http.into_problem()),
        }
    }
}

impl From<DeckError> for Failure {
    fn from(error: DeckError) -> Self {
        Self::Deck(error)
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::MissingJsonContentType(_) => Self::Http(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send JSON with `Content-Type: application/json`".to_owned(),
            ),
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Self::Http(other.status(), "too_large", "the request's body is too large".to_owned())
            }
            // 422 is kept for params, where each field has its error.
            other => Self::bad_request(other.body_text()),
        }
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_says_when_to_come_again_and_rounds_up() {
        for (wait_ms, seconds) in [(1, "1"), (1_000, "1"), (1_001, "2"), (0, "1")] {
            let error = DeckError::TooMany { retry_after_ms: wait_ms };
            for response in [problem(&error), Failure::from(error.clone()).into_response()] {
                assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
                assert_eq!(response.headers()[RETRY_AFTER], seconds, "{wait_ms} ms");
            }
        }
        assert!(!problem(&DeckError::StillRunning).headers().contains_key(RETRY_AFTER));
    }
}
