//! The Taskdeck app: the dashboard's routes in a page of our own, and the built-in tasks.
//!
//! It uses the library as any app would: what is here is what a stranger writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::{Title, adopt};
use leptos_meta::provide_meta_context;
use leptos_router::components::Router;
#[cfg(feature = "ssr")]
use leptos_router::components::{Route, Routes};
#[cfg(feature = "ssr")]
use leptos_router::{SsrMode, path};
use serde::{Deserialize, Serialize};
#[cfg(not(feature = "ssr"))]
use taskdeck::dashboard::Browse;
#[cfg(feature = "ssr")]
use taskdeck::dashboard::{DashboardRoutes, NotFoundPage};
use taskdeck::dashboard::{MorePage, MorePages};
use taskdeck::ui::use_base;

mod gallery;
#[cfg(feature = "ssr")]
mod shell;
pub mod tasks;

#[cfg(feature = "ssr")]
pub use shell::shell;

/// Where the built files are: addresses below the base path, with a hash of the content in each name. The server
/// reads them from the site's manifest and provides them as a context to [`shell`](crate::shell()).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assets {
    /// The glue that loads the WASM.
    pub js: String,
    /// The WASM.
    pub wasm: String,
    /// The style sheet.
    pub css: String,
    /// The files with the code of each page, which the first file does not hold, by the page's name.
    #[serde(default)]
    pub pages: Arc<BTreeMap<String, Vec<String>>>,
    /// Identifies the build: a page of another build should reload.
    pub build: String,
}

/// A context that tells the shell whether the server takes the feed's socket; it does where nobody says otherwise.
/// A page of a server without one asks every few seconds instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket(pub bool);

/// Brings the code of the page that the browser is at, if it is in a file of its own; whether it is here now. Await it
/// before you hydrate.
pub async fn load_current_page() -> bool {
    gallery::code::load_if_shown().await && taskdeck::dashboard::load_current_page().await
}

/// The pages, as the server finds them.
#[cfg(feature = "ssr")]
#[component]
fn Pages() -> impl IntoView {
    view! {
        <Routes fallback=|| view! { <NotFoundPage/> }>
            <Route path=path!("widgets") view=gallery::gallery ssr=SsrMode::Async/>
            <DashboardRoutes/>
        </Routes>
    }
}

/// The pages, as the browser finds them: with less code.
#[cfg(not(feature = "ssr"))]
#[component]
fn Pages() -> impl IntoView {
    view! { <Browse others=gallery::code::page_at/> }
}

/// The whole app, as server and browser render it.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(MorePages(&[MorePage {
        title: "Widgets",
        text: "Every widget of the library, alive, with the code that puts it on a page.",
        path: "/widgets",
        icon: "eye",
    }]));
    // The router takes the base without a slash at its end, and nothing where there is none.
    let base = use_base().as_str().to_owned();
    view! {
        <Title formatter=|page: String| if page.is_empty() { "Taskdeck".to_owned() } else { format!("{page} · Taskdeck") }/>
        {adopt(view! { <Router base=base><Pages/></Router> })}
    }
}
