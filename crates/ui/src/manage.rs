//! The server functions for those who look after a deck: queues, kinds, schedules, settings. A few lines each over the
//! deck's client, which does the checks. What changes something takes a plain form, as in [`api`](crate::api).

#![expect(missing_docs, reason = "the structs that `#[server]` writes have the arguments as fields")]
#![expect(clippy::too_many_arguments, reason = "the fields of a form are the arguments of its function")]
#![cfg_attr(
    feature = "ssr",
    expect(clippy::unused_async, reason = "a server function is async, also where the deck answers at once")
)]

use std::collections::BTreeMap;

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use server_fn::ServerFn;
use server_fn::codec::PostUrl;
use taskdeck_core::{
    About, FieldErrors, Inbox, LaneOf, Lanes, MissedFires, NextTimes, Schedule, TaskId, Timestamp,
};

use crate::call::Call;
use crate::client::BaseClient;
use crate::error::ApiError;
use crate::json::Json;
#[cfg(feature = "ssr")]
use crate::{
    schedule_form,
    server::{client, facts, go_back, go_to, refuse, refuse_about},
};

/// The queues and the kinds: what they hold, and how they are held back.
#[server(name = GetLanes, prefix = "/_taskdeck", endpoint = "lanes", protocol = Call, client = BaseClient)]
pub async fn lanes() -> Result<Lanes, ApiError> {
    let client = client()?;
    let queues = client.queues().await.map_err(refuse)?;
    Ok(Lanes { queues, kinds: client.kind_lanes().await.map_err(refuse)? })
}

/// Pauses a queue or a kind, or lets it go on.
#[server(prefix = "/_taskdeck", endpoint = "pause_lane", input = PostUrl, output = Json, client = BaseClient)]
pub async fn pause_lane(of: LaneOf, name: String, paused: bool) -> Result<(), ApiError> {
    let done = schedule_form::pause_lane(&client()?, of, &name, paused).await;
    done.map_err(|error| refuse_about(PauseLane::PATH, &about_lane(of, &name), error))?;
    go_back();
    Ok(())
}

/// Sets the limits of a queue or a kind: how many tasks run at the same time, how often they begin (`10/1m`), and, of
/// kinds, how many of one partition run. What is empty is not limited. With `program` the program's own come back.
#[server(prefix = "/_taskdeck", endpoint = "limit_lane", input = PostUrl, output = Json, client = BaseClient)]
pub async fn limit_lane(
    of: LaneOf,
    name: String,
    concurrency: Option<String>,
    rate: Option<String>,
    partition_concurrency: Option<String>,
    program: Option<bool>,
) -> Result<(), ApiError> {
    let texts = [concurrency, rate, partition_concurrency].map(Option::unwrap_or_default);
    let done = schedule_form::limit_lane(&client()?, of, &name, &texts, program == Some(true)).await;
    done.map_err(|error| refuse_about(LimitLane::PATH, &about_lane(of, &name), error))?;
    go_back();
    Ok(())
}

/// The schedules that the viewer may see.
#[server(name = GetSchedules, prefix = "/_taskdeck", endpoint = "schedules", protocol = Call, client = BaseClient)]
pub async fn schedules() -> Result<Vec<Schedule>, ApiError> {
    client()?.schedules().await.map_err(refuse)
}

/// One schedule.
#[server(name = GetSchedule, prefix = "/_taskdeck", endpoint = "schedule", protocol = Call, client = BaseClient)]
pub async fn schedule(name: String) -> Result<Schedule, ApiError> {
    client()?.schedule(&name).await.map_err(refuse)
}

/// What a rule would do, or what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Explained {
    /// Empty where something is wrong.
    pub next: NextTimes,
    /// What is wrong with `cron` and `time_zone`. An answer like any other, since most rules are wrong while they are typed.
    pub problems: FieldErrors,
}

/// What a rule would do, or what is wrong with it.
#[server(name = GetNextTimes, prefix = "/_taskdeck", endpoint = "next_times", protocol = Call, client = BaseClient)]
pub async fn next_times(cron: String, time_zone: String) -> Result<Explained, ApiError> {
    schedule_form::explain(&client()?, &cron, &time_zone).map_err(refuse)
}

