use http::Method;
use serde_json::json;

use crate::server::Server;

const PATH: &str = "/api/schedules/nightly-1.0";

#[tokio::test]
async fn a_schedule_is_made_changed_shown_and_removed() {
    let server = Server::new().await;
    let spec = json!({"kind": "echo", "params": {"text": "a"}, "cron": "0 3 * * *",
                      "time_zone": "Europe/Berlin", "missed": "all"});
    let made = server.put(PATH, &spec).await.expect(200);
    assert_eq!((&made["name"], &made["source"]), (&json!("nightly-1.0"), &json!("made")));
    assert_eq!((&made["made_by"], &made["paused"]), (&json!("local"), &json!(false)));
    assert_eq!(made["next_five"].as_array().unwrap().len(), 5);
    assert_eq!(made["next_five"][0], made["next_at"]);
    // What was read can be written, as far as it describes the schedule.
    let changed = json!({"name": "nightly-1.0", "kind": "echo", "params": {"text": "b"}, "cron": "@hourly",
                         "label": "Hourly"});
    let changed = server.put(PATH, &changed).await.expect(200);
    assert_eq!((&changed["time_zone"], &changed["created_at"]), (&json!("UTC"), &made["created_at"]));
    assert_eq!(server.get(PATH).await.expect(200)["label"], "Hourly");
    let list = server.get("/api/schedules").await.expect(200);
    let names: Vec<_> = list["schedules"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["from-code", "nightly-1.0"]);
    let removed = server.ask(Method::DELETE, PATH).await.expect(200);
    assert_eq!(removed, json!({"status": "removed"}));
    server.get(PATH).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_schedule_is_paused_resumed_and_run_now() {
    let server = Server::new().await;
    let spec = json!({"kind": "wait", "cron": "0 0 1 1 *", "key": "only"});
    let next_at = server.put(PATH, &spec).await.expect(200)["next_at"].clone();
    let paused = server.post(&format!("{PATH}/pause"), &json!({"reason": "holidays"})).await.expect(200);
    assert_eq!((&paused["paused"], &paused["next_at"]), (&json!(true), &json!(null)));
    assert_eq!((&paused["paused_by"], &paused["pause_reason"]), (&json!("local"), &json!("holidays")));

    let run = server.ask(Method::POST, &format!("{PATH}/run")).await;
    let task = run.expect(202);
    assert_eq!(task["tags"], json!(["schedule:nightly-1.0"]));
    let id = task["id"].as_str().unwrap();
    assert_eq!(run.header("location"), format!("/api/tasks/{id}"));
    let again = server.ask(Method::POST, &format!("{PATH}/run")).await.expect(200);
    assert_eq!((&again["deduplicated"], &again["id"]), (&json!(true), &task["id"]));
    server.gate.open();
    server.ended(id).await.expect(200);

    let resumed = server.ask(Method::POST, &format!("{PATH}/resume")).await.expect(200);
    assert_eq!((&resumed["next_at"], &resumed["last_task"]), (&next_at, &task["id"]));
    server.ask(Method::POST, &format!("{PATH}/pause")).await.expect(200);
}

#[tokio::test]
async fn what_is_wrong_with_a_schedule_is_told_field_by_field() {
    let server = Server::new().await;
    let wrong =
        json!({"kind": "echo", "params": {"txt": "a"}, "cron": "0 25 * * *", "time_zone": "Mars/Olympus"});
    let fields = server.put(PATH, &wrong).await.problem(422, "invalid_params")["fields"].clone();
    assert_eq!(
        fields,
        json!({
            "cron": "The hours cannot be `25`: they go from 0 to 23.",
            "time_zone": "There is no time zone `Mars/Olympus`: write a name such as Europe/Berlin, or UTC.",
            "params.text": "Enter a value.",
            "params.txt": "There is no such parameter.",
        })
    );
    let spec = json!({"kind": "nothing", "cron": "@daily"});
    let fields = server.put(PATH, &spec).await.problem(422, "invalid_params")["fields"].clone();
    assert_eq!(fields, json!({"kind": "There is no kind named nothing."}));
    let spec = json!({"kind": "wait", "cron": "@daily"});
    let problem = server.put("/api/schedules/Nightly%20one", &spec).await.problem(422, "invalid_params");
    assert!(problem["fields"]["name"].as_str().unwrap().contains("a-z"));
    for bad in [
        json!({"kind": "wait"}),
        json!({"kind": "wait", "cron": "@daily", "name": "other"}),
        json!({"kind": "wait", "cron": "@daily", "missed": "maybe"}),
        json!({"kind": "wait", "cron": "@daily", "timezone": "Europe/Berlin"}),
        json!([]),
    ] {
        server.put(PATH, &bad).await.problem(400, "bad_request");
    }
    for path in ["/pause", "/resume", "/run"] {
        server.ask(Method::POST, &format!("{PATH}{path}")).await.problem(404, "not_found");
    }
    server.ask(Method::DELETE, PATH).await.problem(404, "not_found");
    server.ask(Method::POST, PATH).await.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn a_schedule_made_in_code_is_paused_but_neither_changed_nor_removed() {
    let server = Server::new().await;
    let path = "/api/schedules/from-code";
    assert_eq!(server.get(path).await.expect(200)["source"], "code");
    server.ask(Method::DELETE, path).await.problem(409, "made_in_code");
    server.put(path, &json!({"kind": "wait", "cron": "@daily"})).await.problem(409, "made_in_code");
    server.ask(Method::POST, &format!("{path}/pause")).await.expect(200);
}

#[tokio::test]
async fn the_next_times_of_a_rule_are_told_before_there_is_a_schedule() {
    let server = Server::new().await;
    let path = "/api/next_times?cron=0+0+1+1+*&time_zone=Asia/Tokyo";
    let next = server.get(path).await.expect(200)["next_five"].clone();
    assert!(next.as_array().unwrap().iter().all(|at| at.as_str().unwrap().ends_with("-12-31T15:00:00.000Z")));
    let wrong = server.get("/api/next_times?cron=now").await.problem(422, "invalid_params");
    assert!(wrong["fields"]["cron"].as_str().unwrap().starts_with("Write five fields"));
    server.get("/api/next_times").await.problem(400, "bad_request");
}
