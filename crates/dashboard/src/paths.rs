//! The addresses of the pages, below the path that the app is mounted at.

use taskdeck_core::{Kind, TaskId};
use taskdeck_ui::use_base;

use crate::filter::Filter;

/// An address below the base path.
pub(crate) fn at(path: &str) -> String {
    use_base().join(path)
}

/// The list of tasks, with a query (`?..`) or none.
pub(crate) fn tasks(query: &str) -> String {
    at(&format!("/tasks{query}"))
}

/// The list of the tasks that fit a filter.
pub(crate) fn filtered(filter: &Filter) -> String {
    tasks(&filter.to_query())
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

/// The same form with the params of an earlier task.
pub(crate) fn start_again(kind: &Kind, from: TaskId) -> String {
    at(&format!("/start/{kind}?from={from}"))
}
