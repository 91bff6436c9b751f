//! The server functions behind the guard, over a deck in memory that really runs its tasks: as a program calls them,
//! and as plain forms.
#![cfg(feature = "ssr")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::post;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taskdeck_axum::{Config, guard};
use taskdeck_core::{
    Definition, Param, Question, StartRequest, Status, Task, TaskError, TaskId, Timestamp, Upload,
};
use taskdeck_engine::{Deck, Settings, TaskBody, TaskContext};
// The functions register themselves when the crate is linked.
use taskdeck_ui as _;
use tower::ServiceExt;

const HOST: &str = "127.0.0.1:3000";

/// Says what it was told, in public danger.
#[derive(Serialize, Deserialize)]
struct Shout {
    text: String,
    file: Option<Upload>,
}

impl Task for Shout {
    const KIND: &'static str = "shout";
    type Output = String;

    fn definition() -> Definition {
        let params =
            vec![Param::of::<String>("text").max_len(10), Param::of::<Option<Upload>>("file").accept(".csv")];
        let danger = Some("It is loud.".to_owned());
        Definition { params, danger, ..Definition::new(Self::kind()) }
    }
}

impl TaskBody for Shout {
    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        ctx.info("shouting");
        Ok(self.text.to_uppercase())
    }
}

/// Waits to be cancelled.
#[derive(Serialize, Deserialize)]
struct Wait {}

impl Task for Wait {
    const KIND: &'static str = "wait";
    type Output = ();

    fn definition() -> Definition {
        Definition::new(Self::kind())
    }
}

impl TaskBody for Wait {
    async fn run(self, ctx: TaskContext) -> Result<(), TaskError> {
        ctx.cancelled().await;
        Err(TaskError::permanent("told to stop"))
    }
}

/// Asks how many steps to go on.
#[derive(Serialize, Deserialize)]
struct Ask {}

impl Task for Ask {
    const KIND: &'static str = "ask";
    type Output = Value;

    fn definition() -> Definition {
        Definition::new(Self::kind())
    }
}

impl TaskBody for Ask {
    async fn run(self, ctx: TaskContext) -> Result<Value, TaskError> {
        let question = Question::new("go_on", "Go on?")
            .field(Param::of::<u8>("steps").max(9.0))
            .field(Param::of::<bool>("fast"));
        let answer = ctx.confirm(question).await?;
        Ok(json!([answer.approved, answer.fields]))
    }
}

struct Server {
    deck: Deck,
    app: Router,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn location(&self) -> &str {
        self.headers.get("location").map_or("", |location| location.to_str().unwrap())
    }
}

impl Server {
    async fn start() -> Self {
        let deck = Deck::builder()
            .memory()
            .settings(Settings { max_concurrent: 2, ..Settings::default() })
            .register::<Shout>()
            .register::<Wait>()
            .register::<Ask>()
            .build()
            .await
            .unwrap();
        let config = Config::new(HOST.parse().unwrap());
        let functions = Router::new().route("/_taskdeck/{function}", post(leptos_axum::handle_server_fns));
        Self { app: functions.layer(guard(deck.clone(), &config)), deck }
    }

    async fn ask(&self, function: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post(format!("/_taskdeck/{function}")).header("host", HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.app.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// As the browser's client does.
    async fn call(&self, function: &str, arguments: Value) -> Answer {
        let headers = [("content-type", "application/json"), ("accept", "application/json")];
        self.ask(function, &headers, arguments.to_string()).await
    }

    /// As a plain form does.
    async fn submit(&self, function: &str, fields: &str) -> Answer {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "text/html,application/xhtml+xml"),
            ("referer", "http://127.0.0.1:3000/tasks/x?__path=old&__err=b2xk"),
        ];
        self.ask(function, &headers, fields.to_owned()).await
    }

    async fn submit_start(&self, accept: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(&format!(
                "--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str("--X--\r\n");
        let headers = [("content-type", "multipart/form-data; boundary=X"), ("accept", accept)];
        self.ask("start_task", &headers, body).await
    }

    async fn waiting(&self) -> TaskId {
        self.started("wait", Status::Running).await
    }

    /// A task of this kind, once it has this status.
    async fn started(&self, kind: &str, status: Status) -> TaskId {
        let client = self.deck.as_actor(taskdeck_core::Actor::local());
        let id = client.start(kind, StartRequest::default()).await.unwrap().task.id;
        while client.get(id).await.unwrap().status != status {
            tokio::task::yield_now().await;
        }
        id
    }

    async fn ended(&self, id: TaskId) {
        let client = self.deck.as_actor(taskdeck_core::Actor::local());
        // Answers once the task has ended, whether well or not.
        let _ = client.result(id, Some(Duration::from_secs(20))).await;
        assert!(client.get(id).await.unwrap().status.has_ended());
    }
}

/// An id as a page makes it.
fn new_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let random = [4, 8, 15, 16, 23, 42, 0, 0, 0, 1];
    TaskId::from_parts(Timestamp::from_millis(i64::try_from(now).unwrap()), random).to_string()
}

const UNKNOWN: &str = "019b76da-a800-7707-8707-070707070707";

#[tokio::test]
async fn an_error_has_its_own_status() {
    let server = Server::start().await;
    let missing = server.call("task", json!({"id": UNKNOWN})).await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json()["code"], "not_found");
    assert_eq!(server.call("kind", json!({"kind": "nope"})).await.status, 404);
    let garbled = server.call("task", json!({"id": 5})).await;
    assert_eq!(garbled.status, 400, "{:?}", String::from_utf8_lossy(&garbled.body));
}

