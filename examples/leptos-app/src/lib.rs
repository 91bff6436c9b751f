//! A photo shop that was there before Taskdeck: an Axum server, pages in Leptos, server functions of its own. What it took
//! to have background tasks in it is in `tasks.rs` (what they do), `server.rs` (the deck beside the shop's own routes) and
//! `pages.rs` (the widgets).

pub mod albums;
pub mod app;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod server;
pub mod tasks;

/// Takes over the page that the server rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
