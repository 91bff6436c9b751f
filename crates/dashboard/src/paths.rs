//! The addresses of the pages, below the path that the app is mounted at.

use taskdeck_core::{BulkVerb, Kind, TaskId};
use taskdeck_ui::use_base;

use crate::filter::{Filter, escape_query};

/// An address below the base path.
pub(crate) fn at(path: &str) -> String {
    use_base().join(path)
}

/// The overview, with a query (`?..`) or none.
pub(crate) fn overview(query: &str) -> String {
    at(&format!("/{query}"))
}

/// The queues and the kinds.
pub(crate) fn queues() -> String {
    at("/queues")
}

/// The schedules.
pub(crate) fn schedules() -> String {
    at("/schedules")
}

/// One schedule.
pub(crate) fn schedule(name: &str) -> String {
    at(&format!("/schedules/{name}"))
}

/// The form of a new schedule, with a query (`?..`) or none. No schedule has this name: names begin with a letter.
pub(crate) fn new_schedule(query: &str) -> String {
    at(&format!("/schedules/_new{query}"))
}

/// What happened while the viewer was away.
pub(crate) fn inbox() -> String {
    at("/inbox")
}

/// The processes that work.
pub(crate) fn workers() -> String {
    at("/workers")
}

/// What the server runs with.
pub(crate) fn settings() -> String {
    at("/settings")
}

/// The list of tasks, with a query (`?..`) or none.
pub(crate) fn tasks(query: &str) -> String {
    at(&format!("/tasks{query}"))
}

/// The list of the tasks that fit a filter.
pub(crate) fn filtered(filter: &Filter) -> String {
    tasks(&filter.to_query())
}

/// What would be done to all tasks that fit a filter.
pub(crate) fn bulk(verb: BulkVerb, filter: &Filter) -> String {
    at(&format!("/tasks/bulk?verb={}&all=1&q={}", verb.name(), escape_query(&filter.text())))
}

/// The page of a task.
pub(crate) fn task(id: TaskId) -> String {
    at(&format!("/tasks/{id}"))
}

/// The catalog.
pub(crate) fn start() -> String {
    at("/start")
}

/// The form that starts a task of a kind.
pub(crate) fn start_kind(kind: &Kind) -> String {
    at(&format!("/start/{kind}"))
}

/// The same form with the params of a failed task, to change them and try it again.
pub(crate) fn edit(kind: &Kind, task: TaskId) -> String {
    at(&format!("/start/{kind}?retry={task}"))
}

/// The same form with the params of an earlier task.
pub(crate) fn start_again(kind: &Kind, from: TaskId) -> String {
    at(&format!("/start/{kind}?from={from}"))
}
