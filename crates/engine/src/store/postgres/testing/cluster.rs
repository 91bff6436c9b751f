//! A server of a test's own, which it may kill.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx_core::connection::Connection;
use sqlx_core::query::query;
use sqlx_core::row::Row;
use sqlx_postgres::PgConnection;
use tempfile::TempDir;

use super::database::server;

/// A cluster in a folder of its own; it ends with this.
pub(crate) struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    /// What it is told besides.
    settings: Vec<String>,
    postgres: Option<Child>,
}

impl Cluster {
    /// With the programs of the server that all tests share.
    pub(crate) async fn new() -> Self {
        let mut cluster = Self::empty().await;
        cluster.start().await;
        cluster
    }

    /// One that takes encrypted connections too, with this certificate and its key.
    pub(crate) async fn with_tls(certificate: &Path, key: &Path) -> Self {
        let mut cluster = Self::empty().await;
        for (name, from) in [("ssl_cert_file", certificate), ("ssl_key_file", key)] {
            let to = cluster.data().join(name);
            std::fs::copy(from, &to).expect("copies");
            run(Command::new("chmod").arg("600").arg(&to));
            if is_root() {
                run(Command::new("chown").arg("postgres").arg(&to));
            }
            cluster.settings.push(format!("{name}={name}"));
        }
        cluster.settings.push("ssl=on".to_owned());
        cluster.start().await;
        cluster
    }

    async fn empty() -> Self {
        let mut conn = PgConnection::connect(&server()).await.expect("the shared server");
        let sql = "SELECT setting FROM pg_config WHERE name = 'BINDIR'";
        let row = query(sql).fetch_one(&mut conn).await.expect("the server says where its programs are");
        let programs: String = row.try_get(0).expect("a text");
        conn.close().await.expect("closes");
        let folder = tempfile::Builder::new().prefix("taskdeck-postgres-").tempdir().expect("a folder");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
            run(Command::new("chmod").arg("755").arg(folder.path()));
        }
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let cluster = Self { folder, programs: programs.into(), port, settings: Vec::new(), postgres: None };
        let data = cluster.data();
        let mut init = cluster.program("initdb");
        init.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        run(init.arg(data));
        cluster
    }

    pub(crate) fn url(&self) -> String {
        self.url_at("127.0.0.1", "")
    }

    /// By another name of this machine, with options such as `sslmode=require`.
    pub(crate) fn url_at(&self, host: &str, options: &str) -> String {
        format!("postgres://postgres@{host}:{}/postgres?{options}", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// PostgreSQL refuses to run as root, so there it runs as the user that its package made.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(self.folder.path());
        command
    }

    /// Starts it, and returns when it takes connections.
    pub(crate) async fn start(&mut self) {
        let mut serve = self.program("postgres");
        serve.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        let socket = format!("unix_socket_directories={}", self.folder.path().display());
        for setting in ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=100", &socket] {
            serve.args(["-c", setting]);
        }
        for setting in &self.settings {
            serve.args(["-c", setting]);
        }
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a log");
        serve.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        self.postgres = Some(serve.spawn().expect("PostgreSQL starts"));
        while PgConnection::connect(&self.url()).await.is_err() {
            let ended = self.postgres.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "PostgreSQL ended: {}", self.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it as a loss of power does: no session is told, nothing is written that was not.
    pub(crate) fn crash(&mut self) {
        let Some(mut child) = self.postgres.take() else { return };
        // All at once, by its own means: the processes of sessions too.
        let mut stop = self.program("pg_ctl");
        run(stop.args(["stop", "-m", "immediate", "-D"]).arg(self.data()));
        child.wait().expect("it ends");
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.crash();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.trim_ascii() == b"0"
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
