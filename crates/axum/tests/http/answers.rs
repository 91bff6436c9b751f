//! Answers to questions, and new params for failed tasks.

use http::Method;
use serde_json::json;

use crate::server::{Server, request};

/// Starts a task that asks, and waits until it does.
async fn asking(server: &Server) -> String {
    let id = server.start("ask", &json!({})).await;
    let mut feed = server.deck.as_actor(taskdeck_core::Actor::local()).feed();
    crate::sse::until(&mut feed, &id, taskdeck_core::Status::WaitingConfirmation).await;
    id
}

#[tokio::test]
async fn an_approval_with_its_fields_lets_the_task_go_on() {
    let server = Server::new().await;
    let id = asking(&server).await;
    let path = format!("/api/tasks/{id}/confirm");
    let refused = server.post(&path, &json!({"approved": true, "fields": {"steps": 10}})).await;
    let problem = refused.problem(422, "invalid_params");
    assert_eq!(problem["fields"]["steps"], "Enter at most 9.");
    server.post(&path, &json!({"approved": true})).await.problem(422, "invalid_params");
    server.post(&path, &json!({"approved": true, "key": "other"})).await.problem(404, "not_found");
    // What approves has to be said: an empty object declines nothing.
    server.post(&path, &json!({})).await.problem(400, "bad_request");

    let answer = server.post(&path, &json!({"approved": true, "fields": {"steps": 3}})).await;
    assert_eq!(answer.expect(200)["id"], id.as_str());
    assert_eq!(server.ended(&id).await.expect(200)["result"], json!({"steps": 3}));
    server.post(&path, &json!({"approved": false})).await.problem(409, "wrong_status");
}

#[tokio::test]
async fn a_declined_question_is_the_bodys_to_judge() {
    let server = Server::new().await;
    let id = asking(&server).await;
    let path = format!("/api/tasks/{id}/confirm");
    server.post(&path, &json!({"key": "go_on", "approved": false})).await.expect(200);
    assert_eq!(server.ended(&id).await.problem(500, "error")["detail"], "told not to");
    let nobody = "/api/tasks/018c0000-0000-7000-8000-000000000000/confirm";
    server.post(nobody, &json!({"approved": true})).await.problem(404, "not_found");
}

#[tokio::test]
async fn the_params_of_a_failed_task_are_changed_and_it_is_retried() {
    let server = Server::new().await;
    let id = server.start("divide", &json!({"params": {"by": 0, "note": "kept"}})).await;
    server.ended(&id).await.problem(500, "error");
    let path = format!("/api/tasks/{id}/params");
    let refused = server.send_json(Method::PATCH, &path, &json!({"by": 300, "more": 1})).await;
    let fields = refused.problem(422, "invalid_params")["fields"].clone();
    assert!(fields["by"].is_string() && fields["more"].is_string(), "{fields}");

    // What is not there is taken out, what is not named stays.
    let changed = server.send_json(Method::PATCH, &path, &json!({"by": 4, "more": null})).await;
    assert_eq!(changed.expect(200)["status"], "failed");
    server.ask(Method::POST, &format!("/api/tasks/{id}/retry")).await.expect(200);
    assert_eq!(server.ended(&id).await.expect(200)["result"], 3);
    let client = server.deck.as_actor(taskdeck_core::Actor::local());
    let params = client.detail(id.parse().unwrap()).await.unwrap().params;
    assert_eq!(params, json!({"by": 4, "note": "kept"}));

    let completed = server.send_json(Method::PATCH, &path, &json!({"by": 2})).await;
    completed.problem(409, "wrong_status");
    let no_object = request(Method::PATCH, &path).header("content-type", "application/json");
    server.send(no_object.body("[1]".into()).unwrap()).await.problem(400, "bad_request");
}
