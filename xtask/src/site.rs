//! Builds the site: the WASM, its glue, the style sheet and `public/`, laid out as the server serves it.
//!
//! ```text
//! target/site/                 (target/site-dev for `cargo xtask dev`)
//!   manifest.json              {"js", "wasm", "css": "/pkg/..", "build": hash of all}
//!   favicon.svg, robots.txt    all of public/
//!   pkg/taskdeck.<hash>.{js,wasm,css}
//!   pkg/snippets/..            when wasm-bindgen made any
//!   embed/..                   <task-progress>, see `element`
//!   **.br                      release only, beside each js, wasm, css and svg over 1 KB
//! ```
//!
//! The folder is made beside the old one and renamed into its place. When nothing changed the old one
//! stays, with its times, so that a server which embeds it is not built again.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::compress::Cache;
use crate::css;
use crate::element;
use crate::hash::Hash;
use crate::progress::Progress;
use crate::wasm::{self, Bundle};
use crate::workspace::Workspace;

/// Smaller files are sent as they are.
const COMPRESS_OVER: usize = 1024;
const COMPRESSED: [&str; 4] = ["js", "wasm", "css", "svg"];

/// For whom the site is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Small and compressed, for the embedded site.
    Release,
    /// Fast to build, with names in stack traces.
    Dev,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Release => "release",
            Self::Dev => "dev",
        })
    }
}

/// What the server reads to know the names of the files.
#[derive(Debug, Serialize)]
struct Manifest {
    js: String,
    wasm: String,
    css: String,
    build: String,
}

/// What was built, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) wasm: usize,
    /// `None` in a dev build.
    pub(crate) wasm_brotli: Option<usize>,
}

/// Where the site of this mode lies. The server embeds it from there, whatever cargo's target folder is.
pub(crate) fn folder(workspace: &Workspace, mode: Mode) -> PathBuf {
    let name = match mode {
        Mode::Release => "site",
        Mode::Dev => "site-dev",
    };
    workspace.root().join("target").join(name)
}

/// Builds the site.
pub(crate) fn build(workspace: &Workspace, progress: &Progress, mode: Mode) -> Result<Sizes> {
    let bundle = wasm::build(workspace, progress, mode)?;
    let element = element::build(workspace, progress, mode)?;
    assemble(workspace, progress, mode, &bundle, element)
}

/// Builds the site around the WASM of the last build: what a change to `style/` or `public/` needs.
pub(crate) fn restyle(workspace: &Workspace, progress: &Progress, mode: Mode) -> Result<Sizes> {
    assemble(workspace, progress, mode, &wasm::last(workspace, mode)?, element::last(workspace, mode)?)
}

fn assemble(
    workspace: &Workspace,
    progress: &Progress,
    mode: Mode,
    bundle: &Bundle,
    element: Files,
) -> Result<Sizes> {
    let css =
        progress.step("bundling the style", || css::bundle(&workspace.root().join("style/main.css")))?;
    progress.step("laying out the site", || {
        let mut files = lay_out(&workspace.root().join("public"), bundle, css.into_bytes())?;
        files.extend(element);
        if mode == Mode::Release {
            compress(&mut files, &workspace.scratch().join("brotli"))?;
            element::check_size(&files)?;
        }
        write(&folder(workspace, mode), &files)?;
        let size_of =
            |end: &str| files.iter().find(|(name, _)| name.ends_with(end)).map(|(_, bytes)| bytes.len());
        Ok(Sizes { wasm: bundle.wasm.len(), wasm_brotli: size_of(".wasm.br") })
    })
}

/// The files of a site by their path from its root, with `/`.
type Files = BTreeMap<String, Vec<u8>>;

/// Gives each file its name, and writes the manifest.
fn lay_out(public: &Path, bundle: &Bundle, css: Vec<u8>) -> Result<Files> {
    let mut files = Files::new();
    add_folder(&mut files, public, "")?;
    if let Some(snippets) = &bundle.snippets {
        add_folder(&mut files, snippets, "pkg/snippets/")?;
    }
    let mut add = |bytes: Vec<u8>, extension: &str| {
        let name = format!("pkg/taskdeck.{}.{extension}", Hash::of([&bytes]).short());
        let address = format!("/{name}");
        files.insert(name, bytes);
        address
    };
    let js = add(bundle.js.clone(), "js");
    let wasm = add(bundle.wasm.clone(), "wasm");
    let css = add(css, "css");
    let all: Hash = files.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]).collect();
    let manifest = Manifest { js, wasm, css, build: all.short().to_owned() };
    files.insert("manifest.json".to_owned(), serde_json::to_vec_pretty(&manifest)?);
    Ok(files)
}

