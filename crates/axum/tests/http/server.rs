//! The router behind its guard, asked without a network.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use taskdeck_axum::Config;
use taskdeck_core::{Kind, ScheduleName, ScheduleSpec};
use taskdeck_engine::{Deck, Settings};
use tower::ServiceExt;

use crate::work::{Echo, Fail, Gate, Make, Read, Spin, Wait};

pub(crate) const HOST: &str = "127.0.0.1:3000";

pub(crate) struct Server {
    pub(crate) deck: Deck,
    pub(crate) app: Router,
    pub(crate) gate: Gate,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem that it must be.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(self.status, status, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        problem
    }

    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

pub(crate) async fn deck(settings: Settings) -> (Deck, Gate) {
    let gate = Gate::closed();
    let deck = Deck::builder()
        .memory()
        .settings(settings)
        .resource(gate.clone())
        .register::<Echo>()
        .register::<Wait>()
        .register::<Fail>()
        .register::<Read>()
        .register::<Make>()
        .register::<Spin>()
        .schedule(ScheduleSpec {
            params: json!({"text": "a"}),
            ..ScheduleSpec::new(
                ScheduleName::new("from-code").unwrap(),
                Kind::new("echo").unwrap(),
                "0 0 1 1 *",
            )
        })
        .build()
        .await
        .expect("a deck");
    (deck, gate)
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default(), |_| ()).await
    }

    pub(crate) async fn with(settings: Settings, configure: impl FnOnce(&mut Config)) -> Self {
        let (deck, gate) = deck(settings).await;
        let mut config = Config::new(HOST.parse().unwrap());
        configure(&mut config);
        let guard = taskdeck_axum::guard(deck.clone(), &config);
        let app = taskdeck_axum::router(deck.clone(), config).layer(guard);
        Self { deck, app, gate }
    }

    pub(crate) async fn respond(&self, request: Request<Body>) -> Response {
        self.app.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.respond(request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.expect("a body").to_bytes().to_vec();
        Answer { status, headers, body }
    }

    pub(crate) async fn ask(&self, method: Method, path: &str) -> Answer {
        self.send(request(method, path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).await
    }

    pub(crate) async fn post(&self, path: &str, json: &Value) -> Answer {
        let request = request(Method::POST, path).header("content-type", "application/json");
        self.send(request.body(Body::from(json.to_string())).unwrap()).await
    }

    pub(crate) async fn put(&self, path: &str, json: &Value) -> Answer {
        let request = request(Method::PUT, path).header("content-type", "application/json");
        self.send(request.body(Body::from(json.to_string())).unwrap()).await
    }

    /// Starts a task and returns its id.
    pub(crate) async fn start(&self, kind: &str, json: &Value) -> String {
        let started = self.post(&format!("/api/kinds/{kind}/start"), json).await;
        started.expect(202)["id"].as_str().expect("an id").to_owned()
    }

    /// Waits until the task has ended.
    pub(crate) async fn ended(&self, id: &str) -> Answer {
        self.get(&format!("/api/tasks/{id}/result?timeout=60")).await
    }
}

pub(crate) fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("host", HOST)
}
