//! Files: which are taken, and how large they are in words.

use crate::{Param, ParamKind};

/// What is wrong with a file for this parameter, if anything: checked before it is sent, and again on the server.
#[must_use]
pub fn check_file(param: &Param, name: &str, size: u64, media_type: &str) -> Option<String> {
    let ParamKind::File { accept, max_bytes } = &param.kind else {
        return Some("This parameter takes no file.".to_owned());
    };
    let name = name.to_lowercase();
    let fits = |what: &String| match what.strip_suffix("/*") {
        Some(family) => media_type.split('/').next() == Some(family),
        None if what.starts_with('.') => name.ends_with(&what.to_lowercase()),
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
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1_000 {
        return format!("{count} B");
    }
    let mut size = count as f64 / 1_000.0;
    let mut unit = 0;
    // 999.95 would be shown as 1000.0.
    while size >= 999.95 && unit + 1 < UNITS.len() {
        size /= 1_000.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}
