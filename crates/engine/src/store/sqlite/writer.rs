//! The one thread that writes. It takes whatever waits and commits it as one transaction (group commit), so that many
//! callers share one sync of the disk.
//!
//! Two lanes: control (start, claim, end, cancel) goes first; bulk (logs, progress) gets at most 5 ms a commit.
//! Both are bounded: a caller waits for room, so a slow disk slows the callers down instead of filling the memory.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use taskdeck_core::{BatchId, Kind, QueueName, Status};
use tokio::sync::{Semaphore, oneshot};

use crate::store::sqlite::rollups::Rollups;
use crate::store::sqlite::statements::Statements;
use crate::store::sqlite::work_error::WorkError;
use crate::store::{Record, StoreError};

/// How many requests may wait in each lane.
const CONTROL_ROOM: usize = 8_192;
const BULK_ROOM: usize = 512;
/// How many control requests share a commit: more would make the first of them wait.
const CONTROL_BATCH: usize = 2_048;
/// After a commit of so many the thread waits a moment for those who share the next.
const GATHER_FROM: usize = 8;
const GATHER: Duration = Duration::from_micros(150);
const BULK_TIME: Duration = Duration::from_millis(5);
/// How long trouble is told at the least.
const TROUBLE_TOLD: Duration = Duration::from_secs(10);

/// The transaction that requests run in, and what it collects for its end.
pub(super) struct Tx<'a, 'c> {
    pub(super) conn: &'a Connection,
    pub(super) statements: &'a Statements<'c>,
    /// By queue and kind. A commit touches few of them, and mostly the one it touched last.
    counts: Vec<(QueueName, Kind, Deltas)>,
    batches: Vec<(BatchId, Deltas)>,
    /// Those that may have lost the last of their tasks.
    left: Vec<BatchId>,
    /// What happens in which minute.
    pub(super) rollups: Rollups,
}

/// How many tasks more or fewer have each status, by its code.
type Deltas = [i64; 8];

