//! Finds a Chromium for the browser tests, and installs one if there is none.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process::{self, Interrupted, Show};
use crate::progress::Progress;
use crate::workspace::Workspace;

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// A browser that cannot even say its version in this time will not run a test.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
/// Without a network the download does not fail, it hangs.
const DOWNLOAD_WITHIN: Duration = Duration::from_secs(120);
const PACKAGES_WITHIN: Duration = Duration::from_secs(600);

const MISSING: &str = "no Chromium: install one (Debian, Ubuntu: `apt-get install chromium`; \
    macOS: `brew install --cask google-chrome`), or run `npx playwright install --with-deps chromium` in end2end, \
    or name one in CHROMIUM_PATH";

/// `CHROMIUM_PATH`; else the machine's; else Playwright's own; else Debian's package.
pub(crate) fn find(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM_PATH") {
        let named = PathBuf::from(named);
        return match works(progress, &named) {
            true => Ok(named),
            false => bail!("CHROMIUM_PATH is {}, which does not run", named.display()),
        };
    }
    let ways: [fn(&Workspace, &Progress) -> Option<PathBuf>; 4] =
        [machines, playwrights, install_playwrights, install_debians];
    for way in ways {
        if let Some(found) = way(workspace, progress) {
            return Ok(found);
        }
        if process::stopped() {
            bail!(Interrupted);
        }
    }
    bail!(MISSING)
}

fn machines(_: &Workspace, progress: &Progress) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    on_path(&folders, |path| works(progress, path))
}

/// By name first: `chromium` in a late folder before `google-chrome` in an early one.
fn on_path(folders: &[PathBuf], works: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let candidates = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.filter(|path| path.is_file()).find(|path| works(path))
}

/// The one that Playwright has downloaded before, if it runs.
fn playwrights(workspace: &Workspace, progress: &Progress) -> Option<PathBuf> {
    let mut node = Command::new("node");
    node.current_dir(workspace.end2end());
    node.args(["-p", "require('@playwright/test').chromium.executablePath()"]);
    let path = PathBuf::from(process::capture(&mut node).ok()?.trim());
    (path.is_file() && works(progress, &path)).then_some(path)
}

fn install_playwrights(workspace: &Workspace, progress: &Progress) -> Option<PathBuf> {
    let mut install = playwright(workspace);
    install.args(["install", "chromium"]);
    attempt(progress, &mut install, DOWNLOAD_WITHIN)?;
    let found = playwrights(workspace, progress);
    if found.is_none() {
        progress.line("Playwright's Chromium does not run here (libraries of the system are missing)");
    }
    found
}

fn install_debians(workspace: &Workspace, progress: &Progress) -> Option<PathBuf> {
    if !is_root() {
        return None;
    }
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    attempt(progress, apt().arg("update"), PACKAGES_WITHIN)?;
    attempt(progress, apt().args(["install", "-y", "--no-install-recommends", "chromium"]), PACKAGES_WITHIN)?;
    machines(workspace, progress)
}

/// Playwright's command line from `end2end/node_modules`, without npx between it and our signals.
pub(crate) fn playwright(workspace: &Workspace) -> Command {
    let mut node = Command::new("node");
    node.current_dir(workspace.end2end()).arg("node_modules/@playwright/test/cli.js");
    node
}

/// One way of several: when it fails, that is said in a line and the next one is tried.
fn attempt(progress: &Progress, command: &mut Command, limit: Duration) -> Option<()> {
    match process::run_within(progress, command, Show::Never, limit) {
        Ok(_) => Some(()),
        Err(error) => {
            progress.line(&format!("{error:#}"));
            None
        }
    }
}

fn works(progress: &Progress, path: &Path) -> bool {
    let mut ask = Command::new(path);
    ask.arg("--version");
    process::run_within(progress, &mut ask, Show::Never, ANSWERS_WITHIN).is_ok()
}

fn is_root() -> bool {
    process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_first_name_that_runs_is_taken_whatever_the_order_of_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        for path in [one.join("google-chrome"), two.join("chromium"), two.join("chromium-browser")] {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        let folders = [one.clone(), two.clone()];
        let find = |works: &dyn Fn(&Path) -> bool| on_path(&folders, works);
        assert_eq!(find(&|_| true), Some(two.join("chromium")));
        assert_eq!(find(&|path| path.starts_with(&one)), Some(one.join("google-chrome")));
        assert_eq!(find(&|_| false), None);
    }
}
