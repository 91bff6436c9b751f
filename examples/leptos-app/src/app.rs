//! The frame of the shop's pages.

use leptos::prelude::*;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};
use taskdeck::ui::{ConnectionNotice, provide_live};

use crate::pages::{AlbumPage, AlbumsPage, TaskPage};

/// The HTML around the app.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="taskdeck-base" content=crate::server::DECK/>
                <title>"Photo shop"</title>
                <link rel="icon" href="data:,"/>
                <style inner_html=taskdeck::ui::STYLE></style>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The shop.
#[component]
pub fn App() -> impl IntoView {
    // One socket a page, for all widgets.
    provide_live();
    view! {
        <Router>
            <header>
                <a href="/">"Photo shop"</a>
                <ConnectionNotice/>
            </header>
            <main>
                <Routes fallback=|| view! { <p>"There is no such page."</p> }>
                    // Whole in the first HTML, so that they are read without JavaScript too.
                    <Route path=path!("/") view=AlbumsPage ssr=SsrMode::Async/>
                    <Route path=path!("/albums/:slug") view=AlbumPage ssr=SsrMode::Async/>
                    // Where the deck's forms and links lead to.
                    <Route path=path!("/deck/tasks/:id") view=TaskPage ssr=SsrMode::Async/>
                </Routes>
            </main>
        </Router>
    }
}
