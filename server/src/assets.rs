//! The built site: the WASM, its glue, the style sheet, icons. It is read once at the start, from the binary or from
//! a folder, so that what is served fits together and no path is ever made from what a client asked for.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
#[cfg(not(feature = "embed"))]
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use taskdeck_app::Assets;

const MANIFEST: &str = "manifest.json";
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The site's files by their path from its root.
pub(crate) struct Site {
    files: BTreeMap<String, Bytes>,
    assets: Assets,
}

impl Site {
    /// The site to serve.
    ///
    /// # Errors
    /// When it was not built.
    pub(crate) fn load() -> Result<Self> {
        Self::from_files(files()?)
    }

    fn from_files(files: BTreeMap<String, Bytes>) -> Result<Self> {
        let Some(manifest) = files.get(MANIFEST) else {
            bail!("the site has no {MANIFEST}; build the site with `cargo xtask run`");
        };
        let assets: Assets = serde_json::from_slice(manifest).with_context(|| {
            format!("the site's {MANIFEST} cannot be read; build it with `cargo xtask run`")
        })?;
        for address in [&assets.js, &assets.wasm, &assets.css] {
            if !files.contains_key(address.trim_start_matches('/')) {
                bail!(
                    "the site has no {address}, which its {MANIFEST} names; build it with `cargo xtask run`"
                );
            }
        }
        Ok(Self { files, assets })
    }

    /// The addresses that pages load.
    pub(crate) fn assets(&self) -> &Assets {
        &self.assets
    }

    /// A route for each file.
    pub(crate) fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let mut router = Router::new();
        for (name, bytes) in &self.files {
            // A compressed file is served under the name of the plain one, and the manifest is ours.
            if name == MANIFEST || name.ends_with(".br") {
                continue;
            }
            let file =
                Arc::new(File::new(name, bytes.clone(), self.files.get(&format!("{name}.br")).cloned()));
            let serve = move |headers: HeaderMap| {
                let file = Arc::clone(&file);
                async move { file.respond(&headers) }
            };
            router = router.route(&format!("/{name}"), get(serve));
        }
        router
    }
}

