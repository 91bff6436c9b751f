//! Queues and kinds as lanes: how they are held back, and what they have.

use axum::Json;
use serde::Serialize;
use taskdeck_core::{Kind, Lane, LaneLimits, QueueName};
use taskdeck_engine::Client;

use crate::body::OrNull;
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

pub(crate) async fn kinds(Caller(client): Caller) -> Result<Json<Kinds>, Failure> {
    Ok(Json(Kinds { kinds: client.kind_lanes().await? }))
}

/// What a lane is of.
pub(crate) enum Of {
    Queue(QueueName),
    Kind(Kind),
}

/// The type of a lane's name: says what a route is about.
pub(crate) trait LaneName {
    /// What cannot be a name names nothing.
    fn read(name: &str) -> Result<Of, Failure>;
}

impl LaneName for QueueName {
    fn read(name: &str) -> Result<Of, Failure> {
        name.parse().map(Of::Queue).map_err(|_| Failure::not_found("Queue"))
    }
}

impl LaneName for Kind {
    fn read(name: &str) -> Result<Of, Failure> {
        name.parse().map(Of::Kind).map_err(|_| Failure::not_found("Kind"))
    }
}

impl Of {
    /// The lane as it is after a change, which made it one of those that are listed.
    async fn lane(&self, client: &Client) -> Result<Json<Lane>, Failure> {
        let (lanes, name, what) = match self {
            Self::Queue(queue) => (client.queues().await?, queue.as_str(), "Queue"),
            Self::Kind(kind) => (client.kind_lanes().await?, kind.as_str(), "Kind"),
        };
        let lane = lanes.into_iter().find(|lane| lane.name == name);
        lane.map(Json).ok_or_else(|| Failure::not_found(what))
    }
}

pub(crate) async fn pause<N: LaneName>(
    Caller(client): Caller,
    Named(name): Named<String>,
) -> Result<Json<Lane>, Failure> {
    let of = N::read(&name)?;
    match &of {
        Of::Queue(queue) => client.pause_queue(queue).await?,
        Of::Kind(kind) => client.pause_kind(kind).await?,
    }
    of.lane(&client).await
}

pub(crate) async fn resume<N: LaneName>(
    Caller(client): Caller,
    Named(name): Named<String>,
) -> Result<Json<Lane>, Failure> {
    let of = N::read(&name)?;
    match &of {
        Of::Queue(queue) => client.resume_queue(queue).await?,
        Of::Kind(kind) => client.resume_kind(kind).await?,
    }
    of.lane(&client).await
}

/// `null` brings the program's own limits back.
pub(crate) async fn limit<N: LaneName>(
    Caller(client): Caller,
    Named(name): Named<String>,
    OrNull(limits): OrNull<LaneLimits>,
) -> Result<Json<Lane>, Failure> {
    let of = N::read(&name)?;
    match &of {
        Of::Queue(queue) => client.limit_queue(queue, limits).await?,
        Of::Kind(kind) => client.limit_kind(kind, limits).await?,
    }
    of.lane(&client).await
}
