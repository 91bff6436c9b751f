//! Copies from a file to a server and back.

mod again;
mod apart;

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use taskdeck_core::{
    Actor, AnswerRequest, BatchRequest, Definition, Param, ParamKind, Question, StartRequest, Status, Task,
    TaskError, TaskId, ThenRequest, Upload,
};
use tokio::io::AsyncReadExt;

use crate::copy::{Copied, Copy, CopyError, CopyStage, Place};
use crate::store::postgres::testing::Database;
use crate::{Client, Deck, Settings, TaskBody, TaskContext};

/// Does a bit of everything that a store keeps.
#[derive(Debug, Serialize, Deserialize)]
struct Busy {
    act: String,
    file: Option<Upload>,
}

impl Task for Busy {
    const KIND: &'static str = "busy";
    type Output = String;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        let mut file = Param::new("file", ParamKind::file());
        file.required = false;
        definition.params = vec![Param::new("act", ParamKind::text()), file];
        definition
    }
}

impl TaskBody for Busy {
    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        ctx.info(format!("begins: {}", self.act));
        ctx.notify("half way").await?;
        ctx.checkpoint(&json!({"at": 1})).await?;
        match self.act.as_str() {
            "fail" => Err(TaskError::permanent("the cable is cut")),
            "ask" => {
                let answer = ctx.confirm(Question::new("sure", "Go on?")).await?;
                Ok(format!("{answer:?}"))
            }
            _ => {
                let made = ctx.artifact("out.txt", "text/plain").await?;
                tokio::fs::write(made.path(), "made by it").await?;
                made.finish().await?;
                Ok("done \u{1f980}".to_owned())
            }
        }
    }
}

fn settings() -> Settings {
    Settings { max_concurrent: 4, ..Settings::default() }
}

async fn on_file(path: &Path) -> Deck {
    Deck::builder().sqlite(path).register::<Busy>().settings(settings()).build().await.unwrap()
}

async fn on_server(url: &str) -> Deck {
    Deck::builder().postgres(url).register::<Busy>().settings(settings()).build().await.unwrap()
}

