//! The end of a copy that is a SQLite file.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::end::{Cell, End, Head, Id, LocalFile, Page, Row, fitting};
use super::files::{self, file_id};
use super::tables::{self, OWN_NOTES, Table};
use super::{CopyError, deck_of};
use crate::files::{FileStore, NOTE};
use crate::store::sqlite::{Alone, open_alone, open_to_read};

const PLACE: &str = "SQLite";

pub(super) struct SqliteEnd {
    /// None while a thread works with it.
    conn: Option<Connection>,
    files: FileStore,
    /// The directory that a target is to have for its files.
    named: Option<PathBuf>,
    /// PostgreSQL keeps no NUL in a text: a copy for it has another character there, as what is started there has.
    without_nul: bool,
    alone: Option<Alone>,
}

impl SqliteEnd {
    pub(super) async fn source(
        path: PathBuf,
        named: Option<PathBuf>,
        online: bool,
        without_nul: bool,
    ) -> Result<Self, CopyError> {
        if !path.exists() {
            return Err(CopyError::Missing(path.display().to_string()));
        }
        let mut end = if online {
            let file = path.clone();
            let conn = aside(move || open_to_read(&file)).await?.map_err(store)?;
            let conn = conn.ok_or(CopyError::OtherVersion)?;
            Self::of(&path, conn, None, without_nul)?
        } else {
            Self::alone(path, without_nul).await?
        };
        let (deck, known) = (end.noted("deck_id").await?, end.noted(NOTE).await?);
        if let Some(files) = files::of_source(named.as_deref(), deck.as_deref(), known.as_deref())? {
            end.files = files;
        }
        Ok(end)
    }

    pub(super) async fn target(path: PathBuf, named: Option<PathBuf>) -> Result<Self, CopyError> {
        Ok(Self { named, ..Self::alone(path, false).await? })
    }

    async fn noted(&mut self, name: &'static str) -> Result<Option<String>, CopyError> {
        self.on(move |conn| {
            conn.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0)).optional()
        })
        .await
    }

    async fn alone(path: PathBuf, without_nul: bool) -> Result<Self, CopyError> {
        let file = path.clone();
        let (conn, alone) = aside(move || open_alone(&file)).await??;
        Self::of(&path, conn, Some(alone), without_nul)
    }

    fn of(path: &Path, conn: Connection, alone: Option<Alone>, without_nul: bool) -> Result<Self, CopyError> {
        let files = FileStore::beside(path).map_err(crate::BuildError::from)?;
        Ok(Self { conn: Some(conn), files, named: None, without_nul, alone })
    }

    /// Runs on a thread that may block.
    async fn on<R: Send + 'static>(
        &mut self,
        run: impl FnOnce(&mut Connection) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, CopyError> {
        let gone = || CopyError::Store { place: PLACE, why: "its thread is gone".to_owned() };
        let mut conn = self.conn.take().ok_or_else(gone)?;
        let (conn, done) = aside(move || {
            let done = run(&mut conn);
            (conn, done)
        })
        .await?;
        self.conn = Some(conn);
        done.map_err(store)
    }

    async fn read<R: rusqlite::types::FromSql + Send + 'static>(
        &mut self,
        sql: String,
        values: Vec<Value>,
    ) -> Result<Vec<R>, CopyError> {
        self.on(move |conn| {
            let mut statement = conn.prepare_cached(&sql)?;
            let found = statement.query_map(params_from_iter(values), |row| row.get(0))?;
            found.collect()
        })
        .await
    }

    async fn rows(&mut self, sql: String, values: Vec<Value>, columns: usize) -> Result<Vec<Row>, CopyError> {
        let without_nul = self.without_nul;
        self.on(move |conn| {
            let mut statement = conn.prepare_cached(&sql)?;
            let mut found = statement.query(params_from_iter(values))?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                let cells = (0..columns).map(|index| Ok(cell(row.get_ref(index)?, without_nul)));
                rows.push(cells.collect::<rusqlite::Result<_>>()?);
            }
            Ok(rows)
        })
        .await
    }
}

async fn aside<R: Send + 'static>(run: impl FnOnce() -> R + Send + 'static) -> Result<R, CopyError> {
    let done = tokio::task::spawn_blocking(run).await;
    done.map_err(|error| CopyError::Store { place: PLACE, why: error.to_string() })
}

