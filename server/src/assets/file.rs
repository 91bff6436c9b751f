//! One file of the site, and the headers it is sent with.

use std::hash::{DefaultHasher, Hasher};
use std::path::PathBuf;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

pub(super) const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
pub(super) const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// Some browsers hold a picture to the policy it came with, and pictures bring their own styles.
const PICTURE_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");

/// What pages of other origins load: `<task-progress>`. There is nothing in it that is not public.
const EMBED: &str = "embed/";
const ANYBODY: HeaderValue = HeaderValue::from_static("*");

/// Where a file's bytes are.
#[derive(Clone)]
pub(super) enum Content {
    /// In memory, as they were at the start.
    Kept(Bytes),
    /// In a file that `cargo leptos watch` writes again under the same name: read when it is asked for.
    #[cfg_attr(feature = "embed", expect(dead_code, reason = "an embedded site has no file to watch"))]
    Watched(PathBuf),
}

/// A file, ready to be sent.
pub(super) struct File {
    content_type: &'static str,
    cache: HeaderValue,
    is_for_anybody: bool,
    plain: Source,
    brotli: Option<Encoded>,
}

enum Source {
    Kept(Encoded),
    Watched(PathBuf),
}

#[derive(Clone)]
struct Encoded {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Encoded {
    fn new(bytes: Bytes) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        let etag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish()));
        Self { bytes, etag: etag.unwrap_or(HeaderValue::from_static("\"\"")) }
    }
}

impl File {
    /// The file of this name in the site, and its content compressed with brotli if there is one.
    pub(super) fn new(name: &str, content: Content, brotli: Option<Bytes>) -> Self {
        Self {
            content_type: content_type(name),
            cache: if is_hashed(name) { FOREVER } else { ASK_AGAIN },
            is_for_anybody: name.starts_with(EMBED),
            plain: match content {
                Content::Kept(bytes) => Source::Kept(Encoded::new(bytes)),
                Content::Watched(path) => Source::Watched(path),
            },
            brotli: brotli.map(Encoded::new),
        }
    }

    /// The answer to a request with these headers.
    pub(super) async fn respond(&self, request: &HeaderMap) -> Response {
        let brotli = self.brotli.clone().filter(|_| takes_brotli(request));
        let is_brotli = brotli.is_some();
        let Some(sent) = (match brotli {
            Some(brotli) => Some(brotli),
            None => self.plain().await,
        }) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let mut response = if knows(request, &sent.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(sent.bytes));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
            if is_brotli {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
            }
            if self.content_type == SVG {
                headers.insert(CONTENT_SECURITY_POLICY, PICTURE_POLICY);
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, sent.etag);
        headers.insert(CACHE_CONTROL, self.cache.clone());
        if self.is_for_anybody {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
        }
        if self.brotli.is_some() {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        response
    }

    async fn plain(&self) -> Option<Encoded> {
        match &self.plain {
            Source::Kept(encoded) => Some(encoded.clone()),
            Source::Watched(path) => tokio::fs::read(path).await.ok().map(|bytes| Encoded::new(bytes.into())),
        }
    }
}

const SVG: &str = "image/svg+xml";

/// The items of a header that is a list.
fn items(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    items(headers, ACCEPT_ENCODING).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_brotli = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("br"));
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
        is_brotli && quality.is_ok_and(|quality| quality > 0.0)
    })
}

fn knows(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let etag = etag.to_str().unwrap_or_default();
    items(headers, IF_NONE_MATCH).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// Whether the name holds the hash of the content: `pkg/taskdeck.0a1b2c3d4e5f.js`.
pub(super) fn is_hashed(name: &str) -> bool {
    let within = |folder| name.strip_prefix(folder).filter(|name| !name.contains('/'));
    let Some(name) = within("pkg/").or_else(|| within(EMBED)) else {
        return false;
    };
    let hash = name.rsplit('.').nth(1).unwrap_or_default();
    hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => SVG,
        "png" => "image/png",
        "ico" => "image/x-icon",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "html" => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}
