//! `cargo xtask bench store`: what PostgreSQL does beside what SQLite does, in the same run: durable starts, the
//! emptying of a queue, whole lifecycles, how long a task and its progress take from one node to another, and what an idle
//! node asks.
//!
//! Both stores are durable: `synchronous=FULL` and `fsync=on`, on the same disk, the server on this machine. All nodes
//! are in this process, each with its own connections. Arguments: `--tasks N` (default 20,000), `--callers N` (64).

mod steps;
mod work;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx_core::connection::Connection;
use sqlx_core::query::query;
use sqlx_core::raw_sql::raw_sql;
use sqlx_core::row::Row;
use sqlx_core::sql_str::AssertSqlSafe;
use sqlx_postgres::PgConnection;
use steps::{Steps, progress};
use taskdeck_engine::{Deck, Settings};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use work::{Arguments, Begins, Noop, all_completed, rate, start_all, start_to_handler};

/// As the binary `taskdeck` is built.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SLOTS: usize = 256;
/// How long an idle node is listened to.
const IDLE: Duration = Duration::from_secs(60);

/// Where a measure's tasks are.
enum Place {
    Sqlite(PathBuf),
    Postgres { server: String, name: String },
}

impl Place {
    async fn postgres(server: &str, name: &str) -> Self {
        let name = format!("taskdeck_test_bench_{name}_{}", std::process::id());
        on_server(server, format!("CREATE DATABASE {name}")).await;
        Self::Postgres { server: server.to_owned(), name }
    }

    async fn node(&self, worker: bool, slots: usize, tell: Option<UnboundedSender<Instant>>) -> Deck {
        let settings = Settings { worker, max_concurrent: slots, ..Settings::default() };
        let builder = Deck::builder().register::<Noop>().register::<Begins>().register::<Steps>();
        let mut builder = builder.settings(settings);
        if let Some(tell) = tell {
            builder = builder.resource(tell);
        }
        let builder = match self {
            Self::Sqlite(path) => builder.sqlite(path),
            Self::Postgres { server, name } => {
                let (before, _) = server.rsplit_once('/').expect("a database in the URL");
                builder.postgres(format!("{before}/{name}"))
            }
        };
        builder.build().await.expect("builds")
    }

