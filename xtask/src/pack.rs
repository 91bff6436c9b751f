//! The pieces that a page needs, in one file: one request instead of a hundred, and what the pieces have in common is
//! compressed away, which is a fifth of them. Who goes on to another page gets again what both need; that is the price.
//!
//! A pack is a WASM module of custom sections alone, so that the browser takes it apart by itself. It holds the sections of
//! all pieces by their kind: code compresses better beside code.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::split::number_at;

const HEADER: &[u8] = b"\0asm\x01\0\0\0";
/// The kinds of sections in the order that they have in a module.
const KINDS: [u8; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];
/// The section that says which kinds each piece has.
const HAS: &str = "has";

/// Packs pieces. What only tools read (custom sections) is left out.
///
/// # Errors
///
/// When a piece is no module, or not in the order of one.
pub(crate) fn pack<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>> {
    let (mut has, mut by_kind) = (Vec::new(), KINDS.map(|_| Vec::new()));
    for piece in pieces {
        let (mut kinds, mut at) = (0_u16, HEADER.len());
        while at < piece.len() {
            let (size, from) = number_at(piece, at + 1).context("a section without a size")?;
            let section = piece.get(at..from + size).context("a section that ends too early")?;
            if let Some(place) = KINDS.iter().position(|kind| *kind == piece[at]) {
                if kinds >> place != 0 {
                    bail!("a piece with sections in another order than that of modules");
                }
                kinds |= 1 << place;
                by_kind[place].extend_from_slice(section);
            }
            at = from + size;
        }
        has.extend(kinds.to_le_bytes());
    }
    let mut packed = HEADER.to_vec();
    let mut add = |name: &str, bytes: &[u8]| {
        let name = [number(name.len()), name.as_bytes().to_vec()].concat();
        packed.push(0);
        packed.extend(number(name.len() + bytes.len()));
        packed.extend(name);
        packed.extend_from_slice(bytes);
    };
    add(HAS, &has);
    for (kind, sections) in KINDS.iter().zip(by_kind) {
        add(&kind.to_string(), &sections);
    }
    Ok(packed)
}

/// An unsigned LEB128 number.
pub(crate) fn number(mut number: usize) -> Vec<u8> {
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

/// When the code of a part of a page comes, which its name says: parts are named `<when>_<page>_<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// `part`: when the page is live. They share a pack.
    Live,
    /// `used`: when somebody comes to one of them. They share another.
    Used,
    /// `rare`: when there is something to show. Each has a pack of its own.
    Rare,
}

impl When {
    const NAMES: [(Self, &str); 3] = [(Self::Live, "part_"), (Self::Used, "used_"), (Self::Rare, "rare_")];
}

/// What is in the pack of a page or a part. That of a part leaves out what the page's has, which is here before.
pub(crate) fn stems_of(name: &str, pages: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let of = |name: &String| pages.get(name).into_iter().flatten().cloned();
    let name = name.to_owned();
    let Some((when, page)) = part_of(&name, pages.keys()) else { return of(&name).collect() };
    let parts: Vec<&String> = if when == When::Rare {
        vec![&name]
    } else {
        pages.keys().filter(|other| part_of(other, pages.keys()) == Some((when, page))).collect()
    };
    let has: BTreeSet<String> = of(page).collect();
    let stems: BTreeSet<String> = parts.into_iter().flat_map(of).filter(|stem| !has.contains(stem)).collect();
    stems.into_iter().collect()
}

