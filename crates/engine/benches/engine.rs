//! `cargo xtask bench engine`: durable starts and whole lifecycles a second, beside what plain SQLite does in the
//! same run with the same two commits a task, so that the figures mean something on any machine.
//!
//! All at `synchronous=FULL`, on a file in the target directory, with the settings that are shipped but for the number
//! of slots (256: the bodies do nothing, so it is the record of them that is measured). Arguments: `--tasks N`
//! (default 100,000), `--callers N` (default 64).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use taskdeck_core::{Definition, ListQuery, Param, Status, StatusSet, Task, TaskError};
use taskdeck_engine::{Deck, Settings, TaskBody, TaskContext};

#[derive(Debug, Serialize, Deserialize)]
struct Noop {
    number: u64,
}

impl Task for Noop {
    const KIND: &'static str = "noop";
    type Output = ();

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<u64>("number")];
        definition
    }
}

impl TaskBody for Noop {
    async fn run(self, _: TaskContext) -> Result<(), TaskError> {
        Ok(())
    }
}

/// As the binary `taskdeck` is built.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tells when it begins.
#[derive(Debug, Serialize, Deserialize)]
struct Begins {}

impl Task for Begins {
    const KIND: &'static str = "begins";
    type Output = ();

    fn definition() -> Definition {
        Definition::new(Self::kind())
    }
}

impl TaskBody for Begins {
    async fn run(self, ctx: TaskContext) -> Result<(), TaskError> {
        let now = Instant::now();
        ctx.get::<tokio::sync::mpsc::UnboundedSender<Instant>>()?.send(now)?;
        Ok(())
    }
}

struct Arguments {
    tasks: u64,
    callers: u64,
}

fn arguments() -> Arguments {
    let mut arguments = Arguments { tasks: 100_000, callers: 64 };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let mut number =
            || given.next().and_then(|text| text.parse().ok()).expect("a number after the option");
        match name.as_str() {
            "--tasks" => arguments.tasks = number(),
            "--callers" => arguments.callers = number(),
            "--bench" => {}
            other => panic!("unknown argument {other}"),
        }
    }
    arguments
}

fn main() {
    let Arguments { tasks, callers } = arguments();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the target directory takes a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let raw = raw_sqlite(&folder.join("raw.db"), tasks);
    let starts = runtime.block_on(starts(folder.join("starts.db"), tasks, callers));
    let lifecycles = runtime.block_on(lifecycles(folder.join("lifecycles.db"), tasks, callers));
    let latency = runtime.block_on(start_to_handler(folder.join("latency.db")));
    let one = runtime.block_on(lifecycles_of_one(folder.join("one.db"), (tasks / 50).max(100)));
    println!("{:<44} {:>12} {:>10}", "tasks a second", "", "of SQLite");
    let row = |name: &str, rate: f64| println!("{name:<44} {rate:>12.0} {:>9.0}%", rate / raw * 100.0);
    row("plain SQLite, two commits a task, grouped", raw);
    row(&format!("durable starts, {callers} callers"), starts);
    row(&format!("lifecycles, {callers} callers, to completed"), lifecycles);
    row("lifecycles, one caller", one);
    println!();
    println!("{:<44} {:>9} {:>9}", "from start to handler, idle, in ms", "p50", "p99");
    println!("{:<44} {:>9.2} {:>9.2}", "one task at a time, default settings", latency.0, latency.1);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

fn rate(tasks: u64, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
    let tasks = tasks as f64;
    tasks / took.as_secs_f64()
}

/// The probe: an insert and an update of a like row, 64 tasks a commit, two commits a task.
fn raw_sqlite(path: &Path, tasks: u64) -> f64 {
    const GROUP: u64 = 64;
    let conn = rusqlite::Connection::open(path).expect("opens");
    conn.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         CREATE TABLE tasks (id BLOB PRIMARY KEY, kind TEXT, status INTEGER, params TEXT, at INTEGER) WITHOUT ROWID;
         CREATE INDEX by_status ON tasks (status, id);",
    )
    .expect("runs");
    let began = Instant::now();
    let mut done = 0;
    while done < tasks {
        let ids: Vec<_> = (0..GROUP.min(tasks - done)).map(|_| uuid::Uuid::now_v7()).collect();
        conn.execute_batch("BEGIN IMMEDIATE").expect("begins");
        for id in &ids {
            let mut insert = conn
                .prepare_cached("INSERT INTO tasks VALUES (?1, 'noop', 1, '{\"number\":1}', 1)")
                .expect("prepares");
            insert.execute([id.as_bytes()]).expect("inserts");
        }
        conn.execute_batch("COMMIT; BEGIN IMMEDIATE").expect("commits");
        for id in &ids {
            let mut update =
                conn.prepare_cached("UPDATE tasks SET status = 4, at = 2 WHERE id = ?1").expect("prepares");
            update.execute([id.as_bytes()]).expect("updates");
        }
        conn.execute_batch("COMMIT").expect("commits");
        done += GROUP;
    }
    rate(tasks, began.elapsed())
}

