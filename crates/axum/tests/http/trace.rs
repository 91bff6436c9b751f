use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, Server, request};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn post(server: &Server, path: &str, header: &str, json: &Value) -> Answer {
    let request =
        request(Method::POST, path).header("content-type", "application/json").header("traceparent", header);
    server.send(request.body(json.to_string().into()).unwrap()).await
}

#[tokio::test]
async fn a_start_carries_on_the_trace_of_its_request() {
    let server = Server::new().await;
    let path = "/api/kinds/make/start";
    let answer = post(&server, path, HEADER, &json!({})).await;
    assert_eq!(answer.expect(202)["trace_id"], TRACE);
    assert_eq!(answer.header("x-trace-id"), TRACE);
    // What the body says is nearer.
    let own = format!("00-{OTHER}-00f067aa0ba902b7-01");
    for body in [json!({"trace_id": OTHER}), json!({"traceparent": own})] {
        assert_eq!(post(&server, path, HEADER, &body).await.header("x-trace-id"), OTHER);
    }
    // A header that is not well formed begins a new trace, as none does.
    let odd = post(&server, path, "00-short", &json!({})).await;
    assert_eq!(odd.status, StatusCode::ACCEPTED);
    assert_eq!(odd.header("x-trace-id").len(), 32);
    assert_eq!(odd.header("x-trace-id"), odd.json()["trace_id"]);
}

#[tokio::test]
async fn every_answer_with_a_task_names_its_trace() {
    let server = Server::new().await;
    let ran = post(&server, "/api/kinds/echo/run", HEADER, &json!({"params": {"text": "a"}})).await;
    assert_eq!((ran.status, ran.header("x-trace-id")), (StatusCode::OK, TRACE));
    let failed = post(&server, "/api/kinds/divide/run", HEADER, &json!({"params": {"by": 0}})).await;
    failed.problem(500, "error");
    assert_eq!(failed.header("x-trace-id"), TRACE);
    let late = post(&server, "/api/kinds/wait/run?timeout=1ms", HEADER, &json!({})).await;
    late.problem(408, "timed_out");
    assert_eq!(late.header("x-trace-id"), TRACE);

    let started = post(&server, "/api/kinds/divide/start", HEADER, &json!({"params": {"by": 0}})).await;
    let id = started.expect(202)["id"].as_str().unwrap().to_owned();
    let result = server.ended(&id).await;
    result.problem(500, "error");
    assert_eq!(result.header("x-trace-id"), TRACE);
    let task = server.get(&format!("/api/tasks/{id}")).await;
    assert_eq!(task.header("x-trace-id"), TRACE);
    let changed =
        server.send_json(Method::PATCH, &format!("/api/tasks/{id}/params"), &json!({"by": 1})).await;
    assert_eq!(changed.header("x-trace-id"), TRACE);
    let retried = server.ask(Method::POST, &format!("/api/tasks/{id}/retry")).await;
    assert_eq!((retried.status, retried.header("x-trace-id")), (StatusCode::OK, TRACE));
    for (method, path) in
        [(Method::GET, "/attempts"), (Method::GET, "/log"), (Method::POST, "/cancel"), (Method::DELETE, "")]
    {
        let answer = server.ask(method, &format!("/api/tasks/{id}{path}")).await;
        assert_eq!(answer.header("x-trace-id"), TRACE, "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn the_tasks_of_a_batch_are_in_the_trace_of_the_request() {
    let server = Server::new().await;
    let make = json!({"kind": "make"});
    let other = json!({"kind": "make", "request": {"trace_id": OTHER}});
    let answer = post(&server, "/api/tasks/batch", HEADER, &json!({"tasks": [make, make]})).await;
    assert_eq!(answer.expect(202)["tasks"][1]["trace_id"], TRACE);
    assert_eq!(answer.header("x-trace-id"), TRACE);
    let mixed = post(&server, "/api/tasks/batch", HEADER, &json!({"tasks": [make, other]})).await;
    assert_eq!(mixed.expect(202)["tasks"][1]["trace_id"], OTHER);
    assert_eq!(mixed.header("x-trace-id"), "", "there are two");
}
