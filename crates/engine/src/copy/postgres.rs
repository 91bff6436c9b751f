//! The end of a copy that is a PostgreSQL database.

mod rows;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqlx_core::row::Row as _;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_postgres::{PgRow, PgTransaction};
use uuid::Uuid;

use super::end::{End, Head, Id, LocalFile, Page, Row, fitting};
use super::files::{self, failed, file_id};
use super::tables::{self, OWN_NOTES, Table};
use super::{CopyError, deck_of};
use crate::files::{FileStore, NOTE};
use crate::settings::Settings;
use crate::store::StoreError;
use crate::store::postgres::CopyAccess;
use rows::{Query, bind, cell, insert, key, select, size};

const PLACE: &str = "PostgreSQL";

/// A statement is in a transaction always, and not prepared: there may be a pooler in between.
pub(super) struct PostgresEnd {
    access: CopyAccess,
    /// Where the bytes of files are, if not in the database.
    files: Option<FileStore>,
    /// The directory that a target is to have for its files.
    named: Option<PathBuf>,
}

impl PostgresEnd {
    pub(super) async fn source(url: &str, named: Option<&Path>, online: bool) -> Result<Self, CopyError> {
        let mut end = Self { access: CopyAccess::open(url).await?, files: None, named: None };
        if !online {
            end.be_alone("the source").await?;
            end.access.settle_all().await.map_err(no_answer)?;
        }
        let (deck, known) = (end.noted("deck_id").await?, end.noted(NOTE).await?);
        end.files = files::of_source(named, deck.as_deref(), known.as_deref())?;
        end.access.fold_all().await.map_err(no_answer)?;
        Ok(end)
    }

    pub(super) async fn target(url: &str, named: Option<PathBuf>) -> Result<Self, CopyError> {
        let mut end = Self { access: CopyAccess::open(url).await?, files: None, named };
        end.be_alone("the target").await?;
        Ok(end)
    }

    /// Refuses when a node lives, and keeps those away that start later.
    async fn be_alone(&mut self, place: &'static str) -> Result<(), CopyError> {
        // Nodes behind a pooler have no lock: their counters move between two looks.
        let before = self.sessions().await?;
        if !before.is_empty() {
            tokio::time::sleep(Settings::default().lease / crate::heart::BEATS + Duration::from_secs(1))
                .await;
            let now = self.sessions().await?;
            let living: Vec<_> = now.iter().filter(|now| !before.contains(now)).collect();
            if !living.is_empty() {
                let by = living.iter().map(|(_, worker, _)| worker.as_str()).collect::<Vec<_>>().join(", ");
                return Err(CopyError::InUse { place, by });
            }
        }
        let Some(holders) = self.access.be_alone().await.map_err(store)? else { return Ok(()) };
        let connections = holders.connections;
        if holders.copy {
            let by = format!("another copy (connection {connections} of the server)");
            return Err(CopyError::InUse { place, by });
        }
        let workers: Vec<_> = self.sessions().await?.into_iter().map(|(_, worker, _)| worker).collect();
        let by = match workers.as_slice() {
            [] => "a node".to_owned(),
            workers => workers.join(", "),
        };
        Err(CopyError::InUse { place, by: format!("{by} (connection {connections} of the server)") })
    }

    async fn sessions(&mut self) -> Result<Vec<(Uuid, String, i64)>, CopyError> {
        let rows = self.all(self.sql("SELECT id, worker, beat FROM taskdeck.sessions ORDER BY id")).await?;
        let read = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        rows.iter().map(read).collect::<Result<_, _>>().map_err(store)
    }

    async fn noted(&mut self, name: &str) -> Result<Option<String>, CopyError> {
        let noted = self.sql("SELECT value FROM taskdeck.meta WHERE name = $1").bind(name.to_owned());
        self.all(noted).await?.first().map(|row| row.try_get(0)).transpose().map_err(store)
    }

    fn sql(&self, text: impl Into<String>) -> Query {
        sqlx_core::query::query(AssertSqlSafe(text.into())).persistent(!self.access.is_pooled())
    }

