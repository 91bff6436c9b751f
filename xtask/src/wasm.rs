//! Builds the frontend for the browser: cargo, then wasm-bindgen as a library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::hash::Hash;
use crate::process::{self, Show};
use crate::progress::Progress;
use crate::site::Mode;
use crate::workspace::Workspace;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
/// The stem of the glue; the un-hashed names never reach the site.
const NAME: &str = "taskdeck";

/// What wasm-bindgen made.
pub(crate) struct Bundle {
    pub(crate) js: Vec<u8>,
    pub(crate) wasm: Vec<u8>,
    /// The folder with the JavaScript snippets of the crates, when there are any.
    pub(crate) snippets: Option<PathBuf>,
}

/// Builds the frontend in the given mode.
pub(crate) fn build(workspace: &Workspace, progress: &Progress, mode: Mode) -> Result<Bundle> {
    same_version(workspace)?;
    ensure_target(workspace, progress)?;
    let wasm = progress.step("building the WASM", || compile(workspace, progress, mode))?;
    progress.step("making the JavaScript glue", || bind(workspace, &wasm, mode))
}

/// Adds the target to the toolchain. Not only for rustup: a distribution's rustc may have it too.
pub(crate) fn ensure_target(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let mut ask = Command::new("rustc");
    ask.current_dir(workspace.root()).args(["--print", "target-libdir", "--target", TARGET]);
    let installed = process::capture(&mut ask).is_ok_and(|path| Path::new(path.trim()).is_dir());
    if installed {
        return Ok(());
    }
    progress.step("installing the WASM target", || {
        let mut add = Command::new("rustup");
        add.current_dir(workspace.root()).args(["target", "add", TARGET]);
        process::run(progress, &mut add, Show::OnFailure)
            .with_context(|| format!("rustc has no target {TARGET}; without rustup, install it as rustc was"))
    })?;
    Ok(())
}

fn compile(workspace: &Workspace, progress: &Progress, mode: Mode) -> Result<PathBuf> {
    let profile = match mode {
        Mode::Release => "wasm-release",
        Mode::Dev => "dev",
    };
    let mut cargo = workspace.cargo(["build", "-p", "taskdeck-frontend", "--lib", "--target", TARGET]);
    cargo.args(["--profile", profile]);
    process::run(progress, &mut cargo, Show::OnFailure)?;
    let folder = match mode {
        Mode::Release => "wasm-release",
        Mode::Dev => "debug",
    };
    Ok(workspace.target().join(TARGET).join(folder).join("taskdeck_frontend.wasm"))
}

/// Runs wasm-bindgen, unless it was run before on the same file.
fn bind(workspace: &Workspace, wasm: &Path, mode: Mode) -> Result<Bundle> {
    let input = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let key = Hash::of([&input, locked(workspace, "wasm-bindgen-cli-support")?.as_bytes()]);
    let out = bindgen_folder(workspace, mode);
    let stamp = out.join("key");
    if fs::read_to_string(&stamp).ok().as_deref() != Some(key.full()) {
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        generate(wasm, &out, mode)?;
        fs::write(&stamp, key.full())?;
    }
    last(workspace, mode)
}

/// What the last build of this mode made.
pub(crate) fn last(workspace: &Workspace, mode: Mode) -> Result<Bundle> {
    let out = bindgen_folder(workspace, mode);
    let snippets = out.join("snippets");
    Ok(Bundle {
        js: fs::read(out.join(format!("{NAME}.js")))?,
        wasm: fs::read(out.join(format!("{NAME}_bg.wasm")))?,
        snippets: snippets.is_dir().then_some(snippets),
    })
}

fn bindgen_folder(workspace: &Workspace, mode: Mode) -> PathBuf {
    workspace.scratch().join(format!("bindgen-{mode}"))
}

fn generate(wasm: &Path, out: &Path, mode: Mode) -> Result<()> {
    let release = mode == Mode::Release;
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .out_name(NAME)
        .typescript(false)
        .debug(!release)
        .demangle(!release)
        .remove_name_section(release)
        .remove_producers_section(release)
        // The glue must not guess the address of the WASM: the page gives it the hashed one.
        .omit_default_module_path(true)
        .generate(out)
        .context("wasm-bindgen failed")
}

/// wasm-bindgen's macro and its tool speak a format that changes with every version.
fn same_version(workspace: &Workspace) -> Result<()> {
    let library = locked(workspace, "wasm-bindgen")?;
    let tool = locked(workspace, "wasm-bindgen-cli-support")?;
    if library != tool {
        bail!(
            "Cargo.lock has wasm-bindgen {library} and wasm-bindgen-cli-support {tool}, which must be one version: \
             set both to `=` the same in Cargo.toml and xtask/Cargo.toml"
        );
    }
    Ok(())
}

fn locked(workspace: &Workspace, package: &str) -> Result<String> {
    let lock = fs::read_to_string(workspace.root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    version_in(&lock, package).ok_or_else(|| anyhow!("Cargo.lock does not have {package}"))
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = \"")?;
    Some(version.trim_end_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_locked_package_is_found_by_its_whole_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(lock, "wasm"), None);
    }
}
