//! What a deck consists of: the tables that a copy takes over, with the columns as both kinds of store name them.
//!
//! Not among them: sessions and the use of rates (they belong to the nodes that run), and counters, which the target
//! counts anew.

/// What a column holds. A store says it in its own way; a copy has numbers, texts and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Id,
    Text,
    Bytes,
    /// Numbers of 16, 32 and 64 bits, where it matters.
    Small,
    Int,
    Long,
    Flag,
}

use Type::{Bytes, Flag, Id, Int, Long, Small, Text};

#[derive(Debug)]
pub(super) struct Column {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
    pub(super) of: Type,
}

const fn column(name: &'static str, of: Type) -> Column {
    Column { sqlite: name, postgres: name, of }
}

const fn renamed(sqlite: &'static str, postgres: &'static str, of: Type) -> Column {
    Column { sqlite, postgres, of }
}

/// A table, of which the first columns are the key.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
    pub(super) keys: usize,
    /// The column that names the task to which a row belongs, if the table has rows of tasks.
    pub(super) task: Option<&'static str>,
}

impl Table {
    pub(super) fn key(&self) -> &'static [Column] {
        &self.columns[..self.keys]
    }

    /// The columns that may be long, of a table that has a row or more for each task.
    pub(super) fn long(&self) -> impl Iterator<Item = &'static Column> {
        let of_tasks = self.task.is_some();
        let long = |column: &&Column| matches!(column.of, Type::Text | Type::Bytes);
        self.columns[self.keys..].iter().filter(long).filter(move |_| of_tasks)
    }
}

/// What each store notes for itself.
pub(super) const OWN_NOTES: [&str; 4] = ["schema", "files", "pruned_at", "swept_at"];

/// Which tasks run after which. Its rows go and change without the versions of the tasks that they belong to: those of a
/// removed task go with it, and that one is done is noted for all that come after.
pub(super) fn edges() -> &'static Table {
    &OF_TASKS[6]
}

/// What belongs to single tasks, the tasks first.
pub(super) static OF_TASKS: [Table; 8] = [
    Table {
        name: "tasks",
        keys: 1,
        task: Some("id"),
        columns: &[
            column("id", Id),
            column("kind", Text),
            column("kind_version", Int),
            column("queue", Text),
            column("priority", Int),
            column("label", Text),
            column("key", Text),
            column("tags", Text),
            renamed("user", "user_id", Text),
            column("trace_id", Text),
            column("created_at", Long),
            column("status", Small),
            column("version", Int),
            column("attempt", Int),
            column("tries", Int),
            column("max_tries", Int),
            column("at_most_once", Flag),
            column("queued_at", Long),
            column("ahead", Flag),
            column("scheduled_at", Long),
            column("session", Id),
            column("token", Long),
            column("question", Text),
            column("question_until", Long),
            column("cancel", Text),
            column("expires_at", Long),
            column("started_at", Long),
            column("ended_at", Long),
            column("partial", Flag),
            column("questions", Int),
            column("endings", Int),
            column("error_code", Text),
            column("error_message", Text),
            column("progress", Text),
            column("partition", Text),
            column("parent", Id),
            column("child", Text),
            column("batch", Id),
            column("waits_for", Int),
            column("remove_at", Long),
            column("options", Text),
            column("active_key", Text),
            column("notice_seq", Long),
        ],
    },
    Table {
        name: "payloads",
        keys: 1,
        task: Some("task"),
        columns: &[
            column("task", Id),
            column("params", Text),
            column("checkpoint", Text),
            column("result", Text),
        ],
    },
    Table {
        name: "attempts",
        keys: 2,
        task: Some("task"),
        columns: &[
            column("task", Id),
            column("attempt", Int),
            column("started_at", Long),
            column("ended_at", Long),
            column("outcome", Text),
            column("error_code", Text),
            column("error_message", Text),
            column("detail", Text),
            column("worker", Text),
        ],
    },
    Table {
        name: "log_chunks",
        keys: 2,
        task: Some("task"),
        columns: &[
            column("task", Id),
            column("first_seq", Long),
            column("last_seq", Long),
            column("lines", Text),
        ],
    },
    Table {
        name: "notices",
        keys: 2,
        task: Some("task"),
        columns: &[
            column("task", Id),
            column("seq", Long),
            column("at", Long),
            column("text", Text),
            renamed("user", "user_id", Text),
        ],
    },
    Table {
        name: "questions",
        keys: 2,
        task: Some("task"),
        columns: &[
            column("task", Id),
            column("key", Text),
            column("question", Text),
            column("asked_at", Long),
            column("until", Long),
            column("outcome", Small),
            column("fields", Text),
            column("answered_by", Text),
            column("answered_at", Long),
        ],
    },
    Table {
        name: "dependencies",
        keys: 2,
        task: Some("task"),
        columns: &[column("after", Id), column("task", Id), column("done", Flag)],
    },
    Table {
        name: "task_files",
        keys: 3,
        task: Some("task"),
        columns: &[column("task", Id), column("role", Small), column("name", Text), column("file", Id)],
    },
];

/// What belongs to the deck: small, and taken over as a whole.
pub(super) static OF_DECK: [Table; 6] = [
    Table {
        name: "files",
        keys: 1,
        task: None,
        columns: &[
            column("id", Id),
            column("name", Text),
            column("size", Long),
            column("media_type", Text),
            column("created_at", Long),
        ],
    },
    Table {
        name: "controls",
        keys: 2,
        task: None,
        columns: &[
            column("scope", Small),
            column("name", Text),
            column("paused_at", Long),
            column("paused_by", Text),
            column("limits", Text),
        ],
    },
    Table {
        name: "batches",
        keys: 1,
        task: None,
        columns: &[
            column("id", Id),
            column("label", Text),
            renamed("user", "user_id", Text),
            column("created_at", Long),
            column("total", Long),
        ],
    },
    Table {
        name: "looks",
        keys: 1,
        task: None,
        columns: &[renamed("user", "user_id", Text), column("at", Long)],
    },
    Table {
        name: "rollups",
        keys: 2,
        task: None,
        columns: &[
            column("minute", Long),
            column("kind", Text),
            column("started", Long),
            column("begun", Long),
            column("completed", Long),
            column("failed", Long),
            column("cancelled", Long),
            column("interrupted", Long),
            column("wait", Bytes),
            column("run", Bytes),
        ],
    },
    Table {
        name: "schedules",
        keys: 1,
        task: None,
        columns: &[
            column("name", Text),
            column("spec", Text),
            renamed("source", "made", Flag),
            column("actor", Text),
            column("version", Int),
            column("next_at", Long),
            column("last_at", Long),
            column("last_task", Id),
            column("created_at", Long),
            column("paused_at", Long),
            column("paused_by", Text),
            column("at_fault", Flag),
            column("pause_reason", Text),
        ],
    },
];

/// Every table that is copied.
pub(super) fn all() -> impl Iterator<Item = &'static Table> {
    OF_TASKS.iter().chain(&OF_DECK)
}
