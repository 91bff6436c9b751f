//! Batches: many tasks in one call, and how far they are as a whole.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use taskdeck_core::{Batch, BatchId, BatchItem, BatchRequest, Started};

use crate::body::Required;
use crate::extract::{Caller, Named, Root};
use crate::problem::Failure;
use crate::trace::{Trace, Traced};

pub(crate) async fn start(
    Caller(client): Caller,
    root: Root,
    trace: Trace,
    Required(batch): Required<BatchRequest>,
) -> Result<Response, Failure> {
    let join = |item: BatchItem| BatchItem { request: trace.join(item.request), ..item };
    let tasks = batch.tasks.into_iter().map(join).collect();
    let started = client.start_batch(BatchRequest { tasks, ..batch }).await?;
    let location = root.at(&format!("/batches/{}", started.batch.id));
    let trace_id = common_trace(&started.tasks).map(str::to_owned);
    let answer = (StatusCode::ACCEPTED, [(LOCATION, location)], Json(started));
    Ok(Traced::of(trace_id.as_deref(), answer).into_response())
}

/// The trace that all tasks of a batch are in, if it is one.
fn common_trace(tasks: &[Started]) -> Option<&str> {
    let mut traces = tasks.iter().map(|started| started.task.trace_id.as_deref());
    let first = traces.next()??;
    traces.all(|trace| trace == Some(first)).then_some(first)
}

pub(crate) async fn one(Caller(client): Caller, Named(id): Named<String>) -> Result<Json<Batch>, Failure> {
    let id: BatchId = id.parse().map_err(|_| Failure::not_found("Batch"))?;
    Ok(Json(client.batch(id).await?))
}
