//! The end of a copy that is a PostgreSQL database.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx_core::query::query;
use sqlx_core::row::Row as _;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_postgres::{PgArguments, PgConnection, PgPool, PgRow, Postgres};
use taskdeck_core::FileId;
use uuid::Uuid;

use super::CopyError;
use super::end::{Cell, End, Head, Id, LocalFile, Row};
use super::tables::{Column, OF_TASKS, Table, Type};
use crate::settings::Settings;
use crate::store::postgres::{fetch_file, fold_all, keep_file, open_pool};

const PLACE: &str = "PostgreSQL";
/// What a copy of this kind of store alone has in `meta`.
const SCHEMA: &str = "schema";

type Query = sqlx_core::query::Query<'static, Postgres, PgArguments>;

pub(super) struct PostgresEnd {
    pool: PgPool,
}

impl PostgresEnd {
    pub(super) async fn open(url: &str, place: &'static str, online: bool) -> Result<Self, CopyError> {
        let pool = open_pool(url).await?;
        let mut end = Self { pool };
        if !online {
            end.is_idle(place).await?;
        }
        fold_all(&end.pool)
            .await
            .map_err(|error| CopyError::Store { place: PLACE, why: error.to_string() })?;
        Ok(end)
    }

    /// Refuses when a node lives: its counter moves between two looks.
    async fn is_idle(&mut self, place: &'static str) -> Result<(), CopyError> {
        let before = self.sessions().await?;
        if before.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(Settings::default().lease / crate::heart::BEATS + Duration::from_secs(1)).await;
        let living: Vec<_> = self.sessions().await?.into_iter().filter(|now| !before.contains(now)).collect();
        if living.is_empty() {
            return Ok(());
        }
        let by = living.into_iter().map(|(_, worker, _)| worker).collect::<Vec<_>>().join(", ");
        Err(CopyError::InUse { place, by })
    }

    async fn sessions(&mut self) -> Result<Vec<(Uuid, String, i64)>, CopyError> {
        let rows = query("SELECT id, worker, beat FROM taskdeck.sessions").fetch_all(&self.pool).await;
        let read = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        rows.map_err(store)?.iter().map(read).collect::<Result<_, _>>().map_err(store)
    }

