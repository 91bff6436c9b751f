//! Widgets in pages of other origins: their tokens, which origins may, and what their browsers are told (CORS).
//!
//! A request that brings a token acts as [`Actor::Embed`](taskdeck_core::Actor::Embed) and as nobody else, whatever
//! else it brings. Only such a request is answered with the headers that let a page of another origin read the
//! answer, so a listed origin without a token is as foreign as any other.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION,
    ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde::Serialize;
use taskdeck_core::{EmbedRequest, EmbedToken, Notice};
use taskdeck_engine::Client;

use crate::body::Optional;
use crate::extract::{Caller, Params, TaskPath};
use crate::problem::Failure;
use crate::tasks::Since;

/// How every token begins.
const TOKEN: &str = "embed1.";
/// Widgets ask with this header.
const HEADERS: HeaderValue = HeaderValue::from_static("authorization");
const METHODS: HeaderValue = HeaderValue::from_static("GET");
/// Under which name an answer brings a new token, for widgets that no socket tells of it.
const RENEWED: HeaderName = HeaderName::from_static("taskdeck-token");
/// How long a browser remembers that it may ask.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// How long the token of the request holds, from its start: a socket renews it. In the request's extensions.
#[derive(Clone, Copy)]
pub(crate) struct TokenTime(pub(crate) Duration);

/// The token that a request brings: as `Authorization: Bearer`, or as `token` of the query, since a browser's
/// WebSocket and `EventSource` cannot send headers. Whatever a page of a listed origin brings is meant as one, also
/// where it is none, so that the page is told that it is refused.
pub(crate) fn token(headers: &HeaderMap, uri: &Uri, is_listed: bool) -> Option<String> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer")).map(str::trim_start);
    let query = || uri.query()?.split('&').find_map(|pair| pair.strip_prefix("token="));
    let is_one = |token: &&str| is_listed || token.starts_with(TOKEN);
    bearer.or_else(query).filter(is_one).map(str::to_owned)
}

/// The request's origin, if its pages may show widgets.
pub(crate) fn listed_origin(headers: &HeaderMap, listed: &[String]) -> Option<HeaderValue> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let (origin, None) = (origins.next()?, origins.next()) else { return None };
    listed.iter().any(|known| known.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// Whether a browser asks beforehand whether a page may ask.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// It may: what it asks then is judged by its token.
pub(crate) fn preflight(origin: HeaderValue) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    allow(&mut response, origin);
    response
}

/// Lets a page of this origin read the answer.
pub(crate) fn allow(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("taskdeck-token"));
    headers.append(VARY, HeaderValue::from_static("origin"));
}

/// Gives a token for a widget in another page.
pub(crate) async fn issue(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Optional(request): Optional<EmbedRequest>,
) -> Result<Json<EmbedToken>, Failure> {
    Ok(Json(client.embed_token(id, request).await?))
}

#[derive(Serialize)]
pub(crate) struct Notices {
    notices: Vec<Notice>,
}

/// What the task's body wanted somebody to know.
pub(crate) async fn notices(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Params(query): Params<Since>,
) -> Result<Json<Notices>, Failure> {
    Ok(Json(Notices { notices: client.notices(id, query.since).await? }))
}

/// Gives a widget that asks how its task stands a new token along, as a socket would, as long as the task has not ended.
pub(crate) async fn renew(client: &Client, time: Option<Extension<TokenTime>>, response: &mut Response) {
    let Some(Extension(TokenTime(time))) = time else { return };
    match client.renewed_embed_token(time).await {
        Ok(Some(token)) => {
            if let Ok(value) = HeaderValue::from_str(&token.token) {
                response.headers_mut().insert(RENEWED, value);
            }
        }
        Ok(None) => {}
        // The widget asks again, long before the time of the token that it has is over.
        Err(error) => tracing::warn!(%error, "failed to renew the token of a widget"),
    }
}

/// The token's time of a request, if it came with one.
pub(crate) fn token_time(parts: &Parts) -> Option<Duration> {
    parts.extensions.get::<TokenTime>().map(|time| time.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in of {
            map.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        map
    }

    #[test]
    fn a_token_comes_as_a_bearer_or_in_the_query() {
        let plain: Uri = "/api/tasks/1".parse().unwrap();
        let of = |headers: &[(&str, &str)], uri: &Uri| token(&self::headers(headers), uri, false);
        assert_eq!(of(&[("authorization", "Bearer embed1.a")], &plain).as_deref(), Some("embed1.a"));
        assert_eq!(of(&[("authorization", "Bearer other")], &plain), None);
        assert_eq!(
            of(&[], &"/ws/task/1?log=false&token=embed1.b".parse().unwrap()).as_deref(),
            Some("embed1.b")
        );
        assert_eq!(of(&[], &plain), None);

        let listed = |headers: &[(&str, &str)], uri: &Uri| token(&self::headers(headers), uri, true);
        assert_eq!(listed(&[("authorization", "Bearer")], &plain).as_deref(), Some(""));
        assert_eq!(listed(&[], &"/ws/task/1?token=other".parse().unwrap()).as_deref(), Some("other"));
        assert_eq!(listed(&[], &plain), None);
    }

    #[test]
    fn an_origin_is_listed_as_a_whole_or_not_at_all() {
        let listed = ["https://shop.example".to_owned()];
        let of = |origins: &[&str]| {
            let pairs: Vec<_> = origins.iter().map(|origin| ("origin", *origin)).collect();
            listed_origin(&headers(&pairs), &listed).is_some()
        };
        assert!(of(&["https://shop.example"]));
        for foreign in
            ["http://shop.example", "https://shop.example.evil.example", "https://shop.example:444", "null"]
        {
            assert!(!of(&[foreign]), "{foreign}");
        }
        assert!(!of(&[]));
        assert!(!of(&["https://shop.example", "https://shop.example"]));
    }
}
