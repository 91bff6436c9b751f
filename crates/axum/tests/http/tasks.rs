use axum::body::Body;
use http::Method;
use serde_json::json;
use taskdeck_core::{Actor, ListQuery};

use crate::server::{Server, request};
use crate::work::ARTIFACT;

const NOBODY: &str = "018c0000-0000-7000-8000-000000000000";

#[tokio::test]
async fn health_and_readiness_are_told() {
    let server = Server::new().await;
    assert_eq!(server.get("/health").await.expect(200)["status"], "ok");
    assert_eq!(server.get("/ready").await.expect(200)["status"], "ready");
}

#[tokio::test]
async fn what_does_not_exist_is_a_problem() {
    let server = Server::new().await;
    server.get("/api").await.problem(404, "not_found");
    server.get("/api/nothing").await.problem(404, "not_found");
    server.get("/api/tasks/17").await.problem(404, "not_found");
    for path in ["", "/result", "/attempts", "/log", "/log.txt", "/events", "/artifacts/a.csv"] {
        server.get(&format!("/api/tasks/{NOBODY}{path}")).await.problem(404, "not_found");
        server.get(&format!("/api/tasks/17{path}")).await.problem(404, "not_found");
    }
    for path in ["/cancel", "/retry"] {
        server.ask(Method::POST, &format!("/api/tasks/{NOBODY}{path}")).await.problem(404, "not_found");
    }
    server.ask(Method::DELETE, &format!("/api/tasks/{NOBODY}")).await.problem(404, "not_found");
    let wrong = server.ask(Method::PUT, "/api/tasks").await;
    wrong.problem(405, "method_not_allowed");
    assert!(wrong.header("allow").contains("GET"));
    server.ask(Method::POST, "/health").await.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let server = Server::new().await;
    for text in ["a", "b", "c"] {
        let id = server.start("echo", &json!({"params": {"text": text}})).await;
        server.ended(&id).await.expect(200);
    }
    let failed = server.start("fail", &json!({})).await;
    server.ended(&failed).await.problem(500, "cable_cut");

    let page = server.get("/api/tasks?kind=echo&limit=2").await.expect(200);
    assert!(page.get("hint").is_none());
    let none = server.get("/api/tasks?kind=ech").await.expect(200);
    assert_eq!(none["hint"], "This server has no kind called ech. Did you mean echo?");
    assert_eq!(page["tasks"].as_array().unwrap().len(), 2);
    let cursor = page["next_cursor"].as_str().expect("another page");
    let rest = server.get(&format!("/api/tasks?kind=echo&limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(rest["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next_cursor"], json!(null));

    let page = server.get("/api/tasks?status=failed,cancelled&queue=default").await.expect(200);
    assert_eq!(page["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(page["tasks"][0]["error"], json!({"code": "cable_cut", "message": "the cable is cut"}));
    server.get("/api/tasks?status=odd").await.problem(400, "bad_request");
    server.get("/api/tasks?limit=many").await.problem(400, "bad_request");
    for path in ["/api/tasks?statos=failed", "/api/kinds?statos=a"] {
        let problem = server.get(path).await.problem(400, "bad_request");
        assert!(
            problem["detail"].as_str().unwrap().contains("statos"),
            "a name that is not known: {problem}"
        );
    }
}

#[tokio::test]
async fn an_unchanged_task_is_not_sent_again() {
    let server = Server::new().await;
    let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
    server.ended(&id).await.expect(200);
    let path = format!("/api/tasks/{id}");
    let answer = server.get(&path).await;
    let task = answer.expect(200);
    assert_eq!(answer.header("etag"), format!("\"{}.{}\"", task["version"], task["tick"]));
    assert_eq!(answer.header("cache-control"), "no-cache");
    let known = request(Method::GET, &path).header("if-none-match", answer.header("etag"));
    let answer = server.send(known.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 304);
    assert!(answer.body.is_empty());
}

#[tokio::test]
async fn a_result_says_why_there_is_none() {
    let server = Server::new().await;
    let id = server.start("wait", &json!({})).await;
    server.get(&format!("/api/tasks/{id}/result")).await.problem(425, "not_ended");
    server.get(&format!("/api/tasks/{id}/result?timeout=5ms")).await.problem(425, "not_ended");
    server.gate.open();
    let result = server.ended(&id).await.expect(200);
    assert_eq!(
        result,
        json!({"result": null, "partial": false, "problems": [], "problem_count": 0, "artifacts": []})
    );

    let id = server.start("fail", &json!({})).await;
    let problem = server.ended(&id).await.problem(500, "cable_cut");
    assert_eq!(problem["detail"], "the cable is cut");
    assert!(!problem.to_string().contains("not for everybody"));
}

#[tokio::test]
async fn cancel_tells_how_far_it_came() {
    let server = Server::new().await;
    let delayed = server.start("wait", &json!({"delay": 3_600_000})).await;
    let answer = server.ask(Method::DELETE, &format!("/api/tasks/{delayed}/cancel")).await;
    assert_eq!(answer.expect(200), json!({"status": "cancelled"}));

    let running = server.start("wait", &json!({})).await;
    let mut feed = server.deck.as_actor(Actor::local()).feed();
    crate::sse::until_running(&mut feed, &running).await;
    let path = format!("/api/tasks/{running}/cancel");
    server.post(&path, &json!({"reason": "x".repeat(501)})).await.problem(400, "bad_request");
    // A list would be read as the fields in their order.
    server.post(&path, &json!(["no more need"])).await.problem(400, "bad_request");
    let answer = server.post(&path, &json!({"reason": "no more need"})).await;
    assert_eq!(answer.expect(202), json!({"status": "cancelling"}));
    server.ended(&running).await.problem(409, "no_result");
    let task = server.get(&format!("/api/tasks/{running}")).await.expect(200);
    assert_eq!(task["status"], "cancelled");
    assert_eq!(task["cancel"]["reason"], "no more need");
    assert_eq!(task["cancel"]["by"], "local");
    let answer = server.ask(Method::POST, &path).await;
    assert_eq!(answer.expect(200), json!({"status": "already_completed"}));
}

#[tokio::test]
async fn a_failed_task_is_retried_and_a_completed_one_is_not() {
    let server = Server::new().await;
    let id = server.start("fail", &json!({})).await;
    server.ended(&id).await.problem(500, "cable_cut");
    let task = server.ask(Method::POST, &format!("/api/tasks/{id}/retry")).await.expect(200);
    assert_eq!(task["id"], id.as_str());
    server.ended(&id).await.problem(500, "cable_cut");
    let attempts = server.get(&format!("/api/tasks/{id}/attempts")).await.expect(200);
    assert_eq!(attempts["attempts"].as_array().unwrap().len(), 2);

    let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
    server.ended(&id).await.expect(200);
    server.ask(Method::POST, &format!("/api/tasks/{id}/retry")).await.problem(409, "wrong_status");
}

#[tokio::test]
async fn a_scheduled_task_is_retried_at_once_unless_it_waits_for_others() {
    let server = Server::new().await;
    let id = server.start("echo", &json!({"params": {"text": "a"}, "delay": 3_600_000})).await;
    let behind = server.start("echo", &json!({"params": {"text": "b"}, "after": [id]})).await;
    server.ask(Method::POST, &format!("/api/tasks/{behind}/retry")).await.problem(409, "wrong_status");
    let task = server.ask(Method::POST, &format!("/api/tasks/{id}/retry")).await.expect(200);
    assert_ne!(task["status"], "scheduled");
    server.ended(&id).await.expect(200);
    server.ended(&behind).await.expect(200);
}

#[tokio::test]
async fn the_log_goes_on_after_a_line() {
    let server = Server::new().await;
    let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
    server.ended(&id).await.expect(200);
    let page = server.get(&format!("/api/tasks/{id}/log")).await.expect(200);
    let lines = page["lines"].as_array().unwrap();
    let texts: Vec<_> = lines.iter().filter_map(|line| line["text"].as_str()).collect();
    assert!(texts.contains(&"one") && texts.contains(&"two"), "{texts:?}");
    let first = lines[0]["seq"].as_u64().unwrap();
    let page = server.get(&format!("/api/tasks/{id}/log?since={first}&limit=1")).await.expect(200);
    assert_eq!(page["lines"].as_array().unwrap().len(), 1);
    assert_eq!(page["lines"][0]["seq"], first + 1);
    server.get(&format!("/api/tasks/{id}/log?since=-1")).await.problem(400, "bad_request");
    let file = server.get(&format!("/api/tasks/{id}/log.txt")).await;
    assert_eq!(file.status, 200);
    assert!(file.header("content-disposition").contains(&format!("task-{id}.log")));
    let text = String::from_utf8(file.body).unwrap();
    assert_eq!(text.lines().count(), lines.len(), "{text}");
    assert!(text.contains(" INFO  one\n"), "{text}");
}

#[tokio::test]
async fn an_artifact_is_downloaded_and_never_shown() {
    let server = Server::new().await;
    let id = server.start("make", &json!({})).await;
    let result = server.ended(&id).await.expect(200);
    let artifact = &result["artifacts"][0];
    assert_eq!(artifact["name"], ARTIFACT);
    let url = artifact["url"].as_str().unwrap();
    let path = format!("/{}", url.trim_start_matches('/'));
    let file = server.get(&path).await;
    assert_eq!(file.status, 200, "{path}");
    assert_eq!(file.body, b"<script>alert(1)</script>");
    assert_eq!(file.header("content-length"), "25");
    assert_eq!(file.header("content-type"), "text/html");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(file.header("content-security-policy"), "sandbox; default-src 'none'");
    let disposition = "attachment; filename=\"the __bung_ #1.html\"; \
                       filename*=UTF-8''the%20%22%C3%BCbung%22%20%231.html";
    assert_eq!(file.header("content-disposition"), disposition);
    for name in ["..%2F..%2Fetc%2Fpasswd", "none.csv", "%ff"] {
        server.get(&format!("/api/tasks/{id}/artifacts/{name}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_deleted_task_is_gone() {
    let server = Server::new().await;
    let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
    server.ended(&id).await.expect(200);
    let answer = server.ask(Method::DELETE, &format!("/api/tasks/{id}")).await;
    assert_eq!(answer.expect(200), json!({"status": "cleaned"}));
    server.get(&format!("/api/tasks/{id}")).await.problem(404, "not_found");
    let left = server.deck.as_actor(Actor::local()).list(&ListQuery::default()).await.unwrap();
    assert!(left.tasks.is_empty());
}
