use http::Method;
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn many_tasks_are_looked_at_and_then_deleted() {
    let server = Server::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
        server.ended(&id).await.expect(200);
        ids.push(id);
    }
    let filter = json!({"verb": "delete", "filter": "kind:echo status:completed"});
    let preview = server.send_json(Method::POST, "/api/tasks/bulk/preview", &filter).await.expect(200);
    assert_eq!(
        (&preview["count"], &preview["skipped"], &preview["more"]),
        (&json!(3), &json!(0), &json!(false))
    );
    assert_eq!(preview["first"][0]["id"], ids[2].as_str());
    assert_eq!(preview["previews"], json!(["text=a", "text=a", "text=a"]));
    let chosen = json!({"verb": "delete", "tasks": [ids[0]]});
    let preview = server.send_json(Method::POST, "/api/tasks/bulk/preview", &chosen).await.expect(200);
    assert_eq!(preview["previews"], json!(["text=a"]), "what is named says as much");

    let named = json!({"verb": "delete", "tasks": [ids[0]]});
    let answer = server.send_json(Method::POST, "/api/tasks/bulk", &named).await;
    let started = answer.expect(202);
    let id = started["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/tasks/{id}"));
    assert_eq!(server.ended(id).await.expect(200)["result"]["done"], 1);
    server.get(&format!("/api/tasks/{}", ids[0])).await.problem(404, "not_found");

    for wrong in [
        json!({"verb": "delete"}),
        json!({"verb": "delete", "filter": "kind:"}),
        json!({"verb": "eat", "filter": ""}),
    ] {
        let problem = server.send_json(Method::POST, "/api/tasks/bulk", &wrong).await;
        assert!([400, 422].contains(&problem.status.as_u16()), "{wrong}: {}", problem.status);
    }
}

#[tokio::test]
async fn a_list_is_narrowed_by_a_filter() {
    let server = Server::new().await;
    let id =
        server.start("echo", &json!({"params": {"text": "a"}, "label": "Say hello", "tags": ["x"]})).await;
    let other = server.start("echo", &json!({"params": {"text": "b"}})).await;
    server.ended(&id).await.expect(200);
    server.ended(&other).await.expect(200);
    let found = server.get("/api/tasks?filter=tag:x+hello").await.expect(200);
    assert_eq!(found["tasks"].as_array().unwrap().len(), 1);
    assert_eq!((&found["tasks"][0]["id"], &found["previews"][0]), (&json!(id), &json!("text=a")));
    let found = server.get("/api/tasks?text=hello&since=1h&limit=1").await.expect(200);
    assert_eq!(found["tasks"][0]["id"], id);
    let problem = server.get("/api/tasks?filter=stauts:failed").await.problem(400, "bad_request");
    assert!(problem["detail"].as_str().unwrap().contains("did you mean “status:”"), "{problem}");
}
