//! What a browser keeps of how the pages look and act: cookies, so that the server renders them right at once.

/// A cookie for a year, for the whole site.
pub(crate) fn kept(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax")
}

/// The value of a cookie in a `Cookie` header.
pub(crate) fn find<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// Reads the cookies of the request.
#[cfg(feature = "ssr")]
pub(crate) fn read<T>(read: impl FnOnce(&str) -> T) -> Option<T> {
    use axum::http::{header::COOKIE, request::Parts};
    let request = leptos::prelude::use_context::<Parts>()?;
    Some(read(request.headers.get(COOKIE)?.to_str().ok()?))
}

/// Sets a cookie with the answer to a form, which leads back to where the form was.
#[cfg(feature = "ssr")]
pub(crate) fn set_and_go_back(cookie: &str) {
    use axum::http::{HeaderValue, header::SET_COOKIE};
    let response = leptos::prelude::use_context::<leptos_axum::ResponseOptions>();
    if let (Some(response), Ok(cookie)) = (response, HeaderValue::from_str(cookie)) {
        response.append_header(SET_COOKIE, cookie);
    }
    taskdeck_ui::server::go_back();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        assert_eq!(find("a=b; keys=off;c=d", "keys"), Some("off"));
        assert_eq!(find("mykeys=off; keys", "keys"), None);
        assert_eq!(find(&kept("keys", "on"), "keys"), Some("on"));
    }
}
