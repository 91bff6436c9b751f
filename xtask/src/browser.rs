//! Runs the Playwright tests. Each of them starts a server of its own, on a free port with an empty store.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::chromium;
use crate::count::{self, Count};
use crate::fixtures;
use crate::hash::Hash;
use crate::postgres::{self, Postgres};
use crate::process::{self, Show};
use crate::progress::Progress;
use crate::site::{self, Mode};
use crate::workspace::Workspace;

/// What is run on PostgreSQL too: the ways of a task through the pages. All of it takes as long again, and is for `--soak`.
const ON_POSTGRES: [&str; 4] =
    ["tests/task.spec.ts", "tests/question.spec.ts", "tests/bulk.spec.ts", "tests/log.spec.ts"];

/// Installs what the tests need, and runs them on `binary` and on the `example`'s folder; with a PostgreSQL server also
/// those of many nodes, and some of the others (or all of them) once more with their stores on it.
pub(crate) fn test(
    workspace: &Workspace,
    progress: &Progress,
    binary: &Path,
    example: &Path,
    postgres: Option<(&Postgres, bool)>,
    env: &[(&str, &str)],
) -> Result<Count> {
    progress.step("installing Playwright", || install_packages(workspace, progress))?;
    let chromium = progress.step("finding Chromium", || chromium::find(workspace, progress))?;
    let fixtures = progress.step("unpacking the fixtures", || fixtures::prepare(workspace))?;
    let run = |name: &str, args: &[&str], store: &[(&str, &str)]| {
        progress.step(name, || {
            let mut playwright = chromium::playwright(workspace);
            playwright
                .arg("test")
                .args(args)
                .env("TASKDECK_BIN", binary)
                // For one that has it not inside.
                .env("TASKDECK_SITE", site::folder(workspace, Mode::Release))
                .env("TASKDECK_LEPTOS_EXAMPLE", example)
                .env("CHROMIUM_PATH", &chromium)
                .env("TASKDECK_DATA", &fixtures)
                .envs(env.iter().copied())
                .envs(store.iter().copied());
            Ok(count::playwright(&process::run(progress, &mut playwright, Show::Always)?))
        })
    };
    let Some((postgres, is_whole)) = postgres else { return run("browser tests", &[], &[]) };
    let server = (postgres::VARIABLE, postgres.url.as_str());
    let mut count = run("browser tests", &[], &[server])?;
    let files: &[&str] = if is_whole { &[] } else { &ON_POSTGRES };
    count += run("browser tests on PostgreSQL", files, &[server, ("TASKDECK_E2E_STORE", "postgres")])?;
    Ok(count)
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
