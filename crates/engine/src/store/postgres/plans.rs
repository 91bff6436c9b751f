//! What a million tasks cost: no verb reads a whole table of theirs. The server tells the plans of the statements that
//! really run (`auto_explain`), and the driver passes on what it tells.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sqlx_core::connection::Connection;
use sqlx_core::raw_sql::raw_sql;
use taskdeck_core::{
    AttemptEnd, CancelInfo, Event, ListQuery, LogLevel, LogLine, Progress, QueueName, Rate, Rev, SessionId,
    Status, StatusSet, TaskId, Timestamp,
};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use uuid::Uuid;

use super::testing::Database;
use crate::store::conformance::record;
use crate::store::{
    Bounds, Change, ClaimRequest, KindRoom, LogWrite, NewTask, PartitionRoom, ProgressWrite, QueueRoom,
    RemoveWhich, Store,
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// What the server said, in its order.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Said {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::postgres::notice" {
            event.record(&mut Text(self));
        }
    }
}

struct Text<'a>(&'a Said);

impl Visit for Text<'_> {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.0.0.lock().unwrap().push(value.to_owned());
    }

    fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
        self.0.0.lock().unwrap().push(format!("{value:?}"));
    }
}

/// The tables that grow with the number of tasks.
const LARGE: [&str; 8] =
    ["tasks", "payloads", "attempts", "log_chunks", "notices", "questions", "dependencies", "task_files"];

fn id(n: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(n))
}

fn session() -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(1))
}

/// A million tasks: most have ended, 60,000 are queued in three lanes, some wait for a time, a few run.
const FILL: &str = "
    INSERT INTO taskdeck.tasks (id, kind, kind_version, queue, priority, label, tags, created_at, status, version,
        attempt, tries, max_tries, at_most_once, queued_at, scheduled_at, session, token, started_at, ended_at,
        expires_at, partition)
    SELECT lpad(to_hex(n), 32, '0')::uuid, (ARRAY['sample', 'other', 'third'])[1 + n % 3], 1, 'default', 0,
        'task ' || n, CASE WHEN n % 100 = 0 THEN '[\"nightly\"]' END, 1700000000000 - 1000000 + n, status, 3,
        1, 0, 3, false, CASE WHEN status = 1 THEN 1700000000000 END,
        CASE WHEN status = 0 THEN 1700000000000 + n END,
        CASE WHEN status = 2 THEN '00000000-0000-0000-0000-000000000001'::uuid END,
        CASE WHEN status = 2 THEN n END, 1700000000000,
        CASE WHEN status > 3 THEN 1700000000000 END, CASE WHEN n % 1000 = 1 AND status = 1 THEN 1800000000000 END,
        'p' || n % 50
    FROM (SELECT n, CASE WHEN n % 100 < 6 THEN 1 WHEN n % 1000 = 10 THEN 0 WHEN n % 50000 = 11 THEN 2
            WHEN n % 20 = 12 THEN 5 ELSE 4 END AS status
        FROM generate_series(1, 1000000) AS n) AS numbers;
    INSERT INTO taskdeck.payloads (task, params) SELECT id, '{}' FROM taskdeck.tasks;
    INSERT INTO taskdeck.attempts (task, attempt, started_at, ended_at, outcome)
        SELECT id, 1, 0, 0, 'completed' FROM taskdeck.tasks WHERE status = 4;
    INSERT INTO taskdeck.log_chunks (task, first_seq, last_seq, lines)
        SELECT id, 1, 1, '[]' FROM taskdeck.tasks WHERE status > 3;
    INSERT INTO taskdeck.notices (task, seq, at, text) SELECT id, 1, 0, 'x' FROM taskdeck.tasks WHERE status = 4;
    INSERT INTO taskdeck.questions (task, key, question, asked_at)
        SELECT id, 'x', '{}', 0 FROM taskdeck.tasks WHERE status = 4;
    INSERT INTO taskdeck.dependencies (after, task, done)
        SELECT id, id, true FROM taskdeck.tasks WHERE status = 4 AND kind = 'sample';
    INSERT INTO taskdeck.task_files (task, role, name, file)
        SELECT id, 0, 'file', id FROM taskdeck.tasks WHERE status = 4 AND kind = 'other';
    INSERT INTO taskdeck.counts (queue, kind, status, n)
        SELECT queue, kind, status, count(*) FROM taskdeck.tasks GROUP BY queue, kind, status;
    ANALYZE;";

