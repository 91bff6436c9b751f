//! The end of a copy that is a SQLite file.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};
use taskdeck_core::FileId;
use uuid::Uuid;

use super::CopyError;
use super::end::{Cell, End, Head, Id, LocalFile, Row};
use super::tables::{OF_TASKS, Table};
use crate::files::FileStore;
use crate::store::sqlite::{Alone, open_alone, open_to_read};

const PLACE: &str = "SQLite";

pub(super) struct SqliteEnd {
    /// None while a thread works with it.
    conn: Option<Connection>,
    files: FileStore,
    /// PostgreSQL keeps no NUL in a text: a copy for it has another character there, as what is started there has.
    without_nul: bool,
    _alone: Option<Alone>,
}

impl SqliteEnd {
    pub(super) async fn source(path: PathBuf, online: bool, without_nul: bool) -> Result<Self, CopyError> {
        if !path.exists() {
            return Err(CopyError::Missing(path.display().to_string()));
        }
        if online {
            let file = path.clone();
            let conn = aside(move || open_to_read(&file)).await?.map_err(store)?;
            let conn = conn.ok_or(CopyError::OtherVersion)?;
            return Self::of(&path, conn, None, without_nul);
        }
        Self::alone(path, without_nul).await
    }

    pub(super) async fn target(path: PathBuf) -> Result<Self, CopyError> {
        Self::alone(path, false).await
    }

    async fn alone(path: PathBuf, without_nul: bool) -> Result<Self, CopyError> {
        let file = path.clone();
        let (conn, alone) = aside(move || open_alone(&file)).await??;
        Self::of(&path, conn, Some(alone), without_nul)
    }

    fn of(path: &Path, conn: Connection, alone: Option<Alone>, without_nul: bool) -> Result<Self, CopyError> {
        let files = FileStore::beside(path).map_err(crate::BuildError::from)?;
        Ok(Self { conn: Some(conn), files, without_nul, _alone: alone })
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
            found.collect()
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

    async fn page(
        &mut self,
        table: &'static Table,
        after: Option<Row>,
        max: usize,
    ) -> Result<Vec<Row>, CopyError> {
        let from = match &after {
            Some(_) => format!("WHERE ({}) > ({})", key(table), places(table.keys)),
            None => String::new(),
        };
        let sql =
            format!("SELECT {} FROM {} {from} ORDER BY {} LIMIT {max}", names(table), table.name, key(table));
        let values = after.into_iter().flatten().take(table.keys).map(value).collect();
        self.rows(sql, values, table.columns.len()).await
    }

    async fn rows_of(&mut self, table: &'static Table, tasks: Vec<Id>) -> Result<Vec<Row>, CopyError> {
        let Some(task) = table.task else { return Ok(Vec::new()) };
        let sql =
            format!("SELECT {} FROM {} WHERE {task} IN ({})", names(table), table.name, places(tasks.len()));
        let values = tasks.into_iter().map(|id| Value::Blob(id.to_vec())).collect();
        self.rows(sql, values, table.columns.len()).await
    }

    async fn replace_tasks(
        &mut self,
        tasks: Vec<Id>,
        rows: Vec<(&'static Table, Vec<Row>)>,
    ) -> Result<(), CopyError> {
        self.on(move |conn| {
            let tx = conn.transaction()?;
            for table in &OF_TASKS {
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

    async fn begin(&mut self, meta: Vec<(String, String)>) -> Result<(), CopyError> {
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

    async fn has_file(&mut self, file: Id, size: u64) -> Result<bool, CopyError> {
        let path = self.files.path(id(file));
        Ok(tokio::fs::metadata(path).await.is_ok_and(|known| known.len() == size))
    }

    async fn file(&mut self, file: Id) -> Result<LocalFile, CopyError> {
        Ok(LocalFile { path: self.files.path(id(file)), temporary: false })
    }

    async fn keep_file(&mut self, file: Id, from: &Path) -> Result<(), CopyError> {
        let id = id(file);
        let failed = |error: std::io::Error| CopyError::File { file: id.to_string(), why: error.to_string() };
        tokio::fs::copy(from, self.files.new_path(id)).await.map_err(failed)?;
        self.files.keep(id).await.map(drop).map_err(failed)
    }
}

fn id(file: Id) -> FileId {
    FileId::from_uuid(Uuid::from_bytes(file))
}
