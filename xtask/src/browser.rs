//! Runs the Playwright tests. Each of them starts a server of its own, on a free port with an empty store.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::chromium;
use crate::count::{self, Count};
use crate::fixtures;
use crate::hash::Hash;
use crate::process::{self, Show};
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Installs what the tests need, and runs them on `binary`.
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
        let mut playwright = chromium::playwright(workspace);
        playwright
            .arg("test")
            .env("TASKDECK_BIN", binary)
            .env("CHROMIUM_PATH", &chromium)
            .env("TASKDECK_DATA", &fixtures)
            .envs(env.iter().copied());
        Ok(count::playwright(&process::run(progress, &mut playwright, Show::Always)?))
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
