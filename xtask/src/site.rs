//! Builds the site: the WASM, its glue, the style sheet and `public/`, laid out as the server serves it.
//!
//! ```text
//! target/site/                 (target/site-dev for `cargo xtask dev`)
//!   manifest.json              {"js", "wasm", "css": "/pkg/..", "pages": {page: ["/pkg/.."]}, "build": hash of all}
//!   favicon.svg, robots.txt    all of public/
//!   pkg/taskdeck.<hash>.{js,wasm,css}
//!   pkg/split.<hash>.js        loads the pieces of the WASM that a page needs besides
//!   pkg/page_<page>.<hash>.wasm  all pieces of a page, see `pack`
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
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::compress::Cache;
use crate::css;
use crate::element;
use crate::hash::Hash;
use crate::pack::{self, Packs, When};
use crate::progress::Progress;
use crate::wasm::{self, Bundle};
use crate::workspace::Workspace;

/// The most that a page may load before anybody uses it, in bytes: its WASM, compressed.
const WASM_MOST: usize = 250_000;
/// The most that is loaded besides: the style and the glue. With the WASM, and the page itself, it is 300 KB.
const BESIDES_MOST: usize = 35_000;
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
    /// What each page needs besides the WASM.
    pages: BTreeMap<String, [String; 1]>,
    build: String,
}

/// What a browser loads, in bytes: compressed where the site is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// All WASM there is, as it is run: what every page needs, and what each page needs besides, which overlaps.
    pub(crate) raw: usize,
    /// The style sheet, the glue, and the loader of the pieces.
    pub(crate) besides: usize,
    /// The WASM of a first load, by page: what every page needs, and the page's own pieces.
    pub(crate) first: BTreeMap<String, usize>,
    /// The WASM of the parts of a page that come when it is live.
    pub(crate) live: BTreeMap<String, usize>,
    /// The WASM of those that come when they are used.
    pub(crate) used: BTreeMap<String, usize>,
}

impl Sizes {
    fn of(files: &Files, manifest: &Manifest) -> Self {
        let sent = |address: &str| {
            let name = address.trim_start_matches('/');
            files.get(&format!("{name}.br")).or_else(|| files.get(name)).map_or(0, Vec::len)
        };
        // What pages elsewhere load is no part of the app.
        let is_ours = |name: &&String| !name.starts_with("embed/");
        let is_besides = |name: &&String| is_ours(name) && (name.ends_with(".js") || name.ends_with(".css"));
        let shared = sent(&manifest.wasm);
        let own = |packs: &[String; 1]| packs.iter().map(|pack| sent(pack)).sum::<usize>();
        let (mut first, mut live, mut used) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (name, packs) in &manifest.pages {
            // Parts that come together have one pack.
            match pack::part_of(name, manifest.pages.keys()) {
                Some((When::Live, page)) => live.insert(page.clone(), own(packs)),
                Some((When::Used, page)) => used.insert(page.clone(), own(packs)),
                Some((When::Rare, _)) => None,
                None => first.insert(name.clone(), shared + own(packs)),
            };
        }
        Self {
            raw: files
                .iter()
                .filter(|(name, _)| is_ours(name) && name.ends_with(".wasm"))
                .map(|(_, bytes)| bytes.len())
                .sum(),
            besides: files.keys().filter(is_besides).map(|name| sent(name)).sum(),
            first,
            live,
            used,
        }
    }
}

impl Sizes {
    /// Refuses a page that loads too much.
    fn check(&self) -> Result<()> {
        if self.besides > BESIDES_MOST {
            bail!("the style and the glue are {} bytes; the bound is {BESIDES_MOST}", self.besides);
        }
        let over = |(page, first): (&String, &usize)| {
            let live = self.live.get(page).copied().unwrap_or_default();
            (first + live > WASM_MOST).then(|| format!("`{page}` {first}, and {live} when it is live"))
        };
        let over: Vec<String> = self.first.iter().filter_map(over).collect();
        if !over.is_empty() {
            bail!(
                "pages load more bytes of WASM than {WASM_MOST} before anybody uses them: {}",
                over.join("; ")
            );
        }
        Ok(())
    }
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
        let (mut files, manifest) = lay_out(&workspace.root().join("public"), bundle, css.into_bytes())?;
        files.extend(element);
        if mode == Mode::Release {
            compress(&mut files, &workspace.scratch().join("brotli"))?;
            element::check_size(&files)?;
        }
        write(&folder(workspace, mode), &files)?;
        let sizes = Sizes::of(&files, &manifest);
        if mode == Mode::Release {
            sizes.check()?;
        }
        Ok(sizes)
    })
}

/// The files of a site by their path from its root, with `/`.
type Files = BTreeMap<String, Vec<u8>>;

