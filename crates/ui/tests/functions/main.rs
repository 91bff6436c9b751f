//! The server functions behind the guard, over a deck in memory that really runs its tasks: as a program calls them,
//! and as plain forms.
#![cfg(feature = "ssr")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod manage;

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
    Definition, Param, Question, Secret, StartRequest, Status, Task, TaskError, TaskId, Timestamp, Upload,
};
use taskdeck_engine::{Deck, Settings, TaskBody, TaskContext};
// The functions register themselves when the crate is linked.
use taskdeck_ui as _;
use tower::ServiceExt;

const HOST: &str = "127.0.0.1:3000";

const FORM: [(&str, &str); 2] =
    [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];

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

/// Fails on a bad word; a danger, and it has a secret.
#[derive(Serialize, Deserialize)]
struct Whisper {
    text: String,
    key: Secret,
}

impl Task for Whisper {
    const KIND: &'static str = "whisper";
    type Output = String;

    fn definition() -> Definition {
        let params = vec![Param::of::<String>("text").max_len(10), Param::of::<Secret>("key")];
        Definition { params, danger: Some("It is quiet.".to_owned()), ..Definition::new(Self::kind()) }
    }
}

impl TaskBody for Whisper {
    async fn run(self, _: TaskContext) -> Result<String, TaskError> {
        match self.text.as_str() {
            "bad" => Err(TaskError::permanent("a bad word")),
            text => Ok(format!("{text} {}", self.key.expose().len())),
        }
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
            .register::<Whisper>()
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
        self.submit_parts("start_task", accept, fields).await
    }

    async fn submit_parts(&self, function: &str, accept: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(&format!(
                "--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str("--X--\r\n");
        let headers = [("content-type", "multipart/form-data; boundary=X"), ("accept", accept)];
        self.ask(function, &headers, body).await
    }

    /// A whisper that failed.
    async fn failed(&self) -> TaskId {
        let client = self.deck.as_actor(taskdeck_core::Actor::local());
        let params = json!({"text": "bad", "key": "secret"});
        let request = StartRequest { params, ..StartRequest::default() };
        let id = client.start("whisper", request).await.unwrap().task.id;
        self.ended(id).await;
        id
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
    assert_eq!(kinds.as_array().unwrap().len(), 4);
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
    for approved in [true, false] {
        let wrong = format!("id={id}&approved={approved}&fields[steps]=many");
        let wrong = server.ask("answer_task", &form, wrong).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.json()["fields"]["steps"].is_string(), "{}", wrong.json());
    }
    let declined = server.ask("answer_task", &form, format!("id={id}&approved=false&fields[steps]=")).await;
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
async fn a_danger_is_asked_about_before_it_is_retried() {
    let server = Server::start().await;
    let id = server.failed().await;
    let asked = server.ask("retry_task", &FORM, format!("id={id}")).await;
    assert_eq!((asked.status.as_u16(), &asked.json()["fields"]["_confirm"]), (422, &json!("It is quiet.")));
    // Without JavaScript the button shows the question, and then says yes.
    let back = server.submit("retry_task", &format!("id={id}")).await;
    assert!(back.location().contains("__err="), "{}", back.location());
    let retried = server.ask("retry_task", &FORM, format!("id={id}&confirm=on")).await;
    assert_eq!(retried.status, 200, "{:?}", String::from_utf8_lossy(&retried.body));
    server.ended(id).await;
}

#[tokio::test]
async fn a_failed_task_is_tried_again_with_what_its_form_says_and_keeps_its_secret() {
    let server = Server::start().await;
    let id = server.failed().await;
    let task = id.to_string();
    let send = async |text: &str, confirmed: bool| {
        let mut fields = vec![("_kind", "whisper"), ("_task", task.as_str()), ("text", text), ("key", "")];
        fields.extend(confirmed.then_some(("_confirm", "on")));
        server.submit_parts("edit_task", "application/json", &fields).await
    };
    let refused = send("much too long a text", false).await.json();
    let wrong: Vec<_> = refused["fields"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(wrong, ["_confirm", "text"]);
    let edited = send("good", true).await;
    assert_eq!(edited.status, 200, "{:?}", String::from_utf8_lossy(&edited.body));
    assert_eq!(edited.json()["id"], task.as_str());
    server.ended(id).await;
    let client = server.deck.as_actor(taskdeck_core::Actor::local());
    assert_eq!(client.result(id, None).await.unwrap().result, json!("good 6"));
    let again = send("good", true).await;
    assert_eq!(again.json()["code"], "wrong_status", "it has not failed any more");
}

#[tokio::test]
async fn without_the_guard_nothing_is_done() {
    let app = Router::new().route("/_taskdeck/{function}", post(leptos_axum::handle_server_fns));
    let request = Request::post("/_taskdeck/kinds").header("content-type", "application/json");
    let response = app.oneshot(request.body(Body::from("{}")).unwrap()).await.unwrap();
    assert_eq!(response.status(), 500);
}