    async fn rows(&mut self, query: Query, table: &'static Table) -> Result<Vec<Row>, CopyError> {
        let rows = query.fetch_all(&self.pool).await.map_err(store)?;
        let read = |row: &PgRow| {
            let cells = table.columns.iter().enumerate();
            cells.map(|(index, column)| cell(row, index, column.of)).collect::<Result<Row, _>>()
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(store)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
fn store(error: sqlx_core::Error) -> CopyError {
    CopyError::Store { place: PLACE, why: error.to_string() }
}

fn sql(text: String) -> Query {
    query(AssertSqlSafe(text))
}

fn cell(row: &PgRow, index: usize, of: Type) -> Result<Cell, sqlx_core::Error> {
    Ok(match of {
        Type::Id => {
            let id: Option<Uuid> = row.try_get(index)?;
            id.map_or(Cell::Null, |id| Cell::Bytes(id.as_bytes().to_vec()))
        }
        Type::Text => row.try_get::<Option<String>, _>(index)?.map_or(Cell::Null, Cell::Text),
        Type::Bytes => row.try_get::<Option<Vec<u8>>, _>(index)?.map_or(Cell::Null, Cell::Bytes),
        Type::Small | Type::Int | Type::Long | Type::Flag => {
            row.try_get::<Option<i64>, _>(index)?.map_or(Cell::Null, Cell::Number)
        }
    })
}

/// A column as it is read: every number as one of 64 bits.
fn read(column: &Column) -> String {
    let name = column.postgres;
    match column.of {
        Type::Id | Type::Text | Type::Bytes => name.to_owned(),
        Type::Small | Type::Int | Type::Long => format!("{name}::bigint"),
        Type::Flag => format!("{name}::int::bigint"),
    }
}

fn select(table: &Table) -> String {
    let columns: Vec<_> = table.columns.iter().map(read).collect();
    format!("SELECT {} FROM taskdeck.{}", columns.join(", "), table.name)
}

fn key(table: &Table) -> String {
    table.key().iter().map(|column| column.postgres).collect::<Vec<_>>().join(", ")
}

fn uuid(cell: &Cell) -> Option<Uuid> {
    cell.id().map(Uuid::from_bytes)
}

fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn number(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Number(number) => Some(*number),
        _ => None,
    }
}

fn bytes(cell: &Cell) -> Option<Vec<u8>> {
    match cell {
        Cell::Bytes(bytes) => Some(bytes.clone()),
        _ => None,
    }
}

fn bind(query: Query, cell: &Cell, of: Type) -> Query {
    match of {
        Type::Id => query.bind(uuid(cell)),
        Type::Text => query.bind(text(cell)),
        Type::Bytes => query.bind(bytes(cell)),
        Type::Small | Type::Int | Type::Long | Type::Flag => query.bind(number(cell)),
    }
}

/// An array of what is written to a column.
fn array(place: usize, of: Type) -> String {
    let of = match of {
        Type::Id => "uuid",
        Type::Text => "text",
        Type::Bytes => "bytea",
        Type::Small | Type::Int | Type::Long | Type::Flag => "bigint",
    };
    format!("${place}::{of}[]")
}

/// A value of such an array, as the column holds it.
fn taken(index: usize, of: Type) -> String {
    match of {
        Type::Small => format!("c{index}::smallint"),
        Type::Int => format!("c{index}::int"),
        Type::Flag => format!("c{index} <> 0"),
        Type::Id | Type::Text | Type::Bytes | Type::Long => format!("c{index}"),
    }
}

/// All rows in one statement: an array for each column.
async fn insert(conn: &mut PgConnection, table: &'static Table, rows: &[Row]) -> Result<(), CopyError> {
    if rows.is_empty() {
        return Ok(());
    }
    let columns = table.columns.iter().enumerate();
    let names: Vec<_> = table.columns.iter().map(|column| column.postgres).collect();
    let given: Vec<_> = (0..table.columns.len()).map(|index| format!("c{index}")).collect();
    let taken: Vec<_> = columns.clone().map(|(index, column)| taken(index, column.of)).collect();
    let arrays: Vec<_> = columns.map(|(index, column)| array(index + 1, column.of)).collect();
    let mut insert = sql(format!(
        "INSERT INTO taskdeck.{} ({}) SELECT {} FROM unnest({}) AS given ({})",
        table.name,
        names.join(", "),
        taken.join(", "),
        arrays.join(", "),
        given.join(", ")
    ));
    for (index, column) in table.columns.iter().enumerate() {
        let cells = rows.iter().map(|row| &row[index]);
        insert = match column.of {
            Type::Id => insert.bind(cells.map(uuid).collect::<Vec<_>>()),
            Type::Text => insert.bind(cells.map(text).collect::<Vec<_>>()),
            Type::Bytes => insert.bind(cells.map(bytes).collect::<Vec<_>>()),
            Type::Small | Type::Int | Type::Long | Type::Flag => {
                insert.bind(cells.map(number).collect::<Vec<_>>())
            }
        };
    }
    insert.execute(conn).await.map(drop).map_err(store)
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
        let sql = "SELECT name, value FROM taskdeck.meta WHERE name <> $1 ORDER BY name";
        let rows = query(sql).bind(SCHEMA).fetch_all(&self.pool).await.map_err(store)?;
        let read = |row: &PgRow| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.iter().map(read).collect::<Result<_, _>>().map_err(store)
    }

    async fn count(&mut self, table: &'static Table) -> Result<u64, CopyError> {
        let count = sql(format!("SELECT count(*) FROM taskdeck.{}", table.name));
        let row = count.fetch_one(&self.pool).await.map_err(store)?;
        Ok(u64::try_from(row.try_get::<i64, _>(0).map_err(store)?).unwrap_or(0))
    }

    async fn heads(&mut self, after: Option<Id>, to: Option<Id>, max: usize) -> Result<Vec<Head>, CopyError> {
        let heads = query(
            "SELECT id, version::bigint, notice_seq, status = 2 FROM taskdeck.tasks
             WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3",
        );
        // No UUID of a task is as great as this.
        let heads = heads.bind(Uuid::from_bytes(after.unwrap_or_default()));
        let heads = heads.bind(Uuid::from_bytes(to.unwrap_or([0xff; 16])));
        let rows = heads.bind(i64::try_from(max).unwrap_or(i64::MAX)).fetch_all(&self.pool).await;
        let read = |row: &PgRow| {
            let id: Uuid = row.try_get(0)?;
            Ok(Head {
                id: *id.as_bytes(),
                version: row.try_get(1)?,
                notice_seq: row.try_get(2)?,
                runs: row.try_get(3)?,
            })
        };
        rows.map_err(store)?.iter().map(read).collect::<Result<_, _>>().map_err(store)
    }

    async fn page(
        &mut self,
        table: &'static Table,
        after: Option<Row>,
        max: usize,
    ) -> Result<Vec<Row>, CopyError> {
        let from = match &after {
            Some(_) => {
                let places: Vec<_> = (1..=table.keys).map(|place| format!("${place}")).collect();
                format!("WHERE ({}) > ({})", key(table), places.join(", "))
            }
            None => String::new(),
        };
        let mut page = sql(format!("{} {from} ORDER BY {} LIMIT {max}", select(table), key(table)));
        for (cell, column) in after.iter().flatten().zip(table.key()) {
            page = bind(page, cell, column.of);
        }
        self.rows(page, table).await
    }

    async fn rows_of(&mut self, table: &'static Table, tasks: Vec<Id>) -> Result<Vec<Row>, CopyError> {
        let Some(task) = table.task else { return Ok(Vec::new()) };
        let tasks: Vec<_> = tasks.into_iter().map(Uuid::from_bytes).collect();
        self.rows(sql(format!("{} WHERE {task} = ANY($1)", select(table))).bind(tasks), table).await
    }

    async fn replace_tasks(
        &mut self,
        tasks: Vec<Id>,
        rows: Vec<(&'static Table, Vec<Row>)>,
    ) -> Result<(), CopyError> {
        let tasks: Vec<_> = tasks.into_iter().map(Uuid::from_bytes).collect();
        let mut tx = self.pool.begin().await.map_err(store)?;
        for table in &OF_TASKS {
            let Some(task) = table.task else { continue };
            let gone = sql(format!("DELETE FROM taskdeck.{} WHERE {task} = ANY($1)", table.name));
            gone.bind(tasks.clone()).execute(&mut *tx).await.map_err(store)?;
        }
        let gone = query("DELETE FROM taskdeck.live WHERE task = ANY($1)").bind(tasks);
        gone.execute(&mut *tx).await.map_err(store)?;
        for (table, rows) in rows {
            insert(&mut tx, table, &rows).await?;
        }
        tx.commit().await.map_err(store)
    }

    async fn begin(&mut self, meta: Vec<(String, String)>) -> Result<(), CopyError> {
        let mut tx = self.pool.begin().await.map_err(store)?;
        for (name, text) in meta {
            let keep = query(
                "INSERT INTO taskdeck.meta (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            );
            keep.bind(name).bind(text).execute(&mut *tx).await.map_err(store)?;
        }
        let keys = query("UPDATE taskdeck.tasks SET active_key = NULL WHERE active_key IS NOT NULL");
        keys.execute(&mut *tx).await.map_err(store)?;
        tx.commit().await.map_err(store)
    }

    async fn finish(&mut self, rows: Vec<(&'static Table, Vec<Row>)>) -> Result<(), CopyError> {
        let mut tx = self.pool.begin().await.map_err(store)?;
        query("DELETE FROM taskdeck.rollup_deltas").execute(&mut *tx).await.map_err(store)?;
        for (table, rows) in rows {
            let gone = sql(format!("DELETE FROM taskdeck.{}", table.name));
            gone.execute(&mut *tx).await.map_err(store)?;
            for rows in rows.chunks(super::PAGE) {
                insert(&mut tx, table, rows).await?;
            }
        }
        for count in COUNT {
            query(count).execute(&mut *tx).await.map_err(store)?;
        }
        tx.commit().await.map_err(store)?;
        // What was counted on is what the planner knows of.
        query("ANALYZE taskdeck.tasks").execute(&self.pool).await.map(drop).map_err(store)
    }

    async fn has_file(&mut self, file: Id, size: u64) -> Result<bool, CopyError> {
        let sql = "SELECT coalesce(sum(length(bytes)), 0)::bigint, count(*) FROM taskdeck.file_chunks WHERE file = $1";
        let row = query(sql).bind(Uuid::from_bytes(file)).fetch_one(&self.pool).await.map_err(store)?;
        let (bytes, chunks): (i64, i64) = (row.try_get(0).map_err(store)?, row.try_get(1).map_err(store)?);
        // A file without a byte has no chunk; its row is all there is.
        Ok(u64::try_from(bytes).unwrap_or(0) == size && (chunks > 0 || size == 0))
    }

    async fn file(&mut self, file: Id) -> Result<LocalFile, CopyError> {
        let path = std::env::temp_dir().join(format!("taskdeck-copy-{}", Uuid::new_v4().simple()));
        let local = LocalFile { path, temporary: true };
        let id = FileId::from_uuid(Uuid::from_bytes(file));
        let failed = |why: String| CopyError::File { file: id.to_string(), why };
        match fetch_file(&self.pool, id, &local.path).await {
            Ok(true) => Ok(local),
            Ok(false) => Err(failed("the store does not know it".to_owned())),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    async fn keep_file(&mut self, file: Id, from: &Path) -> Result<(), CopyError> {
        let id = FileId::from_uuid(Uuid::from_bytes(file));
        let failed = |why: String| CopyError::File { file: id.to_string(), why };
        // Of a copy that broke off there may be a part.
        let gone = query("DELETE FROM taskdeck.file_chunks WHERE file = $1").bind(*id.as_uuid());
        gone.execute(&self.pool).await.map_err(store)?;
        keep_file(&self.pool, id, from).await.map_err(|error| failed(error.to_string()))
    }
}