async fn deck(path: PathBuf, worker: bool) -> Deck {
    let settings = Settings { worker, max_concurrent: 256, ..Settings::default() };
    Deck::builder().sqlite(path).register::<Noop>().settings(settings).build().await.expect("builds")
}

/// `callers` start tasks, each awaiting its start before the next.
async fn start_all(deck: &Deck, tasks: u64, callers: u64) {
    let next = Arc::new(AtomicU64::new(0));
    let mut started = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (deck, next) = (deck.clone(), Arc::clone(&next));
        started.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= tasks {
                    return;
                }
                deck.start(Noop { number }).await.expect("starts");
            }
        });
    }
    started.join_all().await;
}

async fn starts(path: PathBuf, tasks: u64, callers: u64) -> f64 {
    let deck = deck(path, false).await;
    let began = Instant::now();
    start_all(&deck, tasks, callers).await;
    let rate = rate(tasks, began.elapsed());
    deck.shutdown().await;
    rate
}

/// How long it takes from the call of start until the body begins, with the default settings and nothing else to do:
/// the median and the 99th percentile, in milliseconds.
async fn start_to_handler(path: PathBuf) -> (f64, f64) {
    const SAMPLES: usize = 1_000;
    let (tell, mut begun) = tokio::sync::mpsc::unbounded_channel::<Instant>();
    let deck =
        Deck::builder().sqlite(path).register::<Begins>().resource(tell).build().await.expect("builds");
    let mut took = Vec::with_capacity(SAMPLES);
    for sample in 0..SAMPLES + 20 {
        let called = Instant::now();
        let handle = deck.start(Begins {}).await.expect("starts");
        let began = begun.recv().await.expect("it begins");
        // The first ones make the file and fill the caches.
        if sample >= 20 {
            took.push(began.duration_since(called).as_secs_f64() * 1_000.0);
        }
        handle.result(None).await.expect("completes");
    }
    deck.shutdown().await;
    took.sort_by(f64::total_cmp);
    (took[SAMPLES / 2], took[SAMPLES * 99 / 100])
}

/// Until every task is recorded as completed.
async fn all_completed(deck: &Deck, tasks: u64) {
    let client = deck.as_actor(taskdeck_core::Actor::System);
    while client.counts().await.expect("counts").of(Status::Completed) < tasks {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let active = ListQuery { status: StatusSet::ACTIVE, ..ListQuery::default() };
    assert!(client.list(&active).await.expect("lists").tasks.is_empty());
}

async fn lifecycles(path: PathBuf, tasks: u64, callers: u64) -> f64 {
    let deck = deck(path, true).await;
    let began = Instant::now();
    start_all(&deck, tasks, callers).await;
    all_completed(&deck, tasks).await;
    let rate = rate(tasks, began.elapsed());
    deck.shutdown().await;
    rate
}

async fn lifecycles_of_one(path: PathBuf, tasks: u64) -> f64 {
    let deck = deck(path, true).await;
    let began = Instant::now();
    for number in 0..tasks {
        deck.start(Noop { number }).await.expect("starts").result(None).await.expect("completes");
    }
    let rate = rate(tasks, began.elapsed());
    deck.shutdown().await;
    rate
}
