//! What a million tasks cost: no verb reads a whole table of theirs. The server tells the plans of the statements that
//! really run (`auto_explain`), and the driver passes on what it tells.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sqlx_core::connection::Connection;
use sqlx_core::raw_sql::raw_sql;
use taskdeck_core::{
    Actor, AttemptEnd, Batch, BatchId, CancelInfo, Counts, Event, FileId, Kind, ListOrder, ListQuery,
    LogLevel, LogLine, Progress, QueueName, Rate, Rev, ScheduleName, ScheduleSource, ScheduleSpec, SessionId,
    Status, StatusSet, TaskId, Timestamp, Upload, UserId,
};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use uuid::Uuid;

use super::testing::Database;
use crate::store::conformance::record;
use crate::store::{
    Bounds, Change, ClaimRequest, KindRoom, LogWrite, NewTask, Pace, PartitionRoom, ProgressWrite, QueueRoom,
    RemoveWhich, Store, StoredSchedule,
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
const LARGE: [&str; 13] = [
    "tasks",
    "payloads",
    "attempts",
    "log_chunks",
    "notices",
    "questions",
    "dependencies",
    "task_files",
    "files",
    "file_chunks",
    "live",
    "rollups",
    "batch_counts",
];

fn id(n: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(n))
}

fn session() -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(1))
}

/// More than this no step of a statement may read, or leave out as what it did not look for: as much as one request of a
/// list may look at, or one fold take, and some.
const MOST_ROWS: u64 = 25_000;
/// More pages than this no statement may look at.
const MOST_PAGES: u64 = 120_000;

/// The most rows that a step of a plan read or left out, with the line that says so, and the pages of the whole.
fn work_of(plan: &str) -> (u64, String, u64) {
    let number = |line: &str, before: &str| {
        let rest = line.split_once(before)?.1;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    };
    let (mut most, mut at, mut loops, mut pages) = (0, String::new(), 1, None);
    for line in plan.lines() {
        let rows = if let Some(rows) = number(line, "actual rows=") {
            loops = number(line, "loops=").unwrap_or(1);
            rows * loops
        } else if line.contains("Rows Removed by") {
            number(line, ": ").unwrap_or(0) * loops
        } else {
            if pages.is_none() && line.contains("Buffers: ") {
                pages = Some(number(line, "hit=").unwrap_or(0) + number(line, "read=").unwrap_or(0));
            }
            continue;
        };
        if rows > most {
            (most, at) = (rows, line.trim().to_owned());
        }
    }
    (most, at, pages.unwrap_or(0))
}

#[test]
fn the_work_of_a_plan_is_read() {
    let plan = "Query Text: SELECT 1\n\
        Limit  (cost=0.42..1.97 rows=50 width=33) (actual rows=50 loops=1)\n\
        \x20 Buffers: shared hit=41 read=2\n\
        \x20 ->  Index Scan using a on tasks t  (cost=0.42..1 rows=1 width=1) (actual rows=3 loops=100)\n\
        \x20       Filter: (kind_version <= 1)\n\
        \x20       Rows Removed by Filter: 7\n\
        \x20       Buffers: shared hit=40";
    assert_eq!(work_of(plan), (700, "Rows Removed by Filter: 7".to_owned(), 43));
}

fn request(kinds: Vec<KindRoom>) -> ClaimRequest {
    ClaimRequest {
        session: session(),
        kinds,
        queues: HashMap::new(),
        max: 50,
        turn: 0,
        now: NOW,
        controls: 0,
    }
}

fn kind(name: &'static str) -> Kind {
    Kind::new(name).unwrap()
}

