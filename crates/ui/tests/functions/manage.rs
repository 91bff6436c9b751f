//! Queues, schedules and settings, as server functions.

use super::*;

#[tokio::test]
async fn lanes_are_paused_and_limited_by_plain_forms() {
    let server = Server::start().await;
    let paused = server.submit("pause_lane", "of=kind&name=wait&paused=true").await;
    assert!(paused.status.is_redirection(), "{}", paused.status);
    assert_eq!(paused.location(), "http://127.0.0.1:3000/tasks/x");
    let limited = "of=queue&name=default&concurrency=3&rate=10%2F1m&partition_concurrency=";
    assert_eq!(server.ask("limit_lane", &FORM, limited.to_owned()).await.status, 200);
    let lanes = server.call("lanes", json!({})).await.json();
    let of = |all: &Value, name: &str| {
        all.as_array().unwrap().iter().find(|lane| lane["name"] == name).unwrap().clone()
    };
    assert!(of(&lanes["kinds"], "wait")["paused_at"].is_string(), "{lanes}");
    let queue = of(&lanes["queues"], "default");
    assert_eq!((&queue["limits"]["concurrency"], &queue["limits_set"]), (&json!(3), &json!(true)));
    assert_eq!(queue["limits"]["rate"], json!({"count": 10, "per_ms": 60_000}));

    let wrong = server.ask("limit_lane", &FORM, "of=queue&name=default&rate=often".to_owned()).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.json()["fields"]["rate"].is_string(), "{}", wrong.json());
    let back = server.submit("limit_lane", "of=queue&name=default&rate=often").await;
    assert!(
        back.location().contains("__path=%2F_taskdeck%2Flimit_lane%23queue-default"),
        "{}",
        back.location()
    );
    let program = server.ask("limit_lane", &FORM, "of=queue&name=default&program=true".to_owned()).await;
    assert_eq!(program.status, 200);
    let lanes = server.call("lanes", json!({})).await.json();
    assert_eq!(of(&lanes["queues"], "default")["limits_set"], false);
}

#[tokio::test]
async fn a_schedule_is_made_steered_and_deleted_by_plain_forms() {
    let server = Server::start().await;
    let fields =
        "name=hourly&kind=shout&cron=%40hourly&time_zone=&missed=skip&params%5Btext%5D=hey&priority=4";
    let made = server.submit("put_schedule", fields).await;
    assert_eq!((made.status.as_u16(), made.location()), (303, "/schedules/hourly"));
    let schedule = server.call("schedule", json!({"name": "hourly"})).await.json();
    assert_eq!((&schedule["in_words"], &schedule["time_zone"]), (&json!("Every hour"), &json!("UTC")));
    assert_eq!((&schedule["params"], &schedule["priority"]), (&json!({"text": "hey"}), &json!(4)));

    let asked = server.ask("steer_schedule", &FORM, "name=hourly&deed=run".to_owned()).await;
    assert_eq!((asked.status.as_u16(), &asked.json()["fields"]["_confirm"]), (422, &json!("It is loud.")));
    let run = server.submit("steer_schedule", "name=hourly&deed=run&confirm=on").await;
    assert!(run.location().starts_with("/tasks/0"), "{}", run.location());
    let paused = server.ask("steer_schedule", &FORM, "name=hourly&deed=pause".to_owned()).await;
    assert_eq!(paused.status, 200, "{:?}", String::from_utf8_lossy(&paused.body));
    // Who paused it stays when it is changed.
    let changed = format!("{fields}&change=true").replace("%40hourly", "0+3+*+*+*");
    assert_eq!(server.ask("put_schedule", &FORM, changed).await.json(), "hourly");
    let all = server.call("schedules", json!({})).await.json();
    assert_eq!((&all[0]["cron"], &all[0]["paused_by"]), (&json!("0 3 * * *"), &json!("local")));
    let deleted = server.submit("steer_schedule", "name=hourly&deed=delete").await;
    assert_eq!(deleted.location(), "/schedules");
    assert_eq!(server.call("schedules", json!({})).await.json(), json!([]));
}

#[tokio::test]
async fn the_form_of_a_schedule_comes_back_with_what_was_typed() {
    let server = Server::start().await;
    let fields = "name=Not+Good&kind=shout&cron=soon&time_zone=Mars&params%5Btext%5D=much+too+long+a+text";
    let refused = server.ask("put_schedule", &FORM, fields.to_owned()).await;
    assert_eq!(refused.status, 422);
    let wrong = refused.json()["fields"].clone();
    let wrong: Vec<_> = wrong.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(wrong, ["cron", "name", "params.text", "time_zone"]);
    let back = server.submit("put_schedule", fields).await;
    assert!(back.status.is_redirection(), "{}", back.status);
    let back = back.location();
    assert!(
        back.starts_with("http://127.0.0.1:3000/schedules/_new?name=Not+Good&kind=shout&cron=soon"),
        "{back}"
    );
    assert!(back.contains("params%5Btext%5D=much+too+long+a+text") && back.contains("__err="), "{back}");

    assert_eq!(
        server.submit("put_schedule", "name=a&kind=wait&cron=%40daily").await.location(),
        "/schedules/a"
    );
    let again = server.ask("put_schedule", &FORM, "name=a&kind=wait&cron=%40daily".to_owned()).await;
    assert!(again.json()["fields"]["name"].is_string(), "{}", again.json());
    let gone =
        server.ask("put_schedule", &FORM, "name=b&kind=wait&cron=%40daily&change=true".to_owned()).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn a_rule_is_explained_before_there_is_a_schedule_of_it() {
    let server = Server::start().await;
    let told =
        server.call("next_times", json!({"cron": "0 9 * * 1", "time_zone": "Asia/Tokyo"})).await.json();
    assert_eq!(told["next"]["in_words"], "On Monday at 09:00");
    assert_eq!(told["problems"], json!({}));
    let local = told["next"]["next_five_local"].as_array().unwrap();
    assert!(local.len() == 5 && local.iter().all(|at| at.as_str().unwrap().starts_with("Mon ")), "{told}");
    // One that is being typed is no fault of the call: what is wrong with it is its answer.
    let wrong = server.call("next_times", json!({"cron": "x", "time_zone": "Mars"})).await;
    assert_eq!(wrong.status, 200);
    let wrong = wrong.json();
    assert!(wrong["problems"]["cron"].is_string() || wrong["problems"]["time_zone"].is_string(), "{wrong}");
    assert_eq!(wrong["next"]["next_five_local"], json!([]));
}

#[tokio::test]
async fn the_settings_are_those_of_the_server() {
    let server = Server::start().await;
    let about = server.call("about", json!({})).await.json();
    let settings = about["settings"].as_array().unwrap();
    let value =
        |name: &str| settings.iter().find(|setting| setting["name"] == name).unwrap()["value"].clone();
    assert_eq!((value("TASK_BIND"), value("TASK_MAX_CONCURRENT")), (json!(HOST), json!("2")));
}
