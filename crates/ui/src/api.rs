//! The server functions: a few lines each over the deck's client, which does the checks.
//!
//! Their paths begin with `/_taskdeck`, under the base path. Reads take JSON; what changes something takes a plain
//! form, so that it works without JavaScript: the sender is redirected back, or to the task after a start.

#![expect(missing_docs, reason = "the structs that `#[server]` writes have the arguments as fields")]
#![cfg_attr(
    feature = "ssr",
    expect(clippy::unused_async, reason = "a server function is async, also where the deck answers at once")
)]

use std::collections::BTreeMap;

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use server_fn::ServerFn;
use server_fn::codec::{MultipartData, PostUrl};
use taskdeck_core::{
    BulkPreview, BulkRequest, BulkVerb, CancelOutcome, Counts, Definition, Kind, KindName, Lane, ListQuery,
    LogPage, Notice, StartPage, Started, Stats, TaskDetail, TaskId, TaskPage, TaskState, TaskView,
    WorkerState,
};
#[cfg(feature = "ssr")]
use taskdeck_core::{DeckError, IdError};
#[cfg(feature = "ssr")]
use taskdeck_engine::{StatsQuery, StatsSince};

use crate::call::Call;
use crate::client::BaseClient;
use crate::codec::MultipartFormData;
use crate::error::ApiError;
use crate::json::Json;
#[cfg(feature = "ssr")]
use crate::server::{
    answer_from_form, client, edit_from_form, go_back, go_to, refuse, refuse_for, retry_from_form,
    start_from_form,
};

/// The kinds that the viewer may see, as the catalog lists them.
#[server(name = GetKinds, prefix = "/_taskdeck", endpoint = "kinds", protocol = Call, client = BaseClient)]
pub async fn kinds() -> Result<Vec<Definition>, ApiError> {
    client()?.kinds().map_err(refuse)
}

/// What the kinds that the viewer may see are called.
#[server(name = GetKindNames, prefix = "/_taskdeck", endpoint = "kind_names", protocol = Call, client = BaseClient)]
pub async fn kind_names() -> Result<Vec<KindName>, ApiError> {
    let kinds = client()?.kinds().map_err(refuse)?;
    Ok(kinds.iter().map(KindName::from).collect())
}

/// One kind.
#[server(name = GetKind, prefix = "/_taskdeck", endpoint = "kind", protocol = Call, client = BaseClient)]
pub async fn kind(kind: String) -> Result<Definition, ApiError> {
    client()?.kind(&kind).map_err(refuse)
}

/// What the page of a kind's form shows; `named` is what its address says: values by field, and the task that is started
/// once more (`from`) or tried again (`retry`).
#[server(name = GetStartPage, prefix = "/_taskdeck", endpoint = "start_page", protocol = Call, client = BaseClient)]
pub async fn start_page(kind: String, named: Vec<(String, String)>) -> Result<StartPage, ApiError> {
    crate::start_page::start_page(&client()?, &kind, named).await.map_err(refuse)
}

/// A page of tasks, newest first.
#[server(name = GetTasks, prefix = "/_taskdeck", endpoint = "tasks", protocol = Call, client = BaseClient)]
pub async fn tasks(query: ListQuery) -> Result<TaskPage, ApiError> {
    client()?.list(&query).await.map_err(refuse)
}

/// A task with all that its page shows.
#[server(name = GetTask, prefix = "/_taskdeck", endpoint = "task", protocol = Call, client = BaseClient)]
pub async fn task(id: TaskId) -> Result<TaskDetail, ApiError> {
    client()?.detail(id).await.map_err(refuse)
}

/// What the page of a task shows: at most `children` of the tasks that it started, and the last lines of its log (none
/// where `log` is 0).
#[server(name = GetTaskView, prefix = "/_taskdeck", endpoint = "task_view", protocol = Call, client = BaseClient)]
pub async fn task_view(id: TaskId, children: u32, log: u32) -> Result<TaskView, ApiError> {
    let client = client()?;
    let detail = client.detail(id).await.map_err(refuse)?;
    let query = ListQuery { parent: Some(id), limit: Some(children), ..ListQuery::default() };
    let children = client.list(&query).await.map(|page| page.tasks).ok();
    let tail = if log == 0 { Ok(None) } else { client.log_tail(id, log).await.map(Some) };
    let (log, log_problem) = match tail {
        Ok(log) => (log, None),
        Err(error) => (None, Some(ApiError(error).to_string())),
    };
    Ok(TaskView { detail, children, log, log_problem })
}

