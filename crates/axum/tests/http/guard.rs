use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::Html;
use axum::routing::get;
use http::{Method, Request};
use serde_json::json;
use taskdeck_engine::Settings;
use tower::ServiceExt;

use crate::server::{Server, request};

async fn start_with(server: &Server, headers: &[(&str, &str)]) -> crate::server::Answer {
    let mut start = request(Method::POST, "/api/kinds/make/start");
    for (name, value) in headers {
        start = start.header(*name, *value);
    }
    server.send(start.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_foreign_host_is_misdirected() {
    let server = Server::new().await;
    for host in ["evil.example:3000", "127.0.0.1:3001", "127.0.0.1", "localhost:3000@evil.example"] {
        let request = Request::builder().uri("/api/tasks").header("host", host);
        server.send(request.body(Body::empty()).unwrap()).await.problem(421, "misdirected");
    }
    let request = Request::builder().uri("/health").body(Body::empty()).unwrap();
    server.send(request).await.problem(421, "misdirected");
    for host in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000"] {
        let request = Request::builder().uri("/api/tasks").header("host", host);
        server.send(request.body(Body::empty()).unwrap()).await.expect(200);
    }
}

#[tokio::test]
async fn an_unsafe_request_of_another_origin_is_denied() {
    let server = Server::new().await;
    for headers in [
        [("origin", "http://evil.example")].as_slice(),
        &[("origin", "null")],
        &[("origin", "http://localhost:3000")],
        &[("origin", "https://127.0.0.1:3000")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ] {
        start_with(&server, headers).await.problem(403, "denied");
    }
    for headers in [
        [("origin", "http://127.0.0.1:3000")].as_slice(),
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[],
    ] {
        start_with(&server, headers).await.expect(202);
    }
    let read = request(Method::GET, "/api/tasks").header("origin", "http://evil.example");
    let read = server.send(read.body(Body::empty()).unwrap()).await;
    read.expect(200);
    assert_eq!(read.header("access-control-allow-origin"), "", "and no page there can read the answer");
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_restrain_browsers() {
    let server = Server::new().await;
    for path in ["/health", "/api/nothing", "/nothing"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        let policy = answer.header("content-security-policy");
        assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
    }
    let refused = start_with(&server, &[("origin", "null")]).await;
    assert_eq!(refused.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_page_keeps_the_policy_that_its_shell_made() {
    let server = Server::new().await;
    let config = taskdeck_axum::Config::new(crate::server::HOST.parse().unwrap());
    let page = get(|| async { Html("<p>") });
    let app = Router::new().route("/", page).layer(taskdeck_axum::guard(server.deck.clone(), &config));
    let response = app.oneshot(request(Method::GET, "/").body(Body::empty()).unwrap()).await.unwrap();
    assert!(!response.headers().contains_key("content-security-policy"));
    assert_eq!(response.headers()["x-frame-options"], "DENY");
}

#[tokio::test]
async fn without_its_guard_the_router_answers_nothing() {
    let server = Server::new().await;
    let config = taskdeck_axum::Config::new(crate::server::HOST.parse().unwrap());
    let bare = Server { app: taskdeck_axum::router(server.deck.clone(), config), ..server };
    bare.get("/api/tasks").await.problem(500, "internal");
}

#[tokio::test]
async fn bodies_are_limited() {
    let server = Server::with(Settings { max_upload_bytes: 3_000_000, ..Settings::default() }, |_| ()).await;
    let long = json!({"params": {"text": "x".repeat(1_100_000)}}).to_string();
    let start = |body: Body| {
        let start = request(Method::POST, "/api/kinds/echo/start").header("content-type", "application/json");
        start.body(body).unwrap()
    };
    server.send(start(Body::from(long.clone()))).await.problem(413, "too_large");
    // Without a length it is cut where it grows too long.
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(long)]);
    server.send(start(Body::from_stream(chunks))).await.problem(413, "too_large");

    let form = request(Method::POST, "/api/kinds/read/start")
        .header("content-type", "multipart/form-data; boundary=x")
        .header("content-length", "6000000");
    server.send(form.body(Body::empty()).unwrap()).await.problem(413, "too_large");
}

#[tokio::test]
async fn a_browser_can_send_all_of_what_is_too_large_and_is_told_so_in_a_page() {
    let server = Server::with(Settings { max_upload_bytes: 10, ..Settings::default() }, |_| ()).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let chunks = futures::stream::iter((0..300).map(move |_| {
        count.fetch_add(10_000, Ordering::Relaxed);
        Ok::<_, std::io::Error>(vec![b'x'; 10_000])
    }));
    let form = request(Method::POST, "/_taskdeck/start_task")
        .header("accept", "text/html,application/xhtml+xml")
        .header("content-type", "multipart/form-data; boundary=x")
        .header("content-length", "3000000");
    let answer = server.send(form.body(Body::from_stream(chunks)).unwrap()).await;
    assert_eq!(answer.status, 413);
    assert_eq!(sent.load(Ordering::Relaxed), 3_000_000);
    let page = String::from_utf8(answer.body.clone()).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("is larger than"), "{page}");
    assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
}
