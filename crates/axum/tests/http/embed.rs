//! Widgets in pages of other origins: what their tokens open, and what they do not.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use taskdeck_axum::Config;
use taskdeck_core::{Actor, EmbedRequest};
use taskdeck_engine::Settings;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::server::{Answer, Server, request};
use crate::websocket::listen_with;

const SHOP: &str = "https://shop.example";

fn for_shop(config: &mut Config) {
    config.embed_origins = [SHOP.to_owned()].into();
}

async fn read(server: &Server, path: &str, token: Option<&str>, origin: Option<&str>) -> Answer {
    send(server, Method::GET, path, token, origin).await
}

async fn send(
    server: &Server,
    method: Method,
    path: &str,
    token: Option<&str>,
    origin: Option<&str>,
) -> Answer {
    let mut asked = request(method, path);
    if let Some(token) = token {
        asked = asked.header("authorization", format!("Bearer {token}"));
    }
    if let Some(origin) = origin {
        asked = asked.header("origin", origin);
    }
    server.send(asked.body(Body::empty()).unwrap()).await
}

async fn token_of(server: &Server, id: &str) -> String {
    let given = server.post(&format!("/api/tasks/{id}/embed"), &json!({})).await.expect(200);
    assert_eq!(given["task"], id);
    given["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_reads_its_task_and_nothing_else() {
    let server = Server::with(Settings::default(), for_shop).await;
    let own = server.start("echo", &json!({"params": {"text": "a"}})).await;
    let other = server.start("echo", &json!({"params": {"text": "b"}})).await;
    server.ended(&own).await;
    let token = token_of(&server, &own).await;
    let token = Some(token.as_str());
    for rest in ["", "/result", "/notices"] {
        read(&server, &format!("/api/tasks/{own}{rest}"), token, None).await.expect(200);
        read(&server, &format!("/api/tasks/{other}{rest}"), token, None).await.problem(403, "denied");
    }
    // What no widget shows: where a body panicked, what it was started with, where it ran, what it wrote.
    for rest in ["/detail", "/attempts", "/log", "/artifacts/a"] {
        let answer = read(&server, &format!("/api/tasks/{own}{rest}"), token, None).await;
        answer.problem(403, "denied");
    }
    for path in ["/api/tasks", "/api/kinds", "/api/queues", "/api/schedules"] {
        read(&server, path, token, None).await.problem(403, "denied");
    }
    for (method, rest) in
        [(Method::POST, "/cancel"), (Method::POST, "/retry"), (Method::POST, "/embed"), (Method::DELETE, "")]
    {
        let answer = send(&server, method, &format!("/api/tasks/{own}{rest}"), token, None).await;
        answer.problem(403, "denied");
    }
    let start = send(&server, Method::POST, "/api/kinds/make/start", token, None).await;
    start.problem(403, "denied");
}

#[tokio::test]
async fn a_token_that_nobody_gave_is_refused_even_where_everybody_may() {
    let server = Server::new().await;
    let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
    let path = format!("/api/tasks/{id}");
    read(&server, &path, None, None).await.expect(200);
    let token = token_of(&server, &id).await;
    for bad in ["embed1.", &token[..token.len() - 1], &format!("{token}0")] {
        read(&server, &path, Some(bad), None).await.problem(403, "denied");
        read(&server, &format!("{path}?token={bad}"), None, None).await.problem(403, "denied");
    }
    read(&server, &format!("{path}?token={token}"), None, None).await.expect(200);
}

#[tokio::test]
async fn the_time_of_a_token_has_bounds() {
    let server = Server::new().await;
    let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
    let path = format!("/api/tasks/{id}/embed");
    for bad in [0, 999, 86_400_001] {
        server.post(&path, &json!({ "ttl": bad })).await.problem(400, "bad_request");
    }
    let given = server.post(&path, &json!({"ttl": 1_000})).await.expect(200);
    assert!(given["expires_at"].is_string());
    let unknown = "/api/tasks/01890000-0000-7000-8000-000000000000/embed";
    server.post(unknown, &json!({})).await.problem(404, "not_found");
}

#[tokio::test]
async fn only_a_listed_origin_with_a_token_can_read_an_answer() {
    let server = Server::with(Settings::default(), for_shop).await;
    let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
    let path = format!("/api/tasks/{id}");
    let token = token_of(&server, &id).await;
    let token = Some(token.as_str());
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin").to_owned();
    let answer = read(&server, &path, token, Some(SHOP)).await;
    answer.expect(200);
    assert_eq!((allowed(&answer).as_str(), answer.header("vary")), (SHOP, "origin"));
    let wrong = read(&server, &path, Some("embed1.x"), Some(SHOP)).await;
    wrong.problem(403, "denied");
    assert_eq!(allowed(&wrong), SHOP, "the page may know why");
    for none in ["", "bogus"] {
        let none = read(&server, &path, Some(none), Some(SHOP)).await;
        none.problem(403, "denied");
        assert_eq!(allowed(&none), SHOP, "also where it brings what is no token");
    }
    assert_eq!(allowed(&read(&server, &path, None, Some(SHOP)).await), "", "no token, no reading");
    assert_eq!(allowed(&read(&server, &path, token, Some("https://evil.example")).await), "");
    let act = send(&server, Method::POST, &format!("{path}/cancel"), None, Some(SHOP)).await;
    act.problem(403, "denied");
}

#[tokio::test]
async fn a_browser_may_ask_beforehand_from_a_listed_origin() {
    let server = Server::with(Settings::default(), for_shop).await;
    let ask = |origin: &'static str| {
        request(Method::OPTIONS, "/api/tasks/1")
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization")
            .body(Body::empty())
            .unwrap()
    };
    let answer = server.send(ask(SHOP)).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), SHOP);
    assert_eq!(answer.header("access-control-allow-headers"), "authorization");
    assert_eq!(answer.header("access-control-allow-methods"), "GET");
    let foreign = server.send(ask("https://evil.example")).await;
    assert_eq!(foreign.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn asking_brings_a_new_token_until_the_task_has_ended() {
    let server = Server::with(Settings::default(), for_shop).await;
    let id = server.start("wait", &json!({})).await;
    let path = format!("/api/tasks/{id}");
    let first = token_of(&server, &id).await;
    let answer = read(&server, &path, Some(&first), Some(SHOP)).await;
    answer.expect(200);
    assert_eq!(answer.header("access-control-expose-headers"), "taskdeck-token");
    let second = answer.header("taskdeck-token").to_owned();
    assert!(second.starts_with("embed1."), "{second}");
    assert_eq!(
        read(&server, &path, None, None).await.header("taskdeck-token"),
        "",
        "who needs none gets none"
    );
    assert_eq!(
        read(&server, &format!("{path}/result"), Some(&first), None).await.header("taskdeck-token"),
        ""
    );
    server.gate.open();
    server.ended(&id).await;
    let answer = read(&server, &path, Some(&second), Some(SHOP)).await;
    answer.expect(200);
    assert_eq!(answer.header("taskdeck-token"), "");
}

#[tokio::test]
async fn notices_come_from_where_one_was() {
    let server = Server::new().await;
    let id = server.start("wait", &json!({})).await;
    server.gate.open();
    server.ended(&id).await;
    let all = server.get(&format!("/api/tasks/{id}/notices")).await.expect(200);
    assert_eq!(all["notices"][0]["text"], "The gate is closed.");
    assert_eq!(all["notices"][0]["seq"], 1);
    assert_eq!(server.get(&format!("/api/tasks/{id}")).await.expect(200)["notice_seq"], 1);
    let rest = server.get(&format!("/api/tasks/{id}/notices?since=1")).await.expect(200);
    assert_eq!(rest["notices"], json!([]));
}

#[tokio::test]
async fn a_socket_of_a_listed_origin_takes_a_token_and_renews_it_until_the_task_ends() {
    let server = listen_with(for_shop).await;
    let id = server.start("wait", json!({})).await;
    let other = server.start("wait", json!({})).await;
    let client = server.deck.as_actor(Actor::local());
    let first = client.embed_token(id, EmbedRequest { ttl: Some(1_000) }).await.unwrap().token;
    let path = |task| format!("/ws/task/{task}?log=false&token={first}");
    assert_eq!(server.connect(&format!("/ws/task/{id}"), Some(SHOP)).await.err(), Some(403), "no token");
    assert_eq!(server.connect(&path(other), Some(SHOP)).await.err(), Some(403), "another task");
    assert_eq!(server.connect(&path(id), Some("https://evil.example")).await.err(), Some(403));

    let mut widget = server.connect(&path(id), Some(SHOP)).await.unwrap();
    widget.until("running").await;
    // The second is signed at half the time of the first.
    let mut last = Value::Null;
    for _ in 0..4 {
        last = widget.hear_of("token").await;
        assert_eq!(last["task"], id.to_string());
    }
    assert_eq!(server.connect(&path(id), Some(SHOP)).await.err(), Some(403), "the first is too old by now");
    let renewed = last["token"].as_str().unwrap();
    let renewed = format!("/ws/task/{id}?log=false&token={renewed}");
    let mut again = server.connect(&renewed, Some(SHOP)).await.unwrap();
    // Two tasks wait at the gate.
    server.gate.open();
    server.gate.open();
    again.until("completed").await;
    widget.until("completed").await;
    assert_eq!(widget.close_code().await, CloseCode::Normal);
    let ended = server.deck.as_actor(Actor::Embed(id));
    let more = ended.renewed_embed_token(std::time::Duration::from_secs(1)).await.unwrap();
    assert_eq!(more, None, "a task that has ended renews no token");
}