/// The states of these tasks; those that are gone are left out.
#[server(name = GetStates, prefix = "/_taskdeck", endpoint = "states", protocol = Call, client = BaseClient)]
pub async fn states(ids: Vec<TaskId>) -> Result<Vec<TaskState>, ApiError> {
    client()?.get_many(&ids).await.map_err(refuse)
}

/// The lines of a task's log after `since`.
#[server(name = GetTaskLog, prefix = "/_taskdeck", endpoint = "task_log", protocol = Call, client = BaseClient)]
pub async fn task_log(id: TaskId, since: u64, limit: u32) -> Result<LogPage, ApiError> {
    client()?.log(id, since, limit).await.map_err(refuse)
}

/// The last lines of a task's log.
#[server(name = GetLogTail, prefix = "/_taskdeck", endpoint = "log_tail", protocol = Call, client = BaseClient)]
pub async fn log_tail(id: TaskId, limit: u32) -> Result<LogPage, ApiError> {
    client()?.log_tail(id, limit).await.map_err(refuse)
}

/// What a task's body wanted somebody to know, after the notice `since`.
#[server(name = GetNotices, prefix = "/_taskdeck", endpoint = "notices", protocol = Call, client = BaseClient)]
pub async fn notices(id: TaskId, since: u64) -> Result<Vec<Notice>, ApiError> {
    client()?.notices(id, since).await.map_err(refuse)
}

/// What an action on many tasks would do.
#[server(name = GetBulkPreview, prefix = "/_taskdeck", endpoint = "bulk_preview", protocol = Call, client = BaseClient)]
pub async fn bulk_preview(request: BulkRequest) -> Result<BulkPreview, ApiError> {
    client()?.bulk_preview(&request).await.map_err(refuse)
}

/// Does something to many tasks: to those named (ids, joined by commas), else to those that fit the filter. The answer
/// is the task that does it.
#[server(prefix = "/_taskdeck", endpoint = "bulk_tasks", input = PostUrl, output = Json, client = BaseClient)]
pub async fn bulk_tasks(
    verb: BulkVerb,
    tasks: Option<String>,
    filter: Option<String>,
) -> Result<TaskState, ApiError> {
    let ids = tasks.unwrap_or_default();
    let ids: Result<_, _> = ids.split(',').filter(|id| !id.is_empty()).map(str::parse).collect();
    let ids = ids.map_err(|error: IdError| refuse(DeckError::BadRequest { reason: error.to_string() }))?;
    let started = client()?.bulk(BulkRequest { verb, tasks: ids, filter }).await.map_err(refuse)?;
    go_to(&format!("/tasks/{}", started.task.id));
    Ok(started.task)
}

/// Gives a failed task the params that a form holds (`_kind`, `_task`, the params, files), and tries it again with them.
#[server(prefix = "/_taskdeck", endpoint = "edit_task", input = MultipartFormData, output = Json, client = BaseClient)]
pub async fn edit_task(form: MultipartData) -> Result<Started, ApiError> {
    let client = client()?;
    let Some(form) = form.into_inner() else {
        return Err(ApiError::unreachable());
    };
    let edited = edit_from_form(&client, form).await.map_err(|rejection| refuse(rejection.error))?;
    go_to(&format!("/tasks/{}", edited.task.id));
    Ok(edited)
}

/// How many tasks there are, by status.
#[server(name = GetCounts, prefix = "/_taskdeck", endpoint = "counts", protocol = Call, client = BaseClient)]
pub async fn counts() -> Result<Counts, ApiError> {
    client()?.counts().await.map_err(refuse)
}

/// What happened in the last `last_ms` milliseconds, step by step: of a kind, or of all. A step is `step_ms` long, or as
/// long as makes about a hundred of them.
#[server(name = GetStats, prefix = "/_taskdeck", endpoint = "stats", protocol = Call, client = BaseClient)]
pub async fn stats(last_ms: u64, step_ms: Option<u64>, kind: Option<Kind>) -> Result<Stats, ApiError> {
    let query = StatsQuery { since: StatsSince::Ago(last_ms), step_ms, kind };
    client()?.stats(query).await.map_err(refuse)
}

