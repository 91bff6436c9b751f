//! Checks who depends on whom.
//!
//! Two kinds of rules: which of our crates a crate of ours may name (its manifest), and what must not
//! be found anywhere below it (`cargo tree`).

use anyhow::{Result, bail};

use crate::process;
use crate::wasm;
use crate::workspace::{Dependency, Metadata, Workspace};

/// Which of our crates may be named by which. `?` marks what may only be optional.
/// A member that is not in the table is a stranger (an example): it may name `taskdeck` alone.
const ALLOWED: &[(&str, &[&str])] = &[
    ("taskdeck-core", &[]),
    ("taskdeck-macros", &[]),
    ("taskdeck-engine", &["taskdeck-core"]),
    ("taskdeck-axum", &["taskdeck-core", "taskdeck-engine"]),
    ("taskdeck-view", &[]),
    ("taskdeck-ui", &["taskdeck-core", "taskdeck-view", "taskdeck-engine?", "taskdeck-axum?"]),
    (
        "taskdeck-dashboard",
        &["taskdeck-core", "taskdeck-view", "taskdeck-ui", "taskdeck-engine?", "taskdeck-axum?"],
    ),
    (
        "taskdeck",
        &[
            "taskdeck-core",
            "taskdeck-macros",
            "taskdeck-engine?",
            "taskdeck-axum?",
            "taskdeck-ui?",
            "taskdeck-dashboard?",
        ],
    ),
    // What writes views may do so with less code than leptos: `taskdeck-view` stands in its place.
    ("taskdeck-app", &["taskdeck", "taskdeck-view"]),
    ("taskdeck-server", &["taskdeck", "taskdeck-app"]),
    ("taskdeck-frontend", &["taskdeck-app"]),
    ("taskdeck-element", &["taskdeck-core"]),
    ("xtask", &[]),
];
const STRANGER: &[&str] = &["taskdeck"];

/// What must not be found below a crate. A name that ends in `*` stands for all that begin so.
struct Ban {
    package: &'static str,
    /// What to ask `cargo tree` besides the package.
    build: &'static [&'static str],
    what: &'static [&'static str],
    why: &'static str,
}

const EVERY_FEATURE: &[&str] = &["--all-features", "--edges", "normal,build"];

const BANS: &[Ban] = &[
    Ban {
        package: "taskdeck-frontend",
        build: &["--target", wasm::TARGET, "--edges", "normal"],
        what: &["rusqlite", "libsqlite3-sys", "sqlx*", "axum", "hyper", "mio", "socket2"],
        why: "the WASM must not carry the server",
    },
    Ban {
        package: "taskdeck-engine",
        build: EVERY_FEATURE,
        what: &["leptos*", "axum", "axum-*"],
        why: "the engine knows no web",
    },
    Ban {
        package: "taskdeck-core",
        build: EVERY_FEATURE,
        what: &["tokio", "taskdeck*"],
        why: "core is nouns and decisions: no I/O, no runtime",
    },
    Ban {
        package: "taskdeck-axum",
        build: EVERY_FEATURE,
        what: &["leptos*"],
        why: "the routes must nest in an Axum app without Leptos",
    },
];

/// Checks all rules.
///
/// # Errors
/// Names every edge that goes the wrong way.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut wrong = wrong_edges(&workspace.metadata()?);
    for ban in BANS {
        let mut tree = workspace.cargo(["tree", "--prefix", "none", "--format", "{p}"]);
        tree.args(["--package", ban.package]).args(ban.build);
        wrong.extend(banned(ban, &process::capture(&mut tree)?));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("dependencies that go the wrong way:\n  {}", wrong.join("\n  "))
}

/// The edges among our members that the table does not allow. Tests may use what they like.
fn wrong_edges(metadata: &Metadata) -> Vec<String> {
    let is_ours = |name: &str| metadata.packages.iter().any(|package| package.name == name);
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let allowed = ALLOWED.iter().find(|(name, _)| *name == package.name).map_or(STRANGER, |(_, to)| to);
        let edges = package.dependencies.iter();
        for edge in edges.filter(|edge| edge.kind.as_deref() != Some("dev") && is_ours(&edge.name)) {
            wrong.extend(why_wrong(&package.name, edge, allowed));
        }
    }
    wrong
}