    async fn begin_transaction(&mut self) -> Result<PgTransaction<'static>, CopyError> {
        self.access.still_alone(false).await.map_err(not_alone)?;
        self.access.pool().begin().await.map_err(store)
    }

    async fn all(&mut self, query: Query) -> Result<Vec<PgRow>, CopyError> {
        let mut tx = self.begin_transaction().await?;
        let rows = query.fetch_all(&mut *tx).await.map_err(store)?;
        tx.commit().await.map_err(store)?;
        Ok(rows)
    }

    async fn rows(&mut self, query: Query, table: &'static Table) -> Result<Vec<Row>, CopyError> {
        let read = |row: &PgRow| {
            let cells = table.columns.iter().enumerate();
            cells.map(|(index, column)| cell(row, index, column.of)).collect::<Result<Row, _>>()
        };
        self.all(query).await?.iter().map(read).collect::<Result<_, _>>().map_err(store)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
fn store(error: sqlx_core::Error) -> CopyError {
    CopyError::Store { place: PLACE, why: error.to_string() }
}

#[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
fn not_alone(error: sqlx_core::Error) -> CopyError {
    CopyError::NotAlone { place: PLACE, why: error.to_string() }
}

#[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
fn no_answer(error: StoreError) -> CopyError {
    CopyError::Store { place: PLACE, why: error.to_string() }
}

fn ids(tasks: Vec<Id>) -> Vec<Uuid> {
    tasks.into_iter().map(Uuid::from_bytes).collect()
}

/// Gives the keys back to the tasks that hold them, and counts what the tasks are.
const COUNT: [&str; 7] = [
    "UPDATE taskdeck.tasks SET active_key = key WHERE key IS NOT NULL AND status < 4 AND active_key IS NULL",
    "DELETE FROM taskdeck.count_deltas",
    "DELETE FROM taskdeck.batch_deltas",
    "DELETE FROM taskdeck.counts",
    "INSERT INTO taskdeck.counts (queue, kind, status, n)
        SELECT queue, kind, status, count(*) FROM taskdeck.tasks GROUP BY 1, 2, 3",
    "DELETE FROM taskdeck.batch_counts",
    "INSERT INTO taskdeck.batch_counts (batch, status, n)
        SELECT batch, status, count(*) FROM taskdeck.tasks WHERE batch IS NOT NULL GROUP BY 1, 2",
];

#[async_trait]
impl End for PostgresEnd {
    async fn meta(&mut self) -> Result<Vec<(String, String)>, CopyError> {
        let rows = self.all(self.sql("SELECT name, value FROM taskdeck.meta ORDER BY name")).await?;
        let read = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
        let all: Vec<(String, String)> = rows.iter().map(read).collect::<Result<_, _>>().map_err(store)?;
        Ok(all.into_iter().filter(|(name, _)| !OWN_NOTES.contains(&name.as_str())).collect())
    }

    async fn count(&mut self, table: &'static Table) -> Result<u64, CopyError> {
        let rows = self.all(self.sql(format!("SELECT count(*) FROM taskdeck.{}", table.name))).await?;
        let count: Option<i64> = rows.first().map(|row| row.try_get(0)).transpose().map_err(store)?;
        Ok(count.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    async fn heads(&mut self, after: Option<Id>, to: Option<Id>, max: usize) -> Result<Vec<Head>, CopyError> {
        let heads = self.sql(
            "SELECT id, version::bigint, notice_seq, status = 2 FROM taskdeck.tasks
             WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3",
        );
        // No UUID of a task is as great as this.
        let heads = heads.bind(Uuid::from_bytes(after.unwrap_or_default()));
        let heads = heads.bind(Uuid::from_bytes(to.unwrap_or([0xff; 16])));
        let heads = heads.bind(i64::try_from(max).unwrap_or(i64::MAX));
        let read = |row: &PgRow| {
            let id: Uuid = row.try_get(0)?;
            Ok(Head {
                id: *id.as_bytes(),
                version: row.try_get(1)?,
                notice_seq: row.try_get(2)?,
                runs: row.try_get(3)?,
            })
        };
        self.all(heads).await?.iter().map(read).collect::<Result<_, _>>().map_err(store)
    }

    async fn edges(&mut self, after: Option<Id>, to: Option<Id>) -> Result<Vec<Row>, CopyError> {
        let edges = tables::edges();
        let found =
            self.sql(format!("{} WHERE task > $1 AND task <= $2 ORDER BY task, after", select(edges)));
        let found = found.bind(Uuid::from_bytes(after.unwrap_or_default()));
        self.rows(found.bind(Uuid::from_bytes(to.unwrap_or([0xff; 16]))), edges).await
    }

    async fn sizes(&mut self, table: &'static Table, tasks: Vec<Id>) -> Result<Vec<(Id, u64)>, CopyError> {
        let (Some(task), Some(size)) = (table.task, size(table)) else { return Ok(Vec::new()) };
        let name = table.name;
        let sql = format!(
            "SELECT {task}, sum({size})::bigint FROM taskdeck.{name} WHERE {task} = ANY($1) GROUP BY 1"
        );
        let read = |row: &PgRow| {
            let (id, size): (Uuid, i64) = (row.try_get(0)?, row.try_get(1)?);
            Ok((*id.as_bytes(), u64::try_from(size).unwrap_or(0)))
        };
        let found = self.all(self.sql(sql).bind(ids(tasks))).await?;
        found.iter().map(read).collect::<Result<_, _>>().map_err(store)
    }

    async fn page(
        &mut self,
        table: &'static Table,
        after: Option<Row>,
        max: usize,
    ) -> Result<Page, CopyError> {
        let from = match &after {
            Some(_) => {
                let places: Vec<_> = (1..=table.keys).map(|place| format!("${place}")).collect();
                format!("WHERE ({}) > ({})", key(table), places.join(", "))
            }
            None => String::new(),
        };
        let after: Vec<_> = after.into_iter().flatten().zip(table.key()).collect();
        let given = |mut query: Query| {
            for (cell, column) in &after {
                query = bind(query, cell, column.of);
            }
            query
        };
        let rest = |max| format!("{from} ORDER BY {} LIMIT {max}", key(table));
        let mut fits = max;
        if let Some(size) = size(table) {
            let sizes = format!("SELECT ({size})::bigint FROM taskdeck.{} {}", table.name, rest(max));
            let sizes = self.all(given(self.sql(sizes))).await?;
            let size = |row: &PgRow| row.try_get::<i64, _>(0).map(|size| u64::try_from(size).unwrap_or(0));
            let sizes: Vec<_> = sizes.iter().map(size).collect::<Result<_, _>>().map_err(store)?;
            fits = fitting(&sizes);
        }
        let page = given(self.sql(format!("{} {}", select(table), rest(fits))));
        let rows = self.rows(page, table).await?;
        Ok(Page { more: rows.len() == fits, rows })
    }

    async fn rows_of(&mut self, table: &'static Table, tasks: Vec<Id>) -> Result<Vec<Row>, CopyError> {
        let Some(task) = table.task else { return Ok(Vec::new()) };
        let found = self.sql(format!("{} WHERE {task} = ANY($1)", select(table))).bind(ids(tasks));
        self.rows(found, table).await
    }

    async fn replace(
        &mut self,
        tables: &'static [Table],
        tasks: Vec<Id>,
        rows: Vec<(&'static Table, Vec<Row>)>,
    ) -> Result<(), CopyError> {
        let tasks = ids(tasks);
        let mut tx = self.begin_transaction().await?;
        for table in tables {
            let Some(task) = table.task else { continue };
            let gone = self.sql(format!("DELETE FROM taskdeck.{} WHERE {task} = ANY($1)", table.name));
            gone.bind(tasks.clone()).execute(&mut *tx).await.map_err(store)?;
        }
        let gone = self.sql("DELETE FROM taskdeck.live WHERE task = ANY($1)").bind(tasks);
        gone.execute(&mut *tx).await.map_err(store)?;
        for (table, rows) in rows {
            if !rows.is_empty() {
                insert(|text| self.sql(text), table, &rows).execute(&mut *tx).await.map_err(store)?;
            }
        }
        tx.commit().await.map_err(store)
    }

    async fn begin(&mut self, mut meta: Vec<(String, String)>) -> Result<(), CopyError> {
        let known = self.noted(NOTE).await?;
        if let Some((files, note)) =
            files::of_target(self.named.as_deref(), deck_of(&meta), known.as_deref())?
        {
            self.files = Some(files);
            meta.push((NOTE.to_owned(), note));
        }
        let mut tx = self.begin_transaction().await?;
        for (name, text) in meta {
            let keep = self.sql(
                "INSERT INTO taskdeck.meta (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            );
            keep.bind(name).bind(text).execute(&mut *tx).await.map_err(store)?;
        }
        let keys = self.sql("UPDATE taskdeck.tasks SET active_key = NULL WHERE active_key IS NOT NULL");
        keys.execute(&mut *tx).await.map_err(store)?;
        tx.commit().await.map_err(store)
    }

    async fn finish(&mut self, rows: Vec<(&'static Table, Vec<Row>)>) -> Result<(), CopyError> {
        let mut tx = self.begin_transaction().await?;
        self.sql("DELETE FROM taskdeck.rollup_deltas").execute(&mut *tx).await.map_err(store)?;
        for (table, rows) in rows {
            let gone = self.sql(format!("DELETE FROM taskdeck.{}", table.name));
            gone.execute(&mut *tx).await.map_err(store)?;
            for rows in rows.chunks(super::PAGE) {
                insert(|text| self.sql(text), table, rows).execute(&mut *tx).await.map_err(store)?;
            }
        }
        for count in COUNT {
            self.sql(count).execute(&mut *tx).await.map_err(store)?;
        }
        self.access.still_alone(true).await.map_err(not_alone)?;
        tx.commit().await.map_err(store)?;
        // What was counted on is what the planner knows of.
        self.all(self.sql("ANALYZE taskdeck.tasks")).await.map(drop)
    }

    async fn end(&mut self) -> Result<(), CopyError> {
        self.access.end().await.map_err(store)
    }

    async fn file_size(&mut self, file: Id) -> Result<Option<u64>, CopyError> {
        if let Some(files) = &self.files
            && let Some(size) = files.size_of(file).await
        {
            return Ok(Some(size));
        }
        // A file without a byte has no chunk; its row is all there is.
        let size = self
            .sql("SELECT coalesce(sum(length(bytes)), 0)::bigint FROM taskdeck.file_chunks WHERE file = $1");
        let rows = self.all(size.bind(Uuid::from_bytes(file))).await?;
        let size: Option<i64> = rows.first().map(|row| row.try_get(0)).transpose().map_err(store)?;
        Ok(size.and_then(|size| u64::try_from(size).ok()))
    }

    async fn file_sum(&mut self, file: Id) -> Result<Option<(u64, [u8; 32])>, CopyError> {
        if let Some(files) = &self.files
            && let Some(sum) = files.sum_of(file).await?
        {
            return Ok(Some(sum));
        }
        self.access.sum_file(file_id(file)).await.map(Some).map_err(|error| failed(file, error))
    }

    async fn file(&mut self, file: Id) -> Result<LocalFile, CopyError> {
        if let Some(files) = &self.files
            && files.size_of(file).await.is_some()
        {
            return Ok(LocalFile { path: files.path(file_id(file)), temporary: false });
        }
        let path = std::env::temp_dir().join(format!("taskdeck-copy-{}", Uuid::new_v4().simple()));
        let local = LocalFile { path, temporary: true };
        match self.access.fetch_file(file_id(file), &local.path).await {
            Ok(true) => Ok(local),
            Ok(false) => Err(failed(file, "the store does not know it")),
            Err(error) => Err(failed(file, error)),
        }
    }

    async fn keep_file(&mut self, file: Id, from: &Path) -> Result<(), CopyError> {
        match &self.files {
            Some(files) => files.take(file, from).await,
            None => self.access.keep_file(file_id(file), from).await.map_err(|error| failed(file, error)),
        }
    }
}
