//! A PostgreSQL for tests: a cluster in a folder of its own, on a port of its own, gone with us.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::guard::{Guard, Kind};
use crate::pooler;
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
        install_debian(progress, "postgresql", MISSING)?;
        programs = self::programs();
    }
    match programs {
        Some(programs) => progress.step("starting PostgreSQL", || start(&programs, "off")).map(Some),
        None if required => bail!(MISSING),
        None => {
            progress.line(&format!("the tests on PostgreSQL are left out: {MISSING}"));
            Ok(None)
        }
    }
}

/// `TASK_TEST_POSTGRES`; else a cluster of our own that waits for its disk, for benchmarks.
pub(crate) fn durable(progress: &Progress) -> Result<Postgres> {
    match programs() {
        Some(programs) if std::env::var_os(VARIABLE).is_none() => {
            progress.step("starting PostgreSQL", || start(&programs, "on"))
        }
        _ => find(progress, true)?.context(MISSING),
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

fn start(programs: &Path, fsync: &str) -> Result<Postgres> {
    let folder = folder()?;
    let program = |name: &str| as_other(programs.join(name), folder.path());
    let data = folder.path().join("data");
    let mut init = program("initdb");
    init.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
    process::capture(init.arg(&data))?;
    let port = free_port()?;
    let mut serve = program("postgres");
    serve.arg("-D").arg(&data).args(["-p", &port.to_string()]);
    let socket = format!("unix_socket_directories={}", folder.path().display());
    let fsync = format!("fsync={fsync}");
    for setting in ["listen_addresses=127.0.0.1", "max_connections=400", &fsync, &socket] {
        serve.args(["-c", setting]);
    }
    let log = std::fs::File::create(folder.path().join("log"))?;
    serve.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // As Ctrl-C would: SIGTERM waits for the clients.
    let mut server = Guard::new(process::spawn(&mut serve)?, Kind::Command);
    let is_ready = || {
        let mut ready = program("pg_isready");
        process::capture(ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])).is_ok()
    };
    wait_until(is_ready, &mut server, "PostgreSQL", folder.path())?;
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    Ok(Postgres { url, _cluster: Some((server, folder)) })
}

/// Waits until a program that writes `log` into its folder is ready.
pub(crate) fn wait_until(
    is_ready: impl Fn() -> bool,
    program: &mut Guard,
    name: &str,
    folder: &Path,
) -> Result<()> {
    let began = Instant::now();
    while !is_ready() {
        if program.child.try_wait()?.is_some() || began.elapsed() > STARTS_WITHIN {
            let said = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            bail!("{name} does not start:\n{said}");
        }
        if process::stopped() {
            bail!(Interrupted);
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// PostgreSQL and its pooler refuse to run as root, so there they run as the user that the package made.
fn is_root() -> bool {
    process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// A folder of that user.
pub(crate) fn folder() -> Result<TempDir> {
    // Not in our target directory: the user that the server runs as may not see it.
    let folder = tempfile::Builder::new().prefix("taskdeck-postgres-").tempdir()?;
    if is_root() {
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        process::capture(Command::new("chown").arg("postgres").arg(folder.path()))
            .context("root cannot run PostgreSQL, and there is no user `postgres` to run it as")?;
    }
    Ok(folder)
}

/// A program as that user, in a folder of theirs.
pub(crate) fn as_other(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // It may not see where we are.
    command.current_dir(folder);
    command
}

pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// On a fresh Debian as root, as in CI.
pub(crate) fn install_debian(progress: &Progress, package: &str, missing: &'static str) -> Result<()> {
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    progress.step(&format!("installing {package}"), || {
        let install = ["install", "-y", "--no-install-recommends", package];
        for command in [apt().arg("update"), apt().args(install)] {
            process::run_within(progress, command, Show::OnFailure, PACKAGES_WITHIN).context(missing)?;
        }
        Ok(())
    })
}

/// Runs a command with a server for tests.
pub(crate) fn with(progress: &Progress, pooler: bool, command: &[String]) -> Result<()> {
    let Some(postgres) = find(progress, true)? else { bail!(MISSING) };
    let pooler = if pooler { pooler::start(progress, &postgres, true)? } else { None };
    let url = pooler.as_ref().map_or(&postgres.url, |pooler| &pooler.url);
    let Some((name, args)) = command.split_first() else {
        progress.line(&format!("{VARIABLE}={url} until Ctrl-C"));
        while !process::stopped() {
            thread::sleep(POLL);
        }
        return Ok(());
    };
    let mut command = Command::new(name);
    command.args(args).env(VARIABLE, url);
    process::run(progress, &mut command, Show::Always).map(drop)
}
