//! The pieces that a page needs, in one file: one request instead of a hundred, and what the pieces have in common is
//! compressed away, which is a sixth of them. Who goes on to another page gets again what both need; that is the price.
//!
//! A pack is a WASM module of custom sections alone, each a piece under its name, so that the browser takes it apart by
//! itself.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::json;

/// Packs pieces.
pub(crate) fn pack<'a>(pieces: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut packed = b"\0asm\x01\0\0\0".to_vec();
    for (name, piece) in pieces {
        let mut section = number(name.len());
        section.extend_from_slice(name.as_bytes());
        section.extend_from_slice(piece);
        packed.push(0);
        packed.extend(number(section.len()));
        packed.extend(section);
    }
    packed
}

/// An unsigned LEB128 number.
fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A page's pack: its address, and what is in it.
pub(crate) type Packs = BTreeMap<String, (String, Vec<String>)>;

/// Teaches the loader of the pieces to take them from packs.
///
/// # Errors
///
/// When the loader is written in another way than is known here.
pub(crate) fn teach(loader: &str, packs: &Packs) -> Result<String> {
    const FETCH: &str = "const src = fetch(new URL(\"./";
    const LOAD: &str = "export const __wasm_split_load_";
    const WRAP: &str = " = wrapAsyncCb(makeLoad(";
    let mut taught = String::new();
    let mut loads = 0;
    for line in loader.lines() {
        let line = if let Some((before, rest)) = line.split_once(FETCH)
            && let Some(stem) = rest.strip_suffix(".wasm\", import.meta.url));")
        {
            format!("{before}const src = piece(\"{stem}\");")
        } else if let Some(rest) = line.strip_prefix(LOAD)
            && let Some((page, rest)) = rest.split_once(WRAP)
        {
            loads += 1;
            format!("{LOAD}{page} = wrapAsyncCb(withPack(\"{page}\", makeLoad({rest}")
        } else if let Some(start) = line.strip_suffix("]));") {
            format!("{start}])));")
        } else {
            line.to_owned()
        };
        taught.push_str(&line);
        taught.push('\n');
    }
    if loads != packs.len() || taught.contains("fetch(") {
        bail!("the loader of the pieces is written in another way than is known here");
    }
    Ok(format!("{}{taught}", HELP.replace("PAGES", &json!(packs).to_string())))
}

/// A pack that did not come is asked for again the next time that its page is.
const HELP: &str = r#"const pages = PAGES;
const packs = new Map();
function withPack(page, load) {
    return () => {
        if (!packs.has(page)) {
            const pack = WebAssembly.compileStreaming(fetch(new URL(pages[page][0], import.meta.url)));
            pack.catch(() => packs.delete(page));
            packs.set(page, pack);
        }
        return load();
    };
}
async function piece(stem) {
    for (const [page, pack] of packs) {
        if (!pages[page][1].includes(stem)) continue;
        const [bytes] = WebAssembly.Module.customSections(await pack, stem);
        return new Response(bytes, { headers: { "content-type": "application/wasm" } });
    }
    throw new Error(`${stem} is in no file that was loaded`);
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_is_a_module_of_custom_sections() {
        let long = vec![7; 300];
        let packed = pack([("a", &b"xyz"[..]), ("long", &long[..])]);
        let head = [&b"\0asm\x01\0\0\0"[..], &[0, 5, 1], b"axyz"].concat();
        assert_eq!(packed[..head.len()], head);
        // 305 bytes: the name with its length, and the piece.
        let rest = [&[0, 0xb1, 0x02, 4], &b"long"[..], &long].concat();
        assert_eq!(packed[head.len()..], rest);
    }

    const LOADER: &str = "const __chunk_7 = makeLoad(() => {
    const src = fetch(new URL(\"./chunk_7.wasm\", import.meta.url));
    src.catch(() => {});
}
, []);
export const __wasm_split_load_tasks = wrapAsyncCb(makeLoad(() => {
    const src = fetch(new URL(\"./split_tasks.wasm\", import.meta.url));
}
, [__chunk_7]));
";

    fn packs() -> Packs {
        let stems = vec!["chunk_7".to_owned(), "split_tasks".to_owned()];
        Packs::from([("tasks".to_owned(), ("./page_tasks.wasm".to_owned(), stems))])
    }

    #[test]
    fn a_loader_takes_its_pieces_from_packs() {
        let taught = teach(LOADER, &packs()).expect("it is known");
        assert!(
            taught.contains(r#"const pages = {"tasks":["./page_tasks.wasm",["chunk_7","split_tasks"]]};"#)
        );
        assert!(taught.contains(r#"    const src = piece("chunk_7");"#));
        assert!(taught.contains(r#"_load_tasks = wrapAsyncCb(withPack("tasks", makeLoad(() => {"#));
        assert!(taught.ends_with("\n, [__chunk_7])));\n"));
    }

    #[test]
    fn a_loader_that_is_not_known_is_no_site() {
        assert!(teach("", &packs()).is_err());
        assert!(teach(&LOADER.replace("const src = fetch", "const it = fetch"), &packs()).is_err());
    }
}
