//! The HTTP status of a page, and what else only the server's answer can say.

/// Sets the status of the page of this request.
#[cfg(feature = "ssr")]
pub(crate) fn set(status: u16) {
    use leptos::prelude::use_context;
    let response = use_context::<leptos_axum::ResponseOptions>();
    if let (Some(response), Ok(status)) = (response, axum::http::StatusCode::from_u16(status)) {
        response.set_status(status);
    }
}

/// Sends whoever asked for this page to another one.
#[cfg(feature = "ssr")]
pub(crate) fn redirect(path: &str) {
    use axum::http::{HeaderValue, StatusCode, header::LOCATION};
    use leptos::prelude::use_context;
    let response = use_context::<leptos_axum::ResponseOptions>();
    if let (Some(response), Ok(path)) = (response, HeaderValue::from_str(path)) {
        response.insert_header(LOCATION, path);
        response.set_status(StatusCode::FOUND);
    }
}

/// Goes to another page, which takes this one's place in the history.
#[cfg(not(feature = "ssr"))]
pub(crate) fn redirect(path: &str) {
    use leptos_router::{NavigateOptions, hooks::use_navigate};
    let options = NavigateOptions { replace: true, resolve: false, ..NavigateOptions::default() };
    use_navigate()(path, options);
}

/// In the browser there is no status to set.
#[cfg(not(feature = "ssr"))]
pub(crate) const fn set(_status: u16) {}
