//! Queues and kinds as lanes: how they are held back, and what they have.

use axum::Json;
use serde::Serialize;
use taskdeck_core::{Kind, Lane, LaneLimits, QueueName};
use taskdeck_engine::Client;

use crate::body::Required;
use crate::extract::{Caller, Named};
use crate::problem::Failure;

#[derive(Serialize)]
pub(crate) struct Queues {
    queues: Vec<Lane>,
}

#[derive(Serialize)]
pub(crate) struct Kinds {
    kinds: Vec<Lane>,
}

pub(crate) async fn queues(Caller(client): Caller) -> Result<Json<Queues>, Failure> {
    Ok(Json(Queues { queues: client.queues().await? }))
}

pub(crate) async fn pause_queue(
    Caller(client): Caller,
    Named(name): Named<String>,
) -> Result<Json<Lane>, Failure> {
    let queue = queue(&name)?;
    client.pause_queue(&queue).await?;
    queue_lane(&client, &queue).await
}

pub(crate) async fn resume_queue(
    Caller(client): Caller,
    Named(name): Named<String>,
) -> Result<Json<Lane>, Failure> {
    let queue = queue(&name)?;
    client.resume_queue(&queue).await?;
    queue_lane(&client, &queue).await
}

/// `null` brings the program's own limits back.
pub(crate) async fn limit_queue(
    Caller(client): Caller,
    Named(name): Named<String>,
    Required(limits): Required<Option<LaneLimits>>,
) -> Result<Json<Lane>, Failure> {
    let queue = queue(&name)?;
    client.limit_queue(&queue, limits).await?;
    queue_lane(&client, &queue).await
}

pub(crate) async fn kinds(Caller(client): Caller) -> Result<Json<Kinds>, Failure> {
    Ok(Json(Kinds { kinds: client.kind_lanes().await? }))
}

pub(crate) async fn pause_kind(
    Caller(client): Caller,
    Named(name): Named<String>,
) -> Result<Json<Lane>, Failure> {
    let kind = kind(&name)?;
    client.pause_kind(&kind).await?;
    kind_lane(&client, &kind).await
}

pub(crate) async fn resume_kind(
    Caller(client): Caller,
    Named(name): Named<String>,
) -> Result<Json<Lane>, Failure> {
    let kind = kind(&name)?;
    client.resume_kind(&kind).await?;
    kind_lane(&client, &kind).await
}

/// `null` brings the program's own limits back.
pub(crate) async fn limit_kind(
    Caller(client): Caller,
    Named(name): Named<String>,
    Required(limits): Required<Option<LaneLimits>>,
) -> Result<Json<Lane>, Failure> {
    let kind = kind(&name)?;
    client.limit_kind(&kind, limits).await?;
    kind_lane(&client, &kind).await
}

/// What cannot be a name names nothing.
fn queue(name: &str) -> Result<QueueName, Failure> {
    name.parse().map_err(|_| Failure::not_found("Queue"))
}

fn kind(name: &str) -> Result<Kind, Failure> {
    name.parse().map_err(|_| Failure::not_found("Kind"))
}

/// The lane as it is after a change, which made it one of those that are listed.
async fn queue_lane(client: &Client, queue: &QueueName) -> Result<Json<Lane>, Failure> {
    let lanes = client.queues().await?;
    let lane = lanes.into_iter().find(|lane| lane.name == queue.as_str());
    lane.map(Json).ok_or_else(|| Failure::not_found("Queue"))
}

async fn kind_lane(client: &Client, kind: &Kind) -> Result<Json<Lane>, Failure> {
    let lanes = client.kind_lanes().await?;
    let lane = lanes.into_iter().find(|lane| lane.name == kind.as_str());
    lane.map(Json).ok_or_else(|| Failure::not_found("Kind"))
}
