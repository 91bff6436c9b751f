//! What the statements cost: which indexes they walk, and how many trees they write to. Asked of SQLite itself, about
//! the statements that really ran: they are noted while the store's verbs run.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use taskdeck_core::{
    AttemptEnd, CancelInfo, Event, Kind, LeaseToken, ListOrder, ListQuery, SessionId, Status, StatusSet,
    TaskId, Timestamp, UserId,
};
use uuid::Uuid;

use super::SqliteStore;
use super::writer::Lane;
use crate::Durability;
use crate::store::conformance::{live, record};
use crate::store::{
    Bounds, Change, ClaimRequest, KindRoom, NewTask, Record, RemoveWhich, SessionRow, StartOutcome, Store,
};

thread_local! {
    /// Of the writing thread, which in memory also reads.
    static RAN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(statement, sql) = event {
        let sql = statement.expanded_sql().unwrap_or_else(|| sql.to_owned());
        RAN.with_borrow_mut(|ran| ran.push(sql));
    }
}

fn memory() -> SqliteStore {
    SqliteStore::open(None, Durability::Normal).unwrap()
}

/// The statements that ran meanwhile, with their values.
async fn ran(store: &SqliteStore, verbs: impl Future<Output = ()>) -> Vec<String> {
    let trace = |on: bool| {
        store.write(Lane::Control, move |tx| {
            let (codes, to): (_, Option<fn(TraceEvent<'_>)>) = if on {
                (TraceEventCodes::SQLITE_TRACE_STMT, Some(note))
            } else {
                (TraceEventCodes::empty(), None)
            };
            tx.conn.trace_v2(codes, to);
            Ok(RAN.take())
        })
    };
    trace(true).await.unwrap();
    verbs.await;
    let mut ran = trace(false).await.unwrap();
    ran.retain(|sql| !["BEGIN", "COMMIT", "ROLLBACK"].iter().any(|word| sql.starts_with(word)));
    ran
}

fn id(n: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(n))
}

fn session() -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(1))
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

fn plain(n: u128) -> NewTask {
    NewTask::new(Record { tags: Vec::new(), ..record(n) }, "{}".to_owned())
}

async fn start(store: &SqliteStore, task: NewTask) {
    let outcome = store.start(vec![task]).await.unwrap().pop().unwrap();
    assert!(matches!(outcome, StartOutcome::New(..) | StartOutcome::Existing(..)));
}

async fn claim(store: &SqliteStore) -> Vec<(Arc<Record>, LeaseToken)> {
    let kind = Kind::new("sample").unwrap();
    let kind = KindRoom { kind, version: 1, room: usize::MAX, bounds: Bounds::default(), partition: None };
    let request = ClaimRequest {
        session: session(),
        kinds: vec![kind],
        queues: HashMap::new(),
        max: 10,
        turn: 0,
        now: at(1),
        controls: 0,
    };
    let claimed = store.claim(request).await.unwrap().into_iter();
    claimed
        .map(|claimed| (Arc::clone(&claimed.record), claimed.record.machine.state.lease().unwrap().token))
        .collect()
}

async fn complete(store: &SqliteStore, task: Arc<Record>, token: LeaseToken) {
    let event = Event::AttemptEnded { token, end: AttemptEnd::Completed { partial: false } };
    let mut change = Change::new(task.id, event, at(2));
    change.known = Some(task);
    store.apply(vec![change]).await.unwrap();
}

/// How SQLite goes about a statement.
fn plan(conn: &Connection, sql: &str) -> Vec<String> {
    let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let found = explain.query_map([], |row| row.get(3)).unwrap();
    found.map(Result::unwrap).collect()
}