#[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
fn store(error: rusqlite::Error) -> CopyError {
    CopyError::Store { place: PLACE, why: error.to_string() }
}

fn cell(value: ValueRef<'_>, without_nul: bool) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Number(number),
        // No column holds one.
        ValueRef::Real(number) => Cell::Text(number.to_string()),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text);
            Cell::Text(if without_nul { text.replace('\0', "\u{fffd}") } else { text.into_owned() })
        }
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Number(number) => Value::Integer(number),
        Cell::Text(text) => Value::Text(text),
        Cell::Bytes(bytes) => Value::Blob(bytes),
    }
}

fn names(table: &Table) -> String {
    table.columns.iter().map(|column| column.sqlite).collect::<Vec<_>>().join(", ")
}

fn key(table: &Table) -> String {
    table.key().iter().map(|column| column.sqlite).collect::<Vec<_>>().join(", ")
}

fn places(many: usize) -> String {
    vec!["?"; many].join(", ")
}

fn insert(conn: &Connection, table: &Table, rows: Vec<Row>) -> rusqlite::Result<()> {
    let sql =
        format!("INSERT INTO {} ({}) VALUES ({})", table.name, names(table), places(table.columns.len()));
    let mut statement = conn.prepare_cached(&sql)?;
    for row in rows {
        statement.execute(params_from_iter(row.into_iter().map(value)))?;
    }
    Ok(())
}

/// How many bytes the long texts of a row have.
fn size(table: &Table) -> Option<String> {
    let long: Vec<_> =
        table.long().map(|column| format!("coalesce(octet_length({}), 0)", column.sqlite)).collect();
    (!long.is_empty()).then(|| long.join(" + "))
}

/// Gives the keys back to the tasks that hold them, and counts what the tasks are.
const COUNT: &str = "UPDATE tasks SET active_key = key WHERE key IS NOT NULL AND status < 4 AND active_key IS NULL;
    DELETE FROM counts;
    INSERT INTO counts (queue, kind, status, n) SELECT queue, kind, status, count(*) FROM tasks GROUP BY 1, 2, 3;
    DELETE FROM batch_counts;
    INSERT INTO batch_counts (batch, status, n)
        SELECT batch, status, count(*) FROM tasks WHERE batch IS NOT NULL GROUP BY 1, 2;";

#[async_trait]
impl End for SqliteEnd {
    async fn meta(&mut self) -> Result<Vec<(String, String)>, CopyError> {
        self.on(|conn| {
            let mut statement = conn.prepare("SELECT name, value FROM meta ORDER BY name")?;
            let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let all: Vec<(String, String)> = found.collect::<rusqlite::Result<_>>()?;
            Ok(all.into_iter().filter(|(name, _)| !OWN_NOTES.contains(&name.as_str())).collect())
        })
        .await
    }

    async fn count(&mut self, table: &'static Table) -> Result<u64, CopyError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        self.on(move |conn| conn.query_row(&sql, [], |row| row.get(0))).await
    }

    async fn heads(&mut self, after: Option<Id>, to: Option<Id>, max: usize) -> Result<Vec<Head>, CopyError> {
        self.on(move |conn| {
            let mut statement = conn.prepare_cached(
                "SELECT id, version, notice_seq, status = 2 FROM tasks WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
            )?;
            // No UUID is as great as this.
            let to = to.unwrap_or([0xff; 16]);
            let max = i64::try_from(max).unwrap_or(i64::MAX);
            let found = statement.query_map((after.unwrap_or_default(), to, max), |row| {
                Ok(Head {
                    id: row.get(0)?,
                    version: row.get(1)?,
                    notice_seq: row.get(2)?,
                    runs: row.get(3)?,
                })
            })?;
            found.collect()
        })
        .await
    }

    async fn edges(&mut self, after: Option<Id>, to: Option<Id>) -> Result<Vec<Row>, CopyError> {
        let edges = tables::edges();
        let sql = format!(
            "SELECT {} FROM {} WHERE task > ? AND task <= ? ORDER BY task, after",
            names(edges),
            edges.name
        );
        let values = [after.unwrap_or_default(), to.unwrap_or([0xff; 16])];
        let values = values.into_iter().map(|id| Value::Blob(id.to_vec())).collect();
        self.rows(sql, values, edges.columns.len()).await
    }