/// When a part comes, and the page that it belongs to; nothing for what is no part.
pub(crate) fn part_of<'a>(name: &str, pages: impl Iterator<Item = &'a String>) -> Option<(When, &'a String)> {
    let (when, rest) =
        When::NAMES.iter().find_map(|(when, prefix)| Some((*when, name.strip_prefix(prefix)?)))?;
    let fits = |page: &&String| rest.strip_prefix(page.as_str()).is_some_and(|rest| rest.starts_with('_'));
    Some((when, pages.filter(fits).max_by_key(|page| page.len())?))
}

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
        let text = line.trim_start();
        // Each piece comes with a comment that names all pages that need it.
        if text.starts_with("//") || text.starts_with("/*") && text.ends_with("*/") {
            continue;
        }
        let line = if let Some((before, rest)) = line.split_once(FETCH)
            && let Some(stem) = rest.strip_suffix(".wasm\", import.meta.url));")
        {
            format!("{before}const src = piece(\"{stem}\");")
        } else if let Some(rest) = line.strip_prefix(LOAD)
            && let Some((page, rest)) = rest.split_once(WRAP)
        {
            loads += 1;
            let line = format!("{LOAD}{page} = wrapAsyncCb(withPack(\"{page}\", makeLoad({rest}");
            // What has no code of its own, but only what others have too, is on one line.
            match line.strip_suffix("]));") {
                Some(start) => format!("{start}])));"),
                None => line,
            }
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
    // Parts that come together are in the same file, so that what is in it is said once.
    let files: Vec<&(String, Vec<String>)> = packs.values().collect::<BTreeSet<_>>().into_iter().collect();
    let place = |pack| files.iter().position(|file| *file == pack);
    let pages: BTreeMap<&String, Option<usize>> =
        packs.iter().map(|(page, pack)| (page, place(pack))).collect();
    let help = HELP
        .replace("PAGES", &json!(pages).to_string())
        .replace("FILES", &json!(files).to_string())
        .replace("KINDS", &json!(KINDS).to_string());
    Ok(format!("{help}{taught}"))
}

