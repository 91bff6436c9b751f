//! Leptos, for the server.

pub use leptos::*;
pub use leptos_meta::Title;

use leptos::prelude::RenderHtml;

/// Takes in a view that another crate made with leptos itself.
pub fn adopt<T: RenderHtml + 'static>(view: T) -> T {
    view
}
