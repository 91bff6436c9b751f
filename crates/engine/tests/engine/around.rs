//! What a program puts around its tasks: hooks, layers, child processes, checks, upgrades of params.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taskdeck_core::{
    DeckError, Definition, LogLevel, Param, ParamKind, StartRequest, Status, Task, TaskError,
};
use taskdeck_engine::testing::{TestDeck, run_inline};
use taskdeck_engine::{Deck, DeckBuilder, TaskBody, TaskContext};
use tempfile::TempDir;

use crate::support::{Signal, reaches};

/// Runs a shell script.
#[derive(Debug, Serialize, Deserialize)]
struct Script {
    text: String,
}

impl Task for Script {
    const KIND: &'static str = "script";
    type Output = ();
    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<String>("text")];
        definition.limits.retry.max_tries = 1;
        definition
    }
}

impl TaskBody for Script {
    async fn run(self, ctx: TaskContext) -> Result<(), TaskError> {
        ctx.command("sh").arg("-c").arg(&self.text).checked().await
    }
}

#[tokio::test]
async fn the_output_of_a_child_process_is_the_log() {
    let run = run_inline(Script { text: "echo one; echo two >&2; printf three".to_owned() }).await;
    assert!(run.output.is_ok(), "{:?}", run.output);
    let line = |text: &str| run.log.iter().find(|line| line.text == text).map(|line| line.level);
    assert_eq!((line("one"), line("two")), (Some(LogLevel::Info), Some(LogLevel::Warn)));
    run.assert_logged("three");
    let run = run_inline(Script { text: "exit 7".to_owned() }).await;
    assert_eq!(run.error(), "sh ended with exit status: 7");
}

/// Whether a process is there and not only waits to be buried.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

async fn gone(pid: &str) {
    let gone = async {
        while lives(pid) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the process goes");
}

/// A script that tells its pid and that of a grandchild in a file, and then waits.
async fn cancelled_script(ignore: &str) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("pids");
    let text = format!(
        "{ignore} sleep 1000 & echo $$ $! > {0}.new; mv {0}.new {0}; while true; do wait; done",
        file.display()
    );
    let test = TestDeck::new(DeckBuilder::register::<Script>).await;
    let id = test.client().start_task(Script { text }).await.expect("starts").id();
    let read = async {
        loop {
            match std::fs::read_to_string(&file) {
                Ok(pids) => return pids,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let pids = tokio::time::timeout(Duration::from_secs(10), read).await.expect("the script runs");
    test.client().cancel(id, None).await.expect("is asked");
    reaches(test.client(), id, Status::Cancelled).await;
    for pid in pids.split_whitespace() {
        gone(pid).await;
    }
    test.shutdown().await;
}

#[tokio::test]
async fn a_cancel_ends_the_whole_process_group() {
    cancelled_script("").await;
}

#[tokio::test]
async fn a_process_that_ignores_the_request_is_killed() {
    cancelled_script("trap '' TERM;").await;
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().expect("no panic holds it").push(text.into());
    }

    fn read(&self) -> Vec<String> {
        self.0.lock().expect("no panic holds it").clone()
    }
}

#[tokio::test]
async fn hooks_and_layers_lie_around_starts_and_attempts() {
    let diary = Diary::default();
    let test = TestDeck::new(|deck| {
        let of = |name: &'static str| {
            let diary = diary.clone();
            move || diary.note(name)
        };
        let (opened, ended, outer, inner, starts) =
            (of("opened"), of("ended"), diary.clone(), diary.clone(), diary.clone());
        deck.register::<Script>()
            .on_start(move |_| {
                opened();
                async {}
            })
            .on_shutdown(move |_| {
                ended();
                async {}
            })
            .around_attempts(move |ctx, next| {
                let diary = outer.clone();
                async move {
                    diary.note(format!("outer before {}", ctx.attempt()));
                    let result = next.run().await;
                    diary.note(format!("outer after {}", result.is_ok()));
                    result.map(|_| json!(null))
                }
            })
            .around_attempts(move |_, next| {
                let diary = inner.clone();
                async move {
                    diary.note("inner");
                    next.run().await
                }
            })
            .around_starts(move |mut call, next| {
                let diary = starts.clone();
                async move {
                    diary.note(format!("start {}", call.kind));
                    if call.request.params["text"] == "rm -rf /" {
                        return Err(DeckError::Denied { reason: "not that".to_owned() });
                    }
                    call.request.tags.push("layered".to_owned());
                    next.run(call).await
                }
            })
    })
    .await;
    let run = test.run(Script { text: "true".to_owned() }).await;
    assert!(run.output.is_ok(), "{:?}", run.output);
    assert_eq!(run.state.tags, ["layered"]);
    let refused = test.client().start_task(Script { text: "rm -rf /".to_owned() }).await;
    assert!(matches!(refused, Err(DeckError::Denied { .. })));
    test.shutdown().await;
    let expected =
        ["opened", "start script", "outer before 1", "inner", "outer after true", "start script", "ended"];
    assert_eq!(diary.read(), expected);
}

/// Once had `name` alone; now it has `first` and `last`.
#[derive(Debug, Serialize, Deserialize)]
struct Greet {
    first: String,
    last: String,
}

static CHECKS: AtomicU32 = AtomicU32::new(0);

impl Task for Greet {
    const KIND: &'static str = "greet";
    type Output = String;
    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.version = 2;
        definition.params =
            vec![Param::new("first", ParamKind::text()), Param::new("last", ParamKind::text())];
        definition
    }
}

