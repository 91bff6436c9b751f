//! The checks in front of everything: which host, which origin, how large a body; and the headers behind it.
//!
//! A deck without login trusts whoever sits at the machine, so a page from elsewhere, opened in that person's
//! browser, is the attacker to keep out. It has two ways in: a name of its own that resolves to 127.0.0.1 (the
//! `Host` check), and requests that the browser sends for it across origins (the `Origin` check).

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::future::{BoxFuture, Either, FutureExt};
use http::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPECT, HOST, ORIGIN, REFERRER_POLICY,
    UPGRADE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use taskdeck_core::{Actor, DeckError};
use taskdeck_engine::{Client, Deck};
use tower::{Layer, Service};

use crate::Config;
use crate::about::Known;
use crate::embed::{self, TokenTime};
use crate::problem::Failure;

/// The largest body that is no upload.
const MAX_BODY: u64 = 1024 * 1024;
/// The largest body of a batch: 1.6 kB for each of the 10,000 tasks that it may have.
pub(crate) const MAX_BATCH: usize = 16 * 1024 * 1024;
/// Where a batch is posted to, below the base path.
const BATCH_PATH: &str = "/api/tasks/batch";
/// What a form may hold besides its files.
const FORM_OVERHEAD: u64 = 2 * MAX_BODY;
/// How much of a body that is too large is read all the same, and for how long.
const DRAIN_MOST: u64 = 8 * 1024 * MAX_BODY;
const DRAIN_WITHIN: Duration = Duration::from_secs(30);
const HTTP_PORT: u16 = 80;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
pub(crate) const CLOSED_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// The layer to put around everything the program serves.
///
/// A request that brings a token of [`Client::embed_token`](taskdeck_engine::Client::embed_token) acts as the widget
/// that it was given to, and may come from [`Config::embed_origins`].
///
/// It answers 421 when `Host` is not this machine's loopback with our port, 403 when an unsafe request or a
/// WebSocket upgrade comes from another origin, and 413 when a body is too large. It puts the
/// [`Client`](taskdeck_engine::Client) of the request's actor into the extensions, and headers on every response
/// that keep browsers from guessing types, framing pages and telling others their addresses.
#[must_use]
pub fn guard(deck: Deck, config: &Config) -> Guard {
    Guard {
        deck,
        port: config.bind.port(),
        known: Known::of(config),
        embed_origins: Arc::clone(&config.embed_origins),
    }
}

/// The layer that [`guard`] makes.
#[derive(Clone)]
pub struct Guard {
    deck: Deck,
    port: u16,
    known: Known,
    embed_origins: Arc<[String]>,
}

/// A service behind the [`Guard`].
#[derive(Clone)]
pub struct Guarded<S> {
    guard: Guard,
    inner: S,
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { guard: self.clone(), inner }
    }
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request>,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mut reader = embed::listed_origin(request.headers(), &self.guard.embed_origins);
        let token = embed::token(request.headers(), request.uri(), reader.is_some());
        if token.is_none()
            && let Some(origin) = reader.take()
            && embed::is_preflight(request.method(), request.headers())
        {
            return std::future::ready(Ok(harden(embed::preflight(origin)))).boxed();
        }
        let answer = match self.guard.admit(&request, token.as_deref(), reader.is_some()) {
            Ok(admitted) => {
                let request = admitted.into(request);
                Either::Left(self.inner.call(request).map(|result| result.map(IntoResponse::into_response)))
            }
            Err(failure) => Either::Right(refuse(failure, request).map(Ok)),
        };
        let read_by = move |mut response: Response| {
            if let Some(origin) = reader {
                embed::allow(&mut response, origin);
            }
            harden(response)
        };
        answer.map(|result| result.map(read_by)).boxed()
    }
}

/// What a request is let in with.
struct Admitted {
    client: Client,
    known: Known,
    /// Of its token, if it came with one.
    token_time: Option<TokenTime>,
    /// How many bytes its body may have.
    limit: u64,
}

impl Admitted {
    fn into(self, mut request: Request) -> Request {
        request.extensions_mut().insert(self.client);
        request.extensions_mut().insert(self.known);
        if let Some(time) = self.token_time {
            request.extensions_mut().insert(time);
        }
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        request.map(|body| Body::new(Limited::new(body, limit)))
    }
}

