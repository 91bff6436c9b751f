//! A PostgreSQL for tests: a cluster in a folder of its own, on a port of its own, gone with us.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::guard::{Guard, Kind};
use crate::process::{self, Interrupted, POLL, Show};
use crate::progress::Progress;

/// The variable that tests look at: the URL of a server on which they may make databases.
pub(crate) const VARIABLE: &str = "TASK_TEST_POSTGRES";

const MISSING: &str = "no PostgreSQL: install one (Debian, Ubuntu: `apt-get install postgresql`; \
    macOS: `brew install postgresql`), or name a server on which databases may be made in TASK_TEST_POSTGRES";

const STARTS_WITHIN: Duration = Duration::from_secs(60);
const PACKAGES_WITHIN: Duration = Duration::from_secs(600);

/// Where programs of PostgreSQL are that are not on the path.
const FOLDERS: [&str; 3] = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];

/// A server, as long as this lives.
pub(crate) struct Postgres {
    pub(crate) url: String,
    _cluster: Option<(Guard, TempDir)>,
}

/// `TASK_TEST_POSTGRES`; else a cluster of our own. `None` when there are no programs for one, which `required` turns
/// into an error, after Debian's package was tried.
pub(crate) fn find(progress: &Progress, required: bool) -> Result<Option<Postgres>> {
    if let Ok(url) = std::env::var(VARIABLE)
        && !url.is_empty()
    {
        return Ok(Some(Postgres { url, _cluster: None }));
    }
    let mut programs = programs();
    if programs.is_none() && required {
        install_debians(progress)?;
        programs = self::programs();
    }
    match programs {
        Some(programs) => progress.step("starting PostgreSQL", || start(&programs)).map(Some),
        None if required => bail!(MISSING),
        None => {
            progress.line(&format!("the tests on PostgreSQL are left out: {MISSING}"));
            Ok(None)
        }
    }
}

/// The folder of `initdb` and `postgres`: on the path, else the newest of those where packages put them.
fn programs() -> Option<PathBuf> {
    let is_whole =
        |folder: &Path| ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|folder| is_whole(folder));
    on_path.or_else(|| {
        let versions = FOLDERS.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let mut found: Vec<_> =
            versions.map(|version| version.path().join("bin")).filter(|folder| is_whole(folder)).collect();
        // By the number in the name: 9 is older than 15.
        found.sort_by_key(|folder| number_in(folder));
        found.pop()
    })
}

fn number_in(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn start(programs: &Path) -> Result<Postgres> {
    // Not in our target directory: the user that the server runs as may not see it.
    let folder = tempfile::Builder::new().prefix("taskdeck-postgres-").tempdir()?;
    // PostgreSQL refuses to run as root, so there it runs as the user that its package made.
    let other = process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if other {
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        process::capture(Command::new("chown").arg("postgres").arg(folder.path()))
            .context("root cannot run PostgreSQL, and there is no user `postgres` to run it as")?;
    }
    let program = |name: &str| {
        let path = programs.join(name);
        let mut command = if other {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        // It may not see where we are.
        command.current_dir(folder.path());
        command
    };
    let data = folder.path().join("data");
    let mut init = program("initdb");
    init.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
    process::capture(init.arg(&data))?;
    let port = free_port()?;
    let mut serve = program("postgres");
    serve.arg("-D").arg(&data).args(["-p", &port.to_string()]);
    let socket = format!("unix_socket_directories={}", folder.path().display());
    for setting in ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=400", &socket] {
        serve.args(["-c", setting]);
    }
    let log = std::fs::File::create(folder.path().join("log"))?;
    serve.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // As Ctrl-C would: SIGTERM waits for the clients.
    let mut server = Guard::new(process::spawn(&mut serve)?, Kind::Command);
    let began = Instant::now();
    loop {
        let mut ready = program("pg_isready");
        ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        if process::capture(&mut ready).is_ok() {
            let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
            return Ok(Postgres { url, _cluster: Some((server, folder)) });
        }
        if server.child.try_wait()?.is_some() || began.elapsed() > STARTS_WITHIN {
            let said = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            bail!("PostgreSQL does not start:\n{said}");
        }
        if process::stopped() {
            bail!(Interrupted);
        }
        thread::sleep(POLL);
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// On a fresh Debian as root, as in CI.
fn install_debians(progress: &Progress) -> Result<()> {
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    progress.step("installing PostgreSQL", || {
        let install = ["install", "-y", "--no-install-recommends", "postgresql"];
        for command in [apt().arg("update"), apt().args(install)] {
            process::run_within(progress, command, Show::OnFailure, PACKAGES_WITHIN).context(MISSING)?;
        }
        Ok(())
    })
}

/// Runs a command with a server for tests.
pub(crate) fn with(progress: &Progress, command: &[String]) -> Result<()> {
    let Some(postgres) = find(progress, true)? else { bail!(MISSING) };
    let Some((name, args)) = command.split_first() else {
        progress.line(&format!("{VARIABLE}={} until Ctrl-C", postgres.url));
        while !process::stopped() {
            thread::sleep(POLL);
        }
        return Ok(());
    };
    let mut command = Command::new(name);
    command.args(args).env(VARIABLE, &postgres.url);
    process::run(progress, &mut command, Show::Always).map(drop)
}
