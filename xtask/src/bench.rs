//! `cargo xtask bench`: runs a benchmark.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::process::{self, Show};
use crate::progress::Progress;
use crate::workspace::Workspace;
use crate::{browser, chromium, postgres, run, server};

/// What can be measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Bench {
    /// How many tasks a second the engine starts, claims and ends.
    Engine,
    /// What PostgreSQL does beside what SQLite does.
    Store,
    /// What the pages cost a browser: bytes of a first load, frames while a thousand tasks run or a long log scrolls.
    Ui,
}

/// Runs a benchmark; what follows `--` goes to it.
pub(crate) fn bench(workspace: &Workspace, progress: &Progress, bench: Bench, args: &[String]) -> Result<()> {
    match bench {
        Bench::Engine => engine(workspace, args),
        Bench::Store => store(workspace, progress, args),
        Bench::Ui => ui(workspace, progress),
    }
}

/// Becomes `cargo bench`; returns only when that cannot be started.
fn engine(workspace: &Workspace, args: &[String]) -> Result<()> {
    let mut cargo = workspace.cargo(["bench", "-p", "taskdeck-engine", "--bench", "engine", "--"]);
    let error = cargo.args(args).exec();
    Err(process::cannot_start(&cargo, &error))
}

/// On a server that is as durable as SQLite is.
fn store(workspace: &Workspace, progress: &Progress, args: &[String]) -> Result<()> {
    let postgres = postgres::durable(progress)?;
    let mut cargo = workspace.cargo(["bench", "-p", "taskdeck-engine", "--bench", "store"]);
    cargo.args(["--features", "postgres", "--"]).args(args).env(postgres::VARIABLE, &postgres.url);
    process::run(progress, &mut cargo, Show::Always).map(drop)
}

/// Builds the release, and measures it in Chromium.
fn ui(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let release = server::build_release(workspace, progress)?;
    progress.line(&run::sizes(&release.sizes));
    progress.step("installing Playwright", || browser::install_packages(workspace, progress))?;
    let chromium = progress.step("finding Chromium", || chromium::find(workspace, progress))?;
    let mut node = Command::new("node");
    node.current_dir(workspace.end2end())
        .arg("bench/ui.mjs")
        .env("TASKDECK_BIN", &release.binary)
        .env("CHROMIUM_PATH", &chromium);
    process::run(progress, &mut node, Show::Always)?;
    Ok(())
}
