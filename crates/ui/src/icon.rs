//! Icons of Lucide (<https://lucide.dev>), each as one path, inline, so that a page asks for nothing.
//!
//! Lucide is under the ISC licence, and what it took from Feather under the MIT licence: `LICENSE-lucide` beside this
//! crate's manifest.

use leptos::prelude::*;
use taskdeck_core::Status;

/// The name of the icon that stands for a status.
#[must_use]
pub const fn status_icon(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "clock",
        Status::Queued => "circle",
        Status::Running => "loader",
        Status::WaitingConfirmation => "pause",
        Status::Completed => "check",
        Status::Failed => "circle-alert",
        Status::Cancelled => "ban",
        Status::Interrupted => "zap",
    }
}

/// An icon. It is decoration (hidden from screen readers) unless it has a label.
#[component]
pub fn Icon(
    /// A Lucide name, such as `play`; an unknown one is a circle.
    #[prop(into)]
    name: Signal<String>,
    /// What it says to those who do not see it.
    #[prop(into, optional)]
    label: Option<String>,
) -> impl IntoView {
    let path = move || name.with(|name| path_of(name));
    let class = move || if name.with(|name| name == "loader") { "td-icon td-spin" } else { "td-icon" };
    let (hidden, role) = if label.is_some() { (None, Some("img")) } else { (Some("true"), None) };
    view! {
        <svg
            class=class
            width="24"
            height="24"
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            stroke-width="2"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden=hidden
            role=role
            aria-label=label
        >
            <path d=path></path>
        </svg>
    }
}

fn path_of(name: &str) -> &'static str {
    let found = ICONS.iter().find(|(known, _)| *known == name);
    found.map_or(CIRCLE, |(_, path)| path)
}

const CIRCLE: &str = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0";