/// Waits until the task has this status.
async fn reaches(client: &Client, id: TaskId, status: Status) {
    let mut watch = client.watch(id).await;
    let reached = async {
        while let Some(state) = watch.next().await {
            if state.status == status {
                return;
            }
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, reached).await.unwrap_or_else(|_| panic!("{id} is not {status}"));
}

async fn start(client: &Client, act: &str) -> TaskId {
    let request = StartRequest { params: json!({"act": act}), ..StartRequest::default() };
    client.start("busy", request).await.unwrap().task.id
}

/// One of each: ended well, with files, failed, asking, waiting for another, of a batch, scheduled, with a key.
async fn fill(client: &Client) -> Vec<TaskId> {
    let mut file = client.upload("busy", "file", "a.csv", "text/csv").await.unwrap();
    file.write(&[7; 600_000]).await.unwrap();
    let file = file.finish().await.unwrap();
    let with_file = StartRequest {
        params: json!({"act": "complete", "file": file}),
        tags: vec!["nightly".to_owned()],
        ..StartRequest::default()
    };
    let first = client.start("busy", with_file).await.unwrap().task.id;
    reaches(client, first, Status::Completed).await;
    let failed = start(client, "fail").await;
    reaches(client, failed, Status::Failed).await;
    let asks = start(client, "ask").await;
    reaches(client, asks, Status::WaitingConfirmation).await;
    let later = StartRequest {
        params: json!({"act": "complete"}),
        delay: Some(3_600_000),
        key: Some("nightly".to_owned()),
        ..StartRequest::default()
    };
    let later = client.start("busy", later).await.unwrap().task.id;
    let after =
        StartRequest { params: json!({"act": "complete"}), after: vec![asks], ..StartRequest::default() };
    let after = client.start("busy", after).await.unwrap().task.id;
    let one = ThenRequest {
        kind: Busy::kind(),
        request: StartRequest { params: json!({"act": "complete"}), ..StartRequest::default() },
    };
    let batch = BatchRequest { label: Some("All".to_owned()), tasks: vec![one; 300] };
    let batch = client.start_batch(batch).await.unwrap();
    for started in &batch.tasks {
        reaches(client, started.task.id, Status::Completed).await;
    }
    client.pause_queue(&"slow".parse().unwrap()).await.unwrap();
    vec![first, failed, asks, later, after]
}

async fn copy(from: Place, to: Place) -> Result<Copied, CopyError> {
    Copy::new(from, to).run(|_| ()).await
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn postgres_a_deck_moves_to_a_server_and_back_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (file, back) = (folder.path().join("deck.db"), folder.path().join("back.db"));
    let database = Database::new().await;
    let (from, to) = (Place::Sqlite(file.clone()), Place::Postgres(database.url()));

    let deck = on_file(&file).await;
    let id = deck.id();
    let client = deck.as_actor(Actor::local());
    let tasks = fill(&client).await;
    let refused = copy(from.clone(), to.clone()).await;
    assert!(matches!(refused, Err(CopyError::Open(_))), "an engine holds the file: {refused:?}");
    // While it runs: what is there so far.
    let so_far = Copy::new(from.clone(), to.clone()).online().run(|_| ()).await.unwrap();
    assert_eq!((so_far.copied, so_far.files, so_far.verified.len()), (305, 302, 0));
    let more = start(&client, "complete").await;
    reaches(&client, more, Status::Completed).await;
    client.delete(tasks[1]).await.unwrap();
    let counts = client.counts().await.unwrap();
    deck.shutdown().await;
    drop((deck, client));

    // Stopped: only what has changed since.
    let mut stages = Vec::new();
    let finished = Copy::new(from.clone(), to.clone()).run(|at| stages.push(at)).await.unwrap();
    assert_eq!((finished.tasks, finished.copied, finished.removed, finished.files), (305, 1, 1, 1));
    assert_eq!(finished.verified.len(), crate::copy::tables::all().count() + 1);
    assert!(stages.iter().any(|at| at.stage == CopyStage::Verify && at.done == at.total));

    let deck = on_server(&database.url()).await;
    assert_eq!(deck.id(), id, "it is the same deck: its tokens go on");
    let client = deck.as_actor(Actor::local());
    assert_eq!(client.counts().await.unwrap(), counts);
    let detail = client.detail(tasks[0]).await.unwrap();
    assert_eq!(detail.result.unwrap().result, "done \u{1f980}");
    let (_, mut artifact) = client.artifact(tasks[0], "out.txt").await.unwrap();
    let mut text = String::new();
    artifact.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "made by it");
    // The question that was asked there is answered here, and what waited for it runs.
    let answer = AnswerRequest { key: Some("sure".to_owned()), approved: true, ..AnswerRequest::default() };
    client.answer(tasks[2], answer).await.unwrap();
    reaches(&client, tasks[4], Status::Completed).await;
    let again = StartRequest {
        params: json!({"act": "complete"}),
        key: Some("nightly".to_owned()),
        ..StartRequest::default()
    };
    assert_eq!(client.start("busy", again).await.unwrap().task.id, tasks[3]);
    let in_use = copy(to.clone(), Place::Sqlite(back.clone())).await;
    assert!(matches!(in_use, Err(CopyError::InUse { .. })), "{in_use:?}");
    let counts = client.counts().await.unwrap();
    deck.shutdown().await;
    drop((deck, client));

    let returned = copy(to.clone(), Place::Sqlite(back.clone())).await.unwrap();
    assert_eq!((returned.tasks, returned.copied), (305, 305));
    let deck = on_file(&back).await;
    let client = deck.as_actor(Actor::local());
    assert_eq!((deck.id(), client.counts().await.unwrap()), (id, counts));
    reaches(&client, tasks[4], Status::Completed).await;
    deck.shutdown().await;
    drop((deck, client));

    // Another deck is not written over.
    let other = folder.path().join("other.db");
    let deck = on_file(&other).await;
    start(&deck.as_actor(Actor::local()), "complete").await;
    deck.shutdown().await;
    drop(deck);
    let refused = copy(Place::Sqlite(other), to).await;
    assert!(matches!(refused, Err(CopyError::OtherDeck(_))), "{refused:?}");
    database.end().await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn postgres_what_changed_behind_the_back_of_a_copy_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deck.db");
    let database = Database::new().await;
    let deck = on_file(&file).await;
    let client = deck.as_actor(Actor::local());
    let task = start(&client, "complete").await;
    reaches(&client, task, Status::Completed).await;
    deck.shutdown().await;
    drop((deck, client));
    let (from, to) = (Place::Sqlite(file), Place::Postgres(database.url()));
    copy(from.clone(), to.clone()).await.unwrap();
    let mut conn = database.connect().await;
    let changed = sqlx_core::query::query("UPDATE taskdeck.payloads SET params = '{}'");
    changed.execute(&mut conn).await.unwrap();
    let found = copy(from, to).await;
    assert!(matches!(found, Err(CopyError::Differs("payloads"))), "{found:?}");
    drop(conn);
    tokio::time::timeout(Duration::from_secs(30), database.end()).await.unwrap();
}
