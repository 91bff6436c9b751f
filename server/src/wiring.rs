//! Puts the parts together: the deck with its kinds, and the routes with their guard.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use axum::response::Redirect;
use axum::routing::get;
use axum::{Extension, Router};
use leptos::config::LeptosOptions;
use taskdeck::axum::Config;
use taskdeck::ui::BasePath;
use taskdeck::{Deck, DeckBuilder};
use taskdeck_app::Socket;

use crate::assets::Site;
use crate::config::{ServerConfig, Store};
use crate::pages;

/// The deck, working.
///
/// # Errors
/// When the store or the data database cannot be opened.
pub(crate) async fn deck(config: &ServerConfig) -> Result<Deck> {
    let builder = Deck::builder().settings(config.settings.clone()).register_linked();
    let builder = match &config.store {
        Store::Memory => builder.memory(),
        Store::Sqlite(path) => {
            make_folder_of(path)?;
            builder.sqlite(path)
        }
        Store::Postgres(url) => on_postgres(builder, url),
    };
    let builder = match &config.files {
        Some(directory) => builder.files(directory),
        None => builder,
    };
    make_folder_of(&config.data)?;
    Ok(taskdeck_app::tasks::install(builder, &config.data)?.build().await?)
}

#[cfg(feature = "postgres")]
fn on_postgres(builder: DeckBuilder, url: &str) -> DeckBuilder {
    builder.postgres(url)
}

/// No setting names one in this build: see `config::values`.
#[cfg(not(feature = "postgres"))]
fn on_postgres(builder: DeckBuilder, _: &str) -> DeckBuilder {
    builder
}

fn make_folder_of(path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) => std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display())),
        None => Ok(()),
    }
}

/// Everything that is served, behind the guard: below the base path, if there is one.
pub(crate) fn router(deck: Deck, site: &Site, config: Config, base: &str) -> Router {
    let guard = taskdeck::axum::guard(deck.clone(), &config);
    let options = leptos_options(config.bind);
    let socket = Socket(config.websocket);
    let base = BasePath::new(base);
    let served = taskdeck::axum::router(deck, config)
        .merge(site.routes())
        .merge(pages::router(site.assets().clone(), socket, options, &base))
        .layer(Extension(base.clone()));
    let served = match base.as_str() {
        "" => served,
        path => {
            // The overview has the slash; whoever leaves it out, or the path as a whole, is led there.
            let start = base.join("/");
            let router = Router::new().nest(&start, served);
            let lead = get(move || std::future::ready(Redirect::temporary(&start)));
            router.route(path, lead.clone()).route("/", lead)
        }
    };
    served.layer(guard)
}

/// What Leptos asks of a server. `cargo leptos watch` says it in variables; else only the address matters, since the
/// site's manifest names the files.
fn leptos_options(bind: SocketAddr) -> LeptosOptions {
    let ours = || LeptosOptions::builder().output_name("taskdeck").site_addr(bind).build();
    if std::env::var_os("LEPTOS_OUTPUT_NAME").is_none() {
        return ours();
    }
    leptos::config::get_configuration(None).map_or_else(|_| ours(), |config| config.leptos_options)
}
