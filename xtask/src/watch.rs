//! Sees which sources changed, by looking at their times.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What is watched: the folders of the sources, and the files that say how they are built.
const WATCHED: [&str; 8] =
    ["app", "server", "frontend", "crates", "style", "public", "Cargo.toml", "Cargo.lock"];
const IGNORED: [&str; 2] = ["target", "node_modules"];

/// The sources at one moment, by their path from the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, (SystemTime, u64)>);

impl Snapshot {
    /// Looks at every watched file under `root`.
    pub(crate) fn take(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        for name in WATCHED {
            look(root, Path::new(name), &mut files);
        }
        Self(files)
    }

    /// The paths that were added, removed or written since `before`.
    pub(crate) fn changed_since<'a>(&'a self, before: &'a Self) -> Vec<&'a Path> {
        let written = self.0.iter().filter(|(path, seen)| before.0.get(*path) != Some(*seen));
        let removed = before.0.iter().filter(|(path, _)| !self.0.contains_key(*path));
        written.chain(removed).map(|(path, _)| path.as_path()).collect()
    }
}

/// A file that vanishes while we look was removed: no error.
fn look(root: &Path, path: &Path, files: &mut BTreeMap<PathBuf, (SystemTime, u64)>) {
    let Ok(meta) = fs::metadata(root.join(path)) else { return };
    if !meta.is_dir() {
        let written = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        files.insert(path.to_owned(), (written, meta.len()));
        return;
    }
    let Ok(entries) = fs::read_dir(root.join(path)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let text = name.to_string_lossy();
        // Hidden files and back-ups are an editor's.
        if !text.starts_with('.') && !text.ends_with('~') && !IGNORED.contains(&text.as_ref()) {
            look(root, &path.join(&name), files);
        }
    }
}

/// What has to be built again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The style sheet and `public/`.
    pub(crate) site: bool,
    pub(crate) wasm: bool,
    pub(crate) server: bool,
}

impl Plan {
    pub(crate) const ALL: Self = Self { site: true, wasm: true, server: true };

    /// What a change to these paths asks for.
    pub(crate) fn of<'a>(changed: impl IntoIterator<Item = &'a Path>) -> Self {
        let plans = changed.into_iter().map(|path| {
            let first = path.iter().next().unwrap_or_default();
            match first.to_string_lossy().as_ref() {
                "style" | "public" => Self { site: true, ..Self::default() },
                "frontend" => Self { wasm: true, ..Self::default() },
                "server" => Self { server: true, ..Self::default() },
                // The sheets of a crate.
                _ if path.extension().is_some_and(|kind| kind == "css") => {
                    Self { site: true, ..Self::default() }
                }
                _ => Self { wasm: true, server: true, ..Self::default() },
            }
        });
        plans.fold(Self::default(), Self::and)
    }

    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            site: self.site || other.site,
            wasm: self.wasm || other.wasm,
            server: self.server || other.server,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_added_and_removed_files_are_seen_and_ignored_ones_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("app/src")).expect("a folder");
        fs::create_dir_all(root.join("app/target")).expect("a folder");
        fs::write(root.join("app/src/a.rs"), "1").expect("a file");
        fs::write(root.join("app/src/b.rs"), "1").expect("a file");
        let before = Snapshot::take(root);
        assert_eq!(Snapshot::take(root), before);

        fs::write(root.join("app/src/a.rs"), "22").expect("a file");
        fs::remove_file(root.join("app/src/b.rs")).expect("it was there");
        fs::write(root.join("Cargo.toml"), "").expect("a file");
        for ignored in ["app/target/x", "app/src/.a.rs.swp", "app/src/a.rs~", "README.md"] {
            fs::write(root.join(ignored), "").expect("a file");
        }
        let after = Snapshot::take(root);
        let changed = after.changed_since(&before);
        assert_eq!(changed, ["Cargo.toml", "app/src/a.rs", "app/src/b.rs"].map(Path::new));
    }

    #[test]
    fn only_what_a_change_touches_is_built() {
        let of = |paths: &[&str]| Plan::of(paths.iter().map(Path::new));
        assert_eq!(of(&[]), Plan::default());
        for sheet in ["style/main.css", "crates/ui/style/form.css"] {
            assert_eq!(of(&[sheet]), Plan { site: true, ..Plan::default() });
        }
        assert_eq!(of(&["server/src/main.rs"]), Plan { server: true, ..Plan::default() });
        assert_eq!(
            of(&["public/x.svg", "frontend/src/lib.rs"]),
            Plan { site: true, wasm: true, server: false }
        );
        assert_eq!(of(&["crates/ui/src/lib.rs"]), Plan { site: false, wasm: true, server: true });
    }
}
