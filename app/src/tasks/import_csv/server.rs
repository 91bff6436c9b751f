//! The import as a task: what it reports goes to the task's page.
//!
//! The modules below know nothing of tasks: they read a file, write a database and tell a [`Watch`] about it.

mod affinity;
mod error;
mod import;
mod ledger;
mod names;
mod records;
mod sheet;
mod target;
#[cfg(test)]
mod tests;
mod watch;

use taskdeck::{TaskContext, TaskError, Upload};

use self::error::ImportError;
use self::import::{BATCH_ROWS, Plan, import};
pub(in crate::tasks) use self::ledger::create as create_ledger;
use self::watch::{Problem, Watch};
use super::{Delimiter, ImportMode, ImportSummary};
use crate::tasks::DataDatabase;
use crate::tasks::text::count_of;

impl Delimiter {
    pub(crate) const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }

    /// What the form calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Comma => "Comma",
            Self::Semicolon => "Semicolon",
            Self::Tab => "Tab",
            Self::Pipe => "Pipe",
        }
    }
}

/// How the file is read and where its rows go.
pub(super) struct Options {
    pub(super) delimiter: Delimiter,
    pub(super) header: bool,
    pub(super) mode: ImportMode,
}

pub(super) async fn run(
    ctx: TaskContext,
    file: Upload,
    table: Option<String>,
    options: Options,
) -> Result<ImportSummary, TaskError> {
    let database = ctx.get::<DataDatabase>()?;
    let path = ctx.path_of(&file)?;
    let table = table.unwrap_or_else(|| names::table_of_file(&file.name));
    ctx.blocking(move |ctx| {
        let Options { delimiter, header, mode } = options;
        let source = file.id.to_string();
        let plan = Plan {
            file: &path,
            source: &source,
            table: &table,
            delimiter,
            header,
            mode,
            batch_rows: BATCH_ROWS,
        };
        let summary = import(&database, &ctx.id().to_string(), &plan, &ctx).map_err(task_error)?;
        let text = in_words(&summary);
        if summary.rows == 0 {
            ctx.warn(&text);
        } else {
            ctx.info(&text);
        }
        ctx.message(text);
        Ok(summary)
    })
    .await
}

fn in_words(summary: &ImportSummary) -> String {
    let ImportSummary { table, rows, skipped, columns, .. } = summary;
    match (*rows, *skipped) {
        (0, 0) => {
            let columns = count_of(*columns, "column");
            format!("The file has only a header: the table {table} has {columns} and no rows.")
        }
        (rows, 0) => format!("{} in the table {table}", count_of(rows, "row")),
        (rows, skipped) => {
            format!("{} in the table {table}, {} left out", count_of(rows, "row"), count_of(skipped, "row"))
        }
    }
}

fn task_error(error: ImportError) -> TaskError {
    match error {
        ImportError::Refused { code, message } => TaskError::permanent(message).code(code),
        other => TaskError::from(other),
    }
}

impl Watch for TaskContext {
    #[expect(clippy::cast_precision_loss, reason = "a bar does not show the last of 2^52 bytes")]
    fn progress(&self, bytes: u64, of: u64, rows: u64) {
        Self::progress(self, bytes as f64 / of.max(1) as f64);
        self.message(count_of(rows, "row"));
    }

    fn problem(&self, problem: &Problem) {
        Self::problem(self, problem.part.as_str(), problem.message.as_str());
    }

    fn info(&self, text: &str) {
        Self::info(self, text);
    }

    fn warn(&self, text: &str) {
        Self::warn(self, text);
    }

    fn is_stopped(&self) -> bool {
        self.is_cancelled()
    }
}
