//! `cargo xtask dev`: builds for debugging, serves, and does both again when a source changes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{self, Interrupted};
use crate::progress::Progress;
use crate::server::{self, Server};
use crate::site::{self, Mode};
use crate::watch::{Plan, Snapshot};
use crate::workspace::Workspace;

const LOOK_EVERY: Duration = Duration::from_millis(400);
const BIND: &str = "127.0.0.1:3000";

/// Builds, serves and watches until Ctrl-C. A build that fails leaves the old server running.
pub(crate) fn dev(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let bind = std::env::var("TASK_BIND").unwrap_or_else(|_| BIND.to_owned());
    let bind: SocketAddr =
        bind.parse().with_context(|| format!("TASK_BIND is {bind:?}, not an address and port"))?;
    let mut running: Option<Server> = None;
    let mut plan = Plan::ALL;
    loop {
        // Taken before the build: what is edited while it runs is a change.
        let seen = Snapshot::take(workspace.root());
        match build(workspace, progress, plan).and_then(|()| restart(workspace, progress, bind, &mut running))
        {
            Ok(()) => {
                progress.line(&format!("serving http://{bind}, watching for changes"));
                plan = Plan::default();
            }
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                let server = if running.is_some() { "the old server still runs" } else { "no server runs" };
                progress.line(&format!("{error:#}; {server}, waiting for a change"));
            }
        }
        // What failed is built again together with what changed.
        plan = plan.and(wait_for_change(workspace, progress, &seen, &mut running)?);
    }
}

fn build(workspace: &Workspace, progress: &Progress, plan: Plan) -> Result<()> {
    if plan.wasm {
        site::build(workspace, progress, Mode::Dev)?;
    } else if plan.site {
        site::restyle(workspace, progress, Mode::Dev)?;
    }
    if plan.server {
        server::build_dev(workspace, progress)?;
    }
    Ok(())
}

/// The old server has to end first: it holds the port and the database.
fn restart(
    workspace: &Workspace,
    progress: &Progress,
    bind: SocketAddr,
    running: &mut Option<Server>,
) -> Result<()> {
    if let Some(old) = running.take() {
        progress.step("stopping the old server", || {
            old.stop();
            Ok(())
        })?;
    }
    let mut serve = Command::new(server::dev_binary(workspace));
    serve.arg("serve").current_dir(workspace.root()).env("TASK_BIND", bind.to_string());
    serve.env("TASKDECK_DEV", "1").env("TASKDECK_SITE", site::folder(workspace, Mode::Dev));
    *running = Some(Server::start(&mut serve, reachable(bind))?);
    Ok(())
}

/// Where we ask for the health of a server that listens at `bind`.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = if bind.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { bind.ip() };
    SocketAddr::new(ip, bind.port())
}

/// Waits for a change, and then until nothing more changes: an editor or git writes many files.
fn wait_for_change(
    workspace: &Workspace,
    progress: &Progress,
    seen: &Snapshot,
    running: &mut Option<Server>,
) -> Result<Plan> {
    let mut before = seen.clone();
    loop {
        if process::stopped() {
            bail!(Interrupted);
        }
        if let Some(server) = running.as_mut()
            && let Some(status) = server.ended()?
        {
            progress.line(&format!("the server ended by itself ({status}), waiting for a change"));
            *running = None;
        }
        let now = Snapshot::take(workspace.root());
        let changed = now.changed_since(seen);
        if now == before
            && let Some(first) = changed.first()
        {
            let more =
                if changed.len() > 1 { format!(" and {} more", changed.len() - 1) } else { String::new() };
            progress.line(&format!("changed: {}{more}", first.display()));
            return Ok(Plan::of(changed));
        }
        before = now;
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_loopback() {
        let of = |bind: &str| reachable(bind.parse().expect("an address")).to_string();
        assert_eq!(of("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(of("127.0.0.1:3000"), "127.0.0.1:3000");
    }
}
