//! Nodes that are really killed: the test runs itself again as a child for each of them, through an ignored test.

use std::collections::HashSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use taskdeck_core::{
    Actor, ClientMessage, Definition, Param, RetryPolicy, ServerMessage, StartRequest, Status, StatusSet,
    Task, TaskError, TaskId,
};

use crate::store::postgres::testing::Database;
use crate::{Deck, DeckBuilder, Settings, TaskBody, TaskContext, clock};

const URL: &str = "TASKDECK_TEST_NODE";
const NODES: usize = 3;
/// Each of so many starters starts so many.
const STARTERS: u64 = 4;
const STARTS: u64 = 250;
const LEASE: Duration = Duration::from_secs(2);
/// What is left when the last node was killed: its work comes back after the lease, and runs.
const REST: Duration = Duration::from_secs(60);

/// Takes some milliseconds, and goes on from its checkpoint.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    number: u64,
}

impl Task for Work {
    const KIND: &'static str = "work";
    type Output = u64;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<u64>("number")];
        definition.limits.retry = RetryPolicy { max_tries: 50, base_ms: 1, max_ms: 10 };
        definition
    }
}

impl TaskBody for Work {
    async fn run(self, ctx: TaskContext) -> Result<u64, TaskError> {
        if ctx.restore::<bool>()?.is_none() {
            ctx.progress_of(1, 2);
            tokio::time::sleep(Duration::from_millis(self.number % 30)).await;
            ctx.checkpoint(&true).await?;
        }
        ctx.info(format!("number {}", self.number));
        Ok(self.number)
    }
}

fn builder(url: &str, worker: bool) -> DeckBuilder {
    let settings = Settings { worker, max_concurrent: 16, lease: LEASE, ..Settings::default() };
    Deck::builder().register::<Work>().settings(settings).postgres(url)
}

/// A node in a process of its own.
struct Node(Child);

impl Node {
    fn spawn(url: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let test = "nodes::postgres::killed::the_node_that_is_killed";
        command.args(["--exact", test, "--ignored", "--nocapture"]).env(URL, url).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
#[ignore = "is run by the test of this file, as the process that it kills"]
fn the_node_that_is_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        // The session with which it opens the store may be ended too; then it is a node that did not start.
        if let Ok(_deck) = builder(&url, true).build().await {
            std::future::pending::<()>().await;
        }
    });
}

fn chance(below: u128) -> u64 {
    u64::try_from(uuid::Uuid::new_v4().as_u128() % below).unwrap()
}

/// Starts them all; whoever is told that a start failed asks again with the same id.
async fn start_all(web: Deck) -> Vec<TaskId> {
    let client = web.as_actor(Actor::System);
    let mut ids = Vec::new();
    for number in 0..STARTS {
        let id = clock::new_task_id();
        let params = serde_json::json!({ "number": number });
        let request = StartRequest { id: Some(id), params, ..StartRequest::default() };
        while client.start("work", request.clone()).await.is_err() {}
        ids.push(id);
    }
    ids
}

async fn nothing_is_left(web: &Deck) {
    let mut feed = web.as_actor(Actor::System).feed();
    feed.apply(ClientMessage::Counts { on: true }).await;
    loop {
        for message in feed.next().await.expect("the deck lives") {
            if let ServerMessage::Counts { counts } = message
                && StatusSet::ACTIVE.iter().all(|status| counts.of(status) == 0)
            {
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn every_task_ends_once_though_nodes_are_killed_and_sessions_ended_again_and_again() {
    let database = Database::new().await;
    let url = database.url();
    let web = builder(&url, false).build().await.unwrap();
    let mut nodes: Vec<_> = (0..NODES).map(|_| Node::spawn(&url)).collect();
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..STARTERS {
        starting.spawn(start_all(web.clone()));
    }
    let starting = tokio::spawn(starting.join_all());
    let mut kills = 0;
    while !starting.is_finished() || kills < 8 {
        // Not to wait for something, but to hit it anywhere.
        tokio::time::sleep(Duration::from_millis(chance(700))).await;
        let node = usize::try_from(chance(NODES as u128)).unwrap();
        nodes[node] = Node::spawn(&url);
        kills += 1;
        if kills % 3 == 0 {
            database.end_sessions().await;
        }
    }
    let ids: HashSet<_> = starting.await.unwrap().into_iter().flatten().collect();
    let began = Instant::now();
    let rest = tokio::time::timeout(REST, nothing_is_left(&web)).await;
    let store = &web.inner().store;
    assert!(rest.is_ok(), "something never ends: {:?}", store.counts().await);
    let took = began.elapsed();
    let mut interrupted = 0;
    for id in &ids {
        let record = store.get(*id).await.unwrap().expect("is not lost");
        assert_eq!((record.status(), record.machine.endings), (Status::Completed, 1), "{id}");
        let attempts = store.attempts(*id).await.unwrap();
        assert_eq!(attempts.len(), record.machine.attempt as usize, "{id}");
        let outcomes: Vec<_> = attempts.iter().filter_map(|attempt| attempt.outcome.as_deref()).collect();
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == "completed").count(), 1, "{id}");
        interrupted += outcomes.iter().filter(|outcome| **outcome == "interrupted").count();
    }
    assert_eq!(ids.len() as u64, STARTERS * STARTS);
    assert_eq!(store.counts().await.unwrap(), store.recount().await.unwrap());
    assert!(interrupted > 0, "no kill hit a running task");
    eprintln!(
        "{kills} kills, {} tasks, {interrupted} interrupted attempts; the rest took {took:?}",
        ids.len()
    );
    drop(nodes);
    web.shutdown().await;
    database.end().await;
}