#[tokio::test]
async fn reads_answer_what_the_deck_knows() {
    let server = Server::start().await;
    let id = server.waiting().await;
    let kinds = server.call("kinds", json!({})).await.json();
    assert_eq!(kinds.as_array().unwrap().len(), 3);
    let page = server.call("tasks", json!({"query": {"status": "running", "kind": "wait"}})).await.json();
    assert_eq!(page["tasks"][0]["id"], id.to_string());
    let states = server.call("states", json!({"ids": [id, UNKNOWN]})).await.json();
    assert_eq!(states.as_array().unwrap().len(), 1);
    assert_eq!(server.call("counts", json!({})).await.json()["running"], 1);
    assert_eq!(server.call("task", json!({"id": id})).await.json()["task"]["status"], "running");
    let stats = server.call("stats", json!({"last_ms": 3_600_000})).await.json();
    assert_eq!((&stats["total"]["begun"], stats["points"].as_array().unwrap().len()), (&json!(1), 61));
    let workers = server.call("workers", json!({})).await.json();
    assert_eq!(workers[0]["running"][0]["id"], id.to_string());
    let queues = server.call("queues", json!({})).await.json();
    assert_eq!((&queues[0]["name"], &queues[0]["counts"]["running"]), (&json!("default"), &json!(1)));
    let log = server.call("task_log", json!({"id": id, "since": 0, "limit": 10})).await;
    assert_eq!(log.status, 200);
    assert_eq!(server.call("log_tail", json!({"id": id, "limit": 10})).await.json()["more"], false);
}

#[tokio::test]
async fn a_start_answers_the_task() {
    let server = Server::start().await;
    let id = new_id();
    let fields = [("_kind", "shout"), ("_confirm", "on"), ("text", "hello"), ("_id", &id)];
    let started = server.submit_start("application/json", &fields).await;
    assert_eq!(started.status, 200, "{:?}", String::from_utf8_lossy(&started.body));
    assert_eq!(started.json()["id"], id);
    assert_eq!(started.location(), "");
    let again = server.submit_start("application/json", &fields).await.json();
    assert_eq!((&again["id"], &again["deduplicated"]), (&json!(id), &json!(true)));
}

#[tokio::test]
async fn a_start_without_javascript_leads_to_the_task() {
    let server = Server::start().await;
    let id = new_id();
    let fields = [("_kind", "shout"), ("_confirm", "on"), ("text", "hello"), ("_id", &id)];
    let started = server.submit_start("text/html", &fields).await;
    assert_eq!(started.status, 303);
    assert_eq!(started.location(), format!("/tasks/{id}"));
}

#[tokio::test]
async fn a_start_that_is_not_valid_says_what_is_wrong_with_each_field() {
    let server = Server::start().await;
    let fields = [("_kind", "shout"), ("text", "far too long a text")];
    let refused = server.submit_start("application/json", &fields).await;
    assert_eq!(refused.status, 422);
    let fields = &refused.json()["fields"];
    assert!(fields["text"].as_str().unwrap().contains("at most 10"), "{fields}");
    assert_eq!(fields["_confirm"], "Confirm that you want this.");
}

#[tokio::test]
async fn a_start_that_is_no_form_is_refused_and_not_a_crash() {
    let server = Server::start().await;
    assert_eq!(server.call("start_task", json!({"kind": "wait"})).await.status, 400);
    let no_kind = server.submit_start("application/json", &[("text", "x")]).await;
    assert_eq!(no_kind.status, 400);
}

#[tokio::test]
async fn a_task_is_cancelled_retried_and_deleted() {
    let server = Server::start().await;
    let id = server.waiting().await;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
    let cancelled = server.ask("cancel_task", &form, format!("id={id}&reason=enough")).await;
    assert_eq!(cancelled.json(), "cancelling");
    server.ended(id).await;
    let retried = server.ask("retry_task", &form, format!("id={id}")).await;
    assert_eq!(retried.json()["status"], "queued", "{:?}", retried.json());
    let deleted = server.ask("delete_task", &form, format!("id={id}")).await;
    assert_eq!(deleted.status, 200);
}