fn add_folder(files: &mut Files, folder: &Path, prefix: &str) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Hidden files are an editor's or a desktop's, never the site's.
        if name.starts_with('.') && name != ".well-known" {
            continue;
        }
        if entry.path().is_dir() {
            add_folder(files, &entry.path(), &format!("{prefix}{name}/"))?;
        } else {
            files.insert(format!("{prefix}{name}"), fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn compress(files: &mut Files, cache: &Path) -> Result<()> {
    let mut cache = Cache::open(cache.to_owned())?;
    let mut compressed = Files::new();
    for (name, bytes) in files.iter() {
        let wanted =
            Path::new(name).extension().is_some_and(|end| COMPRESSED.iter().any(|known| end == *known));
        if wanted && bytes.len() > COMPRESS_OVER {
            compressed.insert(format!("{name}.br"), cache.compress(bytes)?);
        }
    }
    files.append(&mut compressed);
    cache.close()
}

/// Puts the files in place of the old folder, unless they are the same.
fn write(site: &Path, files: &Files) -> Result<()> {
    let mut old = Files::new();
    if site.is_dir() {
        add_folder(&mut old, site, "")?;
    }
    if old == *files {
        return Ok(());
    }
    let new = site.with_extension("new");
    let gone = site.with_extension("old");
    for left_over in [&new, &gone] {
        if left_over.exists() {
            fs::remove_dir_all(left_over)?;
        }
    }
    for (name, bytes) in files {
        let path = new.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if site.exists() {
        fs::rename(site, &gone)?;
    }
    fs::rename(&new, site).with_context(|| format!("cannot put {} in place", site.display()))?;
    if gone.exists() {
        fs::remove_dir_all(&gone)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(js: &str) -> Bundle {
        Bundle { js: js.as_bytes().to_vec(), wasm: b"\0asm".repeat(1000), snippets: None }
    }

    fn public() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("icons")).expect("a folder");
        fs::write(folder.path().join("icons/a.svg"), "<svg/>").expect("a file");
        fs::write(folder.path().join(".DS_Store"), "").expect("a file");
        folder
    }

    #[test]
    fn files_are_named_after_their_contents_and_the_manifest_names_them() {
        let public = public();
        let files = lay_out(public.path(), &bundle("one"), b"a{}".to_vec()).expect("a site");
        let manifest: BTreeMap<String, String> =
            serde_json::from_slice(&files["manifest.json"]).expect("json");
        for kind in ["js", "wasm", "css"] {
            let name = manifest[kind].strip_prefix('/').expect("an address from the root");
            assert!(name.starts_with("pkg/taskdeck.") && name.ends_with(kind), "{name}");
            assert!(files.contains_key(name), "{name}");
        }
        assert!(files.contains_key("icons/a.svg"));
        assert!(!files.contains_key(".DS_Store"));

        let other = lay_out(public.path(), &bundle("two"), b"a{}".to_vec()).expect("a site");
        let changed: BTreeMap<String, String> =
            serde_json::from_slice(&other["manifest.json"]).expect("json");
        assert_ne!(manifest["js"], changed["js"]);
        assert_ne!(manifest["build"], changed["build"]);
        assert_eq!(manifest["wasm"], changed["wasm"]);
    }

    #[test]
    fn only_large_text_and_wasm_are_compressed() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut files =
            lay_out(public().path(), &bundle("small"), b"a{color:red}".repeat(200)).expect("a site");
        compress(&mut files, folder.path()).expect("it compresses");
        let compressed: Vec<_> = files.keys().filter(|name| name.ends_with(".br")).collect();
        assert_eq!(compressed.len(), 2, "{compressed:?}");
    }

    #[test]
    fn an_unchanged_site_keeps_its_files_and_a_changed_one_loses_old_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let site = folder.path().join("site");
        let public = public();
        let one = lay_out(public.path(), &bundle("one"), Vec::new()).expect("a site");
        write(&site, &one).expect("it is written");
        let marked = site.join(".marked");
        fs::write(&marked, "").expect("a file");
        write(&site, &one).expect("it is left alone");
        assert!(marked.exists());

        let two = lay_out(public.path(), &bundle("two"), Vec::new()).expect("a site");
        write(&site, &two).expect("it is replaced");
        let mut found = Files::new();
        add_folder(&mut found, &site, "").expect("a site");
        assert_eq!(found, two);
        assert!(!marked.exists() && !folder.path().join("site.old").exists());
    }
}
