//! The Leptos app as routes: its pages, its server functions, its forms, and the page for what is not there.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};
use taskdeck::DeckError;
use taskdeck::dashboard::server::form_fallback;
use taskdeck_app::{App, Assets, Socket, shell};

/// The pages; `assets` are the files that they load, and `socket` says whether the feed's socket is there for them.
pub(crate) fn router(assets: Assets, socket: Socket, options: LeptosOptions) -> Router {
    let routes = generate_route_list(App);
    let context = move || {
        provide_context(assets.clone());
        provide_context(socket);
    };
    let app = {
        let options = options.clone();
        move || shell(options.clone())
    };
    let not_found = {
        let (context, app) = (context.clone(), app.clone());
        move |request| not_found(request, context.clone(), app.clone())
    };
    let pages = Router::new()
        .leptos_routes_with_context(&options, routes, context.clone(), app.clone())
        .fallback(not_found);
    form_fallback(pages, context, app).with_state(options)
}

/// The app's own page for an address that it does not know.
async fn not_found<V: IntoView + 'static>(
    request: Request,
    context: impl Fn() + Clone + Send + Sync + 'static,
    app: impl Fn() -> V + Clone + Send + Sync + 'static,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return taskdeck::axum::problem(&DeckError::NotFound { what: "Address".to_owned() });
    }
    let mut page = render_app_async_with_context(context, app)(request).await.into_response();
    // The app may have said something else, such as a redirect.
    if page.status() == StatusCode::OK {
        *page.status_mut() = StatusCode::NOT_FOUND;
    }
    page
}