fn why_wrong(from: &str, edge: &Dependency, allowed: &[&str]) -> Option<String> {
    let to = &edge.name;
    if allowed.contains(&to.as_str()) {
        return None;
    }
    let only_optional = allowed.iter().any(|name| name.strip_suffix('?') == Some(to.as_str()));
    match (only_optional, edge.optional) {
        (true, true) => None,
        (true, false) => Some(format!("{from} -> {to}: must be optional")),
        (false, _) => {
            let list = if allowed.is_empty() { "none of ours".to_owned() } else { allowed.join(", ") };
            Some(format!("{from} -> {to}: {from} may depend on {list}"))
        }
    }
}

/// The banned crates in a tree printed as `name vX.Y.Z ..` lines.
fn banned(ban: &Ban, tree: &str) -> Vec<String> {
    let mut found: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != ban.package && ban.what.iter().any(|pattern| fits(pattern, name)))
        .collect();
    found.sort_unstable();
    found.dedup();
    let how = ban.build.join(" ");
    found
        .into_iter()
        .map(|name| {
            let Ban { package, why, .. } = ban;
            format!("{package} -> .. -> {name}: {why} (see `cargo tree -p {package} {how} -i {name}`)")
        })
        .collect()
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(edges: &[(&str, &str, bool, Option<&str>)]) -> Metadata {
        let mut packages: Vec<serde_json::Value> = Vec::new();
        for name in ALLOWED.iter().map(|(name, _)| *name).chain(["example"]) {
            let dependencies: Vec<_> = edges
                .iter()
                .filter(|(from, ..)| *from == name)
                .map(|(_, to, optional, kind)| serde_json::json!({ "name": to, "optional": optional, "kind": kind }))
                .collect();
            packages.push(serde_json::json!({ "name": name, "dependencies": dependencies }));
        }
        let all = serde_json::json!({ "packages": packages, "workspace_root": "/", "target_directory": "/" });
        serde_json::from_value(all).expect("it is as cargo prints it")
    }

    #[test]
    fn allowed_edges_strange_crates_and_tests_pass() {
        let metadata = metadata(&[
            ("taskdeck-engine", "taskdeck-core", false, None),
            ("taskdeck-ui", "taskdeck-engine", true, None),
            ("taskdeck-core", "serde", false, None),
            ("taskdeck-macros", "taskdeck", false, Some("dev")),
            ("example", "taskdeck", false, None),
        ]);
        assert_eq!(wrong_edges(&metadata), Vec::<String>::new());
    }

    #[test]
    fn each_wrong_edge_is_named_with_what_is_allowed() {
        let metadata = metadata(&[
            ("taskdeck-core", "taskdeck-engine", false, None),
            ("taskdeck-ui", "taskdeck-engine", false, None),
            ("taskdeck-app", "taskdeck-core", false, Some("build")),
            ("example", "taskdeck-engine", true, None),
        ]);
        assert_eq!(
            wrong_edges(&metadata),
            [
                "taskdeck-core -> taskdeck-engine: taskdeck-core may depend on none of ours",
                "taskdeck-ui -> taskdeck-engine: must be optional",
                "taskdeck-app -> taskdeck-core: taskdeck-app may depend on taskdeck, taskdeck-view",
                "example -> taskdeck-engine: example may depend on taskdeck",
            ]
        );
    }

    #[test]
    fn banned_crates_are_found_once_and_by_whole_names() {
        let tree = "taskdeck-engine v0.1.0 (/x)\ntaskdeck-core v0.1.0\nleptos_dom v0.8.1\nleptos_dom v0.8.1 (*)\n\
                    axum v0.8.9\naxumlike v1.0.0\n";
        let found = banned(&BANS[1], tree);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("taskdeck-engine -> .. -> axum: the engine knows no web"), "{found:?}");
        assert!(found[1].starts_with("taskdeck-engine -> .. -> leptos_dom:"), "{found:?}");
    }
}
