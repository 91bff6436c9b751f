use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn what_ended_since_the_last_look_is_told() {
    let server = Server::new().await;
    let id = server.start("echo", &json!({"params": {"text": "a"}})).await;
    server.ended(&id).await.expect(200);
    let inbox = server.get("/api/inbox").await.expect(200);
    assert_eq!((&inbox["tasks"][0]["id"], &inbox["looked_at"]), (&json!(id), &json!(null)));
    let ended_at = inbox["tasks"][0]["ended_at"].clone();

    // What is to come nobody has seen.
    server.post("/api/inbox/look", &json!({"until": "2999-01-01T00:00:00Z"})).await.expect(200);
    let looked_at = server.get("/api/inbox").await.expect(200)["looked_at"].as_str().unwrap().to_owned();
    assert!(ended_at.as_str().unwrap() <= looked_at.as_str() && looked_at.as_str() < "2999", "{looked_at}");
    server.post("/api/inbox/look", &json!({"until": ended_at})).await.expect(200);
    let after = server.get("/api/inbox").await.expect(200);
    assert_eq!(after["looked_at"], json!(looked_at), "an earlier look changes nothing");
    assert_eq!(after["tasks"].as_array().unwrap().len(), 1, "it is still told, as known");
}
