//! `cargo xtask bench`: runs a benchmark.

use std::os::unix::process::CommandExt;

use anyhow::Result;
use clap::ValueEnum;

use crate::process;
use crate::workspace::Workspace;

/// What can be measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Bench {
    /// How many tasks a second the engine starts, claims and ends.
    Engine,
}

/// Becomes `cargo bench`; returns only when that cannot be started.
pub(crate) fn bench(workspace: &Workspace, bench: Bench, args: &[String]) -> Result<()> {
    let mut cargo = match bench {
        Bench::Engine => workspace.cargo(["bench", "-p", "taskdeck-engine", "--bench", "engine", "--"]),
    };
    let error = cargo.args(args).exec();
    Err(process::cannot_start(&cargo, &error))
}
