use crate::server::Server;

#[tokio::test]
async fn a_server_says_what_it_runs_with() {
    let about = Server::new().await.get("/api/about").await.expect(200);
    let named = |name: &str| {
        let all = about["settings"].as_array().unwrap();
        all.iter().find(|setting| setting["name"] == name).map(|setting| setting["value"].clone())
    };
    assert!(about["store"].as_str().unwrap().starts_with("SQLite 3."), "{about}");
    assert!(about["version"].is_string() && about["deck"].is_string(), "{about}");
    assert!(
        named("TASK_BIND").is_some_and(|bind| bind.as_str().unwrap().starts_with("127.0.0.1:")),
        "{about}"
    );
    assert_eq!(named("TASK_GRACE").unwrap(), "10 seconds");
    assert_eq!(named("TASK_WEBSOCKET_ENABLED").unwrap(), "on");
}