/// Gives each file its name, and writes the manifest.
fn lay_out(public: &Path, bundle: &Bundle, css: Vec<u8>) -> Result<(Files, Manifest)> {
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
    let wasm = add(bundle.wasm.clone(), "wasm");
    let css = add(css, "css");
    let (js, packs) = add_code(&mut files, bundle)?;
    let pages = packs.into_iter().map(|(page, pack)| (page, [pack])).collect();
    let all: Hash = files.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]).collect();
    let manifest = Manifest { js, wasm, css, pages, build: all.short().to_owned() };
    files.insert("manifest.json".to_owned(), serde_json::to_vec_pretty(&manifest)?);
    Ok((files, manifest))
}

/// Adds the pieces, their loader and the glue; the address of the glue, and the address of each page's pack.
///
/// The loader and the glue import each other, so that neither can be named after its contents: both carry the hash
/// of all code.
fn add_code(files: &mut Files, bundle: &Bundle) -> Result<(String, BTreeMap<String, String>)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).context("the glue is no text");
    let packs = add_packs(files, bundle)?;
    let (mut glue, mut link) = (text(&bundle.js)?, pack::teach(&text(&bundle.link)?, &packs)?);
    let code = Hash::of([&bundle.js, &bundle.wasm, link.as_bytes()]);
    let (glue_name, link_name) =
        (format!("taskdeck.{}.js", code.short()), format!("split.{}.js", code.short()));
    // Only what is imported from: the WASM itself asks the glue for what it imports by the old name.
    let from = |name: &str| format!("from \"{name}\"");
    glue = glue.replace(&from(wasm::LINK), &from(&format!("./{link_name}")));
    link = link.replace(&from(wasm::GLUE), &from(&format!("./{glue_name}")));
    let js = format!("/pkg/{glue_name}");
    files.insert(format!("pkg/{glue_name}"), glue.into_bytes());
    files.insert(format!("pkg/{link_name}"), link.into_bytes());
    let address = |(page, (file, _)): (String, (String, Vec<String>))| (page, file.replace("./", "/pkg/"));
    Ok((js, packs.into_iter().map(address).collect()))
}

