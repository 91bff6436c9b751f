//! Commits that are made and of which nobody hears.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::store::postgres::testing::{Proxy, Way};

/// How often a body says something: several times between two writes of its log.
const EVERY: Duration = Duration::from_millis(20);

/// Writes lines until it is told to end, which it does after as many more; gives how many it wrote.
#[derive(Debug, Serialize, Deserialize)]
struct Talk {
    more: u64,
}

impl Task for Talk {
    const KIND: &'static str = "talk";
    type Output = u64;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<u64>("more")];
        definition
    }
}

#[derive(Default)]
struct Enough(AtomicBool);

impl TaskBody for Talk {
    async fn run(self, ctx: TaskContext) -> Result<u64, TaskError> {
        let enough = ctx.get::<Arc<Enough>>()?;
        let (mut said, mut more) = (0, self.more);
        while more > 0 {
            if enough.0.load(Ordering::Acquire) {
                more -= 1;
            }
            said += 1;
            ctx.info(format!("line {said}"));
            tokio::time::sleep(EVERY).await;
        }
        Ok(said)
    }
}

async fn talker(url: String, enough: &Arc<Enough>) -> Deck {
    let settings = Settings { max_concurrent: 8, lease: Duration::from_secs(20), ..Settings::default() };
    let builder = Deck::builder().register::<Talk>().resource(Arc::clone(enough)).settings(settings);
    builder.postgres(url).build().await.unwrap()
}

/// Every line of the task, once each and in order; `said` are those of its last attempt.
async fn has_said_all(deck: &Deck, id: TaskId) {
    let said: u64 = serde_json::from_value(client(deck).result(id, None).await.unwrap().result).unwrap();
    let log = deck.inner().store.log(id, 0, u32::MAX).await.unwrap();
    let last = log.lines.last().expect("it wrote something").attempt;
    let texts: Vec<_> =
        log.lines.iter().filter(|line| line.attempt == last).map(|line| line.text.clone()).collect();
    let all: Vec<_> = (1..=said).map(|n| format!("line {n}")).collect();
    assert_eq!(texts, all, "{id}");
    assert!(log.lines.windows(2).all(|two| two[0].seq + 1 == two[1].seq), "{id}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_task_ends_with_all_its_lines_though_nobody_heard_that_some_of_them_were_stored() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.address()).await;
    let enough = Arc::new(Enough::default());
    let deck = talker(database.url_over(&proxy), &enough).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(deck.start(Talk { more: 3 }).await.unwrap().id());
    }
    for id in &ids {
        is(&deck, *id, Status::Running).await;
    }
    // Those of lines, and of whatever else is written meanwhile.
    proxy.set(Way::Unheard);
    tokio::time::timeout(PATIENCE, proxy.unheard(3)).await.expect("commits are made");
    proxy.set(Way::Open);
    enough.0.store(true, Ordering::Release);
    for id in &ids {
        let done = is(&deck, *id, Status::Completed).await;
        assert_eq!((done.attempt, done.endings), (1, 1));
        has_said_all(&deck, *id).await;
    }
    end(database, vec![deck]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn bodies_that_write_for_long_end_though_every_session_is_ended_again_and_again() {
    let database = Database::new().await;
    let enough = Arc::new(Enough::default());
    let deck = talker(database.url(), &enough).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(deck.start(Talk { more: 20 }).await.unwrap().id());
    }
    for id in &ids {
        is(&deck, *id, Status::Running).await;
    }
    // Wherever the writes of their logs are just then: each time a line more is stored.
    for _ in 0..12 {
        let before = deck.inner().store.last_log_seq(ids[0]).await.unwrap_or(0);
        database.end_sessions().await;
        let more = async {
            while deck.inner().store.last_log_seq(ids[0]).await.unwrap_or(0) <= before {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, more).await.expect("the log grows");
    }
    enough.0.store(true, Ordering::Release);
    for id in &ids {
        let done = is(&deck, *id, Status::Completed).await;
        assert_eq!((done.attempt, done.endings), (1, 1));
        has_said_all(&deck, *id).await;
    }
    end(database, vec![deck]).await;
}