/// Makes a schedule, or changes one (`change`), from the fields of its form. Without JavaScript a form that is not
/// right comes back with what was typed.
#[server(prefix = "/_taskdeck", endpoint = "put_schedule", input = PostUrl, output = Json, client = BaseClient)]
pub async fn put_schedule(
    name: String,
    kind: String,
    cron: String,
    time_zone: Option<String>,
    missed: Option<MissedFires>,
    label: Option<String>,
    queue: Option<String>,
    priority: Option<String>,
    key: Option<String>,
    params: Option<BTreeMap<String, String>>,
    change: Option<bool>,
) -> Result<String, ApiError> {
    let form = schedule_form::ScheduleForm {
        name,
        kind,
        cron,
        time_zone: time_zone.unwrap_or_default(),
        missed: missed.unwrap_or_default(),
        label: label.unwrap_or_default(),
        queue: queue.unwrap_or_default(),
        priority: priority.unwrap_or_default(),
        key: key.unwrap_or_default(),
        params: params.unwrap_or_default(),
        change: change == Some(true),
    };
    let client = client()?;
    let made = form.put(&client).await.map_err(|error| form.refuse(&client, PutSchedule::PATH, error))?;
    go_to(&format!("/schedules/{}", made.spec.name));
    Ok(made.spec.name.to_string())
}

/// What can be done to a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleDeed {
    /// Stops it from starting tasks.
    Pause,
    /// Lets it go on.
    Resume,
    /// Starts its task now.
    Run,
    /// Removes it.
    Delete,
}

impl ScheduleDeed {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Run => "run",
            Self::Delete => "delete",
        }
    }
}

/// Pauses, resumes or deletes a schedule, or starts its task now: which then is answered. A task that is a danger is
/// asked about, until there is a `confirm`.
#[server(prefix = "/_taskdeck", endpoint = "steer_schedule", input = PostUrl, output = Json, client = BaseClient)]
pub async fn steer_schedule(
    name: String,
    deed: ScheduleDeed,
    confirm: Option<String>,
) -> Result<Option<TaskId>, ApiError> {
    let client = client()?;
    let done = match deed {
        ScheduleDeed::Pause => client.pause_schedule(&name, None).await.map(|_| None),
        ScheduleDeed::Resume => client.resume_schedule(&name).await.map(|_| None),
        ScheduleDeed::Run => schedule_form::run_schedule(&client, &name, confirm).await.map(Some),
        ScheduleDeed::Delete => client.delete_schedule(&name).await.map(|()| None),
    };
    let started =
        done.map_err(|error| refuse_about(SteerSchedule::PATH, &about_schedule(&name, deed), error))?;
    match (deed, started) {
        (_, Some(id)) => go_to(&format!("/tasks/{id}")),
        (ScheduleDeed::Delete, _) => go_to("/schedules"),
        _ => go_back(),
    }
    Ok(started)
}

/// What the server runs with.
#[server(name = GetAbout, prefix = "/_taskdeck", endpoint = "about", protocol = Call, client = BaseClient)]
pub async fn about() -> Result<About, ApiError> {
    facts().map_err(refuse)
}

/// What ended, and what was asked, while the viewer was away.
#[server(name = GetInbox, prefix = "/_taskdeck", endpoint = "inbox", protocol = Call, client = BaseClient)]
pub async fn inbox() -> Result<Inbox, ApiError> {
    client()?.inbox().await.map_err(refuse)
}

/// Notes that the viewer has seen what happened until then.
#[server(prefix = "/_taskdeck", endpoint = "look", input = PostUrl, output = Json, client = BaseClient)]
pub async fn look(until: Option<Timestamp>) -> Result<(), ApiError> {
    client()?.look(until).await.map_err(|error| refuse_about(Look::PATH, "", error))?;
    go_back();
    Ok(())
}

/// What tells the form of a lane from the others.
#[must_use]
pub fn about_lane(of: LaneOf, name: &str) -> String {
    format!("{}-{name}", of.name())
}

/// What tells the form of a schedule from the others.
#[must_use]
pub fn about_schedule(name: &str, deed: ScheduleDeed) -> String {
    format!("{}-{name}", deed.name())
}
