//! What a server says about itself.

use serde::{Deserialize, Serialize};

/// A setting that a program runs with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The name by which it is set, such as `TASK_GRACE`.
    pub name: String,
    /// What it is now, in words.
    pub value: String,
    /// What it means, in a sentence.
    pub help: String,
}

impl Setting {
    /// A setting.
    pub fn new(name: &str, value: impl Into<String>, help: &str) -> Self {
        Self { name: name.to_owned(), value: value.into(), help: help.to_owned() }
    }
}

/// What a program runs with: to be read, not to be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The version of Taskdeck.
    pub version: String,
    /// The deck's id; it stays with the store.
    pub deck: String,
    /// Where tasks are kept: `SQLite 3.51.0, /var/lib/taskdeck.db`.
    pub store: String,
    /// How much of the disk the store takes in bytes, files of tasks not counted; none for a store in memory.
    pub store_bytes: Option<u64>,
    /// The settings.
    pub settings: Vec<Setting>,
}
