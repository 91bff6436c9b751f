//! Gives what the WASM imports from its glue short names. wasm-bindgen's end in a hash each, which nothing compresses:
//! seven kilobytes of every first load.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};

use crate::pack::number;
use crate::split::number_at;

const HEADER: usize = 8;
const IMPORTS: u8 = 2;
/// What wasm-bindgen's names begin with.
const LONG: &str = "__wb";

/// The WASM and its glue, with short names for what one takes from the other.
///
/// # Errors
///
/// When the WASM imports in a way that is not known here.
pub(crate) fn shorten(wasm: &[u8], glue: &str) -> Result<(Vec<u8>, String)> {
    let mut short = Short::default();
    let mut shortened = wasm.get(..HEADER).context("no WASM")?.to_vec();
    let mut at = HEADER;
    while at < wasm.len() {
        let (size, from) = number_at(wasm, at + 1).context("a section without a size")?;
        let section = wasm.get(from..from + size).context("a section that ends too early")?;
        if wasm[at] == IMPORTS {
            let imports = imports(section, &mut short).context("imports of a form that is not known here")?;
            shortened.push(IMPORTS);
            shortened.extend(number(imports.len()));
            shortened.extend(imports);
        } else {
            shortened.extend_from_slice(&wasm[at..from + size]);
        }
        at = from + size;
    }
    let mut used = 0;
    let glue = words(glue)
        .map(|word| short.0.get(word).inspect(|_| used += 1).map_or(word, String::as_str))
        .collect();
    if used != short.0.len() {
        bail!("the glue gives {used} of the {} functions that the WASM asks it for", short.0.len());
    }
    Ok((shortened, glue))
}

/// The short name of each long one.
#[derive(Default)]
struct Short(HashMap<String, String>);

impl Short {
    fn of(&mut self, name: &str) -> String {
        if !name.starts_with(LONG) {
            return name.to_owned();
        }
        let next = format!("i{}", self.0.len());
        self.0.entry(name.to_owned()).or_insert(next).clone()
    }
}

/// The import section: each the module, the name, and what it is; only functions come from the glue.
fn imports(section: &[u8], short: &mut Short) -> Option<Vec<u8>> {
    const FUNCTION: u8 = 0;
    let (count, mut at) = number_at(section, 0)?;
    let mut written = number(count);
    for _ in 0..count {
        for is_name in [false, true] {
            let (length, from) = number_at(section, at)?;
            at = from + length;
            let text = std::str::from_utf8(section.get(from..at)?).ok()?;
            let text = if is_name { short.of(text) } else { text.to_owned() };
            written.extend(number(text.len()));
            written.extend_from_slice(text.as_bytes());
        }
        if *section.get(at)? != FUNCTION {
            return None;
        }
        let (_, end) = number_at(section, at + 1)?;
        written.extend_from_slice(&section[at..end]);
        at = end;
    }
    (at == section.len()).then_some(written)
}

/// The text in pieces: names, and what is between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let in_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|letter| in_name(letter) != in_name(first)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(module: &str, name: &str) -> Vec<u8> {
        let text = |text: &str| [number(text.len()), text.as_bytes().to_vec()].concat();
        [text(module), text(name), vec![0, 7]].concat()
    }

    fn module(imports: &[Vec<u8>]) -> Vec<u8> {
        let section = [number(imports.len()), imports.concat()].concat();
        [&b"\0asm\x01\0\0\0"[..], &[1, 2, 9, 9], &[2], &number(section.len()), &section, &[10, 1, 5]].concat()
    }

    const GLUE: &str =
        "return { __wbg_new_ab12: function() {}, __wbg_new_ab123: () => wasm.__wbindgen_free() }";

    #[test]
    fn both_sides_get_the_same_short_names() {
        let names = ["__wbg_new_ab12", "__wbg_new_ab123", "memory"];
        let before = names.map(|name| import("./glue.js", name));
        let after = ["i0", "i1", "memory"].map(|name| import("./glue.js", name));
        let (wasm, glue) = shorten(&module(&before), GLUE).expect("it is known");
        assert_eq!(wasm, module(&after));
        assert_eq!(glue, "return { i0: function() {}, i1: () => wasm.__wbindgen_free() }");
    }

    #[test]
    fn what_the_glue_does_not_give_is_refused() {
        assert!(shorten(&module(&[import("./glue.js", "__wbg_other_1")]), GLUE).is_err());
        assert!(shorten(b"\0asm\x01\0\0\0\x02\xff", GLUE).is_err());
    }
}