    async fn sizes(&mut self, table: &'static Table, tasks: Vec<Id>) -> Result<Vec<(Id, u64)>, CopyError> {
        let (Some(task), Some(size)) = (table.task, size(table)) else { return Ok(Vec::new()) };
        let places = places(tasks.len());
        let sql =
            format!("SELECT {task}, sum({size}) FROM {} WHERE {task} IN ({places}) GROUP BY 1", table.name);
        self.on(move |conn| {
            let mut statement = conn.prepare_cached(&sql)?;
            let found =
                statement.query_map(params_from_iter(&tasks), |row| Ok((row.get(0)?, row.get(1)?)))?;
            found.collect()
        })
        .await
    }

    async fn page(
        &mut self,
        table: &'static Table,
        after: Option<Row>,
        max: usize,
    ) -> Result<Page, CopyError> {
        let from = match &after {
            Some(_) => format!("WHERE ({}) > ({})", key(table), places(table.keys)),
            None => String::new(),
        };
        let rest = |max| format!("FROM {} {from} ORDER BY {} LIMIT {max}", table.name, key(table));
        let values: Vec<_> = after.into_iter().flatten().take(table.keys).map(value).collect();
        let fits = match size(table) {
            Some(size) => fitting(&self.read(format!("SELECT {size} {}", rest(max)), values.clone()).await?),
            None => max,
        };
        let sql = format!("SELECT {} {}", names(table), rest(fits));
        let rows = self.rows(sql, values, table.columns.len()).await?;
        Ok(Page { more: rows.len() == fits, rows })
    }

    async fn rows_of(&mut self, table: &'static Table, tasks: Vec<Id>) -> Result<Vec<Row>, CopyError> {
        let Some(task) = table.task else { return Ok(Vec::new()) };
        let sql =
            format!("SELECT {} FROM {} WHERE {task} IN ({})", names(table), table.name, places(tasks.len()));
        let values = tasks.into_iter().map(|id| Value::Blob(id.to_vec())).collect();
        self.rows(sql, values, table.columns.len()).await
    }

    async fn replace(
        &mut self,
        tables: &'static [Table],
        tasks: Vec<Id>,
        rows: Vec<(&'static Table, Vec<Row>)>,
    ) -> Result<(), CopyError> {
        self.on(move |conn| {
            let tx = conn.transaction()?;
            for table in tables {
                let Some(task) = table.task else { continue };
                let sql = format!("DELETE FROM {} WHERE {task} IN ({})", table.name, places(tasks.len()));
                tx.prepare_cached(&sql)?.execute(params_from_iter(&tasks))?;
            }
            for (table, rows) in rows {
                insert(&tx, table, rows)?;
            }
            tx.commit()
        })
        .await
    }

    async fn begin(&mut self, mut meta: Vec<(String, String)>) -> Result<(), CopyError> {
        let known = self.noted(NOTE).await?;
        if let Some((files, note)) =
            files::of_target(self.named.as_deref(), deck_of(&meta), known.as_deref())?
        {
            self.files = files;
            meta.push((NOTE.to_owned(), note));
        }
        self.on(move |conn| {
            let tx = conn.transaction()?;
            for (name, text) in meta {
                tx.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", (name, text))?;
            }
            tx.execute("UPDATE tasks SET active_key = NULL WHERE active_key IS NOT NULL", [])?;
            tx.commit()
        })
        .await
    }

    async fn finish(&mut self, rows: Vec<(&'static Table, Vec<Row>)>) -> Result<(), CopyError> {
        self.on(move |conn| {
            let tx = conn.transaction()?;
            for (table, rows) in rows {
                tx.execute(&format!("DELETE FROM {}", table.name), [])?;
                insert(&tx, table, rows)?;
            }
            tx.execute_batch(COUNT)?;
            tx.commit()
        })
        .await
    }

    async fn end(&mut self) -> Result<(), CopyError> {
        self.alone = None;
        Ok(())
    }

    async fn file_size(&mut self, file: Id) -> Result<Option<u64>, CopyError> {
        Ok(self.files.size_of(file).await)
    }

    async fn file_sum(&mut self, file: Id) -> Result<Option<(u64, [u8; 32])>, CopyError> {
        self.files.sum_of(file).await
    }

    async fn file(&mut self, file: Id) -> Result<LocalFile, CopyError> {
        Ok(LocalFile { path: self.files.path(file_id(file)), temporary: false })
    }

    async fn keep_file(&mut self, file: Id, from: &Path) -> Result<(), CopyError> {
        self.files.take(file, from).await
    }
}
