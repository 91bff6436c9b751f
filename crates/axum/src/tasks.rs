//! Tasks: looking at them, and acting on one.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taskdeck_core::{Attempt, CancelOutcome, ListQuery, LogPage, ResultBody, TaskPage, TaskState};

use crate::body::Optional;
use crate::extract::{Caller, Params, TaskPath, Wait};
use crate::problem::Failure;

/// How many log lines one answer holds.
const LOG_LINES: u32 = 1_000;

#[derive(Deserialize)]
pub(crate) struct Since {
    #[serde(default)]
    pub(crate) since: u64,
    limit: Option<u32>,
}

#[derive(Serialize)]
pub(crate) struct Attempts {
    attempts: Vec<Attempt>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CancelRequest {
    reason: Option<String>,
}

pub(crate) async fn list(
    Caller(client): Caller,
    Params(query): Params<ListQuery>,
) -> Result<Json<TaskPage>, Failure> {
    Ok(Json(client.list(&query).await?))
}

pub(crate) async fn one(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let task = client.get(id).await?;
    let etag = format!("\"{}\"", task.rev());
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|tags| tags.split(',')).any(|tag| tag.trim() == etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    Ok(([(ETAG, etag)], Json(task)).into_response())
}

pub(crate) async fn delete(Caller(client): Caller, TaskPath(id): TaskPath) -> Result<Json<Value>, Failure> {
    client.delete(id).await?;
    Ok(Json(json!({ "status": "cleaned" })))
}

pub(crate) async fn attempts(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
) -> Result<Json<Attempts>, Failure> {
    Ok(Json(Attempts { attempts: client.attempts(id).await? }))
}

pub(crate) async fn log(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Params(query): Params<Since>,
) -> Result<Json<LogPage>, Failure> {
    let limit = query.limit.unwrap_or(LOG_LINES).clamp(1, LOG_LINES);
    Ok(Json(client.log(id, query.since, limit).await?))
}

pub(crate) async fn result(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Params(wait): Params<Wait>,
) -> Result<Json<ResultBody>, Failure> {
    Ok(Json(client.result(id, wait.timeout).await?))
}

pub(crate) async fn cancel(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Optional(request): Optional<CancelRequest>,
) -> Result<Response, Failure> {
    let outcome = client.cancel(id, request.reason).await?;
    let status = match outcome {
        CancelOutcome::Cancelling => StatusCode::ACCEPTED,
        CancelOutcome::Cancelled | CancelOutcome::AlreadyCompleted => StatusCode::OK,
    };
    Ok((status, Json(json!({ "status": outcome }))).into_response())
}

pub(crate) async fn retry(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
) -> Result<Json<TaskState>, Failure> {
    Ok(Json(client.retry(id).await?))
}
