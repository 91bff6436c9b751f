//! The binary `taskdeck`: configuration, wiring, embedded assets.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::cli::{Cli, Command};
use crate::config::{ServerConfig, Sources};

mod assets;
mod cli;
mod config;
mod copy;
mod kinds;
mod logging;
mod pages;
mod serve;
mod signals;
mod wiring;

#[cfg(panic = "abort")]
compile_error!(
    "a task that panics is caught and recorded, so the server needs `panic = \"unwind\"`, in each profile"
);

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match start(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("taskdeck: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(run(cli));
    // A task's blocking code that does not stop when told to is rescued at the next start: it cannot hold us up here.
    runtime.shutdown_background();
    ended
}

/// The variables that look like settings and are none.
fn unknown() -> Vec<String> {
    Sources::unknown(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
}

async fn run(cli: Cli) -> Result<()> {
    match cli.command.unwrap_or(Command::Serve(Box::new(cli.serve))) {
        Command::Serve(flags) => {
            let sources = Sources::gather(&flags, |name| std::env::var(name).ok())?;
            serve::serve(ServerConfig::read(&sources)?, &unknown()).await
        }
        Command::Worker(flags) => {
            let sources = Sources::gather(&flags, |name| std::env::var(name).ok())?;
            serve::work(ServerConfig::read(&sources)?, &unknown()).await
        }
        Command::Copy(flags) => copy::copy(&flags).await,
        Command::Kinds => kinds::print().await,
    }
}