impl TaskBody for Greet {
    const HAS_CHECK: bool = true;

    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        ctx.get::<Arc<Signal>>()?.give();
        Ok(format!("{} {}", self.first, self.last))
    }

    async fn check(&self, deck: &Deck) -> Result<(), String> {
        CHECKS.fetch_add(1, Ordering::SeqCst);
        if self.first == "Nobody" { Err(format!("{} cannot be greeted", deck.id())) } else { Ok(()) }
    }

    fn upgrade(version: u32, params: Value) -> Result<Value, String> {
        let name = params["name"].as_str().ok_or("name is missing")?;
        let (first, last) =
            name.split_once(' ').ok_or_else(|| format!("no last name in version {version}"))?;
        Ok(json!({"first": first, "last": last}))
    }
}

/// What an earlier version of the program knew.
#[derive(Debug, Serialize, Deserialize)]
struct OldGreet {
    name: Value,
}

impl Task for OldGreet {
    const KIND: &'static str = "greet";
    type Output = String;
    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::new("name", ParamKind::Json)];
        definition
    }
}

impl TaskBody for OldGreet {
    async fn run(self, _: TaskContext) -> Result<String, TaskError> {
        Err(TaskError::permanent("the old program runs nothing here"))
    }
}

#[tokio::test]
async fn params_of_an_older_version_are_upgraded_or_fail_by_name_and_can_be_mended() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("deck.db");
    let at = Duration::from_secs(3600);
    let old = Deck::builder().sqlite(&path).register::<OldGreet>().build().await.expect("opens");
    let start = |name: Value| old.start(OldGreet { name }).delay(at);
    let good = start(json!("Ann Lee")).await.expect("starts").id();
    let bad = start(json!(7)).await.expect("starts").id();
    old.shutdown().await;
    // An hour later.
    let conn = rusqlite::Connection::open(&path).expect("opens");
    conn.execute("UPDATE tasks SET scheduled_at = 0", []).expect("moves the time");
    drop(conn);
    let ran = Arc::new(Signal::default());
    let new = Deck::builder().sqlite(&path).register::<Greet>().resource(Arc::clone(&ran));
    let new = new.build().await.expect("opens");
    let client = new.as_actor(taskdeck_core::Actor::local());
    reaches(&client, good, Status::Completed).await;
    assert_eq!(client.result(good, None).await.expect("a result").result, json!("Ann Lee"));
    let failed = reaches(&client, bad, Status::Failed).await;
    let error = failed.error.expect("says why");
    assert_eq!(error.code, "params");
    assert!(error.message.contains("name is missing"), "{}", error.message);
    let wrong = client.set_params(bad, json!({"first": "Bo"})).await;
    assert!(matches!(wrong, Err(DeckError::InvalidParams { fields }) if fields.get("last").is_some()));
    client.set_params(bad, json!({"first": "Bo", "last": "Ek"})).await.expect("is mended");
    client.retry(bad).await.expect("is tried again");
    reaches(&client, bad, Status::Completed).await;
    assert!(matches!(client.set_params(bad, json!({})).await, Err(DeckError::InvalidParams { .. })));
    new.shutdown().await;
}

#[tokio::test]
async fn a_check_refuses_a_start_before_anything_is_stored() {
    let test = TestDeck::new(|deck| deck.register::<Greet>().resource(Arc::new(Signal::default()))).await;
    let request = |first: &str| StartRequest {
        params: json!({"first": first, "last": "Lee"}),
        ..StartRequest::default()
    };
    let refused = test.client().start("greet", request("Nobody")).await;
    assert!(
        matches!(refused, Err(DeckError::CheckFailed { reason }) if reason.contains("cannot be greeted"))
    );
    assert_eq!(test.client().counts().await.expect("counts").total(), 0);
    let id = test.client().start("greet", request("Ann")).await.expect("starts").task.id;
    assert_eq!(test.finish::<String>(id).await.output(), "Ann Lee");
    assert!(CHECKS.load(Ordering::SeqCst) >= 2);
    test.shutdown().await;
}

#[tokio::test]
async fn what_waits_too_long_expires_by_the_decks_own_clock() {
    let test = TestDeck::new(DeckBuilder::register::<Script>).await;
    test.client().pause_queue(&taskdeck_core::QueueName::default()).await.expect("pauses");
    let late = test.client().start_task(Script { text: "true".to_owned() });
    let id = late.expires(Duration::from_secs(3_600)).await.expect("starts").id();
    test.advance(Duration::from_secs(3_601));
    let state = reaches(test.client(), id, Status::Failed).await;
    assert_eq!(state.error.expect("says why").code, "expired");
    test.shutdown().await;
}