/// The place of the one that fits, looked for from the end; it is added when there is none.
pub(super) fn place<T>(all: &mut Vec<T>, fits: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> &mut T {
    let index = all.iter().rposition(fits).unwrap_or_else(|| {
        all.push(make());
        all.len() - 1
    });
    &mut all[index]
}

impl<'a, 'c> Tx<'a, 'c> {
    pub(super) fn new(statements: &'a Statements<'c>) -> Self {
        Self {
            conn: statements.conn(),
            statements,
            counts: Vec::new(),
            batches: Vec::new(),
            left: Vec::new(),
            rollups: Rollups::default(),
        }
    }

    /// Counts a task that now is `record` and had the status `before` (none: it is new). Written once a commit,
    /// however many tasks it moves.
    pub(super) fn count(&mut self, record: &Record, before: Option<Status>) {
        let to = record.status();
        if before == Some(to) {
            return;
        }
        if let Some(before) = before {
            self.add(record, before, -1);
        }
        self.add(record, to, 1);
    }

    /// Counts a task that is removed.
    pub(super) fn count_removed(&mut self, record: &Record) {
        self.add(record, record.status(), -1);
        self.left.extend(record.batch.filter(|batch| !self.left.contains(batch)));
    }

    fn add(&mut self, record: &Record, status: Status, delta: i64) {
        let at = usize::from(status.code());
        let (queue, kind) = (&record.queue, &record.kind);
        let fits = |known: &(QueueName, Kind, Deltas)| known.0 == *queue && known.1 == *kind;
        place(&mut self.counts, fits, || (queue.clone(), kind.clone(), Deltas::default())).2[at] += delta;
        if let Some(batch) = record.batch {
            place(&mut self.batches, |known| known.0 == batch, || (batch, Deltas::default())).1[at] += delta;
        }
    }

    /// Writes what was collected, before the end of the transaction.
    pub(super) fn flush(&mut self) -> Result<(), WorkError> {
        self.flush_counts()?;
        self.rollups.write(self.statements)
    }

    fn flush_counts(&mut self) -> rusqlite::Result<()> {
        for (queue, kind, deltas) in self.counts.drain(..) {
            for (status, delta) in deltas.into_iter().enumerate().filter(|(_, delta)| *delta != 0) {
                self.statements.execute(COUNT, (queue.as_str(), kind.as_str(), status, delta))?;
            }
        }
        if self.batches.is_empty() {
            return Ok(());
        }
        let mut statement = self.conn.prepare_cached(
            "INSERT INTO batch_counts (batch, status, n) VALUES (?1, ?2, ?3)
             ON CONFLICT (batch, status) DO UPDATE SET n = n + excluded.n",
        )?;
        for (batch, deltas) in self.batches.drain(..) {
            for (status, delta) in deltas.into_iter().enumerate().filter(|(_, delta)| *delta != 0) {
                statement.execute((batch.as_uuid().as_bytes().as_slice(), status, delta))?;
            }
        }
        for batch in self.left.drain(..) {
            let batch = *batch.as_uuid().as_bytes();
            self.conn
                .prepare_cached("DELETE FROM batch_counts WHERE batch = ?1 AND n = 0")?
                .execute([batch])?;
            let empty = "DELETE FROM batches WHERE id = ?1
                AND NOT EXISTS (SELECT 1 FROM batch_counts WHERE batch = ?1)";
            self.conn.prepare_cached(empty)?.execute([batch])?;
        }
        Ok(())
    }
}

const COUNT: &str = "INSERT INTO counts (queue, kind, status, n) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (queue, kind, status) DO UPDATE SET n = n + excluded.n";

/// A request: run in a transaction, perhaps again after a rollback, and answered when it is durable.
trait Work: Send {
    fn run(&mut self, tx: &mut Tx<'_, '_>) -> Result<(), WorkError>;
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Call<R, F> {
    run: F,
    value: Option<R>,
    reply: oneshot::Sender<Result<R, StoreError>>,
}

impl<R: Send, F: FnMut(&mut Tx<'_, '_>) -> Result<R, WorkError> + Send> Work for Call<R, F> {
    fn run(&mut self, tx: &mut Tx<'_, '_>) -> Result<(), WorkError> {
        self.value = Some((self.run)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, reply, .. } = *self;
        let answer = outcome.and_then(|()| value.ok_or(StoreError::Closed));
        // A caller that went away does not undo its request.
        drop(reply.send(answer));
    }
}

#[derive(Default)]
struct Lanes {
    control: VecDeque<Box<dyn Work>>,
    bulk: VecDeque<Box<dyn Work>>,
    closed: bool,
    /// How many control requests the thread waits for, if it waits: nobody else needs the system call that wakes it. A
    /// bulk request wakes it when one is enough.
    waits_for: Option<usize>,
}

/// Which lane a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Control,
    Bulk,
}

/// Why the last commit failed. After it comes a commit that goes well, it is told a little longer: where the store is
/// full, small things still find room.
struct Trouble {
    why: String,
    at: Instant,
    over: bool,
}

impl Trouble {
    fn is_told(&self, now: Instant) -> bool {
        !self.over || now.duration_since(self.at) < TROUBLE_TOLD
    }
}

struct Shared {
    lanes: Mutex<Lanes>,
    trouble: Mutex<Option<Trouble>>,
    ready: Condvar,
    control_room: Semaphore,
    bulk_room: Semaphore,
}

impl Shared {
    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes notice of how a commit went; it matters only what the database itself says.
    fn went(&self, outcome: &Result<(), WorkError>) {
        match outcome {
            Ok(()) => {
                if let Some(trouble) = self.trouble().as_mut() {
                    trouble.over = true;
                }
            }
            Err(WorkError::Database(error)) if is_of_the_store(error) => {
                let trouble = Trouble { why: error.to_string(), at: Instant::now(), over: false };
                *self.trouble() = Some(trouble);
            }
            Err(_) => {}
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way to the writing thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread on a connection of its own; `chained` says whether any task runs after another, `after_commit` runs after each commit.
    pub(super) fn spawn(
        conn: Connection,
        chained: Arc<AtomicBool>,
        after_commit: impl Fn(&Connection) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            lanes: Mutex::default(),
            trouble: Mutex::default(),
            ready: Condvar::new(),
            control_room: Semaphore::new(CONTROL_ROOM),
            bulk_room: Semaphore::new(BULK_ROOM),
        });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("taskdeck-writer".to_owned())
            .spawn(move || write_until_closed(&conn, chained, &of_thread, &after_commit))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Runs `run` in the next transaction and answers when it is durable. It may run twice: when another request of
    /// the same transaction fails, all are rolled back and run again one by one.
    pub(super) async fn call<R, F>(&self, lane: Lane, run: F) -> Result<R, StoreError>
    where
        R: Send + 'static,
        F: FnMut(&mut Tx<'_, '_>) -> Result<R, WorkError> + Send + 'static,
    {
        let room = match lane {
            Lane::Control => &self.shared.control_room,
            Lane::Bulk => &self.shared.bulk_room,
        };
        // Given back by the thread when it takes the request.
        room.acquire().await.map_err(|_| StoreError::Closed)?.forget();
        let (reply, answer) = oneshot::channel();
        let wake = {
            let mut lanes = self.shared.lanes();
            if lanes.closed {
                return Err(StoreError::Closed);
            }
            let work = Box::new(Call { run, value: None, reply });
            match lane {
                Lane::Control => lanes.control.push_back(work),
                Lane::Bulk => lanes.bulk.push_back(work),
            }
            let enough = |wanted: usize| wanted <= lanes.control.len().max(usize::from(lane == Lane::Bulk));
            lanes.waits_for.is_some_and(enough) && lanes.waits_for.take().is_some()
        };
        if wake {
            self.shared.ready.notify_one();
        }
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Why nothing can be written at the moment, if that is so.
    pub(super) fn trouble(&self) -> Option<String> {
        let trouble = self.shared.trouble();
        let told = trouble.as_ref().filter(|trouble| trouble.is_told(Instant::now()));
        told.map(|trouble| trouble.why.clone())
    }

    /// Writes what waits, refuses what comes later, and returns when the thread has let go of the database.
    pub(super) async fn close(&self) {
        self.shared.lanes().closed = true;
        self.shared.ready.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && !matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(())))
        {
            tracing::error!("the writing thread of the store did not end well");
        }
    }
}

fn write_until_closed(
    conn: &Connection,
    chained: Arc<AtomicBool>,
    shared: &Shared,
    after_commit: &impl Fn(&Connection),
) {
    let statements = Statements::new(conn, chained);
    let mut last = 0;
    loop {
        let (control, bulk) = {
            let mut lanes = shared.lanes();
            let most = last - last / 8;
            if last >= GATHER_FROM && lanes.control.len() < most && !lanes.closed {
                // Those who were answered just now are about to come back: one commit for most of them costs less
                // than one for the quickest and one for the rest.
                lanes.waits_for = Some(most);
                let waited = shared.ready.wait_timeout(lanes, GATHER);
                lanes = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            while lanes.control.is_empty() && lanes.bulk.is_empty() {
                if lanes.closed {
                    return;
                }
                lanes.waits_for = Some(1);
                lanes = shared.ready.wait(lanes).unwrap_or_else(PoisonError::into_inner);
            }
            lanes.waits_for = None;
            let many = lanes.control.len().min(CONTROL_BATCH);
            (lanes.control.drain(..many).collect::<Vec<_>>(), std::mem::take(&mut lanes.bulk))
        };
        last = control.len();
        shared.control_room.add_permits(last);
        let bulk_taken = bulk.len();
        let rest = commit(&statements, shared, control, bulk);
        shared.bulk_room.add_permits(bulk_taken - rest.len());
        if !rest.is_empty() {
            let mut lanes = shared.lanes();
            for work in rest.into_iter().rev() {
                lanes.bulk.push_front(work);
            }
        }
        after_commit(conn);
    }
}

/// Commits the control requests and as much of the bulk as there is time for; returns the rest.
fn commit(
    statements: &Statements<'_>,
    shared: &Shared,
    mut control: Vec<Box<dyn Work>>,
    mut bulk: VecDeque<Box<dyn Work>>,
) -> VecDeque<Box<dyn Work>> {
    let mut in_time = Vec::new();
    let outcome = transaction(statements, |tx| {
        for work in &mut control {
            work.run(tx)?;
        }
        let began = Instant::now();
        while began.elapsed() < BULK_TIME || (control.is_empty() && in_time.is_empty()) {
            let Some(work) = bulk.pop_front() else { break };
            in_time.push(work);
            if let Some(work) = in_time.last_mut() {
                work.run(tx)?;
            }
        }
        Ok(())
    });
    shared.went(&outcome);
    let all = control.into_iter().chain(in_time);
    match outcome {
        Ok(()) => all.for_each(|work| work.answer(Ok(()))),
        // Another process has the database: each of them alone would wait for it just as long.
        Err(WorkError::Database(error)) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            let error = StoreError::Database(error.to_string());
            all.for_each(|work| work.answer(Err(error.clone())));
        }
        // One of them failed, and the others should not suffer for it: each in a transaction of its own.
        Err(_) => all.for_each(|mut work| {
            let alone = transaction(statements, |tx| work.run(tx));
            shared.went(&alone);
            work.answer(alone.map_err(StoreError::from));
        }),
    }
    bulk
}

/// Whether an error is the file's or the disk's, and not that of what was asked.
fn is_of_the_store(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::CannotOpen
                | ErrorCode::NotADatabase
        )
    )
}

