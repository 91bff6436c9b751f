//! Several nodes on one store, as on a database that they share.

mod controls;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use taskdeck_core::{
    Actor, CancelOutcome, DeckError, Definition, Lease, LeaseToken, Machine, Param, ParamKind, QueueName,
    SessionId, State, Status, Task, TaskError, TaskId, Timestamp,
};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use super::{Beat, Others, look_at_others, look_at_own};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::{Client, Deck, Durability, Settings, TaskBody, TaskContext};

const LEASE: Duration = Duration::from_millis(1_500);
/// For nodes that are looked at by hand.
const NEVER: Duration = Duration::from_secs(3_600);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    /// Returns at once.
    Quick,
    /// Waits for the gate, and listens to nobody.
    Wait,
    /// The first attempt blocks the thread that runs it, and then still writes what it has.
    Block,
    /// Fails for good.
    Fail,
}

#[derive(Debug, Serialize, Deserialize)]
struct Probe {
    act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Begun(Act, u32),
    /// The body is gone, aborted or not.
    Gone(Act, u32),
    Checkpoint(Result<(), String>),
}

/// What the bodies did, and what they wait for.
#[derive(Debug)]
struct Stage {
    seen: Mutex<Vec<Seen>>,
    changed: Notify,
    gate: Semaphore,
    unblock: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Stage {
    fn new() -> (Arc<Self>, std::sync::mpsc::Sender<()>) {
        let (sender, unblock) = std::sync::mpsc::channel();
        let stage = Self {
            seen: Mutex::default(),
            changed: Notify::new(),
            gate: Semaphore::new(0),
            unblock: Mutex::new(unblock),
        };
        (Arc::new(stage), sender)
    }

    fn saw(&self, what: Seen) {
        self.seen.lock().unwrap().push(what);
        self.changed.notify_waiters();
    }

    async fn sees(&self, what: Seen) {
        let seen = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if self.seen.lock().unwrap().contains(&what) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(20), seen).await.is_err() {
            panic!("{:?} without {what:?}", self.seen.lock().unwrap());
        }
    }
}

impl Task for Probe {
    const KIND: &'static str = "probe";
    type Output = String;

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::new("act", ParamKind::text())];
        definition
    }
}

struct Leaves(Arc<Stage>, Act, u32);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.saw(Seen::Gone(self.1, self.2));
    }
}

impl TaskBody for Probe {
    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        let stage = Arc::clone(&*ctx.get::<Arc<Stage>>()?);
        stage.saw(Seen::Begun(self.act, ctx.attempt()));
        let _leaves = Leaves(Arc::clone(&stage), self.act, ctx.attempt());
        match self.act {
            Act::Wait => stage.gate.acquire().await.unwrap().forget(),
            Act::Block if ctx.attempt() == 1 => {
                stage.unblock.lock().unwrap().recv().unwrap();
                ctx.progress(0.9);
                ctx.label("too late");
                let stored = ctx.checkpoint(&"too late").await;
                stage.saw(Seen::Checkpoint(stored.map_err(|error| error.error_code().to_owned())));
            }
            Act::Quick | Act::Block => {}
            Act::Fail => return Err(TaskError::permanent("as asked")),
        }
        Ok(format!("attempt {}", ctx.attempt()))
    }
}

fn memory() -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(None, Durability::Normal).unwrap())
}

async fn node(store: &Arc<dyn Store>, stage: &Arc<Stage>, lease: Duration) -> Deck {
    let settings =
        Settings { lease, max_concurrent: 4, grace: Duration::from_millis(50), ..Settings::default() };
    let builder = Deck::builder().register::<Probe>().resource(Arc::clone(stage)).settings(settings);
    builder.shared_store(Arc::clone(store)).build().await.unwrap()
}

async fn start(deck: &Deck, act: Act) -> TaskId {
    deck.start(Probe { act }).await.unwrap().id()
}

fn client(deck: &Deck) -> Client {
    deck.as_actor(Actor::System)
}

async fn attempts(deck: &Deck, id: TaskId) -> Vec<(u32, String)> {
    let attempts = client(deck).attempts(id).await.unwrap();
    attempts.into_iter().map(|attempt| (attempt.attempt, attempt.outcome.unwrap())).collect()
}

async fn assert_counts(store: &dyn Store) {
    assert_eq!(store.counts().await.unwrap(), store.recount().await.unwrap());
}

