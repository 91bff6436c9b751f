//! What happened to the caller's tasks while they were away.

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use taskdeck_core::{Inbox, Timestamp};

use crate::body::Optional;
use crate::extract::Caller;
use crate::problem::Failure;

pub(crate) async fn show(Caller(client): Caller) -> Result<Json<Inbox>, Failure> {
    Ok(Json(client.inbox().await?))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Look {
    /// Until when the caller has seen what happened; now when not said.
    until: Option<Timestamp>,
}

pub(crate) async fn look(
    Caller(client): Caller,
    Optional(Look { until }): Optional<Look>,
) -> Result<Json<Value>, Failure> {
    client.look(until).await?;
    Ok(Json(json!({ "status": "noted" })))
}
