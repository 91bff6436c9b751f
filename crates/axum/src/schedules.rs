//! Schedules: looking at them, making them, and steering one.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use taskdeck_core::{FieldErrors, NextTimes, Schedule, ScheduleName, ScheduleSpec};

use crate::body::Optional;
use crate::extract::{Caller, Named, Params, Root};
use crate::problem::Failure;

#[derive(Serialize)]
pub(crate) struct Schedules {
    schedules: Vec<Schedule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    cron: String,
    #[serde(default = "utc")]
    time_zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PauseRequest {
    reason: Option<String>,
}

pub(crate) async fn list(Caller(client): Caller) -> Result<Json<Schedules>, Failure> {
    Ok(Json(Schedules { schedules: client.schedules().await? }))
}

/// When a rule would come, before there is a schedule of it.
pub(crate) async fn next_times(
    Caller(client): Caller,
    Params(rule): Params<Rule>,
) -> Result<Json<NextTimes>, Failure> {
    Ok(Json(client.next_times(&rule.cron, &rule.time_zone)?))
}

pub(crate) async fn one(
    Caller(client): Caller,
    Named(name): Named<String>,
) -> Result<Json<Schedule>, Failure> {
    Ok(Json(client.schedule(&name).await?))
}

pub(crate) async fn put(
    Caller(client): Caller,
    Named(name): Named<String>,
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Json<Schedule>, Failure> {
    let Json(body) = body?;
    Ok(Json(client.put_schedule(spec(&name, body)?).await?))
}

/// The schedule that the path names and the body describes.
fn spec(name: &str, mut body: Map<String, Value>) -> Result<ScheduleSpec, Failure> {
    let checked: ScheduleName = name.parse().map_err(|error: taskdeck_core::IdError| {
        let mut fields = FieldErrors::default();
        fields.add("name", error.to_string());
        taskdeck_core::DeckError::from(fields)
    })?;
    if body.get("name").is_some_and(|other| *other != checked.as_str()) {
        return Err(Failure::bad_request("the body names another schedule than the address"));
    }
    body.insert("name".to_owned(), Value::from(checked.as_str()));
    let given: Vec<_> = body.keys().cloned().collect();
    let spec: ScheduleSpec = serde_json::from_value(Value::Object(body))
        .map_err(|error| Failure::bad_request(error.to_string()))?;
    // The type ignores what it does not know, because what is read from the list may be more than what is written.
    let known = serde_json::to_value(&spec).unwrap_or_default();
    match given.iter().find(|key| known.get(key).is_none()) {
        Some(unknown) => Err(Failure::bad_request(format!("a schedule has no field `{unknown}`"))),
        None => Ok(spec),
    }
}

pub(crate) async fn delete(
    Caller(client): Caller,
    Named(name): Named<String>,
) -> Result<Json<Value>, Failure> {
    client.delete_schedule(&name).await?;
    Ok(Json(json!({ "status": "removed" })))
}

pub(crate) async fn pause(
    Caller(client): Caller,
    Named(name): Named<String>,
    Optional(request): Optional<PauseRequest>,
) -> Result<Json<Schedule>, Failure> {
    Ok(Json(client.pause_schedule(&name, request.reason).await?))
}

pub(crate) async fn resume(
    Caller(client): Caller,
    Named(name): Named<String>,
) -> Result<Json<Schedule>, Failure> {
    Ok(Json(client.resume_schedule(&name).await?))
}

pub(crate) async fn run(
    Caller(client): Caller,
    Named(name): Named<String>,
    root: Root,
) -> Result<Response, Failure> {
    let started = client.run_schedule(&name).await?;
    let status = if started.deduplicated { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = root.at(&format!("/tasks/{}", started.task.id));
    Ok((status, [(LOCATION, location)], Json(started)).into_response())
}
