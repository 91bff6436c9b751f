//! A database for a test, on the server that `TASK_TEST_POSTGRES` names. `cargo xtask test` starts one and sets it.

use std::sync::Arc;

use sqlx_core::connection::Connection;
use sqlx_core::query::query;
use sqlx_core::raw_sql::raw_sql;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_postgres::PgConnection;
use uuid::Uuid;

use super::PostgresStore;
use crate::store::Store;

/// Why these tests do not run by themselves.
pub(crate) const SERVER: &str =
    "TASK_TEST_POSTGRES is the URL of a PostgreSQL server for tests: cargo xtask test starts one";

/// A database of a test's own.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let server = std::env::var("TASK_TEST_POSTGRES").expect(SERVER);
        let name = format!("t{}", Uuid::new_v4().simple());
        let database = Self { server, name };
        database.on_server(format!("CREATE DATABASE {}", database.name)).await;
        database
    }

    async fn on_server(&self, sql: String) {
        let mut conn = PgConnection::connect(&self.server).await.expect(SERVER);
        raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("runs");
        conn.close().await.expect("closes");
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let (before, options) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let before = before.rsplit_once('/').map_or(before, |(host, _)| host);
        format!("{before}/{}?{options}", self.name)
    }

    /// A node's way to it.
    pub(crate) async fn store(&self) -> Arc<PostgresStore> {
        let url = self.url();
        let opened = tokio::task::spawn_blocking(move || PostgresStore::open(&url)).await;
        Arc::new(opened.expect("runs").expect("opens"))
    }

    /// As [`Database::store`], whose server tells the plan of each of its statements.
    pub(crate) async fn store_that_explains(&self) -> Arc<PostgresStore> {
        let explain = "options[session_preload_libraries]=auto_explain&options[auto_explain.log_min_duration]=0\
            &options[client_min_messages]=log";
        let url = format!("{}&{explain}", self.url());
        let opened = tokio::task::spawn_blocking(move || PostgresStore::open(&url)).await;
        Arc::new(opened.expect("runs").expect("opens"))
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.expect("connects")
    }

    /// Takes everything out of it but the deck itself.
    pub(crate) async fn empty(&self) {
        let mut conn = self.connect().await;
        let sql = "SELECT string_agg(format('taskdeck.%I', tablename), ', ') FROM pg_tables
            WHERE schemaname = 'taskdeck' AND tablename <> 'meta'";
        let row = query(sql).fetch_one(&mut conn).await.expect("reads");
        let tables: String = sqlx_core::row::Row::try_get(&row, 0).expect("a text");
        raw_sql(AssertSqlSafe(format!("TRUNCATE {tables}"))).execute(&mut conn).await.expect("runs");
        conn.close().await.expect("closes");
    }

    /// Ends every session that is on it, as an operator may, or a server that is restarted.
    pub(crate) async fn end_sessions(&self) {
        let of = &self.name;
        let sql = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{of}'");
        self.on_server(sql).await;
    }

    /// Removes it with its store.
    pub(crate) async fn drop(self, store: Arc<PostgresStore>) {
        store.close().await;
        self.end().await;
    }

    /// Removes it.
    pub(crate) async fn end(self) {
        self.on_server(format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}
