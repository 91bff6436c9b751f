//! The built site: the WASM, its glue, the style sheet, icons. Its files are found once, at the start, in the binary or
//! in a folder, so that no path is ever made from what a client asked for.

mod file;
mod load;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, bail};
use axum::Router;
use axum::routing::get;
use http::HeaderMap;
use taskdeck_app::Assets;

use file::{Content, File};

const MANIFEST: &str = "manifest.json";

/// The site.
pub(crate) struct Site {
    /// Its files by their path from its root.
    files: BTreeMap<String, Content>,
    assets: Assets,
}

impl Site {
    /// The site to serve.
    ///
    /// # Errors
    /// When it was not built.
    pub(crate) fn load() -> Result<Self> {
        load::load()
    }

    fn new(files: BTreeMap<String, Content>, assets: Assets) -> Result<Self> {
        for address in
            [&assets.js, &assets.wasm, &assets.css].into_iter().chain(assets.pages.values().flatten())
        {
            if !files.contains_key(address.trim_start_matches('/')) {
                bail!("the site has no {address}; build the site with `cargo xtask run`");
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
        for (name, content) in &self.files {
            // A compressed file is served under the name of the plain one, and the manifest is ours.
            if name == MANIFEST || name.ends_with(".br") {
                continue;
            }
            let brotli = match self.files.get(&format!("{name}.br")) {
                Some(Content::Kept(bytes)) => Some(bytes.clone()),
                _ => None,
            };
            let file = Arc::new(File::new(name, content.clone(), brotli));
            let serve = move |headers: HeaderMap| {
                let file = Arc::clone(&file);
                async move { file.respond(&headers).await }
            };
            router = router.route(&format!("/{name}"), get(serve));
        }
        router
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use http::header::{
        ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY,
    };
    use http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::file::{ASK_AGAIN, FOREVER, is_hashed};
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
            ("embed/task-progress.js", "import".to_owned()),
            ("embed/element.0a1b2c3d4e5f.js", "glue".to_owned()),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), Content::Kept(Bytes::from(text))));
        load::with_manifest(files.into()).unwrap()
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
    async fn the_element_is_for_pages_of_any_origin_and_the_rest_is_not() {
        let (status, headers, _) = ask("/embed/task-progress.js", &[]).await;
        assert_eq!((status, &headers[CACHE_CONTROL]), (StatusCode::OK, &ASK_AGAIN));
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let (_, headers, _) = ask("/embed/element.0a1b2c3d4e5f.js", &[]).await;
        assert_eq!(headers[CACHE_CONTROL], FOREVER);
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let (_, headers, _) = ask(&format!("/{JS}"), &[]).await;
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
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
        let error = load::with_manifest(BTreeMap::new()).err().unwrap().to_string();
        assert!(error.contains("build the site with `cargo xtask run`"), "{error}");
        let manifest = r#"{"js":"/a.js","wasm":"/a.wasm","css":"/a.css","build":"b"}"#;
        let files = BTreeMap::from([(MANIFEST.to_owned(), Content::Kept(Bytes::from(manifest)))]);
        let error = load::with_manifest(files).err().unwrap().to_string();
        assert!(error.contains("has no /a.js"), "{error}");
    }
}
