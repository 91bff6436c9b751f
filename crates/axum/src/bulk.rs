//! What is done to many tasks at once.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use taskdeck_core::{BulkPreview, BulkRequest};

use crate::body::Required;
use crate::extract::{Caller, Root};
use crate::problem::Failure;

/// What it would do: how many tasks, and which of them first.
pub(crate) async fn preview(
    Caller(client): Caller,
    Required(request): Required<BulkRequest>,
) -> Result<Json<BulkPreview>, Failure> {
    Ok(Json(client.bulk_preview(&request).await?))
}

/// Does it: the answer is the task that does.
pub(crate) async fn start(
    Caller(client): Caller,
    root: Root,
    Required(request): Required<BulkRequest>,
) -> Result<Response, Failure> {
    let started = client.bulk(request).await?;
    let location = root.at(&format!("/tasks/{}", started.task.id));
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(started)).into_response())
}
