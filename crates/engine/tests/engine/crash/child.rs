//! The process that is killed: opens the deck, says when what ran before runs again, and starts tasks until it dies.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use taskdeck_core::{Actor, ClientMessage, Counts, ServerMessage, StatusSet, TaskId};
use taskdeck_engine::{Client, Deck, Settings, Start};

use super::work::{Deed, Effects, Once, Work};

/// How many tasks each of the starters starts before it only works.
const STARTS: usize = 40;
const STARTERS: usize = 32;
/// With more than so many to do it only works too, so that a long test does not end with a long rest.
const MOST_ACTIVE: u64 = 3_000;

/// What the test reads from this process's output.
fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\ncrash: {what}").unwrap();
    out.flush().unwrap();
}

/// Short, so that the test can hold the process for longer.
pub(super) const LEASE: Duration = Duration::from_millis(300);

async fn deck(folder: &Path, effects: &Arc<Effects>) -> Deck {
    let settings = Settings { max_concurrent: 16, lease: LEASE, ..Settings::default() };
    let builder = Deck::builder().register::<Work>().register::<Once>().resource(Arc::clone(effects));
    builder.settings(settings).sqlite(folder.join("deck.db")).build().await.unwrap()
}

/// What the process does after it has opened the deck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Starts tasks and works until it is killed.
    Until,
    /// Starts tasks, and returns when everything has ended.
    Whole,
    /// Starts nothing, and returns when everything has ended.
    Rest,
}

pub(super) async fn run(folder: &Path, part: Part) {
    let opened = Instant::now();
    let running = running_before(folder);
    let effects = Arc::new(Effects::open(folder));
    let deck = deck(folder, &effects).await;
    let client = deck.as_actor(Actor::System);
    for task in &running {
        // Those that may not run again have ended.
        if !client.get(*task).await.unwrap().status.has_ended() {
            effects.has_begun(*task).await;
        }
    }
    say(&format!("recovered {} {}", opened.elapsed().as_millis(), running.len()));
    if part != Part::Rest {
        start_all(&deck, folder).await;
        say("all is started");
    }
    if part == Part::Until {
        std::future::pending::<()>().await;
    }
    nothing_is_left(&client).await;
    deck.shutdown().await;
    say("done");
}

async fn start_all(deck: &Deck, folder: &Path) {
    let acknowledged = File::options().append(true).create(true).open(folder.join("acknowledged")).unwrap();
    let acknowledged = Arc::new(Mutex::new(acknowledged));
    let mut starters = tokio::task::JoinSet::new();
    for starter in 0..STARTERS {
        starters.spawn(start_many(deck.clone(), starter, Arc::clone(&acknowledged)));
    }
    starters.join_all().await;
}

/// The tasks that the process before left running. The file is left as it is, for the deck to recover.
fn running_before(folder: &Path) -> Vec<TaskId> {
    let conn = Connection::open(folder.join("deck.db")).unwrap();
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    // The first time there is no table yet.
    let Ok(mut select) = conn.prepare("SELECT id FROM tasks WHERE status = 2") else { return Vec::new() };
    let id = |row: &rusqlite::Row<'_>| row.get(0).map(|id| TaskId::from_uuid(uuid::Uuid::from_bytes(id)));
    select.query_map([], id).unwrap().map(Result::unwrap).collect()
}

async fn start_many(deck: Deck, starter: usize, acknowledged: Arc<Mutex<File>>) {
    let mut last: Option<TaskId> = None;
    let client = deck.as_actor(Actor::System);
    for n in 0..STARTS {
        if n % 10 == 0 && active(&client.counts().await.unwrap()) > MOST_ACTIVE {
            return;
        }
        let work = |deed| deck.start(Work { deed });
        let start: Start<Work> = match (starter + n) % 12 {
            0 => work(Deed::Plain).delay(Duration::from_millis(30)),
            1 => work(Deed::Plain).max_tries(2),
            2 | 3 => work(Deed::Steps),
            4 => work(Deed::Flaky),
            5 => work(Deed::Fails),
            6 | 7 => match last {
                // What runs after one that fails is failed with it.
                Some(last) => work(Deed::Plain).after(last),
                None => work(Deed::Plain),
            },
            8 => work(Deed::Family),
            9 => {
                let once = deck.start(Once {}).await.unwrap().id();
                acknowledge(&acknowledged, once);
                continue;
            }
            _ => work(Deed::Slow),
        };
        let id = start.await.unwrap().id();
        acknowledge(&acknowledged, id);
        last = Some(id);
    }
}

/// One write, so that a kill cannot leave half a line.
fn acknowledge(file: &Mutex<File>, id: TaskId) {
    file.lock().unwrap().write_all(format!("{id}\n").as_bytes()).unwrap();
}

fn active(counts: &Counts) -> u64 {
    StatusSet::ACTIVE.iter().map(|status| counts.of(status)).sum()
}

async fn nothing_is_left(client: &Client) {
    let mut feed = client.feed();
    feed.apply(ClientMessage::Counts { on: true }).await;
    loop {
        for message in feed.next().await.unwrap() {
            if let ServerMessage::Counts { counts } = message
                && active(&counts) == 0
            {
                return;
            }
        }
    }
}
