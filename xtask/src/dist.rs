//! `cargo xtask dist`: one binary with everything inside.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::progress::{Progress, size};
use crate::run::sizes;
use crate::server;
use crate::workspace::Workspace;

/// Builds the release and copies its binary to `out/taskdeck`.
pub(crate) fn dist(workspace: &Workspace, progress: &Progress, out: Option<&Path>) -> Result<()> {
    let release = server::build_release(workspace, progress)?;
    let folder = out.map_or_else(|| workspace.target().join("dist"), Path::to_path_buf);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let binary = folder.join("taskdeck");
    // Renamed into place: a running copy of the old one cannot be written over.
    let part = folder.join("taskdeck.part");
    let bytes = fs::copy(&release.binary, &part)
        .and_then(|bytes| fs::rename(&part, &binary).map(|()| bytes))
        .with_context(|| format!("cannot write {}", binary.display()))?;
    let path = binary.display();
    progress.line(&format!("built in {}: {}", progress.total(), sizes(&release.sizes)));
    progress.line(&format!("{path}: {}, with the site inside", size(bytes)));
    progress.line(&format!("start it with: {path} serve   (all settings: {path} serve --help)"));
    Ok(())
}
