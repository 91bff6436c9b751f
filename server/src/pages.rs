//! The Leptos app as routes: its pages, its server functions, its forms, and the page for what is not there.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use http::{Method, StatusCode, Uri};
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};
use taskdeck::DeckError;
use taskdeck::dashboard::server::{form_fallback, provide_mount};
use taskdeck::ui::BasePath;
use taskdeck_app::{App, Assets, Socket, shell};
use tower_http::compression::CompressionLayer;

/// The pages; `assets` are the files that they load, `socket` says whether the feed's socket is there for them, and `base`
/// where they are mounted.
pub(crate) fn router(assets: Assets, socket: Socket, options: LeptosOptions, base: &BasePath) -> Router {
    let routes = generate_route_list(App);
    let mount = base.clone();
    let context = move || {
        provide_mount(&mount);
        provide_context(assets.clone());
        provide_context(socket);
    };
    let app = {
        let options = options.clone();
        move || shell(options.clone())
    };
    let not_found = {
        let (base, context, app) = (base.clone(), context.clone(), app.clone());
        move |request| not_found(request, base.clone(), context.clone(), app.clone())
    };
    let pages = Router::new()
        .leptos_routes_with_context(&options, routes, context.clone(), app.clone())
        .fallback(not_found);
    // Not for what streams: the feed's routes are elsewhere.
    form_fallback(pages, context, app).with_state(options).layer(CompressionLayer::new())
}

/// The app's own page for an address that it does not know.
async fn not_found<V: IntoView + 'static>(
    request: Request,
    base: BasePath,
    context: impl Fn() + Clone + Send + Sync + 'static,
    app: impl Fn() -> V + Clone + Send + Sync + 'static,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return taskdeck::axum::problem(&DeckError::NotFound { what: "Address".to_owned() });
    }
    if let Some(address) = without_slash(request.uri()) {
        return Redirect::permanent(&base.join(&address)).into_response();
    }
    let mut page = render_app_async_with_context(context, app)(request).await.into_response();
    // The app may have said something else, such as a redirect.
    if page.status() == StatusCode::OK {
        *page.status_mut() = StatusCode::NOT_FOUND;
    }
    page
}

/// The address without slashes at its end, which people type and other servers have; none when there is no such slash.
fn without_slash(uri: &Uri) -> Option<String> {
    let path = uri.path().strip_suffix('/')?.trim_end_matches('/');
    // "//name/.." is an address of another host.
    if path.is_empty() || path.starts_with("//") {
        return None;
    }
    Some(uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_leads_to_the_address_without_it() {
        let of = |uri: &str| without_slash(&uri.parse().expect("an address"));
        assert_eq!(of("/tasks/").as_deref(), Some("/tasks"));
        assert_eq!(of("/tasks//?status=failed").as_deref(), Some("/tasks?status=failed"));
        for none in ["/", "/tasks", "/nowhere", "//", "//evil.example/", "//evil.example/x/"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
