//! The browser's entry: takes over the page that the server rendered.
//!
//! Built for WASM alone; on other targets the crate is empty, so that a build of the whole workspace never mixes the
//! server's features with the browser's.
#![cfg(target_arch = "wasm32")]

use taskdeck_app::{App, load_current_page};
use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page. The shell's script calls it once the module is loaded.
#[wasm_bindgen]
pub async fn hydrate() {
    // A panic stops the page from being live; the console then says where it came from.
    console_error_panic_hook::set_once();
    // Without the page's own code there is nothing to take over: it stays as the server made it, links and forms work.
    if load_current_page().await {
        leptos::mount::hydrate_body(App);
    }
}
