//! Builds the frontend for the browser: cargo, then the split of the WASM, then wasm-bindgen, both as libraries.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::hash::Hash;
use crate::process::{self, Show};
use crate::progress::Progress;
use crate::shorten;
use crate::site::Mode;
use crate::split;
use crate::workspace::Workspace;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
/// The stem of the glue; the un-hashed names never reach the site.
const NAME: &str = "taskdeck";
/// What the glue imports the loader of the pieces as.
pub(crate) const LINK: &str = "./taskdeck_split.js";
/// What that loader imports the glue as.
pub(crate) const GLUE: &str = "./taskdeck.js";

/// What was built. The files name each other as they were named then; the site gives them other names.
pub(crate) struct Bundle {
    /// The glue. It imports [`LINK`].
    pub(crate) js: Vec<u8>,
    /// What every page needs.
    pub(crate) wasm: Vec<u8>,
    /// Loads the pieces. It imports the glue as [`GLUE`], and names each piece `"./<stem>.wasm"`.
    pub(crate) link: Vec<u8>,
    /// The code that is loaded with the page that needs it, by stem.
    pub(crate) pieces: BTreeMap<String, Vec<u8>>,
    /// Which pieces each page needs, by the page's name.
    pub(crate) pages: BTreeMap<String, Vec<String>>,
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
    let mut cargo = workspace.cargo(["rustc", "-p", "taskdeck-frontend", "--lib", "--target", TARGET]);
    // Where the code is that a page points to: without it nothing can be moved into a file of its own.
    cargo.args(["--profile", profile, "--", "-Clink-arg=--emit-relocs"]);
    process::run(progress, &mut cargo, Show::OnFailure)?;
    let folder = match mode {
        Mode::Release => "wasm-release",
        Mode::Dev => "debug",
    };
    Ok(workspace.target().join(TARGET).join(folder).join("taskdeck_frontend.wasm"))
}

/// Splits the WASM and runs wasm-bindgen, unless it was done before to the same file.
fn bind(workspace: &Workspace, wasm: &Path, mode: Mode) -> Result<Bundle> {
    let input = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let tools =
        [locked(workspace, "wasm-bindgen-cli-support")?, locked(workspace, "wasm_split_cli_support")?];
    let key = Hash::of([&input, tools[0].as_bytes(), tools[1].as_bytes()]);
    let out = bindgen_folder(workspace, mode);
    let stamp = out.join("key");
    if fs::read_to_string(&stamp).ok().as_deref() != Some(key.full()) {
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        split::split(&input, &out)?;
        bindgen(&out.join(split::MAIN), NAME, mode)?
            // What the pieces take from the main file: its memory, its stack, its table.
            .keep_lld_exports(true)
            .generate(&out)
            .context("wasm-bindgen failed")?;
        fs::write(&stamp, key.full())?;
    }
    last(workspace, mode)
}

/// What the last build of this mode made.
pub(crate) fn last(workspace: &Workspace, mode: Mode) -> Result<Bundle> {
    let out = bindgen_folder(workspace, mode);
    let snippets = out.join("snippets");
    let mut pieces = split::pieces(&out)?;
    if mode == Mode::Release {
        pieces.values_mut().for_each(|piece| *piece = split::without_names(piece));
    }
    let mut js = fs::read_to_string(out.join(format!("{NAME}.js")))?;
    let mut wasm = fs::read(out.join(format!("{NAME}_bg.wasm")))?;
    if mode == Mode::Release {
        (wasm, js) = shorten::shorten(&wasm, &js)?;
    }
    Ok(Bundle {
        js: js.into_bytes(),
        wasm,
        link: fs::read(out.join(LINK))?,
        pieces,
        pages: split::pages(&out)?,
        snippets: snippets.is_dir().then_some(snippets),
    })
}

fn bindgen_folder(workspace: &Workspace, mode: Mode) -> PathBuf {
    workspace.scratch().join(format!("bindgen-{mode}"))
}

/// wasm-bindgen as both of our modules want it.
pub(crate) fn bindgen(wasm: &Path, name: &str, mode: Mode) -> Result<Bindgen> {
    let release = mode == Mode::Release;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .web(true)?
        .out_name(name)
        .typescript(false)
        .debug(!release)
        .demangle(!release)
        .remove_name_section(release)
        .remove_producers_section(release)
        // The glue must not guess the address of the WASM: the page gives it the hashed one.
        .omit_default_module_path(true);
    Ok(bindgen)
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