    async fn end(self, decks: Vec<Deck>) {
        for deck in decks {
            deck.shutdown().await;
        }
        if let Self::Postgres { server, name } = self {
            on_server(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    /// How much its server has ever written to its log, and how large the database is, in bytes.
    async fn bytes(&self) -> (i64, i64) {
        let Self::Postgres { server, name } = self else { return (0, 0) };
        let mut conn = PgConnection::connect(server).await.expect("connects");
        let sql = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, pg_database_size($1)";
        let row = query(sql).bind(name).fetch_one(&mut conn).await.expect("reads");
        (row.try_get(0).expect("a number"), row.try_get(1).expect("a number"))
    }

    /// How many transactions its server has had.
    async fn transactions(&self) -> i64 {
        let Self::Postgres { server, name } = self else { return 0 };
        let mut conn = PgConnection::connect(server).await.expect("connects");
        let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1";
        let row = query(sql).bind(name).fetch_one(&mut conn).await.expect("reads");
        row.try_get(0).expect("a number")
    }
}

async fn on_server(server: &str, sql: String) {
    let mut conn = PgConnection::connect(server).await.expect("connects");
    raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("runs");
    conn.close().await.expect("closes");
}

#[tokio::main]
async fn main() {
    let Arguments { tasks, callers } = Arguments::read(20_000);
    let server = std::env::var("TASK_TEST_POSTGRES").expect("a server in TASK_TEST_POSTGRES");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the target directory takes a folder");
    println!("load average {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    println!("{:<44} {:>10} {:>10} {:>8}", "tasks a second", "SQLite", "PostgreSQL", "ratio");
    let row = |name: &str, sqlite: f64, postgres: f64| {
        println!("{name:<44} {sqlite:>10.0} {postgres:>10.0} {:>7.0}%", postgres / sqlite * 100.0);
    };
    let of = |name: &str| Place::Sqlite(folder.join(name));
    let (sqlite, s_drain) = starts_and_drain(of("starts.db"), tasks, callers, 1).await;
    let (postgres, p_drain) =
        starts_and_drain(Place::postgres(&server, "starts").await, tasks, callers, 1).await;
    row(&format!("durable starts, {callers} callers"), sqlite, postgres);
    row("a queue emptied by one node", s_drain, p_drain);
    let (_, three) = starts_and_drain(Place::postgres(&server, "three").await, tasks, callers, 3).await;
    row("a queue emptied by three nodes", s_drain, three);
    let sqlite = lifecycles(of("lives.db"), tasks, callers, false).await;
    let postgres = lifecycles(Place::postgres(&server, "lives").await, tasks, callers, false).await;
    row("lifecycles, started and run by one node", sqlite, postgres);
    let apart = lifecycles(Place::postgres(&server, "apart").await, tasks, callers, true).await;
    row("lifecycles, started here and run there", sqlite, apart);
    println!();
    println!("{:<44} {:>10} {:>10}", "from start to handler, idle, in ms", "p50", "p99");
    let told = |name: &str, of: (f64, f64)| println!("{name:<44} {:>10.2} {:>10.2}", of.0, of.1);
    told("SQLite", latency(of("latency.db"), false).await);
    told("PostgreSQL, one node", latency(Place::postgres(&server, "near").await, false).await);
    told("PostgreSQL, from one node to another", latency(Place::postgres(&server, "far").await, true).await);
    println!();
    println!("{:<44} {:>10} {:>10}", "from a body's progress to a reader, in ms", "p50", "p99");
    told("PostgreSQL, one node", seen(Place::postgres(&server, "seen").await, false).await);
    told("PostgreSQL, from one node to another", seen(Place::postgres(&server, "afar").await, true).await);
    println!();
    let long = idle(Place::postgres(&server, "idle").await, IDLE).await;
    let short = idle(Place::postgres(&server, "short").await, Duration::ZERO).await;
    println!("transactions a minute of an idle node: {}", long - short);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

/// Starts while nobody works, and then the emptying of the queue by so many nodes.
async fn starts_and_drain(place: Place, tasks: u64, callers: u64, nodes: usize) -> (f64, f64) {
    let web = place.node(false, SLOTS, None).await;
    let began = Instant::now();
    start_all(&web, tasks, callers).await;
    let starts = rate(tasks, began.elapsed());
    let mut decks = Vec::new();
    if matches!(place, Place::Sqlite(_)) {
        // A file has one engine.
        web.shutdown().await;
    } else {
        decks.push(web);
    }
    let began = Instant::now();
    for _ in 0..nodes {
        decks.push(place.node(true, SLOTS, None).await);
    }
    all_completed(&decks[0], tasks).await;
    let drain = rate(tasks, began.elapsed());
    place.end(decks).await;
    (starts, drain)
}

async fn lifecycles(place: Place, tasks: u64, callers: u64, apart: bool) -> f64 {
    let mut decks = vec![place.node(!apart, SLOTS, None).await];
    if apart {
        decks.push(place.node(true, SLOTS, None).await);
    }
    let before = place.bytes().await;
    let began = Instant::now();
    start_all(&decks[0], tasks, callers).await;
    all_completed(&decks[0], tasks).await;
    let rate = rate(tasks, began.elapsed());
    let after = place.bytes().await;
    if after.0 > 0 {
        let each = |bytes: i64| bytes / i64::try_from(tasks).unwrap_or(i64::MAX);
        let (log, kept) = (each(after.0 - before.0), each(after.1 - before.1));
        println!("{:<44} {log:>10} {kept:>10}", "  bytes a task: write-ahead log, database");
    }
    place.end(decks).await;
    rate
}

async fn latency(place: Place, apart: bool) -> (f64, f64) {
    let (tell, mut begun) = unbounded_channel();
    let slots = Settings::default().max_concurrent;
    let mut decks = vec![place.node(!apart, slots, (!apart).then(|| tell.clone())).await];
    if apart {
        decks.push(place.node(true, slots, Some(tell)).await);
    }
    let took = start_to_handler(&decks[0], 500, &mut begun).await;
    place.end(decks).await;
    took
}

/// How long it takes until a reader of the feed is told how far a task is.
async fn seen(place: Place, apart: bool) -> (f64, f64) {
    let mut decks = vec![place.node(!apart, SLOTS, None).await];
    if apart {
        decks.push(place.node(true, SLOTS, None).await);
    }
    let took = progress(&decks[0]).await;
    place.end(decks).await;
    took
}

/// How many transactions a node makes that is there for so long and has nothing to do. The server counts those of a
/// session at its end at the latest.
async fn idle(place: Place, time: Duration) -> i64 {
    let deck = place.node(true, SLOTS, None).await;
    tokio::time::sleep(time).await;
    deck.shutdown().await;
    let transactions = place.transactions().await;
    place.end(Vec::new()).await;
    transactions
}
