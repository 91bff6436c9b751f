//! Opening a database: the schema, brought up to date.

use sqlx_core::connection::Connection;
use sqlx_core::raw_sql::raw_sql;
use sqlx_core::row::Row;
use sqlx_postgres::PgConnection;
use taskdeck_core::DeckId;
use uuid::Uuid;

use super::copying;
use super::query::query;
use crate::BuildError;

/// Applied in order; `taskdeck.meta` says how many have been.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_init.sql"),
    include_str!("migrations/0002_looks.sql"),
    include_str!("migrations/0003_news.sql"),
    include_str!("migrations/0004_care.sql"),
    include_str!("migrations/0005_nodes.sql"),
    include_str!("migrations/0006_vacuum.sql"),
];
/// Who brings the schema up to date holds this lock: of nodes that start at the same time, one.
const LOCK: i64 = 0x7461_736b_6d69_6772;

/// Brings the schema up to date, in one transaction; gives the deck's id.
pub(super) async fn migrate(conn: &mut PgConnection, shown: &str) -> Result<DeckId, BuildError> {
    let failed = |error: sqlx_core::Error| failed(shown, &error);
    let mut tx = conn.begin().await.map_err(failed)?;
    query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await.map_err(failed)?;
    if !copying::wait_until_free(&mut tx).await.map_err(failed)? {
        return Err(BuildError::Copying { path: shown.to_owned() });
    }
    let found = version(&mut tx).await.map_err(failed)?;
    if found > MIGRATIONS.len() {
        return Err(BuildError::NewerSchema { path: shown.to_owned(), found, known: MIGRATIONS.len() });
    }
    for migration in &MIGRATIONS[found..] {
        raw_sql(*migration).execute(&mut *tx).await.map_err(failed)?;
    }
    if found < MIGRATIONS.len() {
        query(
            "INSERT INTO taskdeck.meta (name, value) VALUES ('schema', $1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(MIGRATIONS.len().to_string())
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    }
    let id = deck_id(&mut tx).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    Ok(id)
}

pub(super) fn failed(shown: &str, error: &sqlx_core::Error) -> BuildError {
    BuildError::Store { path: shown.to_owned(), why: error.to_string() }
}

/// How many migrations have been applied.
async fn version(conn: &mut PgConnection) -> Result<usize, sqlx_core::Error> {
    let known = query("SELECT to_regclass('taskdeck.meta') IS NOT NULL").fetch_one(&mut *conn).await?;
    if !known.try_get::<bool, _>(0)? {
        // Whoever may not make schemas can be given an empty one of this name.
        let schema = query("SELECT to_regnamespace('taskdeck') IS NOT NULL").fetch_one(&mut *conn).await?;
        if !schema.try_get::<bool, _>(0)? {
            query("CREATE SCHEMA taskdeck").execute(&mut *conn).await?;
        }
        return Ok(0);
    }
    let found = query("SELECT value FROM taskdeck.meta WHERE name = 'schema'").fetch_optional(conn).await?;
    let text = found.map(|row| row.try_get::<String, _>(0)).transpose()?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

async fn deck_id(conn: &mut PgConnection) -> Result<DeckId, sqlx_core::Error> {
    query("INSERT INTO taskdeck.meta (name, value) VALUES ('deck_id', $1) ON CONFLICT DO NOTHING")
        .bind(Uuid::now_v7().to_string())
        .execute(&mut *conn)
        .await?;
    let row = query("SELECT value FROM taskdeck.meta WHERE name = 'deck_id'").fetch_one(conn).await?;
    let text: String = row.try_get(0)?;
    Ok(text.parse().unwrap_or_else(|_| DeckId::from_uuid(Uuid::nil())))
}

/// What the server is and where, without the password.
pub(super) async fn describe(
    conn: &mut PgConnection,
    shown: &str,
) -> Result<(String, u64), sqlx_core::Error> {
    let sql = "SELECT current_setting('server_version'), pg_database_size(current_database())";
    let row = query(sql).fetch_one(conn).await?;
    let (version, bytes): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok((format!("PostgreSQL {version}, {shown}"), u64::try_from(bytes).unwrap_or(0)))
}

/// How far the server's clock is before this machine's, which may be less than nothing.
pub(super) async fn clock_ahead_ms(conn: &mut PgConnection) -> Result<i64, super::Fault> {
    let began = crate::clock::system();
    let row = query("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint").fetch_one(conn).await?;
    let now = crate::clock::system();
    let there: i64 = row.try_get(0)?;
    // The answer was made halfway between the question and now.
    let here = began.as_millis() + (now.as_millis() - began.as_millis()) / 2;
    Ok(there - here)
}
