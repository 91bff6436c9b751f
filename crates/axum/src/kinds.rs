//! Kinds: the catalog, and starting tasks of them.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taskdeck_core::{Category, DeckError, Definition, ResultBody};

use crate::body::StartBody;
use crate::extract::{Caller, Named, Params, Root, Wait};
use crate::params_schema;
use crate::problem::Failure;
use crate::trace::{Trace, Traced};

/// How long `run` waits when the caller does not say.
const RUN_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    #[serde(default)]
    q: String,
    category: Option<Category>,
    tag: Option<String>,
}

impl Search {
    fn finds(&self, definition: &Definition) -> bool {
        definition.matches(&self.q)
            && self.category.is_none_or(|category| category == definition.category)
            && self.tag.as_ref().is_none_or(|tag| definition.tags.contains(tag))
    }
}

#[derive(Serialize)]
pub(crate) struct Kinds {
    kinds: Vec<Definition>,
}

#[derive(Serialize)]
pub(crate) struct KindWithSchema {
    #[serde(flatten)]
    definition: Definition,
    schema: Value,
}

pub(crate) async fn list(
    Caller(client): Caller,
    Params(search): Params<Search>,
) -> Result<Json<Kinds>, Failure> {
    let kinds = client.kinds()?.into_iter().filter(|definition| search.finds(definition)).collect();
    Ok(Json(Kinds { kinds }))
}

pub(crate) async fn one(
    Caller(client): Caller,
    Named(kind): Named<String>,
) -> Result<Json<KindWithSchema>, Failure> {
    let definition = client.kind(&kind)?;
    let schema = params_schema(&definition);
    Ok(Json(KindWithSchema { definition, schema }))
}

pub(crate) async fn start(
    Caller(client): Caller,
    Named(kind): Named<String>,
    root: Root,
    trace: Trace,
    body: StartBody,
) -> Result<Response, Failure> {
    let request = trace.join(body.into_request(&client, &kind).await?);
    let started = client.start(&kind, request).await?;
    let status = if started.deduplicated { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = root.at(&format!("/tasks/{}", started.task.id));
    let trace_id = started.task.trace_id.clone();
    Ok(Traced::of(trace_id.as_deref(), (status, [(LOCATION, location)], Json(started))).into_response())
}

pub(crate) async fn run(
    Caller(client): Caller,
    Named(kind): Named<String>,
    Params(wait): Params<Wait>,
    trace: Trace,
    body: StartBody,
) -> Result<Traced<Result<Json<ResultBody>, Failure>>, Failure> {
    let request = trace.join(body.into_request(&client, &kind).await?);
    let task = client.start(&kind, request).await?.task;
    // The answer names the trace however the task ends, and if it goes on.
    let result = match client.result(task.id, Some(wait.timeout.unwrap_or(RUN_TIMEOUT))).await {
        Err(DeckError::NotEnded { .. }) => Err(DeckError::TimedOut { task: task.id }.into()),
        other => other.map(Json).map_err(Failure::from),
    };
    Ok(Traced::new(&task, result))
}
