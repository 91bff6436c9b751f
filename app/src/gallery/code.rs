//! The gallery's code, in a file of its own beside the WASM: only who opens the gallery loads it.

use leptos::prelude::*;
#[cfg(target_arch = "wasm32")]
use taskdeck::ui::{Erase, use_base};

/// What the build calls the file.
const NAME: &str = "widgets";

/// The name of the gallery's file, if a path below the base path is the gallery's.
#[cfg(feature = "ssr")]
pub(crate) fn name_at(path: &str) -> Option<&'static str> {
    is_at(path).then_some(NAME)
}

fn is_at(path: &str) -> bool {
    path.trim_matches('/') == NAME
}

#[cfg(target_arch = "wasm32")]
mod apart {
    use std::sync::OnceLock;

    use leptos::prelude::AnyView;
    use leptos::wasm_split::SplitLoaderError;

    type View = fn() -> AnyView;

    pub(super) static HERE: OnceLock<View> = OnceLock::new();

    #[leptos::wasm_split::wasm_split(widgets, wasm_split_path = leptos::wasm_split, fallible)]
    fn code() -> Result<View, SplitLoaderError> {
        Ok(crate::gallery::page)
    }

    pub(super) async fn load() -> bool {
        if HERE.get().is_none()
            && let Ok(view) = code().await
        {
            let _ = HERE.set(view);
        }
        HERE.get().is_some()
    }
}

/// Brings the gallery's code if the browser is there; whether it is here now, or not needed. Await it before you hydrate.
#[cfg(target_arch = "wasm32")]
pub(crate) async fn load_if_shown() -> bool {
    let path = location().pathname().unwrap_or_default();
    !is_at(path.strip_prefix(use_base().as_str()).unwrap_or(&path)) || apart::load().await
}

/// Elsewhere all code is in one place.
#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::unused_async, reason = "in a browser there is something to wait for")]
pub(crate) async fn load_if_shown() -> bool {
    true
}

/// The gallery, where its code is here: always on the server, and after [`load_if_shown`].
pub(crate) fn show() -> AnyView {
    #[cfg(target_arch = "wasm32")]
    {
        match apart::HERE.get() {
            Some(view) => view(),
            // No page of the app leads here but by loading the page whole.
            None => {
                view! { <a href=use_base().join("/widgets") rel="external">"Load the gallery"</a> }.erase()
            }
        }
    }
    #[cfg(not(target_arch = "wasm32"))]
    {
        super::page()
    }
}
