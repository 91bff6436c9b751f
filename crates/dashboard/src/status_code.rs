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

/// In the browser there is no status to set.
#[cfg(not(feature = "ssr"))]
pub(crate) const fn set(_status: u16) {}
