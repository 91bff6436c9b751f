//! Where the site comes from: the binary itself (feature `embed`), else the folder that `cargo xtask` built, else the
//! one that `cargo leptos watch` writes.

use std::collections::BTreeMap;
#[cfg(not(feature = "embed"))]
use std::path::{Path, PathBuf};
#[cfg(not(feature = "embed"))]
use std::sync::Arc;

use anyhow::{Context, Result, bail};
#[cfg(not(feature = "embed"))]
use taskdeck_app::Assets;

use super::file::Content;
use super::{MANIFEST, Site};

type Files = BTreeMap<String, Content>;

/// The site of these files, with the addresses that its manifest names.
pub(super) fn with_manifest(files: Files) -> Result<Site> {
    let Some(Content::Kept(manifest)) = files.get(MANIFEST) else {
        bail!("the site has no {MANIFEST}; build the site with `cargo xtask run`");
    };
    let assets = serde_json::from_slice(manifest)
        .with_context(|| format!("the site's {MANIFEST} cannot be read; build it with `cargo xtask run`"))?;
    Site::new(files, assets)
}

#[cfg(feature = "embed")]
#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../target/site"]
struct Embedded;

#[cfg(feature = "embed")]
pub(super) fn load() -> Result<Site> {
    use std::borrow::Cow;

    use axum::body::Bytes;

    let read = |name: Cow<'static, str>| {
        let bytes = match Embedded::get(&name)?.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        Some((name.into_owned(), Content::Kept(bytes)))
    };
    with_manifest(Embedded::iter().filter_map(read).collect())
}

#[cfg(not(feature = "embed"))]
pub(super) fn load() -> Result<Site> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = variable("TASKDECK_SITE") {
        return built(Path::new(&folder));
    }
    match (variable("LEPTOS_SITE_ROOT"), std::env::var("LEPTOS_OUTPUT_NAME")) {
        (Some(root), Ok(name)) => watched(Path::new(&root), &name),
        _ => built(Path::new("target/site")),
    }
}

/// The site that `cargo xtask` built: read whole, so that what is served fits together.
#[cfg(not(feature = "embed"))]
fn built(folder: &Path) -> Result<Site> {
    if !folder.join(MANIFEST).is_file() {
        bail!(
            "there is no site in {} ({MANIFEST} is missing); build the site with `cargo xtask run`, \
             or name its folder in TASKDECK_SITE",
            folder.display()
        );
    }
    let mut files = Files::new();
    for (name, path) in list(folder, "")? {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        files.insert(name, Content::Kept(bytes.into()));
    }
    with_manifest(files)
}

/// The site of `cargo leptos watch`: no hashes in its names, no manifest, and written again while we run.
#[cfg(not(feature = "embed"))]
fn watched(root: &Path, output: &str) -> Result<Site> {
    let folder = std::env::var("LEPTOS_SITE_PKG_DIR").unwrap_or_else(|_| "pkg".to_owned());
    let address = |end: &str| format!("/{folder}/{output}.{end}");
    let assets = Assets {
        js: address("js"),
        wasm: address("wasm"),
        css: address("css"),
        pages: Arc::default(),
        build: "watched".to_owned(),
    };
    let files = list(root, "")?.into_iter().map(|(name, path)| (name, Content::Watched(path)));
    Site::new(files.collect(), assets)
}

/// The files below a folder, by their path from it, with `/`.
#[cfg(not(feature = "embed"))]
fn list(folder: &Path, prefix: &str) -> Result<Vec<(String, PathBuf)>> {
    let cannot = || format!("cannot read {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files.extend(list(&entry.path(), &format!("{name}/"))?);
        } else {
            files.push((name, entry.path()));
        }
    }
    Ok(files)
}