impl Guard {
    /// `token` is that of a widget, if the request brings one; `embedded` says that with it, it comes from a page whose
    /// origin is listed.
    fn admit(&self, request: &Request, token: Option<&str>, embedded: bool) -> Result<Admitted, Failure> {
        let host = check_host(request, self.port)?;
        if !is_safe(request.method()) || (is_upgrade(request.headers()) && !embedded) {
            check_origin(request.headers(), &host)?;
        }
        let (actor, token_time) = match token {
            Some(token) => {
                let (actor, time) = self.deck.embed_actor(token)?;
                (actor, Some(TokenTime(time)))
            }
            None => (Actor::local(), None),
        };
        let client = self.deck.as_actor(actor);
        let max_upload = client.settings().max_upload_bytes;
        let (what, max_bytes, limit) = match is_form(request.headers()) {
            true => ("the form with its files", max_upload, max_upload.saturating_add(FORM_OVERHEAD)),
            false if request.uri().path().ends_with(BATCH_PATH) => {
                ("the request's body", MAX_BATCH as u64, MAX_BATCH as u64)
            }
            false => ("the request's body", MAX_BODY, MAX_BODY),
        };
        if length(request.headers()).is_some_and(|length| length > limit) {
            return Err(DeckError::TooLarge { what: what.to_owned(), max_bytes }.into());
        }
        Ok(Admitted { client, known: self.known.clone(), token_time, limit })
    }
}

/// Answers what was not let in: a person in front of a browser with a page, everybody else with a problem.
async fn refuse(failure: Failure, request: Request) -> Response {
    let wants_page = wants_page(&request);
    if failure.is_too_large() && !request.headers().contains_key(EXPECT) {
        // A browser shows an answer only once it could send all it had: else it tells of a broken connection.
        let drain = drain(request.into_body());
        // Whoever takes longer, or sends more, has to do without the reason.
        let _ = tokio::time::timeout(DRAIN_WITHIN, drain).await;
    }
    if wants_page { failure.into_page() } else { failure.into_response() }
}

fn wants_page(request: &Request) -> bool {
    let accepts = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accepts.is_some_and(|accept| accept.contains("text/html"))
}

/// Reads a body and throws it away, up to a limit.
async fn drain(body: Body) {
    let mut body = Limited::new(body, usize::try_from(DRAIN_MOST).unwrap_or(usize::MAX));
    while let Some(Ok(_)) = body.frame().await {}
}

/// A host and a port, with the port that a URL may leave out.
#[derive(Debug, PartialEq, Eq)]
struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok().filter(|_| !text.contains('@'))?;
        let port = match authority.port() {
            Some(port) => port.as_str().parse().ok()?,
            // "host:" has a port that is none.
            None if text.ends_with(':') => return None,
            None => HTTP_PORT,
        };
        Some(Self { host: authority.host().to_ascii_lowercase(), port })
    }

    fn is_loopback(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "[::1]")
    }
}

/// The one value of a header; `Err` when there is more than one, or no text.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// Where the client thinks it is. A name that somebody else's DNS pointed at us is refused (DNS rebinding).
fn check_host(request: &Request, port: u16) -> Result<HostPort, Failure> {
    let misdirected = || {
        let detail = format!("this server answers at localhost, 127.0.0.1 and [::1] with port {port} only");
        Failure::Http(StatusCode::MISDIRECTED_REQUEST, "misdirected", detail)
    };
    let header = one(request.headers(), &HOST).map_err(|()| misdirected())?;
    // HTTP/2, and HTTP/1.1 in absolute form, name the host in the request line.
    let target = request.uri().authority().map(Authority::as_str);
    let hosts: Vec<_> = header.into_iter().chain(target).map(HostPort::parse).collect();
    let fits =
        |host: &Option<HostPort>| host.as_ref().is_some_and(|host| host.is_loopback() && host.port == port);
    if hosts.is_empty() || !hosts.iter().all(fits) {
        return Err(misdirected());
    }
    hosts.into_iter().flatten().next().ok_or_else(misdirected)
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE)
}

