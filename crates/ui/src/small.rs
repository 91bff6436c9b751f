//! What the standard library does for every size and every alphabet, for pages: with little code.

/// A text without its case, to be compared. Letters beyond ASCII are the browser's to know: their tables are ten
/// kilobytes of WASM.
///
/// ```
/// assert_eq!(taskdeck_ui::small::folded("ÄRGER, Ann"), "ärger, ann");
/// ```
#[must_use]
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    #[cfg(target_arch = "wasm32")]
    return js_sys::JsString::from(text).to_lower_case().into();
    #[cfg(not(target_arch = "wasm32"))]
    text.to_lowercase()
}

/// Sorts a list that is short enough to be shown: the least key first, and what is equal stays in its order. The standard
/// library's is several kilobytes of WASM for each type.
///
/// ```
/// let mut words = ["pear", "fig", "kiwi"];
/// taskdeck_ui::small::sort_by_key(&mut words, |word| word.len());
/// assert_eq!(words, ["fig", "pear", "kiwi"]);
/// ```
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && key(&items[at - 1]) > key(&items[at]) {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}
