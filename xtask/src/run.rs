//! `cargo xtask run`: builds the release and becomes the server.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::progress::{Progress, size};
use crate::server;
use crate::site::Sizes;
use crate::workspace::Workspace;

/// Builds, says what came out and starts `taskdeck serve` with `args`. Returns only when that fails.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, args: &[String]) -> Result<()> {
    let release = server::build_release(workspace, progress)?;
    progress.line(&format!("built in {}: {}", progress.total(), sizes(release.sizes)));

    let mut serve = Command::new(&release.binary);
    serve.arg("serve").args(args).current_dir(workspace.root());
    progress.line(&format!("starting {}", process::name_of(&serve)));
    // The server takes our place, so that Ctrl-C, signals and stdin are its own and nobody is left over.
    let error = serve.exec();
    Err(process::cannot_start(&serve, &error))
}

/// The sizes of what a browser loads.
pub(crate) fn sizes(sizes: Sizes) -> String {
    let raw = size(sizes.wasm as u64);
    match sizes.wasm_brotli {
        Some(brotli) => format!("WASM {raw}, {} with brotli", size(brotli as u64)),
        None => format!("WASM {raw}"),
    }
}