/// Whether the page that sent this is one of ours.
fn check_origin(headers: &HeaderMap, host: &HostPort) -> Result<(), Failure> {
    let foreign = || {
        let reason = "the request comes from a page of another origin".to_owned();
        Failure::Deck(DeckError::Denied { reason })
    };
    match one(headers, &ORIGIN).map_err(|()| foreign())? {
        // There is no TLS here, so our own scheme is http.
        Some(origin) => {
            let same = origin
                .strip_prefix("http://")
                .and_then(HostPort::parse)
                .is_some_and(|origin| origin == *host);
            if same { Ok(()) } else { Err(foreign()) }
        }
        None => match one(headers, &SEC_FETCH_SITE).map_err(|()| foreign())? {
            // "none": the person did it, by the address bar or a bookmark. Neither header: every browser sends at least
            // one of the two (`Origin` with a POST across origins and with a WebSocket upgrade, `Sec-Fetch-Site` with
            // all requests to loopback), so it is no browser but curl or a script, and nobody's browser is made to do
            // what its owner did not want.
            Some("same-origin" | "none") | None => Ok(()),
            Some(_) => Err(foreign()),
        },
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let essence = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data"))
    };
    headers.get(CONTENT_TYPE).is_some_and(essence)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn harden(mut response: Response) -> Response {
    let is_page = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"text/html"));
    // A page's shell makes its own policy, with a nonce. The headers of a 304 replace those that were stored.
    let has_policy = response.headers().contains_key(CONTENT_SECURITY_POLICY);
    if !is_page && !has_policy && response.status() != StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, CLOSED_POLICY);
    }
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(host: &str) -> Option<HostPort> {
        let request = http::Request::builder().uri("/").header(HOST, host).body(Body::empty()).unwrap();
        check_host(&request, 3000).ok()
    }

    fn comes_in(headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        check_origin(&map, &HostPort { host: "localhost".to_owned(), port: 3000 }).is_ok()
    }

    #[test]
    fn only_loopback_with_our_port_is_our_host() {
        for good in ["localhost:3000", "LocalHost:3000", "127.0.0.1:3000", "[::1]:3000"] {
            assert!(host_of(good).is_some(), "{good}");
        }
        for bad in [
            "localhost",
            "localhost:",
            "localhost:3001",
            "localhost:3000.evil.example",
            "evil.example:3000",
            "127.0.0.2:3000",
            "0.0.0.0:3000",
            "[::]:3000",
            "user@localhost:3000",
            "localhost.:3000",
            "",
        ] {
            assert_eq!(host_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn port_80_may_be_left_out() {
        let request =
            http::Request::builder().uri("/").header(HOST, "localhost").body(Body::empty()).unwrap();
        assert!(check_host(&request, 80).is_ok());
    }

    #[test]
    fn a_second_host_and_a_host_of_the_request_line_must_fit_too() {
        let request = http::Request::builder().uri("http://evil.example:3000/");
        let request = request.header(HOST, "localhost:3000").body(Body::empty()).unwrap();
        assert!(check_host(&request, 3000).is_err());
        let request = http::Request::builder().uri("/").header(HOST, "localhost:3000");
        let request = request.header(HOST, "localhost:3000").body(Body::empty()).unwrap();
        assert!(check_host(&request, 3000).is_err());
    }

    #[test]
    fn the_origin_must_be_our_own() {
        assert!(comes_in(&[("origin", "http://localhost:3000")]));
        for bad in [
            "null",
            "https://localhost:3000",
            "http://localhost",
            "http://localhost:3001",
            "http://127.0.0.1:3000",
            "http://localhost:3000.evil.example",
            "http://evil.example",
            "",
        ] {
            assert!(!comes_in(&[("origin", bad)]), "{bad}");
        }
        assert!(!comes_in(&[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")]));
        assert!(!comes_in(&[("origin", "http://localhost:3000"), ("origin", "http://evil.example")]));
    }

    #[test]
    fn without_an_origin_the_browser_tells_the_site() {
        assert!(comes_in(&[("sec-fetch-site", "same-origin")]));
        assert!(comes_in(&[("sec-fetch-site", "none")]));
        assert!(!comes_in(&[("sec-fetch-site", "same-site")]));
        assert!(!comes_in(&[("sec-fetch-site", "cross-site")]));
        assert!(comes_in(&[]), "no browser sends neither");
    }
}
