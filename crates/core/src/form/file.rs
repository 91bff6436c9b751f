//! Files: which are taken, and how large they are in words.

use crate::{Param, ParamKind};

/// What is said where several files are given for one.
pub const ONE_FILE: &str = "Choose one file.";

/// What is wrong with a file for this parameter, if anything: checked before it is sent, and again on the server.
#[must_use]
pub fn check_file(param: &Param, name: &str, size: u64, media_type: &str) -> Option<String> {
    let ParamKind::File { accept, max_bytes } = &param.kind else {
        return Some("This parameter takes no file.".to_owned());
    };
    // Endings are ASCII: the tables of all other letters are kilobytes of WASM.
    let name = name.to_ascii_lowercase();
    let fits = |what: &String| match what.strip_suffix("/*") {
        Some(family) => media_type.split('/').next() == Some(family),
        None if what.starts_with('.') => name.ends_with(&what.to_ascii_lowercase()),
        None => media_type == what,
    };
    if !accept.is_empty() && !accept.iter().any(fits) {
        return Some(format!("Choose a file of type {}.", accept.join(", ")));
    }
    match max_bytes {
        Some(max) if size > *max => {
            Some(format!("The file is too large: {}; at most {} are taken.", bytes(size), bytes(*max)))
        }
        _ => None,
    }
}

/// A number of bytes for people: `31.1 MB`. Decimal units (1 kB = 1,000 bytes).
///
/// In whole numbers: the way of `f64` to a text is twenty kilobytes of WASM.
///
/// ```
/// use taskdeck_core::form::bytes;
/// assert_eq!([bytes(999), bytes(31_149_000), bytes(999_950)], ["999 B", "31.1 MB", "1.0 MB"]);
/// ```
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1_000 {
        return format!("{count} B");
    }
    let tenths = |size: u64| count.saturating_add(size / 20) / (size / 10);
    let (mut size, mut unit) = (1_000, 0);
    // What rounds to 1000.0 is one of the next unit.
    while tenths(size) >= 10_000 && unit + 1 < UNITS.len() {
        size *= 1_000;
        unit += 1;
    }
    format!("{}.{} {}", tenths(size) / 10, tenths(size) % 10, UNITS[unit])
}
