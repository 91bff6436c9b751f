//! Tasks: looking at them, and acting on one.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use taskdeck_core::{
    AnswerRequest, Attempt, CancelOutcome, ListQuery, LogPage, ResultBody, TaskPage, TaskState,
};

use crate::body::{Optional, Required};
use crate::extract::{Caller, Params, TaskPath, Wait};
use crate::problem::Failure;
use crate::trace::Traced;

/// How many log lines one answer holds.
const LOG_LINES: u32 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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
    let trace_id = task.trace_id.clone();
    let etag = format!("\"{}\"", task.rev());
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|tags| tags.split(',')).any(|tag| tag.trim() == etag) {
        return Ok(Traced::new(&task, (StatusCode::NOT_MODIFIED, [(ETAG, etag)])).into_response());
    }
    Ok(Traced::of(trace_id.as_deref(), ([(ETAG, etag)], Json(task))).into_response())
}

pub(crate) async fn delete(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
) -> Result<Traced<Json<Value>>, Failure> {
    let task = client.get(id).await?;
    client.delete(id).await?;
    Ok(Traced::new(&task, Json(json!({ "status": "cleaned" }))))
}

pub(crate) async fn attempts(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
) -> Result<Traced<Json<Attempts>>, Failure> {
    let task = client.get(id).await?;
    Ok(Traced::new(&task, Json(Attempts { attempts: client.attempts(id).await? })))
}

pub(crate) async fn log(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Params(query): Params<Since>,
) -> Result<Traced<Json<LogPage>>, Failure> {
    let task = client.get(id).await?;
    let limit = query.limit.unwrap_or(LOG_LINES).clamp(1, LOG_LINES);
    Ok(Traced::new(&task, Json(client.log(id, query.since, limit).await?)))
}

pub(crate) async fn result(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Params(wait): Params<Wait>,
) -> Result<Traced<Result<Json<ResultBody>, Failure>>, Failure> {
    let task = client.get(id).await?;
    let result = client.result(id, wait.timeout).await;
    Ok(Traced::new(&task, result.map(Json).map_err(Failure::from)))
}

pub(crate) async fn cancel(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Optional(request): Optional<CancelRequest>,
) -> Result<Response, Failure> {
    let task = client.get(id).await?;
    let outcome = client.cancel(id, request.reason).await?;
    let status = match outcome {
        CancelOutcome::Cancelling => StatusCode::ACCEPTED,
        CancelOutcome::Cancelled | CancelOutcome::AlreadyCompleted => StatusCode::OK,
    };
    Ok(Traced::new(&task, (status, Json(json!({ "status": outcome })))).into_response())
}

pub(crate) async fn retry(Caller(client): Caller, TaskPath(id): TaskPath) -> Result<State, Failure> {
    Ok(state(client.retry(id).await?))
}

/// Answers the question that the task waits with.
pub(crate) async fn confirm(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Required(answer): Required<AnswerRequest>,
) -> Result<State, Failure> {
    Ok(state(client.answer(id, answer).await?))
}

/// Changes the params that the body names, in a failed task; what is not named stays. A field that the kind does not
/// know any more is taken out by `null`.
pub(crate) async fn change_params(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Required(changes): Required<Map<String, Value>>,
) -> Result<State, Failure> {
    let stored = client.detail(id).await?;
    let definition = client.kind(stored.task.kind.as_str())?;
    // Params that are no object are replaced: nothing of them could fit.
    let mut params = match stored.params {
        Value::Object(params) => params,
        _ => Map::new(),
    };
    for (name, value) in changes {
        if value.is_null() && definition.param(&name).is_none() {
            params.remove(&name);
        } else {
            params.insert(name, value);
        }
    }
    Ok(state(client.set_params(id, Value::Object(params)).await?))
}

/// The answer that is the task's state.
type State = Traced<Json<TaskState>>;

fn state(task: TaskState) -> State {
    Traced::of(task.trace_id.clone().as_deref(), Json(task))
}