/// The queues: what each has, since when the oldest waits, how it is held back.
#[server(name = GetQueues, prefix = "/_taskdeck", endpoint = "queues", protocol = Call, client = BaseClient)]
pub async fn queues() -> Result<Vec<Lane>, ApiError> {
    client()?.queues().await.map_err(refuse)
}

/// The processes that work, with what each of them runs.
#[server(name = GetWorkers, prefix = "/_taskdeck", endpoint = "workers", protocol = Call, client = BaseClient)]
pub async fn workers() -> Result<Vec<WorkerState>, ApiError> {
    client()?.workers().await.map_err(refuse)
}

/// Starts the task that a start form asks for (`_kind`, its params, its files).
#[server(prefix = "/_taskdeck", endpoint = "start_task", input = MultipartFormData, output = Json, client = BaseClient)]
pub async fn start_task(form: MultipartData) -> Result<Started, ApiError> {
    let client = client()?;
    let Some(form) = form.into_inner() else {
        return Err(ApiError::unreachable());
    };
    let started = start_from_form(&client, form).await.map_err(|rejection| refuse(rejection.error))?;
    go_to(&format!("/tasks/{}", started.task.id));
    Ok(started)
}

/// Asks a task to stop.
#[server(prefix = "/_taskdeck", endpoint = "cancel_task", input = PostUrl, output = Json, client = BaseClient)]
pub async fn cancel_task(id: TaskId, reason: Option<String>) -> Result<CancelOutcome, ApiError> {
    let outcome = client()?.cancel(id, reason).await;
    let outcome = outcome.map_err(|error| refuse_for(CancelTask::PATH, id, error))?;
    go_back();
    Ok(outcome)
}

/// Tries an ended task again, or a scheduled one at once. What is a danger is asked about, until there is a `confirm`.
#[server(prefix = "/_taskdeck", endpoint = "retry_task", input = PostUrl, output = Json, client = BaseClient)]
pub async fn retry_task(id: TaskId, confirm: Option<String>) -> Result<TaskState, ApiError> {
    let retried = retry_from_form(&client()?, id, confirm).await;
    let state = retried.map_err(|error| refuse_for(RetryTask::PATH, id, error))?;
    go_back();
    Ok(state)
}

/// Answers the question that a task waits with: approves or declines it, with what was filled in by field
/// (`fields[name]=..`).
#[server(prefix = "/_taskdeck", endpoint = "answer_task", input = PostUrl, output = Json, client = BaseClient)]
pub async fn answer_task(
    id: TaskId,
    key: Option<String>,
    approved: bool,
    fields: Option<BTreeMap<String, String>>,
) -> Result<TaskState, ApiError> {
    let answered = answer_from_form(&client()?, id, key, approved, fields.unwrap_or_default()).await;
    let state = answered.map_err(|error| refuse_for(AnswerTask::PATH, id, error))?;
    go_back();
    Ok(state)
}

/// Removes a task; an active one is cancelled first. `back` is the path, under the base path, of the page to go to
/// afterwards without JavaScript.
#[server(prefix = "/_taskdeck", endpoint = "delete_task", input = PostUrl, output = Json, client = BaseClient)]
pub async fn delete_task(id: TaskId, back: Option<String>) -> Result<(), ApiError> {
    client()?.delete(id).await.map_err(|error| refuse_for(DeleteTask::PATH, id, error))?;
    match back.filter(|back| is_local(back)) {
        Some(back) => go_to(&back),
        None => go_back(),
    }
    Ok(())
}

/// Whether a path leads to a page of this site and nowhere else.
#[cfg_attr(not(any(feature = "ssr", test)), expect(dead_code, reason = "asked by the server alone"))]
fn is_local(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n', '\t'])
}

/// Under which name the error of a form about one task is kept in the URL, without JavaScript.
pub(crate) fn error_path(path: &str, id: TaskId) -> String {
    format!("{path}#{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_site_is_gone_back_to() {
        assert!(is_local("/tasks?status=failed"));
        for path in ["//evil.example", "https://evil.example", "/\\evil.example", "tasks", "/a\r\nX: y"] {
            assert!(!is_local(path), "{path}");
        }
    }
}
