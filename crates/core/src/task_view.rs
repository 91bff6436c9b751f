//! What the page of a task shows beyond the live state.

use serde::Serialize;

use crate::read::read;
use crate::{LogPage, TaskDetail, TaskState};

/// What the page of a task shows beyond the live state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskView {
    /// The task.
    pub detail: TaskDetail,
    /// The tasks that it started; none where they could not be had.
    pub children: Option<Vec<TaskState>>,
    /// The last lines of its log, where they were asked for and could be had.
    pub log: Option<LogPage>,
    /// Why they could not be had.
    pub log_problem: Option<String>,
}

read!(TaskView { detail, children, log, log_problem });
