//! Where the workspace lies, and how cargo is called in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// What cargo says of every package: enough to check the direction of the edges among ours.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// One member of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One edge out of a member, as its manifest declares it.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` is a normal dependency; otherwise `dev` or `build`.
    pub(crate) kind: Option<String>,
    pub(crate) optional: bool,
}

/// The paths that every command needs.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Asks cargo, so that `CARGO_TARGET_DIR` and `build.target-dir` are respected.
    pub(crate) fn find() -> Result<Self> {
        let metadata = Metadata::read(&manifest_dir())?;
        Ok(Self { root: metadata.workspace_root, target: metadata.target_directory })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where xtask keeps what it may throw away: caches, stamps, logs of servers it started.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The folder of the browser tests.
    pub(crate) fn end2end(&self) -> PathBuf {
        self.root.join("end2end")
    }

    /// What cargo knows of our members.
    pub(crate) fn metadata(&self) -> Result<Metadata> {
        Metadata::read(&self.root)
    }

    /// `cargo` in the root of the workspace.
    pub(crate) fn cargo<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut command = cargo_in(&self.root);
        command.args(args);
        command
    }
}

impl Metadata {
    fn read(folder: &Path) -> Result<Self> {
        let mut command = cargo_in(folder);
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let json = process::capture(&mut command)?;
        serde_json::from_str(&json).context("cannot read the answer of `cargo metadata`")
    }
}

/// A cargo that is not told what the cargo which runs xtask told xtask: with the outer package's
/// variables in the environment some build scripts would run again on every call.
fn cargo_in(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command.current_dir(folder);
    command
}

/// Cargo names the folder of the package it runs; the compile-time path serves a binary started by hand.
fn manifest_dir() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}