/// Each of these verbs with what its statements must say of the way they go.
#[tokio::test]
async fn every_hot_statement_walks_an_index() {
    let store = memory();
    let list = |query: ListQuery| {
        let store = &store;
        async move { drop(store.list(query).await.unwrap()) }
    };
    let kind = Some(Kind::new("sample").unwrap());
    let mut keyed = plain(7);
    keyed.record_mut().key = Some("nightly".to_owned());
    let again =
        NewTask { record: Arc::new(Record { id: id(8), ..(*keyed.record).clone() }), ..keyed.clone() };
    let mut child = plain(9);
    let record = child.record_mut();
    (record.parent, record.child) = (Some(id(1)), Some("a".to_owned()));
    let twin =
        NewTask { record: Arc::new(Record { id: id(10), ..(*child.record).clone() }), ..child.clone() };
    let after = NewTask { after: vec![id(2)], ..plain(11) };
    let cancel = CancelInfo { requested_at: at(1), by: None, reason: None };

    let mut seen: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut all = |name, statements: Vec<String>| seen.entry(name).or_default().extend(statements);
    all(
        "start",
        ran(&store, async {
            for n in 1..=3 {
                start(&store, plain(n)).await;
            }
            for task in [keyed, child, after] {
                start(&store, task).await;
            }
        })
        .await,
    );
    all("start again, by key", ran(&store, start(&store, again)).await);
    all("start again, by name", ran(&store, start(&store, twin)).await);
    let mut running = Vec::new();
    all("claim", ran(&store, async { running = claim(&store).await }).await);
    let (first, token) = running.remove(0);
    let (second, second_token) = running.remove(0);
    all(
        "end",
        ran(&store, async {
            complete(&store, second, second_token).await;
            complete(&store, first, token).await;
        })
        .await,
    );
    all(
        "cancel",
        ran(&store, async {
            let change = Change::new(id(3), Event::CancelRequested(cancel), at(3));
            store.apply(vec![change]).await.unwrap();
        })
        .await,
    );
    all("next due", ran(&store, async { assert!(store.next_due().await.unwrap().is_none()) }).await);
    all("due", ran(&store, async { drop(store.due(at(9), 10).await.unwrap()) }).await);
    all(
        "prune walk",
        ran(&store, async {
            drop(store.oldest(Status::Completed, "sample".to_owned(), None, 10).await.unwrap());
        })
        .await,
    );
    all(
        "remove what has its own time",
        ran(&store, async {
            drop(store.remove(RemoveWhich::OwnTime(at(0)), 10).await.unwrap());
        })
        .await,
    );
    all(
        "remove",
        ran(&store, async {
            drop(store.remove(RemoveWhich::Tasks(vec![id(1)]), 10).await.unwrap());
        })
        .await,
    );
    all("list all", ran(&store, list(ListQuery::default())).await);
    all(
        "list by status",
        ran(&store, list(ListQuery { status: StatusSet::ENDED, ..ListQuery::default() })).await,
    );
    let order = ListOrder::Oldest;
    all("list all, oldest first", ran(&store, list(ListQuery { order, ..ListQuery::default() })).await);
    all(
        "list by status, oldest first",
        ran(&store, list(ListQuery { order, status: StatusSet::ENDED, ..ListQuery::default() })).await,
    );
    all("list by kind", ran(&store, list(ListQuery { kind, ..ListQuery::default() })).await);
    all("list children", ran(&store, list(ListQuery { parent: Some(id(1)), ..ListQuery::default() })).await);
    let batch = Some(taskdeck_core::BatchId::from_uuid(Uuid::from_u128(5)));
    all("list a batch", ran(&store, list(ListQuery { batch, ..ListQuery::default() })).await);
    all("counts", ran(&store, async { drop(store.counts().await.unwrap()) }).await);
    all(
        "news",
        ran(&store, async { drop(store.news(UserId::new("ann").unwrap(), 50).await.unwrap()) }).await,
    );
    all("rescue", ran(&store, async { drop(store.rescue(session(), at(9)).await.unwrap()) }).await);
    all(
        "beat",
        ran(&store, async {
            let row = SessionRow {
                id: session(),
                worker: String::new(),
                version: String::new(),
                slots: 1,
                started_at: at(0),
                beat: 1,
                said: None,
            };
            store.join(row).await.unwrap();
            store.beat(session(), 2).await.unwrap();
            drop((store.holders().await.unwrap(), store.sessions().await.unwrap()));
        })
        .await,
    );

    let explain = move |tx: &mut super::Tx<'_, '_>| {
        let mut plans: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, statements) in &seen {
            let plan = statements.iter().flat_map(|sql| plan(tx.conn, sql));
            plans.insert(name, plan.collect());
        }
        Ok(plans)
    };
    let plans = store.write(Lane::Control, explain).await.unwrap();
    // Small tables: a row for each queue and kind, for each process.
    let small = ["SCAN counts", "SCAN sessions", "SCAN (", "SCAN CONSTANT ROW"];
    for (name, plan) in &plans {
        for step in plan {
            let walks = !step.starts_with("SCAN ")
                || small.iter().any(|table| step.starts_with(table))
                || step.contains(" USING ");
            assert!(walks, "{name} reads a whole table: {step}");
            // Sorted are only: the sum by status, the sessions of what runs, and the few children of a task.
            let sorts = step.contains("TEMP B-TREE")
                && !["counts", "beat", "list by status", "list by kind", "list children"]
                    .contains(&name.trim_end_matches(", oldest first"));
            assert!(!sorts, "{name} sorts: {step}");
        }
    }
    let uses = |name: &str, way: &str| {
        let plan = &plans[name];
        assert!(plan.iter().any(|step| step.contains(way)), "{name} goes another way than {way}: {plan:#?}");
    };
    uses("start again, by key", "tasks_key");
    uses("start again, by name", "tasks_child");
    uses("claim", "COVERING INDEX tasks_ready (queue=? AND kind=?)");
    uses("end", "SEARCH tasks USING PRIMARY KEY (id=?)");
    uses("end", "SEARCH dependencies USING PRIMARY KEY (after=?)");
    uses("cancel", "tasks_child (parent=?)");
    for index in ["tasks_due", "tasks_expiring", "tasks_asking"] {
        uses("next due", index);
        uses("due", index);
    }
    uses("prune walk", "tasks_list");
    uses("remove what has its own time", "tasks_removable");
    uses("remove", "SEARCH attempts USING PRIMARY KEY (task=?)");
    uses("list all", "SEARCH tasks USING PRIMARY KEY (id>? AND id<?)");
    uses("list by status", "tasks_list (status=? AND kind=? AND id>? AND id<?)");
    uses("list all, oldest first", "SEARCH tasks USING PRIMARY KEY (id>? AND id<?)");
    uses("list by status, oldest first", "tasks_list (status=? AND kind=? AND id>? AND id<?)");
    uses("list by kind", "tasks_list (status=? AND kind=? AND id>? AND id<?)");
    uses("list children", "tasks_child (parent=?)");
    uses("list a batch", "tasks_batch (batch=? AND id>? AND id<?)");
    uses("news", "tasks_news (user=? AND ended_at>?)");
    uses("news", "notices_user (user=?)");
    uses("rescue", "tasks_list (status=?)");
}

