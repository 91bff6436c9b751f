use http::Method;
use serde_json::{Value, json};
use taskdeck_core::Rate;
use taskdeck_engine::Settings;

use crate::server::{Server, request};

fn echo(text: &str) -> Value {
    json!({"kind": "echo", "request": {"params": {"text": text}}})
}

#[tokio::test]
async fn a_batch_starts_all_its_tasks_and_is_seen_as_a_whole() {
    let server = Server::new().await;
    let batch = json!({"label": "Three echoes", "tasks": [echo("a"), echo("b"), {"kind": "make"}]});
    let answer = server.post("/api/tasks/batch", &batch).await;
    let started = answer.expect(202);
    let id = started["batch"]["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/api/batches/{id}"));
    assert_eq!((&started["batch"]["label"], &started["batch"]["total"]), (&json!("Three echoes"), &json!(3)));
    let tasks = started["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 3);
    for task in tasks {
        assert_eq!(task["batch"], id.as_str());
        server.ended(task["id"].as_str().unwrap()).await.expect(200);
    }
    let batch = server.get(&format!("/api/batches/{id}")).await.expect(200);
    assert_eq!((&batch["fraction"], &batch["counts"]), (&json!(1.0), &json!({"completed": 3})));
}

#[tokio::test]
async fn a_batch_starts_all_or_nothing() {
    let server = Server::new().await;
    let batch = json!({"tasks": [echo("a"), echo("much too long")]});
    let problem = server.post("/api/tasks/batch", &batch).await.problem(422, "invalid_params");
    assert!(problem["fields"]["tasks[1].text"].is_string(), "{problem}");
    server.post("/api/tasks/batch", &json!({"tasks": []})).await.problem(400, "bad_request");
    server.post("/api/tasks/batch", &json!({"task": []})).await.problem(400, "bad_request");
    assert_eq!(server.get("/api/tasks").await.expect(200)["tasks"], json!([]));
    for id in ["018c0000-0000-7000-8000-000000000000", "17"] {
        server.get(&format!("/api/batches/{id}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_batch_may_be_larger_than_other_bodies() {
    let server = Server::new().await;
    let label = "x".repeat(3 * 1024 * 1024);
    let long = json!({"label": label, "tasks": [{"kind": "make"}]});
    server.post("/api/tasks/batch", &long).await.expect(202);
    server.post("/api/kinds/make/start", &json!({"label": label})).await.problem(413, "too_large");
    let too_long = request(Method::POST, "/api/tasks/batch").header("content-length", 17 * 1024 * 1024);
    server.send(too_long.body("".into()).unwrap()).await.problem(413, "too_large");
}

#[tokio::test]
async fn too_many_starts_are_refused_with_the_time_to_wait() {
    let user_rate = Some(Rate { count: 2, per_ms: 3_600_000 });
    let server = Server::with(Settings { user_rate, ..Settings::default() }, |_| ()).await;
    server.start("make", &json!({})).await;
    let answer = server.post("/api/tasks/batch", &json!({"tasks": [echo("a"), echo("b")]})).await;
    answer.problem(429, "too_many");
    server.start("make", &json!({})).await;
    let answer = server.post("/api/kinds/make/start", &json!({})).await;
    answer.problem(429, "too_many");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1_700..=1_800).contains(&seconds), "{seconds}");
}
