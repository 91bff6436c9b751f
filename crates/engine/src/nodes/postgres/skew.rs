//! Nodes whose own clocks are wrong: each runs as a process of its own, which believes in another time.

use std::process::{Child, Command, Stdio};

use super::*;

const URL: &str = "TASKDECK_TEST_SKEWED_NODE";
const HOUR_MS: i64 = 60 * 60 * 1_000;
/// How far the times that a node writes may be from now: as long as the test may take, and far less than an hour.
const NEAR_MS: i64 = 60_000;

/// A process whose clock is wrong by an hour.
struct Skewed(Child);

impl Skewed {
    fn spawn(database: &Database, ms: i64) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let test = "nodes::postgres::skew::the_node_whose_clock_is_wrong";
        command.args(["--exact", test, "--ignored", "--nocapture"]).stdout(Stdio::null());
        command.env(URL, database.url()).env(clock::skew::VARIABLE, ms.to_string());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Skewed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
#[ignore = "is run by the tests of this file, as a process of its own"]
fn the_node_whose_clock_is_wrong() {
    let Ok(url) = std::env::var(URL) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let name = ScheduleName::new("tick").unwrap();
        let every_second = ScheduleSpec {
            params: serde_json::json!({"number": 1}),
            ..ScheduleSpec::new(name, Wait::kind(), "* * * * * *")
        };
        let settings = Settings { lease: Duration::from_secs(3), max_concurrent: 4, ..Settings::default() };
        let builder = Deck::builder().register::<Wait>().resource(Arc::new(Stage::default()));
        let builder = builder.schedule(every_second).settings(settings).postgres(url);
        let _deck = builder.build().await.unwrap();
        std::future::pending::<()>().await;
    });
}

fn near(at: Option<taskdeck_core::Timestamp>, now: taskdeck_core::Timestamp, what: &str) {
    let at = at.unwrap_or_else(|| panic!("{what} is not there"));
    let off = at.as_millis() - now.as_millis();
    assert!(off.abs() < NEAR_MS, "{what} is {off} ms from the database's clock");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn nodes_whose_clocks_are_an_hour_off_keep_the_time_of_the_database() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    // This process runs nothing, and its clock is the database's.
    let web = node(&database, &stage, false).await;
    let late = Skewed::spawn(&database, -HOUR_MS);
    let early = Skewed::spawn(&database, HOUR_MS);
    // What is delayed runs then: not at once, and not in an hour.
    let wait = Duration::from_secs(3);
    let asked = clock::system();
    let delayed = web.start(Wait { number: 1 }).delay(wait).await.unwrap().id();
    let done = is(&web, delayed, Status::Completed).await;
    let began = done.started_at.expect("it began");
    assert!(
        began.millis_since(asked) >= 3_000,
        "began {} ms after it was asked for",
        began.millis_since(asked)
    );
    for (at, what) in [(done.started_at, "the beginning"), (done.ended_at, "the end")] {
        near(at, clock::system(), what);
    }
    // Both nodes live, are seen to, and fire the schedule once a second between them.
    let fired = async {
        let mut feed = client(&web).feed();
        feed.apply(ClientMessage::Counts { on: true }).await;
        loop {
            for message in feed.next().await.expect("the deck lives") {
                if let ServerMessage::Counts { counts } = message
                    && counts.of(Status::Completed) >= 6
                {
                    return;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, fired).await.expect("it fires");
    let found = web.inner().store.list(ListQuery::default()).await.unwrap().0;
    let mut seconds = Vec::new();
    for record in found.iter().filter(|record| record.id != delayed) {
        near(Some(record.created_at), clock::system(), "a scheduled start");
        // What lists are sorted by.
        let (ms, _) = record.id.as_uuid().get_timestamp().expect("a time in the id").to_unix();
        let id_at = taskdeck_core::Timestamp::from_millis(i64::try_from(ms).unwrap() * 1_000);
        near(Some(id_at), clock::system(), "the id of a scheduled start");
        assert_eq!(record.machine.tries, 0, "nobody was taken for dead");
        seconds.push(record.created_at.as_millis() / 1_000);
    }
    let many = seconds.len();
    seconds.sort_unstable();
    seconds.dedup();
    assert_eq!(seconds.len(), many, "one at each time");
    let sessions = web.inner().store.sessions().await.unwrap();
    assert_eq!(sessions.len(), 3, "all three live: {sessions:?}");
    drop((late, early));
    end(database, vec![web]).await;
}
