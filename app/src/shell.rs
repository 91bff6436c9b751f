//! The HTML around the app, and the headers that go with it.

use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName};
use http::request::Parts;
use leptos::attr::custom::custom_attribute;
use leptos::nonce::{Nonce, use_nonce};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::MetaTags;
use taskdeck::dashboard::server::PlainPage;
use taskdeck::dashboard::{Theme, current_theme, page_name};
use taskdeck::ui::server::page_clock;
use taskdeck::ui::use_base;

use crate::{App, Assets, Socket, gallery};

/// A whole page: the head, the app, and the script that hydrates it.
///
/// It needs [`Assets`] in the context. It sets the content policy on the response: scripts and styles come from this
/// site alone, and what is inline must carry the page's nonce.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let assets = expect_context::<Assets>();
    let nonce = use_nonce();
    set_headers(nonce.as_ref());
    let base = use_base();
    let theme = current_theme();
    let color_scheme = theme.attribute().unwrap_or("light dark");
    let css = base.join(&assets.css);
    let icon = base.join("/favicon.svg");
    let no_socket = use_context::<Socket>() == Some(Socket(false));
    // A page that answers a posted form is no page of the router's: it stays as the server made it.
    let scripts = use_context::<PlainPage>().is_none();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.attribute()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content=color_scheme/>
                <meta name="taskdeck-base" content=base.as_str().to_owned()/>
                <meta name="taskdeck-build" content=assets.build.clone()/>
                <meta name="taskdeck-now" content=page_clock()/>
                {no_socket.then(|| view! { <meta name="taskdeck-socket" content="off"/> })}
                <ThemeColors theme/>
                <link rel="icon" type="image/svg+xml" href=icon/>
                <link rel="stylesheet" href=css/>
                {scripts
                    .then(|| {
                        let (js, wasm) = (base.join(&assets.js), base.join(&assets.wasm));
                        view! { <Hydration js wasm nonce/> {page_files(&assets)} }
                    })}
                <AutoReload options=options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The colour of the browser's own frame.
#[component]
fn ThemeColors(
    /// The theme that was chosen.
    theme: Theme,
) -> impl IntoView {
    const LIGHT: &str = "#f3f4f6";
    const DARK: &str = "#0a0b0d";
    match theme {
        Theme::Light => view! { <meta name="theme-color" content=LIGHT/> }.into_any(),
        Theme::Dark => view! { <meta name="theme-color" content=DARK/> }.into_any(),
        Theme::System => view! {
            <meta name="theme-color" content={LIGHT} {..custom_attribute("media", "(prefers-color-scheme: light)")}/>
            <meta name="theme-color" content={DARK} {..custom_attribute("media", "(prefers-color-scheme: dark)")}/>
        }
        .into_any(),
    }
}

/// Loads the WASM and hands the page over to it.
///
/// Leptos's own component writes the nonce into `crossorigin`, which makes Firefox drop the preloaded file. A
/// preload is used only when its mode is that of the later `fetch`, which is "cors, credentials of the same origin":
/// `crossorigin="anonymous"`.
#[component]
fn Hydration(
    /// The address of the glue.
    js: String,
    /// The address of the WASM.
    wasm: String,
    /// The nonce of this page.
    nonce: Option<Nonce>,
) -> impl IntoView {
    let script = format!(
        "import init, {{ hydrate }} from {};\ninit({{ module_or_path: {} }}).then(() => hydrate());",
        literal(&js),
        literal(&wasm)
    );
    view! {
        <link rel="modulepreload" href=js/>
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
        <script type="module" nonce=nonce inner_html=script></script>
    }
}

/// What asks for the files of this page's own code early; `Hydration` says how.
fn page_files(assets: &Assets) -> impl IntoView + use<> {
    let base = use_base();
    let page = use_context::<Parts>().and_then(|request| {
        let path = request.uri.path();
        let path = path.strip_prefix(base.as_str()).unwrap_or(path);
        gallery::code::name_at(path).or_else(|| page_name(path))
    });
    let files = page.and_then(|page| assets.pages.get(page)).into_iter().flatten();
    files
        .map(|file| {
            view! {
                <link rel="preload" href=base.join(file) r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
            }
        })
        .collect_view()
}

/// A text as a literal of a script inside HTML.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('<', "\\u003c")
}

fn set_headers(nonce: Option<&Nonce>) {
    let Some(response) = use_context::<ResponseOptions>() else { return };
    if let Ok(policy) = HeaderValue::from_str(&content_policy(nonce.map(|nonce| &**nonce), is_watched())) {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
    // The page holds the theme of a cookie and the states of this moment.
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        response.insert_header(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

/// Whether `cargo leptos watch` runs the server: its reload script talks to a port of its own.
fn is_watched() -> bool {
    std::env::var_os("LEPTOS_WATCH").is_some()
}

fn content_policy(nonce: Option<&str>, watched: bool) -> String {
    let nonce = nonce.map(|nonce| format!(" 'nonce-{nonce}'")).unwrap_or_default();
    let watch = if watched { " ws://127.0.0.1:* ws://localhost:*" } else { "" };
    format!(
        "default-src 'self'; script-src 'self'{nonce} 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'{watch}; object-src 'none'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_lets_in_what_has_the_nonce_and_nothing_else_inline() {
        let policy = content_policy(Some("abc"), false);
        assert!(policy.contains("script-src 'self' 'nonce-abc' 'wasm-unsafe-eval';"));
        assert!(!policy.contains("unsafe-inline") && !policy.contains("ws:"));
    }

    #[test]
    fn an_address_cannot_end_the_script() {
        assert_eq!(literal("/a</script>\"b"), "\"/a\\u003c/script>\\\"b\"");
    }
}
