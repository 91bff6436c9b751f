//! A task with all that its page shows.

use serde::Serialize;
use serde_json::Value;

use crate::read::read;
use crate::{Attempt, NotRunning, Notice, OpenQuestion, ResultBody, TaskState, Timestamp};

/// A task with all that its page shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskDetail {
    /// The task.
    pub task: TaskState,
    /// Its params.
    pub params: Value,
    /// What the form of its kind calls the params, in the form's order; empty when the kind is not known here.
    pub titles: Vec<ParamTitle>,
    /// What it left, once it completed.
    pub result: Option<ResultBody>,
    /// Its checkpoint, if it has one.
    pub checkpoint: Option<Value>,
    /// The attempts, the last first.
    pub attempts: Vec<Attempt>,
    /// When it was to begin at first, where its start said so (a delay, or a time).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// How long a cancelled attempt may take to stop, in milliseconds.
    pub grace_ms: u64,
    /// The tasks that it runs after.
    pub after: Vec<TaskState>,
    /// What it asked, the last question first.
    pub questions: Vec<OpenQuestion>,
    /// What it told (`ctx.notify(..)`), the first hundred.
    pub notices: Vec<Notice>,
    /// Why it does not run, if it has not ended and does not.
    pub not_running: Option<NotRunning>,
}

read!(TaskDetail {
    task, params, result, checkpoint, attempts, grace_ms;
    default due_at, titles, after, questions, notices, not_running
});

/// What the form of a kind calls a param.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParamTitle {
    /// Its name in JSON.
    pub name: String,
    /// What a person calls it.
    pub title: String,
    /// What the form calls the values of a param that is chosen: an object, by the values in JSON. Null of any other. (It
    /// is no map of strings, since reading another type is code in each page.)
    #[serde(skip_serializing_if = "Value::is_null")]
    pub choices: Value,
}

read!(ParamTitle { name, title, choices });
