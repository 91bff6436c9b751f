//! `taskdeck copy` as an operator runs it: to a PostgreSQL server and back.

use sqlx_core::connection::Connection;
use sqlx_core::raw_sql::raw_sql;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_postgres::PgConnection;

use super::*;

/// Runs SQL on the server that tests share.
fn on_server(sql: String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut conn = PgConnection::connect(&server_url()).await.unwrap();
        raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    });
}

fn server_url() -> String {
    std::env::var("TASK_TEST_POSTGRES").expect("TASK_TEST_POSTGRES: cargo xtask test sets it")
}

/// A database of the test's own.
struct Database {
    name: String,
}

impl Database {
    fn new() -> Self {
        let name = format!("taskdeck_test_copy_{}", std::process::id());
        on_server(format!("CREATE DATABASE {name}"));
        Self { name }
    }

    fn url(&self) -> String {
        let url = server_url();
        let (before, options) = url.split_once('?').unwrap_or((&url, ""));
        let (host, _) = before.rsplit_once('/').unwrap();
        format!("{host}/{}?{options}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        on_server(format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// What it printed and what it told, of a copy that went well.
fn copied(folder: &Path, args: &[&str]) -> (String, String) {
    let Output { status, stdout, stderr } = taskdeck(folder, &[&["copy"], args].concat()).output().unwrap();
    let (printed, told) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(status.success(), "{told}");
    (printed, told)
}

fn stop(mut server: Server) {
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

/// Starts a task that waits for an hour; its id.
fn start(server: &Server) -> String {
    let body = r#"{"params":{},"delay":3600000}"#;
    let answer = server.ask(&format!(
        "POST /api/kinds/demo_steps/start\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let id = answer.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
    id.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
fn postgres_a_deck_is_copied_to_a_server_and_back_by_the_command() {
    let (folder, database) = (workplace(), Database::new());
    let (folder, url) = (folder.path(), database.url());
    let server = Server::start(folder, &[]);
    let id = start(&server);
    let same = refused(folder, &["copy", "--from", &url, "--to", &url]);
    assert!(same.contains("--from and --to are the same store"), "{same}");
    let held = refused(folder, &["copy", "--from", "sqlite:taskdeck.db", "--to", &url]);
    assert!(held.contains("taskdeck.db is in use by"), "{held}");
    let to = ["--from", "sqlite:taskdeck.db", "--to", url.as_str()];
    let (printed, _) = copied(folder, &[&to[..], &["--online"]].concat());
    assert!(printed.contains("1 tasks: 1 copied now"), "{printed}");
    assert!(printed.contains("stop it, and copy again without --online"), "{printed}");
    stop(server);

    let (printed, told) = copied(folder, &to);
    assert!(printed.contains("1 tasks: 0 copied now, 1 were there already"), "{printed}");
    for same in ["tasks", "payloads", "schedules", "bytes of files"] {
        let line = printed.lines().find(|line| line.starts_with(&format!("the same on both sides: {same} ")));
        assert!(line.is_some(), "{same}: {printed}");
    }
    // Not on a terminal: a line for each stage's begin and end.
    let lines: Vec<_> = told.lines().collect();
    assert!(lines.contains(&"copying tasks: 1 of 1"), "{told}");
    assert!(lines.last().is_some_and(|last| last.starts_with("comparing rows: ")), "{told}");
    assert!(!told.contains('\r') && !told.contains(&url), "{told}");

    let server = Server::start(folder, &["--store", &url, "--no-worker"]);
    assert!(server.first_line.contains("others run the tasks"), "{}", server.first_line);
    assert_eq!(status(&server.ask(&format!("GET /api/tasks/{id}"))), "200");
    let back = ["copy", "--from", url.as_str(), "--to", "sqlite:back.db"];
    let in_use = refused(folder, &back);
    assert!(in_use.contains("the source is in use by"), "{in_use}");
    stop(server);
    let (printed, _) = copied(folder, &back[1..]);
    assert!(printed.contains("1 tasks: 1 copied now"), "{printed}");
    let server = Server::start(folder, &["--store", "sqlite:back.db"]);
    assert_eq!(status(&server.ask(&format!("GET /api/tasks/{id}"))), "200");
    stop(server);
}
