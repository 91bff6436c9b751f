//! Splits the WASM: what every page needs, and the code of each page that asks for it (`#[wasm_split]`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use wasm_split_cli_support::{Options, transform};

use crate::wasm::{GLUE, LINK};

/// What every page needs: it goes on to wasm-bindgen.
pub(crate) const MAIN: &str = "main.wasm";
const PIECES: &str = "pieces";
const PAGES: &str = "pages.json";

/// Splits a WASM file that was linked with its relocations into a folder.
pub(crate) fn split(input: &[u8], out: &Path) -> Result<()> {
    let pieces = out.join(PIECES);
    fs::create_dir_all(&pieces)?;
    let main = out.join(MAIN);
    let mut options = Options::new(input);
    options.output_dir = &pieces;
    options.main_out_path = &main;
    options.link_name = LINK;
    options.main_module = GLUE;
    let split = transform(options).map_err(|error| anyhow!("the WASM cannot be split: {error:#}"))?;
    fs::rename(pieces.join(LINK), out.join(LINK))?;
    let pages: BTreeMap<_, _> = split.prefetch_map.into_iter().collect();
    fs::write(out.join(PAGES), serde_json::to_vec(&pages)?)?;
    Ok(())
}

/// The pieces in a folder, by stem.
pub(crate) fn pieces(out: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut pieces = BTreeMap::new();
    for entry in fs::read_dir(out.join(PIECES))? {
        let path = entry?.path();
        let stem = path.file_stem().context("a piece without a name")?.to_string_lossy().into_owned();
        pieces.insert(stem, fs::read(&path)?);
    }
    Ok(pieces)
}

/// The stems of the pieces that each page needs, by the page's name.
pub(crate) fn pages(out: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    Ok(serde_json::from_slice(&fs::read(out.join(PAGES))?)?)
}

/// The module without the names of its functions, which only a debugger reads.
pub(crate) fn without_names(wasm: &[u8]) -> Vec<u8> {
    const HEADER: usize = 8;
    let mut kept = wasm[..HEADER.min(wasm.len())].to_vec();
    let mut at = kept.len();
    while at < wasm.len() {
        let Some((size, from)) = number_at(wasm, at + 1) else { return wasm.to_vec() };
        let end = from + size;
        let Some(section) = wasm.get(from..end) else { return wasm.to_vec() };
        // A custom section begins with the length of its name, and the name.
        let is_names = wasm[at] == 0 && section.starts_with(b"\x04name");
        if !is_names {
            kept.extend_from_slice(&wasm[at..end]);
        }
        at = end;
    }
    kept
}

/// An unsigned LEB128 number, and where what follows it begins.
pub(crate) fn number_at(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let (mut number, mut shift) = (0_usize, 0);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        number |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some((number, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_go_and_everything_else_stays() {
        let header = b"\0asm\x01\0\0\0";
        let code = [&[10, 3], &b"abc"[..]].concat();
        let names = [&[0, 8, 4], &b"name"[..], b"xyz"].concat();
        let other = [&[0, 6, 5], &b"other"[..]].concat();
        let whole = [&header[..], &code, &names, &other].concat();
        assert_eq!(without_names(&whole), [&header[..], &code, &other].concat());
    }

    #[test]
    fn what_is_no_wasm_is_left_alone() {
        assert_eq!(without_names(b"\0asm\x01\0\0\0\x0a\xff"), b"\0asm\x01\0\0\0\x0a\xff");
        assert_eq!(without_names(b"x"), b"x");
    }
}
