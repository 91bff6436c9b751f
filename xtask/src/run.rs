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
    progress.line(&format!("built in {}: {}", progress.total(), sizes(&release.sizes)));

    let mut serve = Command::new(&release.binary);
    serve.arg("serve").args(args).current_dir(workspace.root());
    progress.line(&format!("starting {}", process::name_of(&serve)));
    // The server takes our place, so that Ctrl-C, signals and stdin are its own and nobody is left over.
    let error = serve.exec();
    Err(process::cannot_start(&serve, &error))
}

/// The sizes of what a browser loads: the least and the most of a first load, over all pages.
pub(crate) fn sizes(sizes: &Sizes) -> String {
    let size = |bytes: usize| size(bytes as u64);
    let all = format!("all WASM is {}", size(sizes.raw));
    let (least, most) = (sizes.first.values().min(), sizes.first.values().max());
    let (Some(least), Some(most)) = (least, most) else { return all };
    format!(
        "a first load is {} to {} of WASM and {} besides; {all}",
        size(*least),
        size(*most),
        size(sizes.besides)
    )
}
