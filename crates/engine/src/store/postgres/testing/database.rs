//! A database for a test, on the server that `TASK_TEST_POSTGRES` names. `cargo xtask test` starts one and sets it.

use std::sync::Arc;

use sqlx_core::connection::Connection;
use sqlx_core::raw_sql::raw_sql;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_postgres::{PgConnectOptions, PgConnection};
use uuid::Uuid;

use super::Proxy;
use crate::Durability;
use crate::store::Store;
use crate::store::postgres::PostgresStore;

/// Why these tests do not run by themselves.
const SERVER: &str =
    "TASK_TEST_POSTGRES is the URL of a PostgreSQL server for tests: cargo xtask test starts one";

/// As many as a node has by itself.
const CONNECTIONS: usize = 11;

/// Where the server is that all tests share.
pub(crate) fn server() -> String {
    std::env::var("TASK_TEST_POSTGRES").expect(SERVER)
}

/// A database of a test's own.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        Self::on(server()).await
    }

    /// On a server of the test's own.
    pub(crate) async fn on(server: String) -> Self {
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

    /// The way to it over a proxy.
    pub(crate) fn url_over(&self, proxy: &Proxy) -> String {
        let url = self.url();
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let (host, path) = rest.split_once('/').expect("a database");
        let user = host.rsplit_once('@').map_or(String::new(), |(user, _)| format!("{user}@"));
        format!("{scheme}://{user}{}/{path}", proxy.address())
    }

    /// Host and port of its server.
    pub(crate) fn address(&self) -> String {
        let options: PgConnectOptions = self.server.parse().expect(SERVER);
        format!("{}:{}", options.get_host(), options.get_port())
    }

    /// A node's way to it.
    pub(crate) async fn store(&self) -> Arc<PostgresStore> {
        let url = self.url();
        let opened =
            tokio::task::spawn_blocking(move || PostgresStore::open(&url, CONNECTIONS, Durability::Full))
                .await;
        Arc::new(opened.expect("runs").expect("opens"))
    }

    /// As [`Database::store`], whose server tells the plan of each of its statements.
    pub(crate) async fn store_that_explains(&self) -> Arc<PostgresStore> {
        let explain = "options[session_preload_libraries]=auto_explain&options[auto_explain.log_min_duration]=0\
            &options[auto_explain.log_analyze]=on&options[auto_explain.log_timing]=off\
            &options[auto_explain.log_buffers]=on\
            &options[client_min_messages]=log";
        let url = format!("{}&{explain}", self.url());
        let opened =
            tokio::task::spawn_blocking(move || PostgresStore::open(&url, CONNECTIONS, Durability::Full))
                .await;
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
        let row = raw_sql(sql).fetch_one(&mut conn).await.expect("reads");
        let tables: String = sqlx_core::row::Row::try_get(&row, 0).expect("a text");
        let truncate = format!("TRUNCATE {tables}");
        // A store that is just folding its counters may be in the way crosswise.
        while let Err(error) = raw_sql(AssertSqlSafe(truncate.clone())).execute(&mut conn).await {
            let code = error.as_database_error().and_then(sqlx_core::error::DatabaseError::code);
            assert_eq!(code.as_deref(), Some("40P01"), "{error}");
        }
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