/// A pack that did not come is asked for again the next time that its page is.
const HELP: &str = r#"const pages = PAGES;
const files = FILES;
const packs = new Map();
function withPack(page, load) {
    return () => {
        const [address, stems] = files[pages[page]];
        if (!packs.has(address)) {
            const pack = WebAssembly.compileStreaming(fetch(new URL(address, import.meta.url)))
                .then((module) => unpack(module, stems));
            pack.catch(() => packs.delete(address));
            packs.set(address, [pack, stems]);
        }
        return load();
    };
}
function unpack(module, stems) {
    const sections = (name) => new Uint8Array(WebAssembly.Module.customSections(module, name)[0]);
    const has = sections("has");
    const kinds = KINDS.map((kind) => ({ bytes: sections(`${kind}`), at: 0 }));
    return new Map(stems.map((stem, place) => {
        const piece = [new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])];
        kinds.forEach((kind, bit) => {
            if (!((has[2 * place] | (has[2 * place + 1] << 8)) & (1 << bit))) return;
            const { bytes, at } = kind;
            let [end, size, shift] = [at + 1, 0, 0];
            do {
                size |= (bytes[end] & 127) << shift;
                shift += 7;
            } while (bytes[end++] & 128);
            kind.at = end + size;
            piece.push(bytes.subarray(at, kind.at));
        });
        return [stem, new Blob(piece, { type: "application/wasm" })];
    }));
}
async function piece(stem) {
    for (const [pack, stems] of packs.values()) {
        if (stems.includes(stem)) return new Response((await pack).get(stem));
    }
    throw new Error(`${stem} is in no file that was loaded`);
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_belongs_to_the_page_that_it_names() {
        let pages = ["start", "start_kind", "part_start_kind_form"].map(str::to_owned);
        let of = |name: &str| part_of(name, pages.iter()).map(|(when, page)| (when, page.as_str()));
        assert_eq!(of("part_start_kind_form"), Some((When::Live, "start_kind")));
        assert_eq!(of("used_start_list"), Some((When::Used, "start")));
        assert_eq!(of("rare_start_list"), Some((When::Rare, "start")));
        assert_eq!(of("start_kind"), None);
        assert_eq!(of("part_other_form"), None);
    }

    #[test]
    fn parts_that_come_together_share_a_pack_without_what_the_page_has() {
        let list = |stems: &[&str]| stems.iter().map(|stem| (*stem).to_owned()).collect::<Vec<_>>();
        let pages = BTreeMap::from([
            ("task".to_owned(), list(&["a", "b"])),
            ("part_task_log".to_owned(), list(&["a", "c"])),
            ("part_task_facts".to_owned(), list(&["b", "c", "d"])),
            ("used_task_result".to_owned(), list(&["a", "c", "f"])),
            ("used_task_attempts".to_owned(), list(&["g"])),
            ("rare_task_questions".to_owned(), list(&["a", "c", "e"])),
            ("rare_task_other".to_owned(), list(&["h"])),
        ]);
        let of = |name: &str| stems_of(name, &pages);
        assert_eq!(of("task"), ["a", "b"]);
        assert_eq!((of("part_task_log"), of("part_task_facts")), (list(&["c", "d"]), list(&["c", "d"])));
        assert_eq!(
            (of("used_task_result"), of("used_task_attempts")),
            (list(&["c", "f", "g"]), list(&["c", "f", "g"]))
        );
        assert_eq!((of("rare_task_questions"), of("rare_task_other")), (list(&["c", "e"]), list(&["h"])));
    }

    #[test]
    fn a_pack_has_what_is_alike_side_by_side() {
        let one = [HEADER, &[1, 1, 7], &[10, 2, 8, 9], &[0, 2, 1, b'n']].concat();
        let two = [HEADER, &[1, 1, 7], &[12, 1, 5], &[10, 1, 6], &[11, 0]].concat();
        let packed = pack([&one[..], &two]).expect("they are modules");
        let section = |name: &[u8], bytes: &[u8]| {
            let size = 1 + name.len() + bytes.len();
            [
                &[0, u8::try_from(size).unwrap_or_default(), u8::try_from(name.len()).unwrap_or_default()],
                name,
                bytes,
            ]
            .concat()
        };
        let head = [HEADER, &section(b"has", &[0x01, 0x04, 0x01, 0x0e]), &section(b"1", &[1, 1, 7, 1, 1, 7])]
            .concat();
        assert_eq!(packed[..head.len()], head);
        let tail =
            [section(b"12", &[12, 1, 5]), section(b"10", &[10, 2, 8, 9, 10, 1, 6]), section(b"11", &[11, 0])]
                .concat();
        assert!(packed.ends_with(&tail), "{packed:?}");
        let wrong = [HEADER, &[10, 0], &[1, 0]].concat();
        assert!(pack([&wrong[..]]).is_err());
    }

    const LOADER: &str = "/* tasks, start */
const __chunk_7 = makeLoad(() => {
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
            taught.contains(r#"const pages = {"tasks":0};"#)
                && taught.contains(r#"const files = [["./page_tasks.wasm",["chunk_7","split_tasks"]]];"#)
        );
        assert!(taught.contains(r#"    const src = piece("chunk_7");"#) && !taught.contains("/*"));
        assert!(taught.contains(r#"_load_tasks = wrapAsyncCb(withPack("tasks", makeLoad(() => {"#));
        assert!(taught.ends_with("\n, [__chunk_7])));\n"));
    }

    #[test]
    fn what_has_no_code_of_its_own_is_taken_from_packs_too() {
        let line = "export const __wasm_split_load_tasks = wrapAsyncCb(makeLoad(() => async (_imp) => ({}), [__chunk_7]));";
        let taught = teach(line, &packs()).expect("it is known");
        let end = r#"= wrapAsyncCb(withPack("tasks", makeLoad(() => async (_imp) => ({}), [__chunk_7])));"#;
        assert!(taught.trim_end().ends_with(end), "{taught}");
    }

    #[test]
    fn a_loader_that_is_not_known_is_no_site() {
        assert!(teach("", &packs()).is_err());
        assert!(teach(&LOADER.replace("const src = fetch", "const it = fetch"), &packs()).is_err());
    }
}
