//! Extractors whose refusals are problems, like every other error.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{FromRequestParts, OriginalUri, Path, Query, WebSocketUpgrade};
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error};
use taskdeck_core::{DeckError, TaskId};
use taskdeck_engine::Client;

use crate::problem::Failure;

/// The client of the request's actor, put there by the guard.
pub(crate) struct Caller(pub(crate) Client);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        // Without the guard nobody has checked where the request comes from: no answer is the safe one.
        parts.extensions.get::<Client>().cloned().map(Self).ok_or_else(|| {
            Failure::Deck(DeckError::Internal { reason: "the router stands without its guard".to_owned() })
        })
    }
}

/// The path that the API is below, as the request has it: `/api`, and more before it where the deck is mounted below a path.
pub(crate) struct Root(String);

impl Root {
    /// An address below it.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl<S: Sync> FromRequestParts<S> for Root {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Each router that nests another takes its own part of the path off.
        let whole = parts.extensions.get::<OriginalUri>().map_or("/api", |whole| whole.path());
        Ok(Self(whole.strip_suffix(parts.uri.path()).unwrap_or("/api").to_owned()))
    }
}

/// What the path names. What cannot be read names nothing.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(named)) => Ok(Self(named)),
            Err(_) => Err(Failure::not_found("Address")),
        }
    }
}

/// The task named in the path. What is no id names no task.
pub(crate) struct TaskPath(pub(crate) TaskId);

impl<S: Send + Sync> FromRequestParts<S> for TaskPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Named(text) = Named::<String>::from_request_parts(parts, state).await?;
        text.parse().map(Self).map_err(|_| DeckError::task_not_found().into())
    }
}

/// The query, whose faults are 400.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Query(query) = Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self(query))
    }
}

/// How long the caller wants to wait.
#[derive(Deserialize)]
pub(crate) struct Wait {
    #[serde(default, deserialize_with = "duration")]
    pub(crate) timeout: Option<Duration>,
}

/// A length of time in a query.
pub(crate) fn duration<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::parse_duration(&text).map(Some).map_err(D::Error::custom)
}

/// The upgrade to a WebSocket.
pub(crate) struct Upgrade(pub(crate) WebSocketUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match WebSocketUpgrade::from_request_parts(parts, state).await {
            Ok(upgrade) => Ok(Self(upgrade)),
            Err(rejection) => Err(Failure::Http(
                StatusCode::UPGRADE_REQUIRED,
                "upgrade_required",
                format!("this address speaks WebSocket only: {}", rejection.body_text()),
            )),
        }
    }
}
