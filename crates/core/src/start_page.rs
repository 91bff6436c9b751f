//! What the page of a kind's form shows.

use serde::Serialize;

use crate::read::read;
use crate::{Definition, FieldErrors, TaskState};

/// What the page of a kind's form shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StartPage {
    /// The kind.
    pub definition: Definition,
    /// The tasks of the kind that were started last.
    pub recent: Vec<TaskState>,
    /// What the form begins with, by field: what an earlier task was given, but for what the address says.
    pub initial: Vec<(String, String)>,
    /// What is wrong with that.
    pub faults: FieldErrors,
    /// Whether an earlier task is to be started again.
    pub again: bool,
    /// The failed task that is tried again with what the form says, where it is not one more that is started.
    pub retried: Option<TaskState>,
}

read!(StartPage { definition, recent, initial, faults, again, retried });
