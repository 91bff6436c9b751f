//! Runs the Playwright tests against a server of their own.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::chromium;
use crate::count::{self, Count};
use crate::fixtures;
use crate::hash::Hash;
use crate::process::{self, Show};
use crate::progress::Progress;
use crate::server::{self, Server};
use crate::workspace::Workspace;

/// How much of the server's log is shown when a test fails.
const LOG_TAIL: usize = 40;

/// Installs what the tests need, starts `binary` on a free port with an empty store, and runs them.
/// `env` is for the tests, not for the server. The server is stopped whatever happens.
pub(crate) fn test(
    workspace: &Workspace,
    progress: &Progress,
    binary: &Path,
    env: &[(&str, &str)],
) -> Result<Count> {
    progress.step("installing Playwright", || install_packages(workspace, progress))?;
    let chromium = progress.step("finding Chromium", || chromium::find(workspace, progress))?;
    let fixtures = progress.step("unpacking the fixtures", || fixtures::prepare(workspace))?;
    progress.step("browser tests", || {
        let log = workspace.scratch().join("e2e-server.log");
        let store = tempfile::tempdir().context("cannot make a folder for the store")?;
        let address = server::free_address()?;
        let mut serve = server::serve(binary);
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        serve
            .current_dir(store.path())
            .env("TASK_BIND", address.to_string())
            .env("TASK_STORE", format!("sqlite:{}", store.path().join("taskdeck.db").display()))
            .stderr(out.try_clone()?)
            .stdout(out);
        let mut playwright = chromium::playwright(workspace);
        playwright
            .arg("test")
            .env("BASE_URL", format!("http://{address}"))
            .env("TASKDECK_BIN", binary)
            .env("CHROMIUM_PATH", &chromium)
            .env("TASKDECK_DATA", &fixtures)
            .envs(env.iter().copied());
        let said = Server::start(&mut serve, address).and_then(|server| {
            let said = process::run(progress, &mut playwright, Show::Always);
            server.stop();
            said
        });
        if said.is_err() {
            show_tail(progress, &log);
        }
        Ok(count::playwright(&said?))
    })
}

/// `npm ci`, when the lock file is not that of the last time.
pub(crate) fn install_packages(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let folder = workspace.end2end();
    let lock = fs::read(folder.join("package-lock.json")).context("cannot read end2end/package-lock.json")?;
    let key = Hash::of([&lock]);
    // Inside node_modules, so that it goes when they go.
    let stamp = folder.join("node_modules/.taskdeck-lock");
    if fs::read_to_string(&stamp).ok().as_deref() == Some(key.full()) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.current_dir(&folder).arg("ci").env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    process::run(progress, &mut npm, Show::OnFailure)?;
    fs::write(&stamp, key.full())?;
    Ok(())
}

fn show_tail(progress: &Progress, log: &Path) {
    let Ok(text) = fs::read_to_string(log) else { return };
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(LOG_TAIL)..];
    progress.line(&format!("the last {} lines of the server's log ({}):", tail.len(), log.display()));
    for line in tail {
        progress.raw(&format!("    {line}"));
    }
}
