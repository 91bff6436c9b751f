//! A pooler before the PostgreSQL for tests: pgbouncer, which gives a connection to a transaction.

use std::net::TcpStream;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::guard::{Guard, Kind};
use crate::postgres::{self, Postgres};
use crate::process;
use crate::progress::Progress;

const MISSING: &str = "no pgbouncer: install one (Debian, Ubuntu: `apt-get install pgbouncer`; macOS: `brew install pgbouncer`)";

/// A pooler, as long as this lives.
pub(crate) struct Pooler {
    /// The way to the server over it.
    pub(crate) url: String,
    _program: Guard,
    _folder: TempDir,
}

/// Starts a pooler. `None` when there is no program for one, which `required` turns into an error, after Debian's package
/// was tried.
pub(crate) fn start(progress: &Progress, server: &Postgres, required: bool) -> Result<Option<Pooler>> {
    let is_there =
        || process::capture(Command::new("pgbouncer").env("PATH", path()).arg("--version")).is_ok();
    if !is_there() && required {
        postgres::install_debian(progress, "pgbouncer", MISSING)?;
    }
    match is_there() {
        true => progress.step("starting pgbouncer", || run(server)).map(Some),
        false if required => bail!(MISSING),
        false => {
            progress.line(&format!("the tests over a pooler are left out: {MISSING}"));
            Ok(None)
        }
    }
}

/// Debian puts it where only root looks.
fn path() -> String {
    format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default())
}

fn run(server: &Postgres) -> Result<Pooler> {
    let (user, rest) = server
        .url
        .strip_prefix("postgres://")
        .and_then(|rest| rest.split_once('@'))
        .context("a URL with a user")?;
    let (host, port) =
        rest.split_once('/').map_or(rest, |(host, _)| host).split_once(':').context("a URL with a port")?;
    let folder = postgres::folder()?;
    let own = postgres::free_port()?;
    let settings = format!(
        "[databases]\n* = host={host} port={port} user={user}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\n\
         auth_type = any\npool_mode = transaction\nignore_startup_parameters = extra_float_digits\nmax_client_conn = 2000\n\
         default_pool_size = 20\nunix_socket_dir =\n"
    );
    let file = folder.path().join("pgbouncer.ini");
    std::fs::write(&file, settings)?;
    let mut serve = postgres::as_other("pgbouncer", folder.path());
    let log = std::fs::File::create(folder.path().join("log"))?;
    serve.arg(&file).env("PATH", path()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let mut program = Guard::new(process::spawn(&mut serve)?, Kind::Command);
    let is_ready = || TcpStream::connect(("127.0.0.1", own)).is_ok();
    postgres::wait_until(is_ready, &mut program, "pgbouncer", folder.path())?;
    // By this the store knows that there is a pooler.
    let url = format!("postgres://{user}@127.0.0.1:{own}/postgres?statement-cache-capacity=0");
    Ok(Pooler { url, _program: program, _folder: folder })
}
