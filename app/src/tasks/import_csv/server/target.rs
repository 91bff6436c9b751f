//! The table that the rows go to: made, replaced, or found to fit.

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::ImportMode;
use super::error::{ImportError, refused};
use super::names::{is_reserved, quoted};
use super::sheet::Sheet;
use crate::tasks::text::count_of;

/// Whether there is such a table.
pub(crate) fn exists(connection: &Connection, table: &str) -> Result<bool, ImportError> {
    let kind: Option<String> = connection
        .query_row(
            "SELECT type FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE",
            [table],
            |row| row.get(0),
        )
        .optional()?;
    match kind.as_deref() {
        None => Ok(false),
        Some("table") => Ok(true),
        Some(_) => {
            Err(refused("not_a_table", format!("{table} is a view: rows can only be imported into a table.")))
        }
    }
}

/// Makes the table ready for the rows, and answers which of its columns they fill, in the file's order.
pub(crate) fn prepare(
    transaction: &Transaction<'_>,
    table: &str,
    mode: ImportMode,
    header: bool,
    sheet: &Sheet,
) -> Result<Vec<String>, ImportError> {
    if is_reserved(table) {
        let message =
            format!("A table cannot be called {table}: names with sqlite_ and _taskdeck_ are reserved.");
        return Err(refused("reserved_name", message));
    }
    match (exists(transaction, table)?, mode) {
        (true, ImportMode::Create) => {
            let message = format!(
                "There is a table {table} already. Choose another name, or replace it, or append to it."
            );
            Err(refused("table_exists", message))
        }
        (true, ImportMode::Append) => matching_columns(transaction, table, header, sheet),
        (there, _) => {
            if there {
                transaction.execute_batch(&format!("DROP TABLE {}", quoted(table)))?;
            }
            transaction.execute_batch(&create_sql(table, sheet))?;
            Ok(sheet.names.clone())
        }
    }
}

fn create_sql(table: &str, sheet: &Sheet) -> String {
    let columns: Vec<_> = sheet
        .names
        .iter()
        .zip(&sheet.affinities)
        .map(|(name, affinity)| format!("{} {}", quoted(name), affinity.sql()))
        .collect();
    format!("CREATE TABLE {} ({})", quoted(table), columns.join(", "))
}

/// With a header, the columns of the same names; without one, all columns in their order.
fn matching_columns(
    connection: &Connection,
    table: &str,
    header: bool,
    sheet: &Sheet,
) -> Result<Vec<String>, ImportError> {
    let there: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if !header {
        if there.len() == sheet.names.len() {
            return Ok(there);
        }
        let (file, has) = (count_of(sheet.names.len() as u64, "column"), there.len());
        let message = format!(
            "The file has {file}, the table {table} has {has}. Without a header they must be as many."
        );
        return Err(refused("columns_differ", message));
    }
    let mut unknown = Vec::new();
    let mut columns = Vec::with_capacity(sheet.names.len());
    for name in &sheet.names {
        match there.iter().find(|column| column.eq_ignore_ascii_case(name)) {
            Some(column) => columns.push(column.clone()),
            None => unknown.push(name.as_str()),
        }
    }
    if unknown.is_empty() {
        return Ok(columns);
    }
    let has = there.join(", ");
    let message = format!("The table {table} has no column {}. It has: {has}.", unknown.join(", "));
    Err(refused("columns_differ", message))
}

/// The statement that adds a row.
pub(crate) fn insert_sql(table: &str, columns: &[String]) -> String {
    let names: Vec<_> = columns.iter().map(|name| quoted(name)).collect();
    let values = vec!["?"; columns.len()].join(", ");
    format!("INSERT INTO {} ({}) VALUES ({values})", quoted(table), names.join(", "))
}
