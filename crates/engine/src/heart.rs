//! Who lives. Each node is a session in the store; a thread of its own moves the session's counter, so that neither
//! a blocked runtime nor a wall clock that jumps makes a node look dead. Who watches the others is in [`crate::watch`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use taskdeck_core::{SessionId, Timestamp};

use crate::clock;
use crate::deck::Inner;
use crate::store::{Moved, Said, SessionRow, StoreError};

/// How often the counter moves and the others are looked at, as a part of the lease.
pub(crate) const BEATS: u32 = 6;

/// This node's session.
#[derive(Debug)]
pub(crate) struct Heart {
    session: Mutex<SessionId>,
    beat: AtomicU64,
    /// When the last beat that the store took was sent.
    confirmed: Mutex<Instant>,
    /// When the others were last seen to live.
    others: Mutex<HashMap<SessionId, Instant>>,
    /// Whether this node is just entering a new session.
    rejoining: AtomicBool,
    stopped: AtomicBool,
    /// Whether the runtime was reported to stand still.
    pub(crate) stalled: AtomicBool,
    /// Neither beats nor looks: what happens in a stopped process, without stopping the test.
    #[cfg(test)]
    pub(crate) held: AtomicBool,
    /// What the others were last told of this node.
    said: Mutex<Option<Said>>,
    /// Moved by the runtime itself: stands still when a task blocks it.
    pulse: AtomicU64,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Heart {
    pub(crate) fn new() -> Self {
        Self {
            session: Mutex::new(clock::new_session_id()),
            beat: AtomicU64::new(1),
            confirmed: Mutex::new(Instant::now()),
            others: Mutex::default(),
            rejoining: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            #[cfg(test)]
            held: AtomicBool::new(false),
            said: Mutex::default(),
            pulse: AtomicU64::new(0),
            thread: Mutex::default(),
        }
    }

    pub(crate) fn session(&self) -> SessionId {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When this node last showed the others that it lives.
    pub(crate) fn confirmed(&self) -> Instant {
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over when the others were last seen to live.
    pub(crate) fn saw(&self, others: HashMap<SessionId, Instant>) {
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) = others;
    }

    /// When a session was last seen to live, this node's own included.
    pub(crate) fn last_seen(&self, session: SessionId) -> Option<Instant> {
        if session == self.session() {
            return Some(self.confirmed());
        }
        self.others.lock().unwrap_or_else(PoisonError::into_inner).get(&session).copied()
    }
}

/// Enters this node's session into the store.
pub(crate) async fn join(inner: &Inner) -> Result<(), StoreError> {
    join_as(inner, inner.session()).await
}

async fn join_as(inner: &Inner, id: SessionId) -> Result<(), StoreError> {
    let slots = if inner.settings.worker { inner.settings.max_concurrent } else { 0 };
    let session = SessionRow {
        id,
        worker: inner.worker_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        slots: u32::try_from(slots).unwrap_or(u32::MAX),
        started_at: inner.clock.now(),
        beat: inner.heart.beat.load(Ordering::Relaxed),
        said: inner.store.is_shared().then(|| said(inner)),
    };
    inner.store.join(session).await
}

/// What this node says of itself.
pub(crate) fn said(inner: &Inner) -> Said {
    Said {
        kinds: if inner.settings.worker { inner.registry.kinds() } else { Vec::new() },
        stopping: inner.stopping.is_cancelled(),
        stalled: inner.heart.stalled.load(Ordering::Acquire),
        held: inner.live.held(),
        lent: inner.live.lent(),
        // Who shows it knows since when.
        work: Some(inner.work.since(Timestamp::default())),
    }
}

/// Tells the others what is new of this node.
pub(crate) async fn say(inner: &Inner) -> Result<(), StoreError> {
    if !inner.store.is_shared() {
        return Ok(());
    }
    let said = said(inner);
    let is_known = inner.heart.said.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&said);
    if !is_known {
        inner.store.say(inner.session(), said.clone()).await?;
        *inner.heart.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }
    Ok(())
}

/// Takes its tasks from every other session, known or not.
pub(crate) async fn rescue_all_others(inner: &Inner) -> Result<(), StoreError> {
    let mut others: Vec<_> = inner.store.sessions().await?.into_iter().map(|session| session.id).collect();
    others.extend(inner.store.holders().await?);
    others.sort_unstable();
    others.dedup();
    for session in others.into_iter().filter(|session| *session != inner.session()) {
        rescued(inner, session, &inner.store.rescue(session, inner.clock.now()).await?);
    }
    Ok(())
}

/// Tells of the tasks that were taken from a session.
pub(crate) fn rescued(inner: &Inner, session: SessionId, moved: &[Moved]) {
    for one in moved {
        let record = &one.record;
        tracing::warn!(task = %record.id, kind = %record.kind, to = %record.status(), %session, "rescued");
    }
    inner.told_all(moved);
}

/// Starts the thread. It holds the deck weakly, so that a deck that is dropped without a shutdown does not live on.
pub(crate) fn spawn(inner: &Arc<Inner>) -> std::io::Result<()> {
    let weak = Arc::downgrade(inner);
    let every = inner.settings.lease / BEATS;
    let thread = std::thread::Builder::new()
        .name("taskdeck-heart".to_owned())
        .spawn(move || beat_until_stopped(&weak, every))?;
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

fn beat_until_stopped(weak: &Weak<Inner>, every: Duration) {
    let mut seen = (0, Instant::now());
    loop {
        std::thread::park_timeout(every);
        let Some(inner) = weak.upgrade() else { return };
        if inner.heart.stopped.load(Ordering::Acquire) {
            return;
        }
        report_stall(&inner, every, &mut seen);
        #[cfg(test)]
        if inner.heart.held.load(Ordering::Acquire) {
            continue;
        }
        // The store answers from a thread of its own, so this goes on while the runtime is blocked.
        match futures::executor::block_on(beat(&inner)) {
            Ok(_) => {}
            Err(StoreError::Closed) => return,
            Err(error) => tracing::warn!(%error, "the store did not take the heartbeat"),
        }
    }
}

/// Moves the counter of this node's session. False when others took the node for dead: then it has stopped what it ran
/// and begun anew.
pub(crate) async fn beat(inner: &Inner) -> Result<bool, StoreError> {
    let (session, sent) = (inner.session(), Instant::now());
    let beat = inner.heart.beat.fetch_add(1, Ordering::Relaxed) + 1;
    let lives = inner.store.beat(session, beat).await?;
    if lives {
        *inner.heart.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = sent;
        if let Err(error) = say(inner).await {
            tracing::debug!(%error, "what this node says of itself is told with a later beat");
        }
    } else {
        lost(inner, session).await?;
    }
    Ok(lives)
}

/// Says once that the runtime stands still, and once that it goes on.
fn report_stall(inner: &Inner, every: Duration, seen: &mut (u64, Instant)) {
    let pulse = inner.heart.pulse.load(Ordering::Relaxed);
    let (last, since) = *seen;
    let stalled_ms = ms(since.elapsed());
    if pulse != last {
        if inner.heart.stalled.swap(false, Ordering::Relaxed) {
            tracing::warn!(stalled_ms, "the runtime goes on");
        }
        *seen = (pulse, Instant::now());
    } else if since.elapsed() > every * 2 && !inner.heart.stalled.swap(true, Ordering::Relaxed) {
        tracing::error!(stalled_ms, "the runtime stands still: a task blocks it; see TaskContext::blocking");
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Others took this node for dead: what it runs is theirs now. It stops that and begins anew.
async fn lost(inner: &Inner, session: SessionId) -> Result<(), StoreError> {
    if inner.session() != session || inner.heart.rejoining.swap(true, Ordering::AcqRel) {
        // Somebody else found it too.
        return Ok(());
    }
    let stopped = stop_tasks_of(inner, session);
    tracing::error!(%session, tasks = stopped, "the lease of this node is lost: it stops what it runs");
    let next = clock::new_session_id();
    // It is known before it is used, or the first beat would find it missing.
    let joined = join_as(inner, next).await;
    if joined.is_ok() {
        *inner.heart.session.lock().unwrap_or_else(PoisonError::into_inner) = next;
        *inner.heart.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        // What was claimed in between.
        stop_tasks_of(inner, session);
        inner.worker.queued();
    }
    inner.heart.rejoining.store(false, Ordering::Release);
    joined
}

/// Stops what runs here under a session that is not ours any more; how many.
fn stop_tasks_of(inner: &Inner, session: SessionId) -> usize {
    let running = inner.live.all();
    let of_it = running.iter().filter(|task| task.session == session);
    of_it.map(|task| task.lost.cancel()).count()
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
