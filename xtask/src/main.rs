//! `cargo xtask`: builds, runs, watches, tests, packs and measures Taskdeck.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::process::Interrupted;
use crate::progress::Progress;
use crate::workspace::Workspace;

mod bench;
mod browser;
mod chromium;
mod compress;
mod count;
mod css;
mod deps;
mod dev;
mod dist;
mod element;
mod example;
mod fixtures;
mod guard;
mod hash;
mod pack;
mod pooler;
mod postgres;
mod process;
mod progress;
mod run;
mod server;
mod shorten;
mod site;
mod split;
mod test;
mod wasm;
mod watch;
mod workspace;

/// Builds, runs, watches, tests, packs and measures Taskdeck
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the release and serve it at http://127.0.0.1:3000
    Run {
        /// Passed on to `taskdeck serve`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Build for debugging, serve, and rebuild when a source changes
    Dev,
    /// Check and test everything, in the browser too; ends with `N passed, 0 failed`
    Test(test::Options),
    /// Start a PostgreSQL for tests, name it in TASK_TEST_POSTGRES, and run a command with it (or until Ctrl-C)
    Postgres {
        /// Name the way to it over a pooler, pgbouncer with a connection for a transaction
        #[arg(long)]
        pooler: bool,
        /// Such as `cargo nextest run -p taskdeck-engine --features postgres --run-ignored only postgres`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Build one self-contained binary
    Dist {
        /// The folder for it [default: target/dist]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Build examples/leptos-app and serve it at http://127.0.0.1:3000
    Example,
    /// Measure
    Bench {
        what: bench::Bench,
        /// Passed on to the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Print the path of the Chromium that the browser tests use, after installing one if there is none
    #[command(hide = true)]
    Chromium,
    /// Build the site alone and print its folder
    #[command(hide = true)]
    Site {
        /// For debugging: fast to build, not compressed
        #[arg(long)]
        dev: bool,
    },
    /// Check the direction of dependencies alone
    #[command(hide = true)]
    Deps,
}

fn main() -> ExitCode {
    let progress = Progress::new();
    match obey(&progress, Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => {
            progress.line("interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            progress.line(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn obey(progress: &Progress, command: Command) -> Result<()> {
    process::stop_on_signals()?;
    let workspace = Workspace::find()?;
    std::fs::create_dir_all(workspace.scratch())?;
    match command {
        Command::Run { args } => run::run(&workspace, progress, &args),
        Command::Dev => dev::dev(&workspace, progress),
        Command::Test(options) => test::test(&workspace, progress, options),
        Command::Postgres { pooler, command } => postgres::with(progress, pooler, &command),
        Command::Dist { out } => dist::dist(&workspace, progress, out.as_deref()),
        Command::Example => example::run(&workspace, progress),
        Command::Bench { what, args } => bench::bench(&workspace, progress, what, &args),
        Command::Chromium => {
            browser::install_packages(&workspace, progress)?;
            println!("{}", chromium::find(&workspace, progress)?.display());
            Ok(())
        }
        Command::Site { dev } => {
            let mode = if dev { site::Mode::Dev } else { site::Mode::Release };
            let sizes = site::build(&workspace, progress, mode)?;
            for (page, wasm) in &sizes.first {
                let size = |bytes: usize| progress::size(bytes as u64);
                let (wasm, all) = (size(*wasm), size(*wasm + sizes.besides));
                let live =
                    sizes.live.get(page).map(|bytes| format!(", and {} when it is live", size(*bytes)));
                let used = sizes.used.get(page).map(|bytes| format!(", {} when it is used", size(*bytes)));
                let more = [live, used].map(Option::unwrap_or_default).concat();
                progress.line(&format!("{page}: {wasm} of WASM at first, {all} with style and glue{more}"));
            }
            progress.line(&run::sizes(&sizes));
            println!("{}", site::folder(&workspace, mode).display());
            Ok(())
        }
        Command::Deps => deps::check(&workspace),
    }
}
