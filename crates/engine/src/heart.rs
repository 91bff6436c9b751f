//! Who lives. Each node is a session in the store; a thread of its own moves the session's counter, so that neither
//! a blocked runtime nor a wall clock that jumps makes a node look dead. A session is dead when its counter has not
//! moved for the lease time by the watcher's own monotonic clock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use taskdeck_core::SessionId;

use crate::clock;
use crate::deck::Inner;
use crate::store::{SessionRow, StoreError};

/// How often the counter moves and the others are looked at, as a part of the lease.
const BEATS: u32 = 6;

/// This node's session.
#[derive(Debug)]
pub(crate) struct Heart {
    session: Mutex<SessionId>,
    beat: AtomicU64,
    stopped: AtomicBool,
    /// Moved by the runtime itself: stands still when a task blocks it.
    pulse: AtomicU64,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Heart {
    pub(crate) fn new() -> Self {
        Self {
            session: Mutex::new(clock::new_session_id()),
            beat: AtomicU64::new(1),
            stopped: AtomicBool::new(false),
            pulse: AtomicU64::new(0),
            thread: Mutex::default(),
        }
    }

    pub(crate) fn session(&self) -> SessionId {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Enters this node's session into the store.
pub(crate) async fn join(inner: &Inner) -> Result<(), StoreError> {
    let slots = if inner.settings.worker { inner.settings.max_concurrent } else { 0 };
    let session = SessionRow {
        id: inner.session(),
        worker: inner.worker_name.clone(),
        slots: u32::try_from(slots).unwrap_or(u32::MAX),
        started_at: inner.clock.now(),
        beat: inner.heart.beat.load(Ordering::Relaxed),
    };
    inner.store.join(session).await
}

/// Takes its tasks from every other session, known or not.
pub(crate) async fn rescue_all_others(inner: &Inner) -> Result<(), StoreError> {
    let mut others: Vec<_> = inner.store.sessions().await?.into_iter().map(|session| session.id).collect();
    others.extend(inner.store.holders().await?);
    others.sort_unstable();
    others.dedup();
    for session in others.into_iter().filter(|session| *session != inner.session()) {
        rescue(inner, session).await?;
    }
    Ok(())
}

async fn rescue(inner: &Inner, session: SessionId) -> Result<(), StoreError> {
    let moved = inner.store.rescue(session, inner.clock.now()).await?;
    for one in &moved {
        let record = &one.record;
        tracing::warn!(task = %record.id, kind = %record.kind, to = %record.status(), %session, "rescued");
    }
    inner.told_all(&moved);
    Ok(())
}

/// Starts the thread. It holds the deck weakly, so that a deck that is dropped without a shutdown does not live on.
pub(crate) fn spawn(inner: &Arc<Inner>) -> std::io::Result<()> {
    let weak = Arc::downgrade(inner);
    let every = inner.settings.lease / BEATS;
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new()
        .name("taskdeck-heart".to_owned())
        .spawn(move || beat_until_stopped(&weak, every, &runtime))?;
    *inner.heart.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    inner.loops.spawn(pulse_loop(Arc::clone(inner), every));
    Ok(())
}

/// Shows the thread that the runtime runs.
async fn pulse_loop(inner: Arc<Inner>, every: Duration) {
    loop {
        inner.heart.pulse.fetch_add(1, Ordering::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(every / 2) => {}
            () = inner.stopped.cancelled() => return,
        }
    }
}

fn beat_until_stopped(weak: &Weak<Inner>, every: Duration, runtime: &tokio::runtime::Handle) {
    let mut seen = (0, Instant::now(), false);
    loop {
        std::thread::park_timeout(every);
        let Some(inner) = weak.upgrade() else { return };
        if inner.heart.stopped.load(Ordering::Acquire) {
            return;
        }
        report_stall(&inner, every, &mut seen);
        let beat = inner.heart.beat.fetch_add(1, Ordering::Relaxed) + 1;
        // The store answers from a thread of its own, so this goes on while the runtime is blocked.
        match futures::executor::block_on(inner.store.beat(inner.session(), beat)) {
            Ok(true) => {}
            Ok(false) => lost(&inner, runtime),
            Err(StoreError::Closed) => return,
            Err(error) => tracing::warn!(%error, "the store did not take the heartbeat"),
        }
    }
}

/// Says once that the runtime stands still, and once that it goes on.
fn report_stall(inner: &Inner, every: Duration, seen: &mut (u64, Instant, bool)) {
    let pulse = inner.heart.pulse.load(Ordering::Relaxed);
    let (last, since, told) = *seen;
    if pulse != last {
        if told {
            tracing::warn!(stalled_ms = ms(since.elapsed()), "the runtime goes on");
        }
        *seen = (pulse, Instant::now(), false);
    } else if !told && since.elapsed() > every * 2 {
        let stalled_ms = ms(since.elapsed());
        tracing::error!(stalled_ms, "the runtime stands still: a task blocks it; see TaskContext::blocking");
        seen.2 = true;
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Others took this node for dead: what it runs is theirs now. It stops that and begins anew.
fn lost(inner: &Arc<Inner>, runtime: &tokio::runtime::Handle) {
    let session = inner.session();
    let running = inner.live.all();
    tracing::error!(%session, tasks = running.len(), "the lease of this node is lost: it stops what it runs");
    *inner.heart.session.lock().unwrap_or_else(PoisonError::into_inner) = clock::new_session_id();
    for task in running {
        task.lost.cancel();
    }
    let inner = Arc::clone(inner);
    runtime.spawn(async move {
        if let Err(error) = join(&inner).await {
            tracing::error!(%error, "this node could not enter a new session; its next heartbeat tries again");
        }
        inner.worker.queued();
    });
}

/// Ends the thread and the session.
pub(crate) async fn leave(inner: &Inner) {
    inner.heart.stopped.store(true, Ordering::Release);
    let thread = inner.heart.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(thread) = thread {
        thread.thread().unpark();
        drop(tokio::task::spawn_blocking(move || thread.join()).await);
    }
    // What still runs there (code that does not stop) is put back with it.
    if let Err(error) = inner.store.rescue(inner.session(), inner.clock.now()).await {
        tracing::warn!(%error, "the session could not be ended; it is at the next start");
    }
}

/// What is known of another session: its counter, and when it was last seen to move.
struct Seen {
    beat: u64,
    moved: Instant,
}

/// Watches the other sessions, and rescues the tasks of those that are dead.
pub(crate) async fn watch_loop(inner: Arc<Inner>) {
    let (lease, every) = (inner.settings.lease, inner.settings.lease / BEATS);
    let mut known: HashMap<SessionId, Seen> = HashMap::new();
    let mut looked = Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = inner.stopped.cancelled() => return,
        }
        let paused = looked.elapsed() > lease / 2;
        looked = Instant::now();
        if let Err(error) = look(&inner, &mut known, lease, paused).await {
            tracing::warn!(%error, "the other nodes could not be looked at; it is tried again");
        }
    }
}

async fn look(
    inner: &Inner,
    known: &mut HashMap<SessionId, Seen>,
    lease: Duration,
    paused: bool,
) -> Result<(), StoreError> {
    if paused {
        // The machine stood still, perhaps the others too: nobody is taken for dead because of that. And whether
        // this node itself was is asked before it judges others.
        known.clear();
        let beat = inner.heart.beat.fetch_add(1, Ordering::Relaxed) + 1;
        if !inner.store.beat(inner.session(), beat).await? {
            lost_in_look(inner);
            return Ok(());
        }
    }
    let own = inner.session();
    let sessions = inner.store.sessions().await?;
    let beats: HashMap<_, _> = sessions.iter().map(|session| (session.id, session.beat)).collect();
    let mut others: Vec<_> = beats.keys().copied().collect();
    // A session that holds tasks and is not known was forgotten in between; it is watched like the others.
    others.extend(inner.store.holders().await?);
    known.retain(|session, _| others.contains(session));
    for session in others.into_iter().filter(|session| *session != own) {
        let beat = beats.get(&session).copied().unwrap_or(0);
        let now = Instant::now();
        let seen = known.entry(session).or_insert(Seen { beat, moved: now });
        if seen.beat != beat {
            *seen = Seen { beat, moved: now };
        } else if seen.moved.elapsed() > lease {
            tracing::warn!(%session, "a node is dead: it has not moved for the lease time");
            rescue(inner, session).await?;
            known.remove(&session);
        }
    }
    Ok(())
}

fn lost_in_look(inner: &Inner) {
    // The thread finds it with its next beat, which is soon; until then nothing is judged.
    tracing::warn!(session = %inner.session(), "this node was taken for dead while it stood still");
    if let Some(thread) = &*inner.heart.thread.lock().unwrap_or_else(PoisonError::into_inner) {
        thread.thread().unpark();
    }
}
