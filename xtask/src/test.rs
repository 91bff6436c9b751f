//! `cargo xtask test`: everything that must hold, in order, up to the first failure.

use std::process::Command;
use std::thread;

use anyhow::{Result, bail};

use crate::count::{self, Count};
use crate::postgres::Postgres;
use crate::process::{self, Show};
use crate::progress::Progress;
use crate::site::{self, Mode};
use crate::workspace::Workspace;
use crate::{browser, deps, example, pooler, postgres, server, wasm};

/// How much is tested.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// Also run the long tests: 120 kills, a queue of a million, all browser tests on PostgreSQL (sets TASKDECK_SOAK=1)
    #[arg(long)]
    soak: bool,
    /// Fail, instead of skipping, when there is no PostgreSQL to test on; as root on Debian it is installed
    #[arg(long)]
    require_postgres: bool,
    /// Leave out the feature matrix, the site and the browser tests
    #[arg(long)]
    quick: bool,
    /// Run the browser tests on the release build instead of that for debugging
    #[arg(long, conflicts_with = "quick")]
    release: bool,
}

impl Options {
    fn env(self) -> Vec<(&'static str, &'static str)> {
        self.soak.then_some(("TASKDECK_SOAK", "1")).into_iter().collect()
    }
}

/// The library as its users build it: each in its own call, since cargo would add the features up.
const MATRIX: &[(&str, &[&str])] = &[
    ("no features", &["-p", "taskdeck", "--no-default-features"]),
    ("engine", &["-p", "taskdeck", "--no-default-features", "--features", "engine"]),
    ("ssr", &["-p", "taskdeck", "--no-default-features", "--features", "ssr,dashboard"]),
    (
        "hydrate",
        &[
            "-p",
            "taskdeck",
            "--no-default-features",
            "--features",
            "hydrate,dashboard",
            "--target",
            wasm::TARGET,
        ],
    ),
    (
        "csr",
        &["-p", "taskdeck", "--no-default-features", "--features", "csr,dashboard", "--target", wasm::TARGET],
    ),
    ("frontend", &["-p", "taskdeck-frontend", "--target", wasm::TARGET]),
    (
        "an app that hydrates",
        &[
            "-p",
            "example-leptos-app",
            "--no-default-features",
            "--features",
            "hydrate",
            "--target",
            wasm::TARGET,
        ],
    ),
];

/// Runs all checks and tests; the last line printed is the sum of the tests.
pub(crate) fn test(workspace: &Workspace, progress: &Progress, options: Options) -> Result<()> {
    let env = options.env();
    if options.quick {
        check(workspace, progress)?;
    } else {
        build_all(workspace, progress, options.release)?;
    }
    let unit = unit_tests(workspace, progress, &env)?;
    let server = postgres::find(progress, options.require_postgres)?;
    let postgres =
        server.as_ref().map(|server| postgres_tests(workspace, progress, server, &env)).transpose()?;
    let doc = progress.step("documentation tests", || {
        let mut cargo = workspace.cargo(["test", "--workspace", "--doc"]);
        let said = process::run(progress, cargo.envs(env.iter().copied()), Show::OnFailure)?;
        Ok(count::cargo_test(&said))
    })?;
    let browser = if options.quick {
        None
    } else {
        // It is there already: that of the release is only looked at once more, and the other was built with the tests.
        let binary = match options.release {
            true => server::build_release(workspace, progress)?.binary,
            false => server::dev_binary(workspace),
        };
        let example = example::folder(workspace)?;
        let postgres = server.as_ref().map(|server| (server, options.soak));
        Some(browser::test(workspace, progress, &binary, &example, postgres, &env)?)
    };
    summarise(progress, unit, postgres, doc, browser)
}

