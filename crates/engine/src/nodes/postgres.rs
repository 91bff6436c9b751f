//! Several nodes, each with its own way to one PostgreSQL database.

mod answers;
mod bytes;
mod cut_off;
mod killed;
mod limits;
mod restart;
mod skew;
mod unheard;
mod watched;
mod within;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx_core::connection::Connection;
use sqlx_core::raw_sql::raw_sql;
use taskdeck_core::{
    Actor, CancelOutcome, ClientMessage, Definition, Kind, Known, LaneLimits, ListQuery, LogLevel, Param,
    ScheduleName, ScheduleSpec, ServerMessage, Status, Task, TaskError, TaskId, TaskState, Upload,
};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

use crate::clock;
use crate::store::Store;
use crate::store::postgres::testing::Database;
use crate::{Client, Deck, DeckBuilder, Settings, TaskBody, TaskContext};

const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for the gate, as many at a time as it lets in; says how far it is before.
#[derive(Debug, Serialize, Deserialize)]
struct Wait {
    number: u64,
}

impl Task for Wait {
    const KIND: &'static str = "wait";
    type Output = String;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<u64>("number")];
        definition
    }
}

/// Where bodies wait, which one runs where, and how many at once.
#[derive(Default)]
struct Stage {
    gate: Option<Semaphore>,
    now: std::sync::Mutex<(usize, usize)>,
}

/// Counts the bytes of a file, and leaves a copy of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Copy {
    file: Upload,
}

impl Task for Copy {
    const KIND: &'static str = "copy";
    type Output = usize;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<Upload>("file")];
        definition
    }
}

impl TaskBody for Copy {
    async fn run(self, ctx: TaskContext) -> Result<usize, TaskError> {
        let bytes = std::fs::read(ctx.path_of(&self.file)?)?;
        let copy = ctx.artifact("copy", "text/plain").await?;
        std::fs::write(copy.path(), &bytes)?;
        copy.finish().await?;
        Ok(bytes.len())
    }
}

impl TaskBody for Wait {
    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        let stage = ctx.get::<Arc<Stage>>()?;
        {
            let mut now = stage.now.lock().unwrap();
            now.0 += 1;
            now.1 = now.1.max(now.0);
        }
        ctx.progress_of(self.number, 10);
        ctx.info(format!("at {}", self.number));
        let went = match &stage.gate {
            Some(gate) => tokio::select! {
                permit = gate.acquire() => { permit?.forget(); Ok("went through".to_owned()) }
                () = ctx.cancelled() => Err(TaskError::permanent("asked to stop")),
            },
            None => Ok("went through".to_owned()),
        };
        stage.now.lock().unwrap().0 -= 1;
        went
    }
}

fn builder_settings() -> Settings {
    Settings {
        max_concurrent: 4,
        grace: Duration::from_millis(50),
        lease: Duration::from_millis(1_500),
        ..Settings::default()
    }
}

fn builder(database: &Database, stage: &Arc<Stage>, worker: bool) -> DeckBuilder {
    let settings = Settings { worker, ..builder_settings() };
    let builder =
        Deck::builder().register::<Wait>().register::<Copy>().resource(Arc::clone(stage)).settings(settings);
    builder.postgres(database.url())
}

async fn node(database: &Database, stage: &Arc<Stage>, worker: bool) -> Deck {
    builder(database, stage, worker).build().await.unwrap()
}

fn gated(permits: usize) -> Arc<Stage> {
    Arc::new(Stage { gate: Some(Semaphore::new(permits)), ..Stage::default() })
}

fn client(deck: &Deck) -> Client {
    deck.as_actor(Actor::local())
}

/// A state of the task as a reader of this node's feed is told.
async fn sees(deck: &Deck, id: TaskId, what: impl Fn(&TaskState) -> bool) -> TaskState {
    let mut feed = client(deck).feed();
    feed.apply(ClientMessage::Subscribe { tasks: vec![Known { id, version: 0, tick: 0 }] }).await;
    let seen = async {
        loop {
            for message in feed.next().await.expect("the deck lives") {
                if let ServerMessage::States { tasks } = message
                    && let Some(state) = tasks.into_iter().find(|state| what(state))
                {
                    return state;
                }
            }
        }
    };
    match tokio::time::timeout(PATIENCE, seen).await {
        Ok(state) => state,
        Err(_) => panic!("the task is {:?}", client(deck).get(id).await),
    }
}