fn room(name: &'static str) -> KindRoom {
    KindRoom { kind: kind(name), version: 1, room: usize::MAX, bounds: Bounds::default(), partition: None }
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
    store.news(UserId::new("ann").unwrap(), 50).await.unwrap();
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
        let oldest = ListQuery { order: ListOrder::Oldest, ..list.clone() };
        let (_, next) = store.list(oldest.clone()).await.unwrap();
        store.list(ListQuery { cursor: next, ..oldest }).await.unwrap();
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

async fn files(store: &dyn Store) {
    let day = 24 * 60 * 60 * 1_000;
    let (mut from, mut removed) = (None, 0);
    for _ in 0..3 {
        let walked = store.remove_loose_files(NOW.plus_millis(-day), from, 500).await.unwrap();
        assert!(walked.more);
        (from, removed) = (walked.last, removed + walked.removed.len());
    }
    assert!(removed > 0);
    let walked = store.remove_stray_bytes(NOW, None, 500).await.unwrap();
    assert!(walked.more && !walked.removed.is_empty());
    store.remove_stray_bytes(NOW, walked.last, 500).await.unwrap();
    let file = |n: u128| Upload {
        id: FileId::from_uuid(Uuid::from_u128(n)),
        name: "out.csv".to_owned(),
        size: 3,
        media_type: "text/csv".to_owned(),
    };
    for n in [3_000_001, 3_000_002] {
        let replaced = store.add_artifact(id(500_012), file(n), NOW).await.unwrap();
        assert_eq!(replaced.is_some(), n == 3_000_002);
    }
    store.add_file(file(3_000_003), NOW).await.unwrap();
    store.files(vec![file(3_000_003).id, file(1).id]).await.unwrap();
}

async fn batches(store: &dyn Store) {
    let of = BatchId::from_uuid(Uuid::from_u128(4_000_000));
    let batch = Batch {
        id: of,
        label: None,
        user: None,
        created_at: NOW,
        total: 100,
        counts: Counts::default(),
        fraction: 0.0,
    };
    let mut tasks: Vec<_> =
        (4_000_000..4_000_100).map(|n| NewTask::new(record(n), "{}".to_owned())).collect();
    for task in &mut tasks {
        task.record_mut().batch = Some(of);
    }
    let ids: Vec<_> = tasks.iter().map(|task| task.record.id).collect();
    store.start_batch(batch, tasks).await.unwrap();
    assert_eq!(store.batch(of).await.unwrap().unwrap().counts.of(Status::Queued), 100);
    store.batch(BatchId::from_uuid(Uuid::from_u128(100))).await.unwrap().unwrap();
    let cancel = CancelInfo { requested_at: NOW, by: None, reason: None };
    let cancels = ids.iter().map(|id| Change::new(*id, Event::CancelRequested(cancel.clone()), NOW));
    store.apply(cancels.collect()).await.unwrap();
    store.remove(RemoveWhich::Tasks(ids), 500).await.unwrap();
    // Folded, and gone with its tasks.
    while store.batch(of).await.unwrap().is_some() {}
}

async fn stats_and_schedules(store: &dyn Store) {
    let day = 24 * 60 * 60 * 1_000;
    store.stats(None, NOW.plus_millis(-day), NOW, None).await.unwrap();
    store.stats(Some(kind("sample")), NOW.plus_millis(-2 * day), NOW, None).await.unwrap();
    assert_eq!(store.remove_rollups(NOW.plus_millis(-13 * day), 500).await.unwrap(), 500);
    assert!(store.set_params(id(500_012), 1, "{}".to_owned(), Vec::new()).await.unwrap());
    let name = |n: usize| ScheduleName::new(format!("s{n}")).unwrap();
    for n in 0..20 {
        let schedule = StoredSchedule {
            spec: ScheduleSpec::new(name(n), kind("sample"), "0 3 * * *"),
            source: ScheduleSource::Made,
            actor: Actor::local(),
            version: 0,
            pace: Pace::Goes(Some(NOW)),
            last_at: None,
            last_task: None,
            created_at: NOW,
        };
        assert!(store.save_schedule(schedule).await.unwrap());
    }
    assert_eq!(store.schedules().await.unwrap().len(), 20);
    assert_eq!(store.next_schedule_at().await.unwrap(), Some(NOW));
    let due = store.due_schedules(NOW, 1).await.unwrap().pop().unwrap();
    let task = NewTask::new(record(5_000_000), "{}".to_owned());
    let fired = StoredSchedule { pace: Pace::Goes(None), ..due };
    assert_eq!(store.fire_schedule(fired, vec![task]).await.unwrap().unwrap().len(), 1);
    assert!(store.remove_schedule(name(7)).await.unwrap());
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn no_verb_reads_more_than_it_is_about_of_a_million_tasks() {
    let said = Said::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(said.clone())).unwrap();
    let database = Database::new().await;
    let store = database.store().await;
    let mut conn = database.connect().await;
    raw_sql(include_str!("plans/fill.sql")).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    store.close().await;
    let store = database.store_that_explains().await;
    starts(&*store).await;
    claims(&*store).await;
    time(&*store).await;
    reads(&*store).await;
    files(&*store).await;
    batches(&*store).await;
    stats_and_schedules(&*store).await;
    removals(&*store).await;
    super::care::remove_progress(&store.shared.pool).await.unwrap();
    let said = said.0.lock().unwrap().clone();
    let plans: Vec<_> = said.iter().filter(|text| text.contains("Query Text")).collect();
    assert!(plans.len() > 300, "only {} plans were told", plans.len());
    let mut wrong = Vec::new();
    let brief = |plan: &str| plan.chars().take(2_000).collect::<String>();
    for table in LARGE {
        let whole = format!("Seq Scan on {table} ");
        if let Some(plan) = plans.iter().find(|plan| plan.contains(&whole)) {
            wrong.push(format!("reads all of {table}:\n{}", brief(plan)));
        }
        let used = plans.iter().any(|plan| plan.contains(&format!(" on {table} ")));
        assert!(used, "nothing was told of {table}");
    }
    for plan in plans {
        let (rows, at, pages) = work_of(plan);
        if rows > MOST_ROWS || pages > MOST_PAGES {
            wrong.push(format!("{rows} rows ({at}), {pages} pages:\n{}", brief(plan)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    database.drop(store).await;
}