/// Checks and builds everything, before any test runs: what is checked and what is for the browser side by side, since
/// either is for long stretches one crate that all others wait for. (They are in folders of their own, so that cargo lets
/// them.)
fn build_all(workspace: &Workspace, progress: &Progress, release: bool) -> Result<()> {
    // The site needs it too.
    wasm::ensure_target(workspace, progress)?;
    thread::scope(|scope| {
        let built = scope.spawn(|| {
            let site = match release {
                true => server::build_release(workspace, progress).map(drop),
                false => site::build(workspace, progress, Mode::Release).map(drop),
            };
            site.and_then(|()| example::build(workspace, progress)).inspect_err(|_| process::stop())
        });
        let checked = check(workspace, progress)
            .and_then(|()| check_features(workspace, progress))
            .and_then(|()| build_tests(workspace, progress));
        if checked.is_err() {
            process::stop();
        }
        let built = match built.join() {
            Ok(built) => built,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        // Of two that failed, the one that was not merely stopped by the other.
        match (checked, built) {
            (Err(error), Err(other)) if error.is::<process::Interrupted>() => Err(other),
            (checked, built) => checked.and(built),
        }
    })?;
    // What is in the binary that is given out, which takes the site.
    progress.step("clippy of the server with the site inside", || {
        let mut cargo = workspace.cargo(["clippy", "--workspace", "--all-targets"]);
        cargo.args(["--features", "taskdeck-server/embed", "--", "-D", "warnings"]);
        process::run(progress, &mut cargo, Show::OnFailure).map(drop)
    })
}

fn build_tests(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let with_nextest = has_nextest(workspace, progress)?;
    progress.step("building the tests", || {
        let mut cargo = if with_nextest {
            workspace.cargo(["nextest", "run", "--workspace", "--no-run"])
        } else {
            workspace.cargo(["test", "--workspace", "--lib", "--bins", "--tests", "--no-run"])
        };
        process::run(progress, &mut cargo, Show::OnFailure)
    })?;
    Ok(())
}

/// What needs no test to run.
fn check(workspace: &Workspace, progress: &Progress) -> Result<()> {
    progress.step("formatting", || {
        process::run(progress, &mut workspace.cargo(["fmt", "--all", "--check"]), Show::OnFailure)
    })?;
    progress.step("direction of dependencies", || deps::check(workspace))?;
    progress.step("clippy", || {
        let mut cargo = workspace.cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
        process::run(progress, &mut cargo, Show::OnFailure)
    })?;
    Ok(())
}

fn check_features(workspace: &Workspace, progress: &Progress) -> Result<()> {
    for (name, args) in MATRIX {
        progress.step(&format!("clippy of the library: {name}"), || {
            let mut cargo = workspace.cargo(["clippy", "--lib"]);
            cargo.args(*args).args(["--", "-D", "warnings"]);
            process::run(progress, &mut cargo, Show::OnFailure)
        })?;
    }
    Ok(())
}

fn unit_tests(workspace: &Workspace, progress: &Progress, env: &[(&str, &str)]) -> Result<Count> {
    let with_nextest = has_nextest(workspace, progress)?;
    let count = progress.step("tests", || {
        let mut cargo = if with_nextest {
            workspace.cargo(["nextest", "run", "--workspace"])
        } else {
            workspace.cargo(["test", "--workspace", "--lib", "--bins", "--tests"])
        };
        let said = process::run(progress, cargo.envs(env.iter().copied()), Show::Always)?;
        Ok(if with_nextest { count::nextest(&said) } else { count::cargo_test(&said) })
    })?;
    if count.passed == 0 {
        bail!("the runner ended well but its summary names no test that passed");
    }
    Ok(count)
}

/// What is run over a pooler too: all that the store does, and what nodes do that hear no messages.
const OVER_A_POOLER: &str =
    "test(/conformance.*postgres/) - test(chance) + test(/^nodes::postgres::(answers::)?[a-z_]+$/)";

/// The tests that need a server, which are marked as ignored and have `postgres` in their paths; then those of the
/// engine, each on a database of its own.
fn postgres_tests(
    workspace: &Workspace,
    progress: &Progress,
    server: &Postgres,
    env: &[(&str, &str)],
) -> Result<(Count, Count)> {
    let with_nextest = has_nextest(workspace, progress)?;
    let run = |name: &str, nextest: &[&str], test: &[&str], store: &[(&str, &str)]| {
        progress.step(name, || {
            let mut cargo = if with_nextest {
                workspace.cargo(["nextest", "run", "--workspace"])
            } else {
                workspace.cargo(["test", "--workspace"])
            };
            cargo.args(if with_nextest { nextest } else { test });
            cargo.envs(env.iter().copied()).env(postgres::VARIABLE, &server.url).envs(store.iter().copied());
            let said = process::run(progress, &mut cargo, Show::Always)?;
            let count = if with_nextest { count::nextest(&said) } else { count::cargo_test(&said) };
            if count.passed == 0 {
                bail!("there is a PostgreSQL server, but no test has run on it");
            }
            Ok(count)
        })
    };
    let mut own = run(
        "tests on PostgreSQL",
        &["--run-ignored", "only", "-E", "test(postgres)"],
        &["--lib", "--bins", "--tests", "--", "--ignored", "postgres"],
        &[],
    )?;
    // Those that kill a process or need a file are about SQLite.
    let engine = run(
        "tests of the engine on PostgreSQL",
        &["-E", "package(taskdeck-engine) & binary(engine) - test(/^(crash|large)::/)"],
        &["--test", "engine", "--", "--skip", "crash::", "--skip", "large::"],
        &[("TASK_TEST_STORE", "postgres")],
    )?;
    let Some(pooler) = pooler::start(progress, server, false)? else { return Ok((own, engine)) };
    let over = run(
        "tests over a pooler",
        &["--run-ignored", "only", "-E", OVER_A_POOLER],
        &["--lib", "--", "--ignored", "conformance"],
        &[(postgres::VARIABLE, &pooler.url)],
    )?;
    own += over;
    Ok((own, engine))
}

fn has_nextest(workspace: &Workspace, progress: &Progress) -> Result<bool> {
    let mut ask: Command = workspace.cargo(["nextest", "--version"]);
    if process::capture(&mut ask).is_ok() {
        return Ok(true);
    }
    let mut install = workspace.cargo(["install", "cargo-nextest", "--locked"]);
    let installed =
        progress.step("installing nextest", || process::run(progress, &mut install, Show::OnFailure));
    match installed {
        Ok(_) => Ok(true),
        Err(error) if error.is::<process::Interrupted>() => Err(error),
        Err(error) => {
            progress.line(&format!("no nextest ({error:#}): the tests run with `cargo test` instead"));
            Ok(false)
        }
    }
}

fn summarise(
    progress: &Progress,
    mut unit: Count,
    postgres: Option<(Count, Count)>,
    doc: Count,
    browser: Option<Count>,
) -> Result<()> {
    let mut parts = Vec::new();
    let mut sum = Count::default();
    if let Some((own, engine)) = postgres {
        // What was left out before is what has run now; what is left out here has run before.
        unit.skipped = unit.skipped.saturating_sub(own.passed + own.failed);
        for count in [own, engine] {
            sum += Count { skipped: 0, ..count };
        }
        parts.push(format!("tests on PostgreSQL {}", sum.passed));
    }
    sum += unit;
    sum += doc;
    parts.insert(0, format!("tests {}", unit.passed));
    parts.push(format!("documentation tests {}", doc.passed));
    if let Some(browser) = browser {
        sum += browser;
        parts.push(format!("browser tests {}", browser.passed));
    }
    progress.line(&format!("passed in {}: {}", progress.total(), parts.join(", ")));
    if sum.skipped > 0 {
        progress.line(&format!("{} skipped", sum.skipped));
    }
    if browser.is_none() {
        progress.line("this was --quick, not the full test: no feature matrix, no site, no browser");
    }
    println!("{} passed, {} failed", sum.passed, sum.failed);
    if sum.failed > 0 {
        bail!("a test was flaky, which counts as failed");
    }
    Ok(())
}
