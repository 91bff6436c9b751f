use axum::body::Body;
use futures::StreamExt;
use http::Method;
use serde_json::{Value, json};
use taskdeck_core::{ClientMessage, Known, ServerMessage, Status};
use taskdeck_engine::Feed;

use crate::server::{Server, request};

/// Waits until the task runs.
pub(crate) async fn until_running(feed: &mut Feed, id: &str) {
    until(feed, id, Status::Running).await;
}

/// Waits until the task has this status.
pub(crate) async fn until(feed: &mut Feed, id: &str, status: Status) {
    let known = Known { id: id.parse().unwrap(), version: 0, tick: 0 };
    feed.apply(ClientMessage::Subscribe { tasks: vec![known] }).await;
    while let Some(batch) = feed.next().await {
        for message in batch {
            if let ServerMessage::States { tasks } = message
                && tasks.iter().any(|task| task.status == status)
            {
                return;
            }
        }
    }
    panic!("the deck shut down");
}

/// The ids and the data of the events.
fn events(text: &str) -> Vec<(String, Value)> {
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name).map(|text| text.trim().to_owned()))
    };
    let events = text.split("\n\n").filter(|event| event.contains("data:"));
    events
        .map(|event| {
            let data = serde_json::from_str(&field(event, "data:").unwrap()).unwrap();
            (field(event, "id:").unwrap_or_default(), data)
        })
        .collect()
}

#[tokio::test]
async fn events_are_told_until_the_task_has_ended() {
    let server = Server::new().await;
    let id = server.start("wait", &json!({})).await;
    let path = format!("/api/tasks/{id}/events");
    let response = server.respond(request(Method::GET, &path).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    let mut text = String::new();
    // The gate opens only once the stream has shown the task running.
    while !text.contains("\"running\"") {
        text.push_str(std::str::from_utf8(&body.next().await.expect("more events").unwrap()).unwrap());
    }
    server.ask(Method::POST, &format!("/api/tasks/{id}/cancel")).await;
    while let Some(chunk) = body.next().await {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    let events = events(&text);
    let (last_id, last) = events.last().unwrap();
    assert_eq!(last["status"], "cancelled");
    assert_eq!(*last_id, format!("{}.{}", last["version"], last["tick"]));
    let revs: Vec<_> = events
        .iter()
        .map(|(_, task)| (task["version"].as_u64().unwrap(), task["tick"].as_u64().unwrap()))
        .collect();
    assert!(revs.is_sorted(), "{revs:?}");
}

#[tokio::test]
async fn a_client_that_comes_back_is_told_only_what_is_new() {
    let server = Server::new().await;
    let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
    server.ended(&id).await.expect(200);
    let path = format!("/api/tasks/{id}/events");
    let all = server.get(&path).await;
    let all = events(std::str::from_utf8(&all.body).unwrap());
    assert_eq!(all.len(), 1, "an ended task has one state left");

    let again = |seen: &str| {
        let again = request(Method::GET, &path).header("last-event-id", seen);
        server.send(again.body(Body::empty()).unwrap())
    };
    let told = again("1.0").await;
    assert_eq!(events(std::str::from_utf8(&told.body).unwrap()), all);
    let told = again(&all[0].0).await;
    assert_eq!(told.status, 204, "and an EventSource stops asking");
}

#[tokio::test]
async fn the_events_end_when_the_deck_shuts_down() {
    let server = Server::new().await;
    let id = server.start("wait", &json!({"delay": 3_600_000})).await;
    let path = format!("/api/tasks/{id}/events");
    let response = server.respond(request(Method::GET, &path).body(Body::empty()).unwrap()).await;
    let mut body = response.into_body().into_data_stream();
    assert!(body.next().await.is_some());
    server.deck.shutdown().await;
    while body.next().await.is_some() {}
}
