use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use taskdeck_axum::Config;
use taskdeck_core::{Actor, StartRequest, TaskId};
use taskdeck_engine::{Deck, Settings};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::server::{Server, deck};
use crate::work::Gate;

pub(crate) struct Listening {
    pub(crate) deck: Deck,
    pub(crate) gate: Gate,
    at: SocketAddr,
    config: Config,
}

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

async fn listen() -> Listening {
    listen_with(|_| ()).await
}

pub(crate) async fn listen_with(configure: impl FnOnce(&mut Config)) -> Listening {
    let (deck, gate) = deck(Settings::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut config = Config { build: "b1".to_owned(), ..Config::new(at) };
    configure(&mut config);
    let guard = taskdeck_axum::guard(deck.clone(), &config);
    let app = taskdeck_axum::router(deck.clone(), config.clone()).layer(guard);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Listening { deck, gate, at, config }
}

impl Listening {
    pub(crate) async fn connect(&self, path: &str, origin: Option<&str>) -> Result<Socket, u16> {
        let mut request = format!("ws://{}{path}", self.at).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn start(&self, kind: &str, params: Value) -> TaskId {
        let request = StartRequest { params, ..StartRequest::default() };
        self.deck.as_actor(Actor::local()).start(kind, request).await.unwrap().task.id
    }
}

impl Socket {
    async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message that is no beat.
    async fn hear(&mut self) -> Value {
        loop {
            match self.0.next().await.expect("the socket is open").unwrap() {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["type"] != "beat" {
                        return message;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next message of this type.
    pub(crate) async fn hear_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.hear().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Reads on until the task has this status.
    pub(crate) async fn until(&mut self, status: &str) -> Value {
        loop {
            let message = self.hear_of("states").await;
            if message["tasks"][0]["status"] == status {
                return message["tasks"][0].clone();
            }
        }
    }

    pub(crate) async fn close_code(&mut self) -> CloseCode {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code,
                Some(Ok(_)) => {}
                other => panic!("no closing frame: {other:?}"),
            }
        }
    }
}

fn subscribe(id: TaskId) -> Value {
    json!({"type": "subscribe", "tasks": [{"id": id}]})
}

#[tokio::test]
async fn a_page_sees_its_task_run_to_completion() {
    let server = listen().await;
    let origin = format!("http://{}", server.at);
    let mut page = server.connect("/ws", Some(&origin)).await.unwrap();
    let hello = page.hear().await;
    assert_eq!(hello["type"], "hello");
    assert_eq!((&hello["build"], &hello["dev"]), (&json!("b1"), &json!(false)));
    assert!(hello["beat_ms"].as_u64().unwrap() >= 15_000);

    let id = server.start("wait", json!({})).await;
    page.say(&subscribe(id)).await;
    page.say(&json!({"type": "log", "task": id, "since": 0})).await;
    page.until("running").await;
    server.gate.open();
    let task = page.until("completed").await;
    assert_eq!(task["id"], id.to_string());
}

#[tokio::test]
async fn log_lines_and_counts_come_when_they_are_asked_for() {
    let server = listen().await;
    let mut page = server.connect("/ws", None).await.unwrap();
    let id = server.start("wait", json!({})).await;
    page.say(&json!({"type": "log", "task": id, "since": 0})).await;
    let log = page.hear_of("log").await;
    assert_eq!((&log["task"], &log["lines"][0]["text"]), (&json!(id), &json!("waiting")));
    page.say(&json!({"type": "counts", "on": true})).await;
    assert!(page.hear_of("counts").await["counts"].is_object());
    page.say(&json!({"type": "list", "query": {"kind": "echo"}})).await;
    // None yet: the list is on.
    assert_eq!(page.hear_of("new").await["tasks"], json!([]));
    page.say(&json!({"type": "nonsense"})).await;
    assert_eq!(page.hear_of("refused").await["error"]["code"], "bad_request");
    let echo = server.start("echo", json!({"text": "a"})).await;
    assert_eq!(page.hear_of("new").await["tasks"], json!([echo]));
}

#[tokio::test]
async fn what_is_unsubscribed_is_told_no_more() {
    let server = listen().await;
    let mut page = server.connect("/ws", None).await.unwrap();
    let (quiet, shown) = (server.start("wait", json!({})).await, server.start("wait", json!({})).await);
    page.say(&subscribe(quiet)).await;
    page.until("running").await;
    page.say(&json!({"type": "unsubscribe", "tasks": [quiet]})).await;
    page.say(&subscribe(shown)).await;
    page.until("running").await;
    server.gate.open();
    server.gate.open();
    let client = server.deck.as_actor(Actor::local());
    client.result(quiet, Some(std::time::Duration::from_secs(60))).await.unwrap();
    let task = page.until("completed").await;
    assert_eq!(task["id"], shown.to_string());
}

#[tokio::test]
async fn a_malformed_message_is_refused_and_the_socket_goes_on() {
    let server = listen().await;
    let mut page = server.connect("/ws", None).await.unwrap();
    page.hear_of("hello").await;
    page.0.send(Message::text("{")).await.unwrap();
    assert_eq!(page.hear().await["error"]["code"], "bad_request");
    page.0.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(page.hear().await["type"], "refused");
    let many: Vec<_> = (0..1_000).map(|n| json!({"id": id_of(n)})).collect();
    for _ in 0..2 {
        page.say(&json!({"type": "subscribe", "tasks": many})).await;
    }
    let more: Vec<_> = (1_000..2_001).map(|n| json!({"id": id_of(n)})).collect();
    page.say(&json!({"type": "subscribe", "tasks": more})).await;
    let id = server.start("echo", json!({"text": "a"})).await;
    page.say(&subscribe(id)).await;
    assert_eq!(page.until("completed").await["id"], id.to_string());
}

fn id_of(n: i64) -> TaskId {
    TaskId::from_parts(taskdeck_core::Timestamp::from_millis(n), [0; 10])
}

#[tokio::test]
async fn a_message_of_more_than_64_kb_ends_the_socket() {
    let server = listen().await;
    let mut page = server.connect("/ws", None).await.unwrap();
    page.hear_of("hello").await;
    page.0.send(Message::text("x".repeat(70_000))).await.unwrap();
    assert_eq!(page.close_code().await, CloseCode::Policy);
}

#[tokio::test]
async fn a_page_of_another_origin_gets_no_socket() {
    let server = listen().await;
    let id = server.start("wait", json!({})).await;
    for origin in ["http://evil.example", "null", "http://localhost:1"] {
        assert_eq!(server.connect("/ws", Some(origin)).await.err(), Some(403), "{origin}");
        assert_eq!(
            server.connect(&format!("/ws/task/{id}"), Some(origin)).await.err(),
            Some(403),
            "{origin}"
        );
    }
}

#[tokio::test]
async fn sockets_are_closed_when_the_deck_shuts_down() {
    let server = listen().await;
    let id = server.start("wait", json!({})).await;
    let mut page = server.connect("/ws", None).await.unwrap();
    let mut simple = server.connect(&format!("/ws/task/{id}"), None).await.unwrap();
    page.hear_of("hello").await;
    simple.hear_of("states").await;
    server.deck.shutdown().await;
    assert_eq!(page.close_code().await, CloseCode::Away);
    assert_eq!(simple.close_code().await, CloseCode::Away);
    // The clients have answered, so nothing is left to wait for.
    drop((page, simple));
    server.config.sockets.close();
    server.config.sockets.wait().await;
}

#[tokio::test]
async fn a_simple_client_is_told_one_task_to_its_end() {
    let server = listen().await;
    let id = server.start("wait", json!({})).await;
    let mut client = server.connect(&format!("/ws/task/{id}"), None).await.unwrap();
    assert_eq!(client.hear().await["type"], "hello");
    let mut texts = Vec::new();
    let mut opened = false;
    let mut last = Value::Null;
    let code = loop {
        match client.0.next().await.unwrap().unwrap() {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["type"] == "states" {
                    last = message["tasks"][0]["status"].clone();
                    if last == "running" && !opened {
                        opened = true;
                        server.gate.open();
                    }
                }
                for line in message["lines"].as_array().into_iter().flatten() {
                    texts.push(line["text"].as_str().unwrap().to_owned());
                }
            }
            Message::Close(frame) => break frame.unwrap().code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, CloseCode::Normal);
    assert_eq!(last, "completed");
    assert_eq!(texts, ["waiting", "let through"]);
    assert_eq!(server.connect(&format!("/ws/task/{}", id_of(1)), None).await.err(), Some(404));
}

#[tokio::test]
async fn a_fast_task_is_told_at_a_pace() {
    let server = listen().await;
    let id = server.start("spin", json!({})).await;
    let mut page = server.connect("/ws", None).await.unwrap();
    let since = std::time::Instant::now();
    page.say(&subscribe(id)).await;
    let mut told: u128 = 0;
    // The state once, and then how far it is.
    page.hear_of("states").await;
    while told < 10 {
        page.hear_of("ticks").await;
        told += 1;
    }
    // One at once, and one more each 50 ms.
    let most = since.elapsed().as_millis() / 50 + 2;
    assert!(told <= most, "{told} states where {most} are the most");
    server.gate.open();
    let task = page.until("completed").await;
    assert!(task["endings"] == 1);
}

#[tokio::test]
async fn sockets_can_be_switched_off() {
    let server = Server::with(Settings::default(), |config| config.websocket = false).await;
    server.get("/ws").await.problem(404, "not_found");
    let server = Server::new().await;
    server.get("/ws").await.problem(426, "upgrade_required");
}
