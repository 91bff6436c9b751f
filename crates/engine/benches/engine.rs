//! `cargo xtask bench engine`: durable starts and whole lifecycles a second, beside what plain SQLite does in the
//! same run with the same two commits a task, so that the figures mean something on any machine.
//!
//! All at `synchronous=FULL`, on a file in the target directory, with the settings that are shipped but for the number
//! of slots (256: the bodies do nothing, so it is the record of them that is measured). Arguments: `--tasks N`
//! (default 100,000), `--callers N` (default 64).

mod work;

use std::path::{Path, PathBuf};
use std::time::Instant;

use taskdeck_engine::{Deck, Settings};
use work::{Arguments, Begins, Noop, all_completed, rate, start_all, start_to_handler};

/// As the binary `taskdeck` is built.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let Arguments { tasks, callers } = Arguments::read(100_000);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the target directory takes a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let raw = raw_sqlite(&folder.join("raw.db"), tasks);
    let starts = runtime.block_on(starts(folder.join("starts.db"), tasks, callers));
    let lifecycles = runtime.block_on(lifecycles(folder.join("lifecycles.db"), tasks, callers));
    let latency = runtime.block_on(latency(folder.join("latency.db")));
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

async fn starts(path: PathBuf, tasks: u64, callers: u64) -> f64 {
    let deck = deck(path, false).await;
    let began = Instant::now();
    start_all(&deck, tasks, callers).await;
    let rate = rate(tasks, began.elapsed());
    deck.shutdown().await;
    rate
}

/// With the default settings.
async fn latency(path: PathBuf) -> (f64, f64) {
    let (tell, mut begun) = tokio::sync::mpsc::unbounded_channel::<Instant>();
    let deck =
        Deck::builder().sqlite(path).register::<Begins>().resource(tell).build().await.expect("builds");
    let took = start_to_handler(&deck, 1_000, &mut begun).await;
    deck.shutdown().await;
    took
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
