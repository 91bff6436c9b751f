//! What happened when, and who works.

use std::time::Duration;

use axum::Json;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use taskdeck_core::{Kind, Stats, WorkerState};
use taskdeck_engine::{StatsQuery, StatsSince};

use crate::extract::{Caller, Params, duration};
use crate::problem::Failure;

/// What is shown when nobody says since when.
const AN_HOUR: u64 = 60 * 60 * 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    /// A time, or how long ago.
    #[serde(default, deserialize_with = "since")]
    since: Option<StatsSince>,
    #[serde(default, deserialize_with = "duration")]
    step: Option<Duration>,
    kind: Option<Kind>,
}

fn since<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StatsSince>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if let Ok(at) = text.parse() {
        return Ok(Some(StatsSince::At(at)));
    }
    let ago = crate::parse_duration(&text).map_err(|_| {
        D::Error::custom("neither a time such as 2026-01-31T08:00:00Z nor how long ago, such as 6h")
    })?;
    Ok(Some(StatsSince::Ago(millis(ago))))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) async fn stats(
    Caller(client): Caller,
    Params(range): Params<Range>,
) -> Result<Json<Stats>, Failure> {
    let since = range.since.unwrap_or(StatsSince::Ago(AN_HOUR));
    let query = StatsQuery { since, step_ms: range.step.map(millis), kind: range.kind };
    Ok(Json(client.stats(query).await?))
}

#[derive(Serialize)]
pub(crate) struct Workers {
    workers: Vec<WorkerState>,
}

pub(crate) async fn workers(Caller(client): Caller) -> Result<Json<Workers>, Failure> {
    Ok(Json(Workers { workers: client.workers().await? }))
}