struct File {
    content_type: HeaderValue,
    cache: HeaderValue,
    plain: Encoded,
    brotli: Option<Encoded>,
}

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
    fn new(name: &str, plain: Bytes, brotli: Option<Bytes>) -> Self {
        Self {
            content_type: HeaderValue::from_static(content_type(name)),
            cache: if is_hashed(name) { FOREVER } else { ASK_AGAIN },
            plain: Encoded::new(plain),
            brotli: brotli.map(Encoded::new),
        }
    }

    fn respond(&self, request: &HeaderMap) -> Response {
        let brotli = self.brotli.as_ref().filter(|_| takes_brotli(request));
        let sent = brotli.unwrap_or(&self.plain);
        let mut response = if knows(request, &sent.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(sent.bytes.clone()));
            response.headers_mut().insert(CONTENT_TYPE, self.content_type.clone());
            if brotli.is_some() {
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, sent.etag.clone());
        headers.insert(CACHE_CONTROL, self.cache.clone());
        if self.brotli.is_some() {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        response
    }
}

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
fn is_hashed(name: &str) -> bool {
    let Some(name) = name.strip_prefix("pkg/").filter(|name| !name.contains('/')) else {
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
        "svg" => "image/svg+xml",
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

#[cfg(feature = "embed")]
#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../target/site"]
struct Embedded;

#[cfg(feature = "embed")]
fn files() -> Result<BTreeMap<String, Bytes>> {
    use std::borrow::Cow;
    let read = |name: Cow<'static, str>| {
        let bytes = match Embedded::get(&name)?.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        Some((name.into_owned(), bytes))
    };
    Ok(Embedded::iter().filter_map(read).collect())
}

#[cfg(not(feature = "embed"))]
fn files() -> Result<BTreeMap<String, Bytes>> {
    let folder = std::env::var_os("TASKDECK_SITE").unwrap_or_else(|| "target/site".into());
    let folder = Path::new(&folder);
    if !folder.join(MANIFEST).is_file() {
        bail!(
            "there is no site in {} ({MANIFEST} is missing); build the site with `cargo xtask run`, \
             or name its folder in TASKDECK_SITE",
            folder.display()
        );
    }
    let mut files = BTreeMap::new();
    read_folder(folder, "", &mut files)?;
    Ok(files)
}

#[cfg(not(feature = "embed"))]
fn read_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Bytes>) -> Result<()> {
    let cannot = || format!("cannot read {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_folder(&entry.path(), &format!("{name}/"), files)?;
        } else {
            let bytes = std::fs::read(entry.path()).with_context(|| format!("cannot read {name}"))?;
            files.insert(name, Bytes::from(bytes));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tower::ServiceExt;

    use super::*;

    const JS: &str = "pkg/taskdeck.0a1b2c3d4e5f.js";

    fn site() -> Site {
        let manifest = serde_json::json!({
            "js": format!("/{JS}"), "wasm": "/pkg/a.0011223344.wasm", "css": "/pkg/a.0011223344.css", "build": "b1",
        });
        let files = [
            (MANIFEST, manifest.to_string()),
            (JS, "let plain;".to_owned()),
            ("pkg/taskdeck.0a1b2c3d4e5f.js.br", "compressed".to_owned()),
            ("pkg/a.0011223344.wasm", "wasm".to_owned()),
            ("pkg/a.0011223344.css", "css".to_owned()),
            ("favicon.svg", "<svg/>".to_owned()),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), Bytes::from(text)));
        Site::from_files(files.into()).unwrap()
    }

    async fn ask(path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Bytes) {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = site().routes::<()>().with_state(()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, axum::body::to_bytes(body, usize::MAX).await.unwrap())
    }

    #[tokio::test]
    async fn a_hashed_name_is_kept_for_ever_and_others_are_asked_again() {
        let (status, headers, body) = ask(&format!("/{JS}"), &[]).await;
        assert_eq!((status, body.as_ref()), (StatusCode::OK, b"let plain;".as_slice()));
        assert_eq!(headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert_eq!(headers[CACHE_CONTROL], FOREVER);
        assert_eq!(headers[VARY], "accept-encoding");
        let (_, headers, _) = ask("/favicon.svg", &[]).await;
        assert_eq!(headers[CONTENT_TYPE], "image/svg+xml");
        assert_eq!(headers[CACHE_CONTROL], ASK_AGAIN);
        assert!(!is_hashed("pkg/snippets/a-0a1b2c3d4e5f/inline0.js"));
        assert!(!is_hashed("pkg/plain.js"));
    }

    #[tokio::test]
    async fn brotli_is_sent_to_those_who_take_it() {
        for (accepted, encoded) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=0.5", true),
            ("BR", true),
            ("br;q=0", false),
            ("gzip", false),
            ("brr", false),
        ] {
            let (_, headers, body) = ask(&format!("/{JS}"), &[("accept-encoding", accepted)]).await;
            assert_eq!(headers.contains_key(CONTENT_ENCODING), encoded, "{accepted}");
            assert_eq!(body == "compressed", encoded, "{accepted}");
            assert_eq!(headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
        }
    }

    #[tokio::test]
    async fn what_is_known_is_not_sent_again() {
        let (_, headers, _) = ask("/favicon.svg", &[]).await;
        let etag = headers[ETAG].to_str().unwrap().to_owned();
        let (status, headers, body) =
            ask("/favicon.svg", &[("if-none-match", &format!("\"x\", W/{etag}"))]).await;
        assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
        assert_eq!(headers[ETAG], etag);
        let (status, ..) = ask("/favicon.svg", &[("if-none-match", "\"x\"")]).await;
        assert_eq!(status, StatusCode::OK);
        let (_, encoded, _) = ask(&format!("/{JS}"), &[("accept-encoding", "br")]).await;
        let (_, plain, _) = ask(&format!("/{JS}"), &[]).await;
        assert_ne!(encoded[ETAG], plain[ETAG]);
    }

    #[tokio::test]
    async fn only_the_sites_own_files_are_served() {
        for path in
            ["/manifest.json", "/pkg/taskdeck.0a1b2c3d4e5f.js.br", "/pkg/../manifest.json", "/pkg/none.js"]
        {
            assert_eq!(ask(path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn a_site_that_was_not_built_is_refused() {
        let error = Site::from_files(BTreeMap::new()).err().unwrap().to_string();
        assert!(error.contains("build the site with `cargo xtask run`"), "{error}");
        let manifest = r#"{"js":"/a.js","wasm":"/a.wasm","css":"/a.css","build":"b"}"#;
        let files = BTreeMap::from([(MANIFEST.to_owned(), Bytes::from(manifest))]);
        let error = Site::from_files(files).err().unwrap().to_string();
        assert!(error.contains("has no /a.js"), "{error}");
    }
}
