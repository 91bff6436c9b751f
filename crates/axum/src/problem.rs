//! Errors as `application/problem+json` (RFC 9457).

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use taskdeck_core::{DeckError, Problem};

/// The response that tells of a deck's error.
#[must_use]
pub fn problem(error: &DeckError) -> Response {
    if let DeckError::Internal { reason } = error {
        tracing::error!(%reason, "failed to answer a request");
    }
    respond(&Problem::from(error))
}

fn respond(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(problem)).into_response();
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
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Deck(error) => problem(&error),
            Self::Http(status, code, detail) => respond(&Problem {
                status: status.as_u16(),
                code: code.to_owned(),
                detail,
                fields: None,
                task: None,
            }),
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
