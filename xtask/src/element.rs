//! Builds `<task-progress>`: a WASM of its own, its glue, and the script that defines the element.
//!
//! The script's address is stable, since other people's pages name it; what it loads is named after its content:
//!
//! ```text
//! embed/task-progress.js             frontend/element/element.js, with addresses and style put in
//! embed/element.<hash>.{js,wasm}
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::css;
use crate::hash::Hash;
use crate::process::{self, Show};
use crate::progress::{Progress, size};
use crate::site::Mode;
use crate::wasm::{self, TARGET};
use crate::workspace::Workspace;

const NAME: &str = "element";
const SCRIPT: &str = "embed/task-progress.js";
/// What the element may weigh on the wire: the script, the glue and the WASM.
const BUDGET: usize = 85_000;

/// Builds the element, and gives its files by their path from the site's root.
pub(crate) fn build(
    workspace: &Workspace,
    progress: &Progress,
    mode: Mode,
) -> Result<BTreeMap<String, Vec<u8>>> {
    let (profile, folder) = match mode {
        Mode::Release => ("wasm-release", "wasm-release"),
        Mode::Dev => ("dev", "debug"),
    };
    progress.step("building the element", || {
        let mut cargo = workspace.cargo(["build", "-p", "taskdeck-element", "--lib", "--target", TARGET]);
        process::run(progress, cargo.args(["--profile", profile]), Show::OnFailure)?;
        let wasm = workspace.target().join(TARGET).join(folder).join("taskdeck_element.wasm");
        wasm::bindgen(&wasm, NAME, mode)?
            .generate(bindgen_folder(workspace, mode))
            .context("wasm-bindgen failed")
    })?;
    last(workspace, mode)
}

/// The files of the last build of this mode, with the script and the style as they are now.
pub(crate) fn last(workspace: &Workspace, mode: Mode) -> Result<BTreeMap<String, Vec<u8>>> {
    let out = bindgen_folder(workspace, mode);
    let source = workspace.root().join("frontend/element");
    lay_out(
        fs::read(out.join(format!("{NAME}.js")))?,
        fs::read(out.join(format!("{NAME}_bg.wasm")))?,
        &without_comments(&fs::read_to_string(source.join("element.js"))?),
        &css::bundle(&source.join("element.css"))?,
    )
}

/// Fails when the compressed element is larger than a page should have to load for one widget.
pub(crate) fn check_size(files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let compressed = files.iter().filter(|(name, _)| name.starts_with("embed/") && name.ends_with(".br"));
    let bytes: usize = compressed.map(|(_, bytes)| bytes.len()).sum();
    if bytes > BUDGET {
        let (bytes, budget) = (size(bytes as u64), size(BUDGET as u64));
        bail!("<task-progress> is {bytes} compressed; it may be {budget}");
    }
    Ok(())
}

fn bindgen_folder(workspace: &Workspace, mode: Mode) -> PathBuf {
    workspace.scratch().join(format!("bindgen-element-{mode}"))
}

/// A script without the lines that are comments: whoever shows a widget loads it.
fn without_comments(script: &str) -> String {
    let lines = script.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{}\n", line.trim_start())).collect()
}

fn lay_out(glue: Vec<u8>, wasm: Vec<u8>, script: &str, style: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut add = |bytes: Vec<u8>, end: &str| {
        let name = format!("{NAME}.{}.{end}", Hash::of([&bytes]).short());
        files.insert(format!("embed/{name}"), bytes);
        format!("./{name}")
    };
    let (glue, wasm) = (add(glue, "js"), add(wasm, "wasm"));
    let style = serde_json::to_string(style)?;
    let script = script.replace("%GLUE%", &glue).replace("%WASM%", &wasm).replace("%STYLE%", &style);
    files.insert(SCRIPT.to_owned(), script.into_bytes());
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_names_what_it_loads() {
        let script = r#"import init from "%GLUE%"; new URL("%WASM%"); sheet(%STYLE%);"#;
        let files = lay_out(b"glue".to_vec(), b"wasm".to_vec(), script, "a { b: \"c\" }").expect("files");
        let text = String::from_utf8(files[SCRIPT].clone()).expect("text");
        assert!(!text.contains('%') && text.contains(r#"sheet("a { b: \"c\" }");"#), "{text}");
        for name in files.keys().filter(|name| *name != SCRIPT) {
            let name = name.strip_prefix("embed/").expect("it lies beside the script");
            assert!(text.contains(&format!("\"./{name}\"")), "{name} in {text}");
        }
        assert_eq!(files.len(), 3);
    }

    #[test]
    fn a_script_is_sent_without_its_comments() {
        let script = "// what it is\nconst a = 1; // kept\n  // why\n  use(a);\n";
        assert_eq!(without_comments(script), "const a = 1; // kept\nuse(a);\n");
    }

    #[test]
    fn an_element_that_is_too_large_is_refused() {
        let of = |bytes| BTreeMap::from([("embed/element.0.wasm.br".to_owned(), vec![0; bytes])]);
        assert!(check_size(&of(BUDGET)).is_ok());
        assert!(check_size(&of(BUDGET + 1)).is_err());
        let other = BTreeMap::from([("pkg/taskdeck.0.wasm.br".to_owned(), vec![0; BUDGET + 1])]);
        assert!(check_size(&other).is_ok());
    }
}