#[tokio::test]
async fn a_question_is_answered_by_a_plain_form() {
    let server = Server::start().await;
    let id = server.started("ask", Status::WaitingConfirmation).await;
    let refused =
        server.submit("answer_task", &format!("id={id}&key=go_on&approved=true&fields%5Bsteps%5D=12")).await;
    assert!(refused.status.is_redirection(), "{}", refused.status);
    assert!(
        refused.location().contains(&format!("__path=%2F_taskdeck%2Fanswer_task%23{id}")),
        "{}",
        refused.location()
    );

    let fields = "fields%5Bsteps%5D=3&fields%5Bfast%5D=on";
    let answered = server.submit("answer_task", &format!("id={id}&key=go_on&approved=true&{fields}")).await;
    assert!(answered.status.is_redirection());
    assert_eq!(answered.location(), "http://127.0.0.1:3000/tasks/x");
    server.ended(id).await;
    let detail = server.call("task", json!({"id": id})).await.json();
    assert_eq!(detail["result"]["result"], json!([true, {"steps": 3, "fast": true}]));
    assert_eq!(detail["questions"][0]["answer"]["by"], "local");
}

#[tokio::test]
async fn a_question_is_declined_without_its_fields_and_answered_once() {
    let server = Server::start().await;
    let id = server.started("ask", Status::WaitingConfirmation).await;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
    let unsaid = server.ask("answer_task", &form, format!("id={id}")).await;
    assert_eq!(unsaid.status, 400, "whether it is approved has to be said");
    let wrong = server.ask("answer_task", &form, format!("id={id}&approved=true&fields[steps]=many")).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.json()["fields"]["steps"].is_string(), "{}", wrong.json());
    let declined =
        server.ask("answer_task", &form, format!("id={id}&approved=false&fields[steps]=many")).await;
    assert_eq!(declined.status, 200, "{:?}", String::from_utf8_lossy(&declined.body));
    server.ended(id).await;
    let again = server.ask("answer_task", &form, format!("id={id}&approved=true")).await;
    assert_eq!((again.status.as_u16(), &again.json()["code"]), (409, &json!("wrong_status")));
}

#[tokio::test]
async fn plain_forms_lead_back() {
    let server = Server::start().await;
    let id = server.waiting().await;
    let cancelled = server.submit("cancel_task", &format!("id={id}")).await;
    assert!(cancelled.status.is_redirection());
    assert_eq!(cancelled.location(), "http://127.0.0.1:3000/tasks/x", "an error of before is left out");
    server.ended(id).await;
    let deleted = server.submit("delete_task", &format!("id={id}&back=%2Ftasks")).await;
    assert_eq!((deleted.status.as_u16(), deleted.location()), (303, "/tasks"));
    let cleaned = server.submit("clean_up", "status=failed").await;
    assert!(cleaned.status.is_redirection());
}

#[tokio::test]
async fn a_plain_form_never_leads_to_another_site() {
    let server = Server::start().await;
    let id = server.waiting().await;
    let deleted = server.submit("delete_task", &format!("id={id}&back=%2F%2Fevil.example")).await;
    assert_eq!(deleted.location(), "http://127.0.0.1:3000/tasks/x");
}

#[tokio::test]
async fn the_error_of_a_plain_form_is_told_to_the_button_of_its_task() {
    let server = Server::start().await;
    let refused = server.submit("retry_task", &format!("id={UNKNOWN}")).await;
    assert!(refused.status.is_redirection(), "{}", refused.status);
    let back = refused.location();
    assert!(back.starts_with("http://127.0.0.1:3000/tasks/x?"), "{back}");
    assert!(back.contains(&format!("__path=%2F_taskdeck%2Fretry_task%23{UNKNOWN}")), "{back}");
    assert!(back.contains("__err="), "{back}");
}

#[tokio::test]
async fn clean_up_says_how_many_there_were() {
    let server = Server::start().await;
    let id = server.waiting().await;
    let client = server.deck.as_actor(taskdeck_core::Actor::local());
    client.cancel(id, None).await.unwrap();
    server.ended(id).await;
    let form = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
    let cleaned = server.ask("clean_up", &form, "status=cancelled,failed".to_owned()).await;
    assert_eq!(cleaned.json(), 1, "{:?}", String::from_utf8_lossy(&cleaned.body));
}

#[tokio::test]
async fn without_the_guard_nothing_is_done() {
    let app = Router::new().route("/_taskdeck/{function}", post(leptos_axum::handle_server_fns));
    let request = Request::post("/_taskdeck/kinds").header("content-type", "application/json");
    let response = app.oneshot(request.body(Body::from("{}")).unwrap()).await.unwrap();
    assert_eq!(response.status(), 500);
}

const FORM: [(&str, &str); 2] =
    [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];

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

    let run = server.submit("steer_schedule", "name=hourly&deed=run").await;
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
    assert_eq!(told["in_words"], "On Monday at 09:00");
    let local = told["next_five_local"].as_array().unwrap();
    assert!(local.len() == 5 && local.iter().all(|at| at.as_str().unwrap().starts_with("Mon ")), "{told}");
    assert_eq!(server.call("next_times", json!({"cron": "x", "time_zone": "UTC"})).await.status, 422);
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
