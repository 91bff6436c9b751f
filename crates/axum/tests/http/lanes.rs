use http::Method;
use serde_json::{Value, json};

use crate::server::Server;

fn lane<'a>(lanes: &'a Value, name: &str) -> &'a Value {
    lanes.as_array().unwrap().iter().find(|lane| lane["name"] == name).expect("is listed")
}

#[tokio::test]
async fn a_queue_is_paused_and_goes_on() {
    let server = Server::new().await;
    let paused = server.ask(Method::POST, "/api/queues/default/pause").await.expect(200);
    assert_eq!((&paused["name"], &paused["paused_by"]), (&json!("default"), &json!("local")));
    assert!(paused["paused_at"].is_string(), "{paused}");
    let id = server.start("make", &json!({})).await;
    let waits = server.get(&format!("/api/tasks/{id}")).await;
    let (task, etag) = (waits.expect(200), waits.header("etag").to_owned());
    assert_eq!(task["status"], "queued");
    assert_eq!(task["not_running"]["reason"], "queue_paused");
    assert_eq!(task["not_running"]["text"], "The queue default is paused by local.");
    assert!(etag.ends_with(".queue_paused\""), "{etag}");
    let queues = server.get("/api/queues").await.expect(200);
    let default = lane(&queues["queues"], "default");
    assert_eq!((default["counts"].clone(), &default["paused_by"]), (json!({"queued": 1}), &json!("local")));

    let resumed = server.ask(Method::POST, "/api/queues/default/resume").await.expect(200);
    assert_eq!((&resumed["paused_at"], &resumed["paused_by"]), (&json!(null), &json!(null)));
    server.ended(&id).await.expect(200);
    server.ask(Method::POST, "/api/queues/No%20Name/pause").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_kind_is_paused_and_goes_on() {
    let server = Server::new().await;
    let paused = server.ask(Method::POST, "/api/kinds/make/pause").await.expect(200);
    assert!(paused["paused_at"].is_string(), "{paused}");
    let id = server.start("make", &json!({})).await;
    let other = server.start("echo", &json!({"params": {"text": "a"}})).await;
    server.ended(&other).await.expect(200);
    assert_eq!(server.get(&format!("/api/tasks/{id}")).await.expect(200)["status"], "queued");
    let kinds = server.get("/api/lanes/kinds").await.expect(200);
    assert_eq!(lane(&kinds["kinds"], "make")["counts"], json!({"queued": 1}));
    assert_eq!(lane(&kinds["kinds"], "wait")["paused_at"], json!(null));
    server.ask(Method::POST, "/api/kinds/make/resume").await.expect(200);
    server.ended(&id).await.expect(200);
    server.ask(Method::POST, "/api/kinds/none/pause").await.problem(404, "not_found");
}

#[tokio::test]
async fn limits_are_set_and_taken_back() {
    let server = Server::new().await;
    for path in ["/api/queues/default/limits", "/api/kinds/echo/limits"] {
        let limits = json!({
            "concurrency": 2, "rate": {"count": 10, "per_ms": 60_000}, "partition_concurrency": null,
        });
        let lane = server.send_json(Method::PUT, path, &limits).await.expect(200);
        assert_eq!((&lane["limits"], &lane["limits_set"]), (&limits, &json!(true)), "{path}");
        let none = json!({"concurrency": null, "rate": null, "partition_concurrency": null});
        let lane = server.send_json(Method::PUT, path, &Value::Null).await.expect(200);
        assert_eq!((&lane["limits"], &lane["limits_set"]), (&none, &json!(false)), "{path}");
        for wrong in [json!({"concurrency": 0}), json!({"concurency": 2}), json!(4), json!([])] {
            server.send_json(Method::PUT, path, &wrong).await.problem(400, "bad_request");
        }
        server.ask(Method::PUT, path).await.problem(415, "unsupported_media_type");
        server.ask(Method::DELETE, path).await.problem(405, "method_not_allowed");
    }
    let by_partition = json!({"partition_concurrency": 2});
    let lane = server.send_json(Method::PUT, "/api/kinds/echo/limits", &by_partition).await.expect(200);
    assert_eq!(lane["limits"]["partition_concurrency"], 2);
    let queue = server.send_json(Method::PUT, "/api/queues/default/limits", &by_partition).await;
    queue.problem(400, "bad_request");
    let none = server.send_json(Method::PUT, "/api/kinds/none/limits", &Value::Null).await;
    none.problem(404, "not_found");
}
