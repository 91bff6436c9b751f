//! Puts `examples/leptos-app` together: its WASM, and its server, which for the browser tests is the one that was built with
//! all tests.
//!
//! ```text
//! target/xtask/leptos-app/server
//! target/xtask/leptos-app/site/pkg/example-leptos-app{.js,_bg.wasm}
//! ```

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, Show};
use crate::progress::Progress;
use crate::site::Mode;
use crate::wasm::{self, TARGET};
use crate::workspace::Workspace;

const NAME: &str = "example-leptos-app";

/// Builds the WASM. The site is built before: all that both are made of is compiled by then.
pub(crate) fn build(workspace: &Workspace, progress: &Progress) -> Result<()> {
    progress.step("building the example's WASM", || {
        let mut cargo = workspace.cargo(["rustc", "-p", NAME, "--lib", "--target", TARGET]);
        // As the frontend is built, which is a `cdylib` alone: with an `rlib` too, what is below would be compiled anew.
        cargo.args(["--profile", "wasm-release", "--crate-type", "cdylib"]);
        cargo.args(["--no-default-features", "--features", "hydrate"]);
        process::run(progress, &mut cargo, Show::OnFailure)?;
        let wasm = workspace.target().join(TARGET).join("wasm-release/example_leptos_app.wasm");
        wasm::bindgen(&wasm, NAME, Mode::Release)?
            .generate(here(workspace).join("site/pkg"))
            .context("wasm-bindgen failed")
    })
}

/// The folder with the site that [`build`] made and the server beside it. Cargo has built that with the tests, with the
/// features that the whole workspace has: built alone, it would need all below it once more.
///
/// # Errors
/// When the tests of the workspace were not built.
pub(crate) fn folder(workspace: &Workspace) -> Result<PathBuf> {
    let (built, folder) = (workspace.target().join("debug").join(NAME), here(workspace));
    fs::copy(&built, folder.join("server"))
        .with_context(|| format!("{} is not there: it is built with the tests", built.display()))?;
    Ok(folder)
}

/// Builds the example and becomes its server, for those who have no cargo-leptos. Returns only when that fails.
pub(crate) fn run(workspace: &Workspace, progress: &Progress) -> Result<()> {
    build(workspace, progress)?;
    progress.step("building the example's server", || {
        process::run(progress, &mut workspace.cargo(["build", "-p", NAME]), Show::OnFailure)
    })?;
    let folder = folder(workspace)?;
    let mut serve = Command::new(folder.join("server"));
    serve.current_dir(&folder).env("LEPTOS_OUTPUT_NAME", NAME).env("LEPTOS_SITE_ROOT", folder.join("site"));
    let error = serve.exec();
    Err(process::cannot_start(&serve, &error))
}

fn here(workspace: &Workspace) -> PathBuf {
    workspace.scratch().join("leptos-app")
}
