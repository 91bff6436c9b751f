//! Nodes that are really killed: the test runs itself again as a child for each of them, through an ignored test.

use std::collections::{HashMap, HashSet};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use taskdeck_core::{
    Actor, ClientMessage, Definition, LaneLimits, Param, QueueName, RetryPolicy, ServerMessage, StartRequest,
    Status, StatusSet, Task, TaskError, TaskId, Timestamp,
};

use crate::store::postgres::testing::{Database, Proxy, Way};
use crate::{Deck, DeckBuilder, Settings, TaskBody, TaskContext, clock};

const URL: &str = "TASKDECK_TEST_NODE";
const NODES: usize = 3;
/// Each of so many starters starts so many; many more with `TASKDECK_SOAK=1`.
const STARTERS: u64 = 4;
const STARTS: u64 = 500;
const LONG_STARTS: u64 = 5_000;
const LEASE: Duration = Duration::from_secs(2);
/// How long nothing more may be completed when the last node was killed: its work comes back after the lease, and a node
/// whose way leads nowhere finds another.
const REST: Duration = Duration::from_secs(60);
/// A node that is killed is found dead, and its work goes back, within twice the lease; and how much later than that on a
/// machine on which everything runs at once while sessions are ended.
const RESCUED_WITHIN: Duration = Duration::from_secs(2 * 2 + ALLOWANCE_SECONDS);
const ALLOWANCE_SECONDS: u64 = 8;
/// How many tasks of one queue may run at once, over all nodes.
const NARROW: u32 = 3;
/// What becomes of the way of the first node: each of them a moment, in any order.
const WAYS: [Way; 6] = [Way::Open, Way::Hole, Way::Open, Way::Cut, Way::Open, Way::Deaf];

/// Takes some milliseconds, writes its log in several goes, and goes on from its checkpoint.
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
            ctx.info(format!("begins {}", self.number));
            // Some of them longer than their lines wait to be written.
            let ms = if self.number % 50 == 7 { 600 } else { self.number % 30 };
            for part in 0..3 {
                tokio::time::sleep(Duration::from_millis(ms / 3)).await;
                ctx.info(format!("part {part}"));
            }
            ctx.checkpoint(&true).await?;
        }
        ctx.info(format!("number {}", self.number));
        Ok(self.number)
    }
}

fn narrow() -> QueueName {
    QueueName::new("narrow").unwrap()
}