/// Ended, as the store says it; whichever node did it.
async fn ended(deck: &Deck, id: TaskId) -> Status {
    let ended = async {
        loop {
            let status = client(deck).get(id).await.unwrap().status;
            if status.has_ended() {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended).await.expect("ends")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stood_still_is_rescued_in_time_and_what_it_says_late_is_refused() {
    let (store, (stage, unblock)) = (memory(), Stage::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let here = node(&store, &stage, LEASE).await;
    let there = {
        let (store, stage) = (Arc::clone(&store), Arc::clone(&stage));
        runtime.spawn(async move { node(&store, &stage, LEASE).await }).await.unwrap()
    };
    let waits = start(&there, Act::Wait).await;
    stage.sees(Seen::Begun(Act::Wait, 1)).await;
    let blocks = start(&there, Act::Block).await;
    stage.sees(Seen::Begun(Act::Block, 1)).await;
    let session = there.inner().session();

    // The one thread of its runtime is blocked, and its heart stops: as in a process that is stopped.
    there.inner().heart.held.store(true, Ordering::SeqCst);
    let stopped = Instant::now();
    stage.sees(Seen::Begun(Act::Wait, 2)).await;
    stage.sees(Seen::Begun(Act::Block, 2)).await;
    let took = stopped.elapsed();
    assert!(took > LEASE / 2 && took < LEASE * 2, "rescued after {took:?}");
    assert_eq!(ended(&here, blocks).await, Status::Completed);

    unblock.send(()).unwrap();
    stage.sees(Seen::Checkpoint(Err("lease_lost".to_owned()))).await;
    stage.sees(Seen::Gone(Act::Block, 1)).await;
    there.inner().heart.held.store(false, Ordering::SeqCst);
    stage.sees(Seen::Gone(Act::Wait, 1)).await;
    let quick = {
        let there = there.clone();
        runtime.spawn(async move { start(&there, Act::Quick).await }).await.unwrap()
    };
    assert_eq!(ended(&there, quick).await, Status::Completed);
    // What it ran is stopped before it is somebody else, and the other node may have been quicker with the new one.
    let another = async {
        while there.inner().session() == session {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), another).await.expect("it goes on as somebody else");

    stage.gate.add_permits(2);
    assert_eq!(ended(&here, waits).await, Status::Completed);
    for id in [waits, blocks] {
        let record = store.get(id).await.unwrap().unwrap();
        assert_eq!((record.machine.endings, record.machine.tries, record.label.as_str()), (1, 1, "Probe"));
        assert_eq!(client(&here).result(id, None).await.unwrap().result, "attempt 2");
        assert_eq!(store.payload(id).await.unwrap().unwrap().checkpoint, None);
        let expected = [(2, "completed".to_owned()), (1, "interrupted".to_owned())];
        assert_eq!(attempts(&here, id).await, expected);
    }
    assert_counts(&*store).await;
    let sessions: Vec<_> = store.sessions().await.unwrap().into_iter().map(|session| session.id).collect();
    assert_eq!(sessions.len(), 2);
    assert!(sessions.contains(&here.inner().session()) && sessions.contains(&there.inner().session()));
    runtime.shutdown_background();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_blocks_the_runtime_is_reported_and_not_rescued() {
    const SHORT: Duration = Duration::from_millis(300);
    let (store, (stage, unblock)) = (memory(), Stage::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let here = node(&store, &stage, SHORT).await;
    let there = {
        let (store, stage) = (Arc::clone(&store), Arc::clone(&stage));
        runtime.spawn(async move { node(&store, &stage, SHORT).await }).await.unwrap()
    };
    let blocks = start(&there, Act::Block).await;
    stage.sees(Seen::Begun(Act::Block, 1)).await;
    let beat = || async {
        let sessions = store.sessions().await.unwrap();
        sessions.into_iter().find(|session| session.id == there.inner().session()).expect("lives").beat
    };
    let began = beat().await;
    // Its heart goes on for the time of three leases, and `here` looks at it all the while.
    let beats = async {
        while beat().await < began + 18 || !there.inner().heart.stalled.load(Ordering::SeqCst) {
            tokio::time::sleep(SHORT / 6).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), beats)
        .await
        .expect("the heart goes on, and reports the stall");
    let state = client(&here).get(blocks).await.unwrap();
    assert_eq!((state.status, state.attempt), (Status::Running, 1));
    unblock.send(()).unwrap();
    assert_eq!(ended(&here, blocks).await, Status::Completed);
    assert_eq!(attempts(&here, blocks).await, [(1, "completed".to_owned())]);
    runtime.shutdown_background();
}

#[tokio::test]
async fn a_cancel_on_one_node_reaches_a_task_that_runs_on_another() {
    let (store, (stage, _unblock)) = (memory(), Stage::new());
    let here = node(&store, &stage, Duration::from_millis(300)).await;
    let there = node(&store, &stage, Duration::from_millis(300)).await;
    let waits = start(&there, Act::Wait).await;
    stage.sees(Seen::Begun(Act::Wait, 1)).await;
    let outcome = client(&here).cancel(waits, Some("from here".to_owned())).await.unwrap();
    assert_eq!(outcome, CancelOutcome::Cancelling);
    stage.sees(Seen::Gone(Act::Wait, 1)).await;
    assert_eq!(ended(&here, waits).await, Status::Cancelled);
    let cancel = client(&there).get(waits).await.unwrap().cancel.unwrap();
    assert_eq!(cancel.reason.as_deref(), Some("from here"));
}

#[tokio::test]
async fn a_task_that_was_taken_away_is_stopped_even_if_the_session_lives() {
    let (store, (stage, _unblock)) = (memory(), Stage::new());
    let deck = node(&store, &stage, NEVER).await;
    let waits = start(&deck, Act::Wait).await;
    stage.sees(Seen::Begun(Act::Wait, 1)).await;
    let session = deck.inner().session();
    assert_eq!(store.rescue(session, Timestamp::from_millis(1)).await.unwrap().len(), 1);
    look_at_own(deck.inner()).await.unwrap();
    stage.sees(Seen::Gone(Act::Wait, 1)).await;
    assert_eq!(client(&deck).get(waits).await.unwrap().status, Status::Queued);
    // The next beat finds the session gone, and the node begins anew.
    assert!(!crate::heart::beat(deck.inner()).await.unwrap());
    stage.sees(Seen::Begun(Act::Wait, 2)).await;
    assert_ne!(deck.inner().session(), session);
    assert!(crate::heart::beat(deck.inner()).await.unwrap());
}

/// What `deck` knows when it has not seen this session move for some time.
async fn still(deck: &Deck, other: SessionId, time: Duration) -> Others {
    let sessions = deck.inner().store.sessions().await.unwrap();
    let beat = sessions.into_iter().find(|session| session.id == other).map(|session| session.beat);
    let mut others = Others::new(Instant::now());
    others.known.insert(other, super::Seen { beat, moved: ago(time) });
    others
}

fn ago(time: Duration) -> Instant {
    Instant::now().checked_sub(time).expect("the machine runs for some minutes")
}

#[tokio::test]
async fn a_node_that_stood_still_itself_rescues_nobody() {
    let (store, (stage, _unblock)) = (memory(), Stage::new());
    // Leases that are short against the uptime of any machine, and long against this test.
    let lease = Duration::from_secs(30);
    let here = node(&store, &stage, lease).await;
    let there = node(&store, &stage, lease).await;
    start(&there, Act::Wait).await;
    stage.sees(Seen::Begun(Act::Wait, 1)).await;
    let other = there.inner().session();
    let mut others = still(&here, other, lease * 2).await;
    others.looked = ago(lease);
    look_at_others(here.inner(), &mut others).await.unwrap();
    assert!(store.holders().await.unwrap().contains(&other), "it may be that the whole machine stood still");
    // The same, seen by a node that has looked all the while.
    let mut others = still(&here, other, lease * 2).await;
    look_at_others(here.inner(), &mut others).await.unwrap();
    stage.sees(Seen::Begun(Act::Wait, 2)).await;
    assert!(!store.holders().await.unwrap().contains(&other));
}

#[tokio::test]
async fn a_session_that_comes_back_between_the_look_and_the_rescue_is_left_alone() {
    let (store, (stage, _unblock)) = (memory(), Stage::new());
    let deck = node(&store, &stage, NEVER).await;
    start(&deck, Act::Wait).await;
    stage.sees(Seen::Begun(Act::Wait, 1)).await;
    let (session, now) = (deck.inner().session(), Timestamp::from_millis(1));
    let seen = store.sessions().await.unwrap()[0].beat;
    assert!(crate::heart::beat(deck.inner()).await.unwrap());
    assert!(store.rescue_dead(session, Some(seen), now).await.unwrap().is_none());
    assert!(store.rescue_dead(session, None, now).await.unwrap().is_none());
    assert_eq!(store.rescue_dead(session, Some(seen + 1), now).await.unwrap().unwrap().len(), 1);
    assert_eq!(
        store.rescue_dead(session, None, now).await.unwrap().unwrap().len(),
        0,
        "it has no tasks any more"
    );
}

#[tokio::test]
async fn a_cancel_that_is_heard_late_does_not_stop_the_next_attempt() {
    let (store, (stage, _unblock)) = (memory(), Stage::new());
    let deck = node(&store, &stage, NEVER).await;
    let waits = start(&deck, Act::Wait).await;
    stage.sees(Seen::Begun(Act::Wait, 1)).await;
    client(&deck).cancel(waits, None).await.unwrap();
    // What the one who cancelled tells after the commit, perhaps long after.
    let mut late = store.get(waits).await.unwrap().unwrap();
    assert!(late.status() != Status::Running || late.machine.cancel.is_some());
    assert_eq!(ended(&deck, waits).await, Status::Cancelled);
    stage.sees(Seen::Gone(Act::Wait, 1)).await;
    late.machine = Machine {
        state: State::Running { lease: Lease { session: deck.inner().session(), token: LeaseToken(7) } },
        ..late.machine
    };
    let tell = || deck.inner().told(&late, Some(Status::Running));
    tell();
    client(&deck).retry(waits).await.unwrap();
    stage.sees(Seen::Begun(Act::Wait, 2)).await;
    tell();
    let live = deck.inner().live.get(waits).expect("runs");
    assert!(!live.stop.is_cancelled() && live.machine().cancel.is_none());
    stage.gate.add_permits(1);
    assert_eq!(ended(&deck, waits).await, Status::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_and_cancels_from_two_nodes_leave_one_truth() {
    let (store, (stage, _unblock)) = (memory(), Stage::new());
    let here = node(&store, &stage, Duration::from_millis(300)).await;
    let there = node(&store, &stage, Duration::from_millis(300)).await;
    for round in 0..100 {
        let task = start(&here, Act::Fail).await;
        let mut people = tokio::task::JoinSet::new();
        for deck in [&here, &there, &here, &there] {
            let person = client(deck);
            people.spawn(async move {
                let mut retried = 0;
                for step in 0..4 {
                    if (step + round) % 2 == 0 {
                        person.cancel(task, None).await.unwrap();
                    } else {
                        match person.retry(task).await {
                            Ok(_) => retried += 1,
                            Err(DeckError::WrongStatus { .. } | DeckError::StillRunning) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
                retried
            });
        }
        let retried: u32 = people.join_all().await.into_iter().sum();
        let status = ended(&there, task).await;
        assert!(matches!(status, Status::Failed | Status::Cancelled));
        let machine = store.get(task).await.unwrap().unwrap().machine;
        assert_eq!(machine.endings, retried + 1, "each retry that was granted ended once");
        let attempts = attempts(&here, task).await;
        assert_eq!(attempts.len(), machine.attempt as usize);
    }
    assert_counts(&*store).await;
}

fn session(n: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(n))
}

fn beats<const N: usize>(of: [(u128, Beat); N]) -> HashMap<SessionId, Beat> {
    of.into_iter().map(|(n, beat)| (session(n), beat)).collect()
}

#[test]
fn a_session_is_dead_when_its_counter_has_stood_still_for_the_lease_by_the_watchers_clock() {
    let lease = Duration::from_secs(6);
    let began = Instant::now();
    let at = |seconds: u64| began + Duration::from_secs(seconds);
    let mut others = Others::new(began);
    let mut dead = |found, seconds| others.judge(&found, at(seconds), lease);
    // The first beats, moves; the second stands still from the beginning; the third nobody knows, but it holds tasks.
    assert_eq!(dead(beats([(1, Some(10)), (2, Some(50)), (3, None)]), 1), []);
    assert_eq!(dead(beats([(1, Some(11)), (2, Some(50)), (3, None)]), 4), []);
    assert_eq!(dead(beats([(1, Some(12)), (2, Some(50)), (3, Some(1))]), 7), [], "a lease, and no more");
    assert_eq!(dead(beats([(1, Some(12)), (2, Some(50)), (3, Some(1))]), 8), [(session(2), Some(50))]);
    // A counter that was set back has moved too.
    assert_eq!(dead(beats([(1, Some(1)), (3, Some(1))]), 13), []);
    assert_eq!(dead(beats([(1, Some(1)), (2, Some(50)), (3, Some(1))]), 14), [(session(3), Some(1))]);
    assert_eq!(
        dead(beats([(1, Some(1)), (2, Some(50))]), 19),
        [],
        "the second came back and was forgotten before"
    );
}

#[test]
fn a_watcher_confirms_itself_after_a_gap_of_half_a_lease() {
    let lease = Duration::from_secs(6);
    let began = Instant::now();
    let at = |seconds: u64| began + Duration::from_secs(seconds);
    let mut others = Others::new(began);
    assert!(!others.must_confirm(at(0), at(3), lease));
    assert!(others.must_confirm(at(3), at(4), lease), "it has not looked for longer");
    others.judge(&HashMap::new(), at(4), lease);
    assert!(!others.must_confirm(at(3), at(5), lease));
    assert!(others.must_confirm(at(1), at(5), lease), "the store has not taken its heartbeat");
    // After it has, everybody has a whole lease again.
    others.judge(&beats([(1, Some(1))]), at(5), lease);
    others.forget();
    assert_eq!(others.judge(&beats([(1, Some(1))]), at(60), lease), []);
}
