use http::Method;
use serde_json::json;
use taskdeck_core::{TaskId, Timestamp};

use crate::server::{Server, request};

#[tokio::test]
async fn the_catalog_is_listed_and_searched() {
    let server = Server::new().await;
    let all = server.get("/api/kinds").await.expect(200);
    assert_eq!(all["kinds"].as_array().unwrap().len(), 8);
    let found = server.get("/api/kinds?q=echo&tag=parrot&category=other").await.expect(200);
    assert_eq!(found["kinds"][0]["kind"], "echo");
    assert_eq!(server.get("/api/kinds?tag=dog").await.expect(200)["kinds"], json!([]));
    server.get("/api/kinds?category=none").await.problem(400, "bad_request");
}

#[tokio::test]
async fn a_kind_comes_with_the_schema_of_its_params() {
    let server = Server::new().await;
    let kind = server.get("/api/kinds/echo").await.expect(200);
    assert_eq!(kind["title"], "Echo");
    assert_eq!(kind["schema"]["required"], json!(["text"]));
    assert_eq!(kind["schema"]["properties"]["text"]["maxLength"], 10);
    server.get("/api/kinds/none").await.problem(404, "not_found");
    server.get("/api/kinds/No%20Name").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_start_answers_202_with_the_task() {
    let server = Server::new().await;
    let answer = server
        .post("/api/kinds/echo/start", &json!({"params": {"text": "ha", "times": 3}, "label": "Laugh"}))
        .await;
    let task = answer.expect(202);
    assert_eq!(task["kind"], "echo");
    assert_eq!(task["label"], "Laugh");
    assert_eq!(task["deduplicated"], false);
    let id = task["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/tasks/{id}"));
    assert_eq!(server.ended(id).await.expect(200)["result"], "hahaha");
}

#[tokio::test]
async fn below_a_base_path_a_start_names_its_task_there() {
    let mut server = Server::new().await;
    server.app = axum::Router::new().nest("/tools/deck", server.app);
    let answer = server.post("/tools/deck/api/kinds/echo/start", &json!({"params": {"text": "ha"}})).await;
    let id = answer.expect(202)["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/tools/deck/api/tasks/{id}"));
    assert_eq!(server.get(answer.header("location")).await.expect(200)["id"], id.as_str());
}

#[tokio::test]
async fn a_start_without_a_body_has_no_params() {
    let server = Server::new().await;
    let task = server.ask(Method::POST, "/api/kinds/make/start").await.expect(202);
    assert_eq!(task["kind"], "make");
    server.ask(Method::POST, "/api/kinds/echo/start").await.problem(422, "invalid_params");
}

#[tokio::test]
async fn a_known_key_or_id_answers_the_task_that_is_there() {
    let server = Server::new().await;
    let first = server.start("wait", &json!({"key": "nightly"})).await;
    let again = server.post("/api/kinds/wait/start", &json!({"key": "nightly"})).await.expect(200);
    assert_eq!(again["id"], first.as_str());
    assert_eq!(again["deduplicated"], true);
    let clash = server.post("/api/kinds/wait/start", &json!({"key": "nightly", "unique": true})).await;
    assert_eq!(clash.problem(409, "key_active")["task"], first.as_str());

    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let now = Timestamp::from_millis(i64::try_from(now).unwrap());
    let id = TaskId::from_parts(now, [3; 10]).to_string();
    let start = json!({"id": id, "params": {"text": "x"}});
    assert_eq!(server.start("echo", &start).await, id);
    assert_eq!(server.post("/api/kinds/echo/start", &start).await.expect(200)["deduplicated"], true);
}

#[tokio::test]
async fn invalid_params_are_told_by_their_field() {
    let server = Server::new().await;
    let start = json!({"params": {"text": "much too long", "times": 300, "more": 1}});
    let problem = server.post("/api/kinds/echo/start", &start).await.problem(422, "invalid_params");
    let fields = problem["fields"].as_object().unwrap();
    assert_eq!(fields["times"], "Enter at most 255.");
    assert!(fields["text"].as_str().unwrap().contains("at most 10"));
    assert!(fields.contains_key("more"));
    server.post("/api/kinds/none/start", &json!({})).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_malformed_body_is_a_problem() {
    let server = Server::new().await;
    let start = |media_type: &str, body: &'static str| {
        let request = request(Method::POST, "/api/kinds/echo/start").header("content-type", media_type);
        request.body(axum::body::Body::from(body)).unwrap()
    };
    server.send(start("application/json", "{")).await.problem(400, "bad_request");
    let unknown = server.send(start("application/json", r#"{"parms": {}}"#)).await;
    let detail = unknown.problem(400, "bad_request")["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("parms"), "{detail}");
    server.send(start("text/plain", "{}")).await.problem(415, "unsupported_media_type");
    server.send(start("multipart/form-data", "")).await.problem(400, "bad_request");
}

#[tokio::test]
async fn run_waits_for_the_result() {
    let server = Server::new().await;
    let ran = server.post("/api/kinds/echo/run?timeout=60s", &json!({"params": {"text": "a"}})).await;
    assert_eq!(ran.expect(200)["result"], "a");
    let late = server.post("/api/kinds/wait/run?timeout=10ms", &json!({})).await;
    let id = late.problem(408, "timed_out")["task"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("/api/tasks/{id}")).await.expect(200)["kind"], "wait");
    let failed = server.post("/api/kinds/fail/run", &json!({})).await.problem(500, "cable_cut");
    assert_eq!(failed["detail"], "the cable is cut");
    server.post("/api/kinds/echo/run?timeout=soon", &json!({})).await.problem(400, "bad_request");
}
