use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn a_chart_tells_what_happened() {
    let server = Server::new().await;
    let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
    server.ended(&id).await.expect(200);
    let failed = server.start("fail", &json!({})).await;
    server.ended(&failed).await.expect(500);
    let all = server.get("/api/stats").await.expect(200);
    assert_eq!((&all["step_ms"], all["points"].as_array().unwrap().len()), (&json!(60_000), 61));
    let total = &all["total"];
    assert_eq!((&total["started"], &total["completed"], &total["failed"]), (&json!(2), &json!(1), &json!(1)));
    assert!(total["run"]["p99"].is_u64() && total["wait"]["p50"].is_u64(), "{total}");
    assert_eq!(all["points"][0]["wait"], json!(null));
    let of_kind = server.get("/api/stats?since=1d&step=1h&kind=echo").await.expect(200);
    assert_eq!((&of_kind["step_ms"], &of_kind["total"]["started"]), (&json!(3_600_000), &json!(1)));
    let since = server.get("/api/stats?since=2001-01-01T00:00:00Z&step=1s").await.expect(200);
    let points = since["points"].as_array().unwrap().len();
    assert!(points <= 500 && since["total"]["started"] == 2, "fourteen days at the most: {points} points");
    for wrong in ["since=yesterday", "step=soon", "kind=No%20Name", "sinse=1h"] {
        let problem = server.get(&format!("/api/stats?{wrong}")).await.problem(400, "bad_request");
        let (name, _) = wrong.split_once('=').unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
    }
}

#[tokio::test]
async fn a_queue_says_since_when_its_oldest_waits() {
    let server = Server::new().await;
    let default = || async {
        let queues = server.get("/api/queues").await.expect(200);
        queues["queues"].as_array().unwrap().iter().find(|lane| lane["name"] == "default").unwrap().clone()
    };
    assert_eq!(default().await["waiting_since"], json!(null));
    server.ask(http::Method::POST, "/api/queues/default/pause").await.expect(200);
    let id = server.start("make", &json!({})).await;
    server.start("make", &json!({})).await;
    let created = server.get(&format!("/api/tasks/{id}")).await.expect(200)["created_at"].clone();
    assert_eq!(
        (&default().await["waiting_since"], &default().await["counts"]["queued"]),
        (&created, &json!(2))
    );
}

#[tokio::test]
async fn a_worker_says_what_it_runs() {
    let server = Server::new().await;
    let id = server.start("wait", &json!({})).await;
    // Running since its start: a slot was free.
    let workers = server.get("/api/workers").await.expect(200);
    let [worker] = workers["workers"].as_array().unwrap().as_slice() else { panic!("{workers}") };
    assert_eq!(
        (&worker["here"], &worker["stalled"], &worker["held"]),
        (&json!(true), &json!(false), &json!([]))
    );
    assert_eq!(worker["version"], env!("CARGO_PKG_VERSION"));
    assert!(worker["slots"].as_u64() >= Some(1) && worker["seen_ms"].is_u64(), "{worker}");
    assert!(worker["name"].as_str().unwrap().ends_with(&format!(":{}", std::process::id())));
    assert_eq!((worker["running"].as_array().unwrap().len(), &worker["running"][0]["id"]), (1, &json!(id)));
    server.gate.open();
    server.ended(&id).await.expect(200);
    let workers = server.get("/api/workers").await.expect(200);
    assert_eq!(workers["workers"][0]["running"], json!([]));
}