fn builder(url: &str, worker: bool) -> DeckBuilder {
    let one = LaneLimits { concurrency: Some(NARROW), ..LaneLimits::default() };
    let queues = vec![(narrow(), one)];
    let settings = Settings { worker, max_concurrent: 16, lease: LEASE, queues, ..Settings::default() };
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

/// Starts them all; whoever is told that a start failed asks again with the same id. Some have a key, some run after the
/// one before, and some are in a queue of few at once.
async fn start_all(web: Deck, starter: u64, many: u64) -> Vec<TaskId> {
    let client = web.as_actor(Actor::System);
    let mut ids: Vec<TaskId> = Vec::new();
    for number in 0..many {
        let id = clock::new_task_id(clock::system());
        let params = serde_json::json!({ "number": number });
        let request = StartRequest {
            id: Some(id),
            params,
            key: (number % 4 == 1).then(|| format!("{starter}, {number}")),
            after: ids.last().filter(|_| number % 8 == 2).copied().into_iter().collect(),
            queue: (number % 10 == 3).then(narrow),
            ..StartRequest::default()
        };
        while client.start("work", request.clone()).await.is_err() {}
        ids.push(id);
    }
    ids
}

fn number_of(params: &str) -> u64 {
    serde_json::from_str::<Work>(params).unwrap().number
}

/// False when it stands still.
async fn nothing_is_left(web: &Deck) -> bool {
    let mut feed = web.as_actor(Actor::System).feed();
    feed.apply(ClientMessage::Counts { on: true }).await;
    let (mut completed, mut since) = (0, Instant::now());
    while since.elapsed() < REST {
        let Ok(messages) = tokio::time::timeout(REST, feed.next()).await else { return false };
        for message in messages.expect("the deck lives") {
            let ServerMessage::Counts { counts } = message else { continue };
            if StatusSet::ACTIVE.iter().all(|status| counts.of(status) == 0) {
                return true;
            }
            if counts.of(Status::Completed) > completed {
                (completed, since) = (counts.of(Status::Completed), Instant::now());
            }
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn every_task_ends_once_though_nodes_are_killed_and_cut_off_and_sessions_ended_again_and_again() {
    let database = Database::new().await;
    let url = database.url();
    let web = builder(&url, false).build().await.unwrap();
    let proxy = Proxy::to(database.address()).await;
    let url_of = |node: usize| if node == 0 { database.url_over(&proxy) } else { url.clone() };
    let mut nodes: Vec<_> = (0..NODES).map(|node| Node::spawn(&url_of(node))).collect();
    let many = if std::env::var_os("TASKDECK_SOAK").is_some() { LONG_STARTS } else { STARTS };
    let mut starting = tokio::task::JoinSet::new();
    for starter in 0..STARTERS {
        starting.spawn(start_all(web.clone(), starter, many));
    }
    let starting = tokio::spawn(starting.join_all());
    let (mut kills, mut ways) = (0, HashSet::new());
    // When which process was killed, by the store's clock.
    let mut killed: HashMap<String, Timestamp> = HashMap::new();
    while !starting.is_finished() || kills < 8 || ways.len() < 4 {
        // Not to wait for something, but to hit it anywhere.
        tokio::time::sleep(Duration::from_millis(chance(700))).await;
        let node = usize::try_from(chance(NODES as u128)).unwrap();
        if node > 0 || chance(3) == 0 {
            let process = format!(":{}", nodes[node].0.id());
            nodes[node] = Node::spawn(&url_of(node));
            killed.insert(process, web.inner().clock.now());
            kills += 1;
        }
        let way = usize::try_from(chance(WAYS.len() as u128)).unwrap();
        proxy.set(WAYS[way]);
        ways.insert(format!("{:?}", WAYS[way]));
        if kills % 3 == 0 {
            database.end_sessions().await;
        }
        if let Ok(running) = web.inner().store.running(1_000).await {
            let at_once = running.iter().filter(|record| record.queue == narrow()).count();
            assert!(at_once <= NARROW as usize, "{at_once} run at once of a queue that is limited");
        }
    }
    proxy.set(Way::Open);
    let ids: HashSet<_> = starting.await.unwrap().into_iter().flatten().collect();
    let began = Instant::now();
    let all = nothing_is_left(&web).await;
    let store = &web.inner().store;
    assert!(all, "something never ends: {:?}", store.counts().await);
    let took = began.elapsed();
    let (mut interrupted, mut latest) = (0, 0);
    for id in &ids {
        let record = store.get(*id).await.unwrap().expect("is not lost");
        assert_eq!((record.status(), record.machine.endings), (Status::Completed, 1), "{id}");
        let attempts = store.attempts(*id).await.unwrap();
        assert_eq!(attempts.len(), record.machine.attempt as usize, "{id}");
        let outcomes: Vec<_> = attempts.iter().filter_map(|attempt| attempt.outcome.as_deref()).collect();
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == "completed").count(), 1, "{id}");
        for attempt in attempts.iter().filter(|attempt| attempt.outcome.as_deref() == Some("interrupted")) {
            let on = |process: &&String| attempt.worker.as_ref().is_some_and(|name| name.ends_with(*process));
            let Some(process) = killed.keys().find(on) else { continue };
            let late = attempt.ended_at.expect("it is over").as_millis() - killed[process].as_millis();
            assert!(
                late < i64::try_from(RESCUED_WITHIN.as_millis()).unwrap(),
                "{id} is rescued after {late} ms"
            );
            latest = late.max(latest);
        }
        let log = store.log(*id, 0, 10_000).await.unwrap().lines;
        assert!(log.windows(2).all(|two| two[0].seq + 1 == two[1].seq), "each line once: {log:?}");
        assert_eq!(
            log.last().expect("it wrote").text,
            format!("number {}", number_of(&store.payload(*id).await.unwrap().unwrap().params))
        );
        interrupted += outcomes.iter().filter(|outcome| **outcome == "interrupted").count();
    }
    assert_eq!(ids.len() as u64, STARTERS * many);
    assert_eq!(store.counts().await.unwrap(), store.recount().await.unwrap());
    assert!(interrupted > 0, "no kill hit a running task");
    eprintln!(
        "{kills} kills, {} tasks, {interrupted} interrupted attempts, rescued {latest} ms after the kill at the latest; \
         the rest took {took:?}",
        ids.len()
    );
    drop(nodes);
    web.shutdown().await;
    database.end().await;
}