fn request(kinds: Vec<KindRoom>) -> ClaimRequest {
    ClaimRequest { session: session(), kinds, queues: HashMap::new(), max: 50, turn: 0, now: NOW }
}

fn room(name: &'static str) -> KindRoom {
    let kind = taskdeck_core::Kind::new(name).unwrap();
    KindRoom { kind, version: 1, room: usize::MAX, bounds: Bounds::default(), partition: None }
}

async fn starts(store: &dyn Store) {
    let mut tasks = Vec::new();
    for n in 2_000_000..2_000_100_u128 {
        let mut new = record(n);
        new.key = (n % 2 == 0).then(|| format!("key {}", n % 8));
        new.parent = (n % 3 == 0).then(|| id(1));
        new.child = new.parent.map(|_| format!("child {}", n % 6));
        let mut task = NewTask::new(new, "{}".to_owned());
        task.after = if n % 5 == 0 { vec![id(13), id(14)] } else { Vec::new() };
        tasks.push(task);
    }
    store.start(tasks).await.unwrap();
}

async fn claims(store: &dyn Store) {
    let free = request(vec![room("sample"), room("other"), room("third")]);
    let claimed = store.claim(free).await.unwrap();
    assert_eq!(claimed.len(), 50);
    let partition = Some(PartitionRoom { limit: 2, running: HashMap::new() });
    let bounds = Bounds { concurrency: Some(1_000), rate: "100/1s".parse::<Rate>().ok() };
    let queues = HashMap::from([(QueueName::default(), QueueRoom { room: 30, bounds })]);
    let limited =
        ClaimRequest { queues, ..request(vec![KindRoom { partition, ..room("third") }, room("other")]) };
    assert_eq!(store.claim(limited).await.unwrap().len(), 30);
    let mut changes = Vec::new();
    for (n, task) in claimed.iter().enumerate() {
        let token = task.record.machine.state.lease().unwrap().token;
        let end = match n % 3 {
            0 => AttemptEnd::Completed { partial: false },
            1 => AttemptEnd::Failed { retry_at: None },
            _ => AttemptEnd::Failed { retry_at: Some(NOW) },
        };
        let lines =
            |seq| vec![LogLine { seq, at: NOW, level: LogLevel::Info, attempt: 1, text: "a".to_owned() }];
        let (progress, label) = (Progress::default(), String::new());
        let write = ProgressWrite { id: task.record.id, token, progress, label, rev: Rev::default() };
        store.save_progress(vec![write]).await.unwrap();
        store.append_logs(vec![LogWrite { id: task.record.id, token, lines: lines(2) }]).await.unwrap();
        assert!(store.checkpoint(task.record.id, token, "1".to_owned()).await.unwrap());
        store.notify(task.record.id, token, NOW, "look".to_owned()).await.unwrap();
        let mut change = Change::new(task.record.id, Event::AttemptEnded { token, end }, NOW);
        change.extra.log = lines(3);
        change.extra.result = Some("{}".to_owned());
        change.known = (n % 2 == 0).then(|| Arc::clone(&task.record));
        changes.push(change);
    }
    store.ticks(changes.iter().map(|change| change.id).collect()).await.unwrap();
    store.apply(changes).await.unwrap();
    let retries = claimed.iter().map(|task| Change::new(task.record.id, Event::RetryRequested, NOW));
    store.apply(retries.collect()).await.unwrap();
    let cancel = CancelInfo { requested_at: NOW, by: None, reason: None };
    let cancels =
        claimed.iter().map(|task| Change::new(task.record.id, Event::CancelRequested(cancel.clone()), NOW));
    store.apply(cancels.collect()).await.unwrap();
}