/// The trees that a statement writes to, by their root pages.
fn written(conn: &Connection, sql: &str) -> Vec<i64> {
    let mut explain = conn.prepare(&format!("EXPLAIN {sql}")).unwrap();
    let codes = explain.query_map([], |row| {
        Ok((row.get::<_, String>("opcode")?, row.get::<_, i64>("p1")?, row.get::<_, i64>("p2")?))
    });
    let (mut opened, mut roots) = (HashMap::new(), Vec::new());
    for (code, p1, p2) in codes.unwrap().map(Result::unwrap) {
        match code.as_str() {
            "OpenWrite" => drop(opened.insert(p1, p2)),
            "Insert" | "IdxInsert" | "Delete" | "IdxDelete" => {
                roots.extend(opened.get(&p1).filter(|root| !roots.contains(*root)).copied());
            }
            _ => {}
        }
    }
    roots
}

/// A table or an index: its name, its table, and which rows it holds.
fn tree(conn: &Connection, root: i64) -> (bool, String, String) {
    let sql = "SELECT type = 'index', tbl_name, name, sql FROM sqlite_schema WHERE rootpage = ?1";
    conn.query_row(sql, [root], |row| {
        let sql: Option<String> = row.get(3)?;
        let which = sql.as_deref().and_then(|sql| sql.split_once(" WHERE ")).map_or("1", |(_, which)| which);
        let (table, name): (String, String) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, name, format!("SELECT count(*) FROM {table} WHERE {which}")))
    })
    .unwrap()
}

/// Runs the statements again on an empty database and counts the writes to tables and to indexes. SQLite writes to an
/// index when the statement's program does and the row is in the index, before or after. The counters and
/// the rollups are left out: they are written once a commit, however many tasks it has.
fn writes(conn: &Connection, statements: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut tables, mut indexes) = (Vec::new(), Vec::new());
    for sql in statements.iter().filter(|sql| !sql.starts_with("SELECT")) {
        let trees: Vec<_> = written(conn, sql).into_iter().map(|root| tree(conn, root)).collect();
        let holds = |count: &str| conn.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap() > 0;
        let before: Vec<_> = trees.iter().map(|(_, _, count)| holds(count)).collect();
        let changed = conn.execute(sql, []).unwrap();
        for ((is_index, name, count), before) in trees.into_iter().zip(before) {
            if changed == 0 || ["counts", "rollups"].contains(&name.as_str()) {
                continue;
            }
            if !is_index {
                tables.push(name);
            } else if before || holds(&count) {
                indexes.push(name);
            }
        }
    }
    (tables, indexes)
}

async fn lifecycle_writes(waits: bool) -> (Vec<String>, Vec<String>) {
    let store = memory();
    let statements = ran(&store, live(&store, waits)).await;
    let empty = memory();
    empty.write(Lane::Control, move |tx| Ok(writes(tx.conn, &statements))).await.unwrap()
}

#[tokio::test]
async fn a_lifecycle_that_does_nothing_writes_to_at_most_four_tables_and_six_indexes() {
    let (tables, indexes) = lifecycle_writes(false).await;
    assert!(tables.len() <= 4 && indexes.len() <= 6, "{tables:?} {indexes:?}");
    let (tables, indexes) = lifecycle_writes(true).await;
    assert!(tables.len() <= 5 && indexes.len() <= 6, "{tables:?} {indexes:?}");
}
