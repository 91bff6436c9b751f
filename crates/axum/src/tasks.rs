//! Tasks: looking at them, and acting on one.

use axum::body::Body;
use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use taskdeck_core::{
    AnswerRequest, Attempt, CancelOutcome, DeckError, ListQuery, LogLine, LogPage, NotRunning, ResultBody,
    TaskDetail, TaskId, TaskPage, TaskState, csv,
};

use crate::body::{Optional, Required};
use crate::embed::{self, TokenTime};
use crate::extract::{Caller, Params, TaskPath, Wait};
use crate::problem::Failure;
use crate::trace::Traced;

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

/// Which tasks: each field by itself, or all in one as in the search box; what both say is the filter's.
#[derive(Deserialize)]
pub(crate) struct Filter {
    filter: Option<String>,
}

pub(crate) async fn list(
    Caller(client): Caller,
    Params(Filter { filter }): Params<Filter>,
    uri: Uri,
) -> Result<Json<TaskPage>, Failure> {
    // What is neither a field nor the filter is refused.
    let fields = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.starts_with("filter="));
    let fields = format!("/?{}", fields.collect::<Vec<_>>().join("&"));
    let bad = |reason: String| DeckError::BadRequest { reason };
    let fields: Uri = fields.parse().map_err(|error: http::uri::InvalidUri| bad(error.to_string()))?;
    let Query(query) = Query::<ListQuery>::try_from_uri(&fields)?;
    let filter = ListQuery::from_filter(filter.as_deref().unwrap_or_default());
    let filter = filter.map_err(|error| bad(error.to_string()))?;
    Ok(Json(client.list(&query.and(filter)).await?))
}

/// A task, and why it does not run if it has not ended and does not.
#[derive(Serialize)]
struct OneTask {
    #[serde(flatten)]
    task: TaskState,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_running: Option<NotRunning>,
}

pub(crate) async fn one(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    token_time: Option<Extension<TokenTime>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let mut answer = state_of(&client, id, &headers).await?;
    embed::renew(&client, token_time, &mut answer).await;
    Ok(answer)
}

async fn state_of(
    client: &taskdeck_engine::Client,
    id: TaskId,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let (task, not_running) = client.get_with_why(id).await?;
    let trace_id = task.trace_id.clone();
    // Why it does not run may change while the task stays as it is.
    let etag = match &not_running {
        Some(why) => format!("\"{}.{}\"", task.rev(), why.reason),
        None => format!("\"{}\"", task.rev()),
    };
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|tags| tags.split(',')).any(|tag| tag.trim() == etag) {
        return Ok(Traced::new(&task, (StatusCode::NOT_MODIFIED, [(ETAG, etag)])).into_response());
    }
    let body = Json(OneTask { task, not_running });
    Ok(Traced::of(trace_id.as_deref(), ([(ETAG, etag)], body)).into_response())
}

/// All that the task's page shows: params, questions, what it runs after, attempts.
pub(crate) async fn detail(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
) -> Result<Traced<Json<TaskDetail>>, Failure> {
    let detail = client.detail(id).await?;
    let trace_id = detail.task.trace_id.clone();
    Ok(Traced::of(trace_id.as_deref(), Json(detail)))
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

/// The whole log as a text, as a file.
pub(crate) async fn log_txt(Caller(client): Caller, TaskPath(id): TaskPath) -> Result<Response, Failure> {
    let task = client.get(id).await?;
    // Page by page, as the reader takes it: a log may be large.
    let text = stream::try_unfold(Some(0), move |since| {
        let client = client.clone();
        async move {
            let Some(since) = since else { return Ok::<_, DeckError>(None) };
            let page = client.log(id, since, LOG_LINES).await?;
            let text: String = page.lines.iter().map(LogLine::plain).collect();
            Ok(Some((text, page.more.then_some(page.last_seq))))
        }
    });
    let name = format!("attachment; filename=\"task-{id}.log\"");
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok(Traced::new(&task, (headers, Body::from_stream(text))).into_response())
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

/// The output alone, as a file.
pub(crate) async fn result_json(Caller(client): Caller, TaskPath(id): TaskPath) -> Result<Response, Failure> {
    let result = client.result(id, None).await?.result;
    let text = serde_json::to_string_pretty(&result)
        .map_err(|error| DeckError::Internal { reason: error.to_string() })?;
    Ok(file(id, "json", "application/json", text))
}

/// The output as a table, as a file, when it is rows.
pub(crate) async fn result_csv(Caller(client): Caller, TaskPath(id): TaskPath) -> Result<Response, Failure> {
    let text = csv::write(&client.result(id, None).await?.result);
    let text = text.ok_or_else(|| Failure::not_found("Table"))?;
    Ok(file(id, "csv", "text/csv; charset=utf-8", text))
}

fn file(id: TaskId, ending: &str, media_type: &'static str, text: String) -> Response {
    let name = format!("attachment; filename=\"task-{id}.{ending}\"");
    ([(CONTENT_TYPE, media_type.to_owned()), (CONTENT_DISPOSITION, name)], text).into_response()
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