/// Made from Lucide 0.545: circles, lines and rectangles are written as paths, and the paths of an icon joined.
const ICONS: &[(&str, &str)] = &[
    (
        "activity",
        "M22 12h-2.48a2 2 0 0 0-1.93 1.46l-2.35 8.36a.25.25 0 0 1-.48 0L9.24 2.18a.25.25 0 0 0-.48 0l-2.35 8.36A2 2 0 0 1 4.49 12H2",
    ),
    (
        "archive",
        "M3 3h18a1 1 0 0 1 1 1v3a1 1 0 0 1 -1 1h-18a1 1 0 0 1 -1 -1v-3a1 1 0 0 1 1 -1zM4 8v11a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8M10 12h4",
    ),
    ("arrow-down", "M12 5v14M19 12l-7 7-7-7"),
    ("arrow-left", "M12 19l-7-7 7-7M19 12H5"),
    (
        "bell",
        "M10.268 21a2 2 0 0 0 3.464 0M3.262 15.326A1 1 0 0 0 4 17h16a1 1 0 0 0 .74-1.673C19.41 13.956 18 12.499 18 8A6 6 0 0 0 6 8c0 4.499-1.411 5.956-2.738 7.326",
    ),
    ("ban", "M4.929 4.929 19.07 19.071M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0"),
    (
        "calendar-clock",
        "M16 14v2.2l1.6 1M16 2v4M21 7.5V6a2 2 0 0 0-2-2H5a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h3.5M3 10h5M8 2v4M10 16a6 6 0 1 0 12 0a6 6 0 1 0 -12 0",
    ),
    ("check", "M20 6 9 17l-5-5"),
    ("chevron-down", "M6 9l6 6 6-6"),
    ("chevron-left", "M15 18l-6-6 6-6"),
    ("chevron-right", "M9 18l6-6-6-6"),
    ("chevron-up", "M18 15l-6-6-6 6"),
    ("circle", CIRCLE),
    ("circle-alert", "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0M12 8L12 12M12 16L12.01 16"),
    ("alert-circle", "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0M12 8L12 12M12 16L12.01 16"),
    ("circle-dot", "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0"),
    (
        "circle-question-mark",
        "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3M12 17h.01",
    ),
    ("help", "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3M12 17h.01"),
    ("clock", "M12 6v6l4 2M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0"),
    (
        "coins",
        "M2 8a6 6 0 1 0 12 0a6 6 0 1 0 -12 0M18.09 10.37A6 6 0 1 1 10.34 18M7 6h1v4M16.71 13.88l.7.71-2.82 2.82",
    ),
    (
        "copy",
        "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2zM4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2",
    ),
    (
        "cpu",
        "M6 4h12a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-12a2 2 0 0 1 -2 -2v-12a2 2 0 0 1 2 -2zM9 8h6a1 1 0 0 1 1 1v6a1 1 0 0 1 -1 1h-6a1 1 0 0 1 -1 -1v-6a1 1 0 0 1 1 -1zM12 20v2M12 2v2M17 20v2M17 2v2M2 12h2M2 17h2M2 7h2M20 12h2M20 17h2M20 7h2M7 20v2M7 2v2",
    ),
    ("database", "M3 5a9 3 0 1 0 18 0a9 3 0 1 0 -18 0M3 5V19A9 3 0 0 0 21 19V5M3 12A9 3 0 0 0 21 12"),
    ("download", "M12 15V3M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4M7 10l5 5 5-5"),
    ("external-link", "M15 3h6v6M10 14 21 3M18 13v6a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h6"),
    (
        "eye",
        "M2.062 12.348a1 1 0 0 1 0-.696 10.75 10.75 0 0 1 19.876 0 1 1 0 0 1 0 .696 10.75 10.75 0 0 1-19.876 0M9 12a3 3 0 1 0 6 0a3 3 0 1 0 -6 0",
    ),
    ("file", "M15 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V7ZM14 2v4a2 2 0 0 0 2 2h4"),
    (
        "file-text",
        "M15 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V7ZM14 2v4a2 2 0 0 0 2 2h4M10 9H8M16 13H8M16 17H8",
    ),
    (
        "footprints",
        "M4 16v-2.38C4 11.5 2.97 10.5 3 8c.03-2.72 1.49-6 4.5-6C9.37 2 10 3.8 10 5.5c0 3.11-2 5.66-2 8.68V16a2 2 0 1 1-4 0ZM20 20v-2.38c0-2.12 1.03-3.12 1-5.62-.03-2.72-1.49-6-4.5-6C14.63 6 14 7.8 14 9.5c0 3.11 2 5.66 2 8.68V20a2 2 0 1 0 4 0ZM16 17h4M4 13h4",
    ),
    ("hash", "M4 9L20 9M4 15L20 15M10 3L8 21M16 3L14 21"),
    (
        "inbox",
        "M22 12L16 12L14 15L10 15L8 12L2 12M5.45 5.11 2 12v6a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2v-6l-3.45-6.89A2 2 0 0 0 16.76 4H7.24a2 2 0 0 0-1.79 1.11z",
    ),
    ("info", "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0M12 16v-4M12 8h.01"),
    (
        "layers",
        "M12.83 2.18a2 2 0 0 0-1.66 0L2.6 6.08a1 1 0 0 0 0 1.83l8.58 3.91a2 2 0 0 0 1.66 0l8.58-3.9a1 1 0 0 0 0-1.83zM2 12a1 1 0 0 0 .58.91l8.6 3.91a2 2 0 0 0 1.65 0l8.58-3.9A1 1 0 0 0 22 12M2 17a1 1 0 0 0 .58.91l8.6 3.91a2 2 0 0 0 1.65 0l8.58-3.9A1 1 0 0 0 22 17",
    ),
    ("list", "M3 5h.01M3 12h.01M3 19h.01M8 5h13M8 12h13M8 19h13"),
    ("list-checks", "M13 5h8M13 12h8M13 19h8M3 17l2 2 4-4M3 7l2 2 4-4"),
    (
        "loader",
        "M12 2v4M16.2 7.8l2.9-2.9M18 12h4M16.2 16.2l2.9 2.9M12 18v4M4.9 19.1l2.9-2.9M2 12h4M4.9 4.9l2.9 2.9",
    ),
    ("menu", "M4 5h16M4 12h16M4 19h16"),
    (
        "monitor",
        "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2zM8 21L16 21M12 17L12 21",
    ),
    (
        "moon",
        "M20.985 12.486a9 9 0 1 1-9.473-9.472c.405-.022.617.46.402.803a6 6 0 0 0 8.268 8.268c.344-.215.825-.004.803.401",
    ),
    (
        "pause",
        "M15 3h3a1 1 0 0 1 1 1v16a1 1 0 0 1 -1 1h-3a1 1 0 0 1 -1 -1v-16a1 1 0 0 1 1 -1zM6 3h3a1 1 0 0 1 1 1v16a1 1 0 0 1 -1 1h-3a1 1 0 0 1 -1 -1v-16a1 1 0 0 1 1 -1z",
    ),
    ("play", "M5 5a2 2 0 0 1 3.008-1.728l11.997 6.998a2 2 0 0 1 .003 3.458l-12 7A2 2 0 0 1 5 19z"),
    ("plus", "M5 12h14M12 5v14"),
    (
        "refresh-cw",
        "M3 12a9 9 0 0 1 9-9 9.75 9.75 0 0 1 6.74 2.74L21 8M21 3v5h-5M21 12a9 9 0 0 1-9 9 9.75 9.75 0 0 1-6.74-2.74L3 16M8 16H3v5",
    ),
    ("rotate-cw", "M21 12a9 9 0 1 1-9-9c2.52 0 4.93 1 6.74 2.74L21 8M21 3v5h-5"),
    ("search", "M21 21l-4.34-4.34M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0"),
    (
        "settings",
        "M9.671 4.136a2.34 2.34 0 0 1 4.659 0 2.34 2.34 0 0 0 3.319 1.915 2.34 2.34 0 0 1 2.33 4.033 2.34 2.34 0 0 0 0 3.831 2.34 2.34 0 0 1-2.33 4.033 2.34 2.34 0 0 0-3.319 1.915 2.34 2.34 0 0 1-4.659 0 2.34 2.34 0 0 0-3.32-1.915 2.34 2.34 0 0 1-2.33-4.033 2.34 2.34 0 0 0 0-3.831A2.34 2.34 0 0 1 6.35 6.051a2.34 2.34 0 0 0 3.319-1.915M9 12a3 3 0 1 0 6 0a3 3 0 1 0 -6 0",
    ),
    (
        "sun",
        "M8 12a4 4 0 1 0 8 0a4 4 0 1 0 -8 0M12 2v2M12 20v2M4.93 4.93l1.41 1.41M17.66 17.66l1.41 1.41M2 12h2M20 12h2M6.34 17.66l-1.41 1.41M19.07 4.93l-1.41 1.41",
    ),
    (
        "table",
        "M12 3v18M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2zM3 9h18M3 15h18",
    ),
    (
        "tag",
        "M12.586 2.586A2 2 0 0 0 11.172 2H4a2 2 0 0 0-2 2v7.172a2 2 0 0 0 .586 1.414l8.704 8.704a2.426 2.426 0 0 0 3.42 0l6.58-6.58a2.426 2.426 0 0 0 0-3.42zM7 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0",
    ),
    ("terminal", "M12 19h8M4 17l6-6-6-6"),
    (
        "trash-2",
        "M10 11v6M14 11v6M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6M3 6h18M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2",
    ),
    (
        "triangle-alert",
        "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3M12 9v4M12 17h.01",
    ),
    (
        "alert-triangle",
        "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3M12 9v4M12 17h.01",
    ),
    ("upload", "M12 3v12M17 8l-5-5-5 5M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4"),
    ("user", "M19 21v-2a4 4 0 0 0-4-4H9a4 4 0 0 0-4 4v2M8 7a4 4 0 1 0 8 0a4 4 0 1 0 -8 0"),
    (
        "wifi-off",
        "M12 20h.01M8.5 16.429a5 5 0 0 1 7 0M5 12.859a10 10 0 0 1 5.17-2.69M19 12.859a10 10 0 0 0-2.007-1.523M2 8.82a15 15 0 0 1 4.177-2.643M22 8.82a15 15 0 0 0-11.288-3.764M2 2l20 20",
    ),
    ("wrap-text", "M16 16l-3 3 3 3M3 12h14.5a1 1 0 0 1 0 7H13M3 19h6M3 5h18"),
    ("x", "M18 6 6 18M6 6l12 12"),
    (
        "zap",
        "M4 14a1 1 0 0 1-.78-1.63l9.9-10.2a.5.5 0 0 1 .86.46l-1.92 6.02A1 1 0 0 0 13 10h7a1 1 0 0 1 .78 1.63l-9.9 10.2a.5.5 0 0 1-.86-.46l1.92-6.02A1 1 0 0 0 11 14z",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_a_path_and_every_name_is_there_once() {
        for (index, (name, path)) in ICONS.iter().enumerate() {
            assert!(path.starts_with('M'), "{name}");
            assert!(
                path.chars().all(|c| c.is_ascii_digit() || " .-,MmLlHhVvCcSsQqTtAaZz".contains(c)),
                "{name}"
            );
            assert!(!ICONS[index + 1..].iter().any(|(other, _)| other == name), "{name} twice");
        }
    }

    #[test]
    fn every_status_has_an_icon() {
        for status in Status::ALL {
            assert!(ICONS.iter().any(|(name, _)| *name == status_icon(status)), "{status}");
        }
    }
}