/// Adds the pieces of each page in one file.
fn add_packs(files: &mut Files, bundle: &Bundle) -> Result<Packs> {
    let mut packs = Packs::new();
    for page in bundle.pages.keys() {
        let stems = pack::stems_of(page, &bundle.pages);
        let piece = |stem| {
            bundle.pieces.get(stem).map(Vec::as_slice).context("a page needs a piece that is not there")
        };
        let packed = pack::pack(stems.iter().map(piece).collect::<Result<Vec<_>>>()?)?;
        let stem = match pack::part_of(page, bundle.pages.keys()) {
            Some((When::Live, of)) => format!("parts_{of}"),
            Some((When::Used, of)) => format!("used_{of}"),
            Some((When::Rare, _)) | None => format!("page_{page}"),
        };
        let name = format!("{stem}.{}.wasm", Hash::of([&packed]).short());
        files.insert(format!("pkg/{name}"), packed);
        packs.insert(page.clone(), (format!("./{name}"), stems));
    }
    Ok(packs)
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
    let cache = Cache::open(cache.to_owned())?;
    let is_wanted = |(name, bytes): &(&String, &Vec<u8>)| {
        let end = Path::new(name).extension();
        bytes.len() > COMPRESS_OVER && end.is_some_and(|end| COMPRESSED.iter().any(|known| end == *known))
    };
    let wanted: Vec<_> = files.iter().filter(is_wanted).collect();
    // Each core takes the next file: it is the longest part of the layout.
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(String, Vec<u8>)>> {
        let mut done = Vec::new();
        while let Some((name, bytes)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((format!("{name}.br"), cache.compress(bytes)?));
        }
        Ok(done)
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let done: Vec<Result<_>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Result<_>>| {
            worker.join().unwrap_or_else(|_| bail!("compressing panicked"))
        };
        workers.into_iter().map(join).collect()
    });
    let compressed = done.into_iter().collect::<Result<Vec<_>>>()?;
    files.extend(compressed.into_iter().flatten());
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
        Bundle {
            js: format!("import * as split from \"{}\"; {js}", wasm::LINK).into_bytes(),
            wasm: b"\0asm".repeat(1000),
            link: format!(
                "import {{ initSync }} from \"{}\";\n\
                 export const __wasm_split_load_tasks = wrapAsyncCb(makeLoad(() => {{\n\
                     const src = fetch(new URL(\"./split_tasks.wasm\", import.meta.url));\n\
                 }}\n, []));\n",
                wasm::GLUE
            )
            .into_bytes(),
            // A module of one section, of 2,000 bytes.
            pieces: BTreeMap::from([(
                "split_tasks".to_owned(),
                [&b"\0asm\x01\0\0\0\x0a\xd0\x0f"[..], &b"code".repeat(500)].concat(),
            )]),
            pages: BTreeMap::from([("tasks".to_owned(), vec!["split_tasks".to_owned()])]),
            snippets: None,
        }
    }

    fn public() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("icons")).expect("a folder");
        fs::write(folder.path().join("icons/a.svg"), "<svg/>").expect("a file");
        fs::write(folder.path().join(".DS_Store"), "").expect("a file");
        folder
    }

    fn site(glue: &str, css: &[u8]) -> (Files, Manifest) {
        lay_out(public().path(), &bundle(glue), css.to_vec()).expect("a site")
    }

    #[test]
    fn files_are_named_after_their_contents_and_the_manifest_names_them() {
        let (files, manifest) = site("one", b"a{}");
        for (address, kind) in [(&manifest.js, "js"), (&manifest.wasm, "wasm"), (&manifest.css, "css")] {
            let name = address.strip_prefix('/').expect("an address from the root");
            assert!(name.starts_with("pkg/taskdeck.") && name.ends_with(kind), "{name}");
            assert!(files.contains_key(name), "{name}");
        }
        assert!(files.contains_key("icons/a.svg"));
        assert!(!files.contains_key(".DS_Store"));

        let (_, other) = site("two", b"a{}");
        assert_ne!(manifest.js, other.js);
        assert_ne!(manifest.build, other.build);
        assert_eq!(manifest.wasm, other.wasm);
        assert_eq!(manifest.pages, other.pages);
    }

    #[test]
    fn the_glue_and_the_loader_of_the_pieces_name_each_other_and_the_pieces() {
        let (files, manifest) = site("one", b"a{}");
        let text =
            |address: &str| String::from_utf8_lossy(&files[address.trim_start_matches('/')]).into_owned();
        let glue = text(&manifest.js);
        let link = glue.split('"').nth(1).expect("an import").trim_start_matches('.');
        let link = text(&format!("/pkg{link}"));
        let names = |address: &str| link.contains(&format!("\"{}\"", address.replace("/pkg/", "./")));
        let [pack] = &manifest.pages["tasks"];
        assert!(names(&manifest.js) && names(pack), "{link}");
        assert!(files.contains_key(pack.trim_start_matches('/')));
    }

    #[test]
    fn a_first_load_is_what_every_page_needs_and_the_pieces_of_the_page() {
        let (mut files, manifest) = site("one", b"a{}");
        let sizes = Sizes::of(&files, &manifest);
        let pack = files[manifest.pages["tasks"][0].trim_start_matches('/')].len();
        assert!(pack > 2000);
        assert_eq!((sizes.raw, sizes.first["tasks"]), (4000 + pack, 4000 + pack));
        files.insert(format!("{}.br", manifest.wasm.trim_start_matches('/')), vec![0; 10]);
        assert_eq!(Sizes::of(&files, &manifest).first["tasks"], 10 + pack);
    }

    #[test]
    fn a_page_that_loads_too_much_is_refused_by_name() {
        let (mut files, manifest) = site("one", b"a{}");
        assert!(Sizes::of(&files, &manifest).check().is_ok());
        let pack = manifest.pages["tasks"][0].trim_start_matches('/').to_owned();
        files.insert(pack, vec![0; 400_000]);
        let refused = Sizes::of(&files, &manifest).check().expect_err("it is too much");
        assert!(refused.to_string().contains("`tasks`"), "{refused}");
        let (mut files, manifest) = site("one", b"a{}");
        files.insert(manifest.css.trim_start_matches('/').to_owned(), vec![0; BESIDES_MOST]);
        let refused = Sizes::of(&files, &manifest).check().expect_err("it is too much");
        assert!(refused.to_string().contains("style"), "{refused}");
    }

    #[test]
    fn only_large_text_and_wasm_are_compressed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut files, _) = site("small", &b"a{color:red}".repeat(200));
        compress(&mut files, folder.path()).expect("it compresses");
        let compressed: Vec<_> = files.keys().filter(|name| name.ends_with(".br")).collect();
        assert_eq!(compressed.len(), 4, "{compressed:?}");
    }

    #[test]
    fn an_unchanged_site_keeps_its_files_and_a_changed_one_loses_old_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("site");
        let (one, _) = site("one", b"");
        write(&place, &one).expect("it is written");
        let marked = place.join(".marked");
        fs::write(&marked, "").expect("a file");
        write(&place, &one).expect("it is left alone");
        assert!(marked.exists());

        let (two, _) = site("two", b"");
        write(&place, &two).expect("it is replaced");
        let mut found = Files::new();
        add_folder(&mut found, &place, "").expect("a site");
        assert_eq!(found, two);
        assert!(!marked.exists() && !folder.path().join("site.old").exists());
    }
}