async fn is(deck: &Deck, id: TaskId, status: Status) -> TaskState {
    sees(deck, id, |state| state.status == status).await
}

async fn end(database: Database, decks: Vec<Deck>) {
    for deck in decks {
        deck.shutdown().await;
    }
    database.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn what_one_node_starts_another_runs_and_the_first_shows_it_live() {
    let (database, stage) = (Database::new().await, gated(0));
    let web = node(&database, &stage, false).await;
    let worker = node(&database, &stage, true).await;
    let id = web.start(Wait { number: 3 }).await.unwrap().id();
    let running = sees(&web, id, |state| state.progress.done == Some(3)).await;
    assert_eq!((running.status, running.progress.total), (Status::Running, Some(10)));
    assert!(running.tick > 0, "the order of its states is that of the node that runs it");
    let lines = tokio::time::timeout(PATIENCE, async {
        let mut feed = client(&web).feed();
        feed.apply(ClientMessage::Log { task: id, since: 0 }).await;
        loop {
            for message in feed.next().await.unwrap() {
                if let ServerMessage::Log { lines, .. } = message {
                    return lines;
                }
            }
        }
    });
    let lines = lines.await.expect("the log is told");
    assert_eq!((lines[0].level, lines[0].text.as_str()), (LogLevel::Info, "at 3"));
    stage.gate.as_ref().unwrap().add_permits(1);
    is(&web, id, Status::Completed).await;
    let handle = web.start(Wait { number: 1 }).await.unwrap();
    stage.gate.as_ref().unwrap().add_permits(1);
    let result = tokio::time::timeout(PATIENCE, handle.result(None)).await.expect("in time").unwrap();
    assert_eq!(result, "went through");
    end(database, vec![web, worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_cancel_reaches_the_node_that_runs_the_task_at_once() {
    let (database, stage) = (Database::new().await, gated(0));
    let web = node(&database, &stage, false).await;
    // Looks by itself so seldom that only the message can be the reason.
    let settings = Settings { lease: Duration::from_secs(600), ..web.settings().clone() };
    let settings = Settings { worker: true, ..settings };
    let worker = builder(&database, &stage, true).settings(settings).build().await.unwrap();
    let id = web.start(Wait { number: 1 }).await.unwrap().id();
    is(&web, id, Status::Running).await;
    let outcome = client(&web).cancel(id, Some("enough".to_owned())).await.unwrap();
    assert_eq!(outcome, CancelOutcome::Cancelling);
    let state = is(&web, id, Status::Cancelled).await;
    assert_eq!(state.cancel.unwrap().reason.as_deref(), Some("enough"));
    end(database, vec![web, worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_limit_of_a_kind_holds_over_all_nodes() {
    let (database, stage) = (Database::new().await, gated(0));
    let mut decks = vec![node(&database, &stage, true).await];
    let limits = LaneLimits { concurrency: Some(2), ..LaneLimits::default() };
    client(&decks[0]).limit_kind(&Kind::new("wait").unwrap(), Some(limits)).await.unwrap();
    for _ in 0..2 {
        decks.push(node(&database, &stage, true).await);
    }
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(decks[number % 3].start(Wait { number: number as u64 }).await.unwrap().id());
    }
    // Each of the three could take four: what goes on is always the two that the first look took, and then others.
    stage.gate.as_ref().unwrap().add_permits(30);
    for id in ids {
        is(&decks[0], id, Status::Completed).await;
    }
    assert_eq!(*stage.now.lock().unwrap(), (0, 2), "never more than two at once, anywhere");
    end(database, decks).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn the_work_of_a_node_that_is_cut_off_is_rescued_and_its_late_ending_refused() {
    let (database, stage) = (Database::new().await, gated(0));
    let first = node(&database, &stage, true).await;
    let id = first.start(Wait { number: 1 }).await.unwrap().id();
    is(&first, id, Status::Running).await;
    let second = node(&database, &stage, true).await;
    first.inner().heart.held.store(true, std::sync::atomic::Ordering::Release);
    // It runs again elsewhere, as its second attempt.
    let again = sees(&second, id, |state| state.attempt == 2 && state.status == Status::Running).await;
    assert_eq!(again.tries, 1);
    // Both bodies go on; the one that lost its lease ends without being heard.
    stage.gate.as_ref().unwrap().add_permits(2);
    let done = is(&second, id, Status::Completed).await;
    assert_eq!((done.attempt, done.endings), (2, 1));
    let outcomes: Vec<_> =
        client(&second).attempts(id).await.unwrap().into_iter().filter_map(|one| one.outcome).collect();
    assert_eq!(outcomes, ["completed", "interrupted"]);
    first.inner().heart.held.store(false, std::sync::atomic::Ordering::Release);
    end(database, vec![first, second]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_schedule_of_many_nodes_fires_once() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    let name = ScheduleName::new("tick").unwrap();
    let every_second = ScheduleSpec {
        params: serde_json::json!({"number": 1}),
        ..ScheduleSpec::new(name.clone(), Wait::kind(), "* * * * * *")
    };
    let mut decks = Vec::new();
    for _ in 0..3 {
        let builder = builder(&database, &stage, true).schedule(every_second.clone());
        decks.push(builder.build().await.unwrap());
    }
    // The counters of a node are told of what any node does.
    let mut feed = client(&decks[0]).feed();
    feed.apply(ClientMessage::Counts { on: true }).await;
    let fired = async {
        loop {
            for message in feed.next().await.expect("the deck lives") {
                if let ServerMessage::Counts { counts } = message
                    && counts.of(Status::Completed) >= 4
                {
                    return;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, fired).await.expect("it fires");
    let found = decks[0].inner().store.list(ListQuery::default()).await.unwrap().0;
    let mut seconds: Vec<_> = found.iter().map(|task| task.created_at.as_millis() / 1_000).collect();
    seconds.sort_unstable();
    seconds.dedup();
    assert_eq!(seconds.len(), found.len(), "one at each time, though there are three nodes");
    end(database, decks).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn endings_are_stored_though_an_operator_ends_every_session_again_and_again() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    let mut decks = Vec::new();
    for _ in 0..3 {
        decks.push(node(&database, &stage, true).await);
    }
    let mut ids = Vec::new();
    for number in 0..300_u64 {
        let deck = &decks[usize::try_from(number % 3).unwrap()];
        if number % 50 == 25 {
            database.end_sessions().await;
        }
        // Whoever is told that a start failed may ask again with the same id.
        let request = taskdeck_core::StartRequest {
            id: Some(clock::new_task_id(clock::system())),
            params: serde_json::json!({ "number": number }),
            ..taskdeck_core::StartRequest::default()
        };
        let started = async {
            loop {
                match client(deck).start("wait", request.clone()).await {
                    Ok(started) => return started.task.id,
                    Err(error) => tracing::debug!(%error, "asked again"),
                }
            }
        };
        ids.push(tokio::time::timeout(PATIENCE, started).await.expect("is started"));
    }
    for id in &ids {
        let done = is(&decks[0], *id, Status::Completed).await;
        assert_eq!(done.endings, 1, "each ends once");
    }
    let store = &decks[0].inner().store;
    assert_eq!(store.counts().await.unwrap(), store.recount().await.unwrap());
    end(database, decks).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn many_callers_of_a_node_with_the_fewest_connections_wait_their_turn() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    let few = builder(&database, &stage, true);
    let settings = Settings { store_connections: 3, max_concurrent: 32, ..Settings::default() };
    let deck = few.settings(settings).build().await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..500 {
        let deck = deck.clone();
        callers.spawn(async move {
            let handle = deck.start(Wait { number }).await?;
            // Reads, beside what starts, runs and ends.
            client(&deck).list(&ListQuery::default()).await?;
            handle.result(None).await
        });
    }
    let all = tokio::time::timeout(PATIENCE * 2, callers.join_all()).await.expect("nobody hangs");
    for done in all {
        assert_eq!(done.unwrap(), "went through");
    }
    end(database, vec![deck]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_task_of_a_transaction_is_there_if_and_only_if_that_is_committed() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    let deck = node(&database, &stage, true).await;
    let mut conn = database.connect().await;
    raw_sql("CREATE TABLE orders (number int PRIMARY KEY)").execute(&mut conn).await.unwrap();
    let mut undone = conn.begin().await.unwrap();
    raw_sql("INSERT INTO orders VALUES (1)").execute(&mut *undone).await.unwrap();
    let never = deck.start(Wait { number: 1 }).key("order").start_in(&mut undone).await.unwrap().id();
    undone.rollback().await.unwrap();
    let mut done = conn.begin().await.unwrap();
    raw_sql("INSERT INTO orders VALUES (2)").execute(&mut *done).await.unwrap();
    let later = deck.start(Wait { number: 2 }).key("order").start_in(&mut done).await.unwrap().id();
    assert!(client(&deck).get(later).await.is_err(), "nobody sees it yet");
    // What is open holds up no other start, end or count.
    let other = deck.start(Wait { number: 3 }).await.unwrap().id();
    is(&deck, other, Status::Completed).await;
    done.commit().await.unwrap();
    is(&deck, later, Status::Completed).await;
    assert!(client(&deck).get(never).await.is_err());
    let store = &deck.inner().store;
    assert_eq!(store.counts().await.unwrap(), store.recount().await.unwrap());
    let memory = Deck::builder().memory().register::<Wait>().resource(stage).build().await.unwrap();
    let refused = memory.start(Wait { number: 1 }).start_in(&mut conn).await.unwrap_err();
    assert!(refused.to_string().contains("only on PostgreSQL"), "{refused}");
    memory.shutdown().await;
    conn.close().await.unwrap();
    end(database, vec![deck]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn an_upload_to_one_node_is_read_by_another_and_what_that_leaves_is_had_from_the_first() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    let web = node(&database, &stage, false).await;
    let worker = node(&database, &stage, true).await;
    // Some chunks, and a part of one.
    let bytes: Vec<u8> = (0..700_001_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut upload = client(&web).upload("copy", "file", "rows.csv", "text/csv").await.unwrap();
    upload.write(&bytes).await.unwrap();
    let file = upload.finish().await.unwrap();
    let handle = web.start(Copy { file }).await.unwrap();
    let done = tokio::time::timeout(PATIENCE, handle.result(None)).await.expect("in time").unwrap();
    assert_eq!(done, bytes.len());
    let (artifact, mut copy) = client(&web).artifact(handle.id(), "copy").await.unwrap();
    let mut read = Vec::new();
    copy.read_to_end(&mut read).await.unwrap();
    assert_eq!(artifact.size, bytes.len() as u64);
    assert!(read == bytes, "the same bytes in the same order");
    end(database, vec![web, worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn bytes_that_a_dead_node_left_of_a_file_are_removed_after_a_day() {
    let database = Database::new().await;
    let store = database.store().await;
    let (now, hour) = (clock::system(), 60 * 60 * 1_000);
    let half = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(half.path(), vec![7; 300_000]).unwrap();
    let [old, whole, new] = [-25, -25, -1].map(|hours| clock::new_file_id(now.plus_millis(hours * hour)));
    for file in [old, new, whole] {
        store.put_file(file, half.path()).await.unwrap();
    }
    // Of the others the node died before it could say what they are.
    let known = Upload { id: whole, name: "rows.csv".to_owned(), size: 300_000, media_type: String::new() };
    store.add_file(known, now).await.unwrap();
    let before = now.plus_millis(-24 * hour);
    let walked = store.remove_stray_bytes(before, None, 1).await.unwrap();
    assert_eq!((walked.removed, walked.last, walked.more), (vec![old], Some(old), true));
    let walked = store.remove_stray_bytes(before, Some(old), 10).await.unwrap();
    assert_eq!((walked.removed, walked.last, walked.more), (vec![], Some(whole), false));
    let mut conn = database.connect().await;
    let sql = "SELECT file FROM taskdeck.file_chunks WHERE n = 1 ORDER BY file";
    let left = sqlx_core::query::query(sql).fetch_all(&mut conn).await.unwrap();
    let left: Vec<uuid::Uuid> = left.iter().map(|row| sqlx_core::row::Row::get(row, 0)).collect();
    assert_eq!(left, [*whole.as_uuid(), *new.as_uuid()]);
    conn.close().await.unwrap();
    database.drop(store).await;
}
