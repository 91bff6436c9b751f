//! The gallery's code, in a file of its own beside the WASM: only who opens the gallery loads it.

#[cfg(not(feature = "ssr"))]
use taskdeck::dashboard::PageCode;
use taskdeck::ui::use_base;

taskdeck::dashboard::page!(pub(crate) GALLERY, widgets, super::Widgets);

/// The name of the gallery's file, if a path below the base path is the gallery's.
#[cfg(feature = "ssr")]
pub(crate) fn name_at(path: &str) -> Option<&'static str> {
    is_at(path).then(|| GALLERY.name())
}

/// The gallery, if a path below the base path is its.
#[cfg(not(feature = "ssr"))]
pub(crate) fn page_at(path: &str) -> Option<&'static PageCode> {
    is_at(path).then_some(&GALLERY)
}

fn is_at(path: &str) -> bool {
    path.trim_matches('/') == "widgets"
}

/// Brings the gallery's code if the browser is there; whether it is here now, or not needed. Await it before you hydrate.
pub(crate) async fn load_if_shown() -> bool {
    let path = leptos::prelude::location().pathname().unwrap_or_default();
    !is_at(path.strip_prefix(use_base().as_str()).unwrap_or(&path)) || GALLERY.load().await
}
