//! The shop's server: its own routes, and the deck beside them.

use axum::Router;
use leptos::prelude::LeptosOptions;
use leptos_axum::{LeptosRoutes, file_and_error_handler_with_context, generate_route_list};
use taskdeck::Deck;
use taskdeck::axum::Config;
use taskdeck::ui::provide_base;

use crate::app::{App, shell};

/// Where the deck's API, socket and server functions are.
pub const DECK: &str = "/deck";

/// All that is served.
pub fn router(deck: Deck, config: Config, options: LeptosOptions) -> Router {
    // It gives each request its way into the deck, and keeps other origins out.
    let guard = taskdeck::axum::guard(deck.clone(), &config);
    let context = || provide_base(DECK);
    let app = {
        let options = options.clone();
        move || shell(options.clone())
    };
    let shop = Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), context, app)
        .fallback(file_and_error_handler_with_context(context, shell))
        .with_state(options);
    shop.merge(taskdeck::ui::server::router_at(DECK, deck, config)).layer(guard)
}