fn transaction(
    statements: &Statements<'_>,
    body: impl FnOnce(&mut Tx<'_, '_>) -> Result<(), WorkError>,
) -> Result<(), WorkError> {
    let conn = statements.conn();
    statements.execute("BEGIN IMMEDIATE", [])?;
    let mut tx = Tx::new(statements);
    let outcome = body(&mut tx)
        .and_then(|()| tx.flush())
        .and_then(|()| statements.execute("COMMIT", []).map(drop).map_err(WorkError::from));
    if outcome.is_err() && !conn.is_autocommit() {
        // SQLite has rolled back by itself when it is in autocommit; a rollback that fails has nothing to undo.
        drop(conn.execute_batch("ROLLBACK"));
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_until_it_is_over_and_a_little_longer() {
        let at = Instant::now();
        let trouble = |over| Trouble { why: "database or disk is full".to_owned(), at, over };
        assert!(trouble(false).is_told(at + 100 * TROUBLE_TOLD));
        assert!(trouble(true).is_told(at));
        assert!(!trouble(true).is_told(at + TROUBLE_TOLD));
    }

    #[tokio::test]
    async fn a_request_that_fails_does_not_sink_those_that_share_its_commit() {
        let conn = Connection::open_in_memory().expect("opens");
        conn.execute_batch("CREATE TABLE t (x INTEGER PRIMARY KEY); CREATE TABLE counts (queue, kind, status, n, PRIMARY KEY (queue, kind, status))").expect("runs");
        let writer = Arc::new(Writer::spawn(conn, Arc::default(), |_| ()).expect("spawns"));
        // Holds the thread until all the others wait, so that they share a transaction.
        let (go, held) = std::sync::mpsc::channel::<()>();
        let (entered, holds) = oneshot::channel();
        let mut entered = Some(entered);
        let holder = {
            let writer = Arc::clone(&writer);
            let hold = move |_: &mut Tx<'_, '_>| {
                entered.take().map(|entered| entered.send(()));
                Ok(held.recv().is_ok())
            };
            tokio::spawn(async move { writer.call(Lane::Control, hold).await })
        };
        holds.await.expect("the thread takes it");
        let insert = |x: i64| {
            let writer = Arc::clone(&writer);
            async move {
                let run = move |tx: &mut Tx<'_, '_>| {
                    tx.count(&crate::store::conformance::record(1), None);
                    Ok(tx.conn.execute("INSERT INTO t VALUES (?1)", [x])?)
                };
                writer.call(Lane::Control, run).await
            }
        };
        let others = async { tokio::join!(insert(1), insert(2), insert(1), insert(3)) };
        tokio::pin!(others);
        assert!(futures::poll!(&mut others).is_pending());
        go.send(()).expect("is held");
        let (a, b, twice, c) = others.await;
        assert!(holder.await.expect("runs").expect("writes"));
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert!(matches!(twice, Err(StoreError::Database(why)) if why.contains("UNIQUE")));
        let counted = |tx: &mut Tx<'_, '_>| {
            Ok(tx.conn.query_row("SELECT n FROM counts", [], |row| row.get::<_, i64>(0))?)
        };
        assert_eq!(
            writer.call(Lane::Bulk, counted).await.expect("reads"),
            3,
            "the one that failed is not counted"
        );
        writer.close().await;
        assert!(matches!(insert(9).await, Err(StoreError::Closed)));
    }
}
