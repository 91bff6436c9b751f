//! The trace of a request and of what it started: `traceparent` in, `X-Trace-Id` out.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use taskdeck_core::{StartRequest, TaskState, traceparent};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// The request's `traceparent`. One that is not well formed is as good as none, as the W3C wants it.
pub(crate) struct Trace(Option<String>);

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
        Ok(Self(header.filter(|header| traceparent(header).is_some()).map(str::to_owned)))
    }
}

impl Trace {
    /// The same start as a part of the request's trace, unless it names one itself.
    pub(crate) fn join(&self, request: StartRequest) -> StartRequest {
        if request.traceparent.is_some() || request.trace_id.is_some() {
            return request;
        }
        StartRequest { traceparent: self.0.clone(), ..request }
    }
}

/// An answer about a task, with the id of the task's trace.
pub(crate) struct Traced<T> {
    trace_id: Option<HeaderValue>,
    answer: T,
}

impl<T> Traced<T> {
    pub(crate) fn new(task: &TaskState, answer: T) -> Self {
        Self::of(task.trace_id.as_deref(), answer)
    }

    pub(crate) fn of(trace_id: Option<&str>, answer: T) -> Self {
        Self { trace_id: trace_id.and_then(|id| HeaderValue::from_str(id).ok()), answer }
    }
}

impl<T: IntoResponse> IntoResponse for Traced<T> {
    fn into_response(self) -> Response {
        let mut response = self.answer.into_response();
        if let Some(id) = self.trace_id {
            response.headers_mut().insert(TRACE_ID, id);
        }
        response
    }
}