async fn time(store: &dyn Store) {
    assert!(store.next_due().await.unwrap().is_some());
    assert_eq!(store.due(Timestamp::from_millis(1_900_000_000_000), 40).await.unwrap().len(), 80);
    assert_eq!(store.waits().await.unwrap().len(), 3);
    store.holders().await.unwrap();
    store.running(1_000).await.unwrap();
    assert!(!store.rescue_dead(session(), None, NOW).await.unwrap().unwrap().is_empty());
}

async fn reads(store: &dyn Store) {
    let ids: Vec<_> = (500_000..500_050).map(id).collect();
    assert_eq!(store.get_many(ids.clone()).await.unwrap().len(), 50);
    store.params(ids).await.unwrap();
    let one = id(500_012);
    store.payload(one).await.unwrap();
    store.attempts(one).await.unwrap();
    store.log(one, 0, 100).await.unwrap();
    store.last_log_seq(one).await.unwrap();
    store.notices(one, 0, 100).await.unwrap();
    store.questions(id(500_012)).await.unwrap();
    store.after(one).await.unwrap();
    store.task_files(Some(one)).await.unwrap();
    store.counts().await.unwrap();
    store.lane_counts().await.unwrap();
    for filter in [
        "",
        "status:failed",
        "status:completed kind:other",
        "status:queued,running",
        "kind:sample",
        "tag:nightly",
        "flights",
        "0000000f",
    ] {
        let list = ListQuery::from_filter(filter).unwrap();
        let (_, next) = store.list(list.clone()).await.unwrap();
        store.list(ListQuery { cursor: next, ..list.clone() }).await.unwrap();
        store.tally(list).await.unwrap();
    }
    store.list(ListQuery { parent: Some(id(1)), ..ListQuery::default() }).await.unwrap();
}

async fn removals(store: &dyn Store) {
    let found = store.oldest(Status::Completed, "sample".to_owned(), Some(id(400_000)), 500).await.unwrap();
    assert_eq!(found.len(), 500);
    let old = found.into_iter().map(|task| task.id).collect();
    assert_eq!(store.remove(RemoveWhich::Tasks(old), 500).await.unwrap().tasks.len(), 500);
    store.remove(RemoveWhich::OwnTime(NOW), 500).await.unwrap();
    let list = ListQuery { status: StatusSet::EMPTY.with(Status::Failed), ..ListQuery::default() };
    let failed = store.remove(RemoveWhich::Matching(Box::new(list)), 500).await.unwrap();
    assert_eq!(failed.tasks.len(), 500);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn no_verb_reads_a_whole_table_of_a_million_tasks() {
    let said = Said::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(said.clone())).unwrap();
    let database = Database::new().await;
    let store = database.store().await;
    let mut conn = database.connect().await;
    raw_sql(FILL).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    store.close().await;
    let store = database.store_that_explains().await;
    starts(&*store).await;
    claims(&*store).await;
    time(&*store).await;
    reads(&*store).await;
    removals(&*store).await;
    let said = said.0.lock().unwrap().clone();
    let plans: Vec<_> = said.iter().filter(|text| text.contains("Query Text")).collect();
    assert!(plans.len() > 300, "only {} plans were told", plans.len());
    for table in LARGE {
        let whole = format!("Seq Scan on {table} ");
        if let Some(plan) = plans.iter().find(|plan| plan.contains(&whole)) {
            panic!("reads all of {table}:\n{}", plan.chars().take(2_000).collect::<String>());
        }
        let used = plans.iter().any(|plan| plan.contains(&format!(" on {table} ")));
        assert!(used, "nothing was told of {table}");
    }
    database.drop(store).await;
}
