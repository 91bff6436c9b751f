//! What a node looks at in the store a few times each lease: whether the others live, and what they did to the work
//! here.
//!
//! A session is dead when its counter has not moved for the lease time, by the watcher's own monotonic clock: nothing
//! here asks the wall clock. Whoever judges others has shown just before that it lives itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use taskdeck_core::{AttemptEnd, Event, LeaseToken, SessionId, Status};

use crate::deck::Inner;
use crate::heart::{self, BEATS};
use crate::store::{Change, StoreError};

/// The counter of a session; none for one that holds tasks though nobody knows it.
type Beat = Option<u64>;

/// What is known of the other sessions.
#[derive(Debug)]
struct Others {
    known: HashMap<SessionId, Seen>,
    /// When the last look began that came to its end.
    looked: Instant,
}

/// A session's counter, and when it was last seen to move.
#[derive(Debug)]
struct Seen {
    beat: Beat,
    moved: Instant,
}

impl Others {
    fn new(now: Instant) -> Self {
        Self { known: HashMap::new(), looked: now }
    }

    /// Whether this node may have stood still itself, or could not reach the store: then perhaps all the others could
    /// not either, and their counters say nothing. `confirmed` is when this node last showed that it lives.
    fn must_confirm(&self, confirmed: Instant, now: Instant, lease: Duration) -> bool {
        let half = lease / 2;
        now.duration_since(self.looked) > half || now.duration_since(confirmed) > half
    }

    fn forget(&mut self) {
        self.known.clear();
    }

    /// Takes over the counters of the others, which were read after `now`; those who are dead.
    fn judge(
        &mut self,
        found: &HashMap<SessionId, Beat>,
        now: Instant,
        lease: Duration,
    ) -> Vec<(SessionId, Beat)> {
        self.looked = now;
        self.known.retain(|session, _| found.contains_key(session));
        let mut dead = Vec::new();
        for (&session, &beat) in found {
            let seen = self.known.entry(session).or_insert(Seen { beat, moved: now });
            if seen.beat != beat {
                *seen = Seen { beat, moved: now };
            } else if now.duration_since(seen.moved) > lease {
                dead.push((session, beat));
            }
        }
        dead
    }
}

/// Looks until the deck stops.
pub(crate) async fn watch_loop(inner: Arc<Inner>) {
    let every = inner.settings.lease / BEATS;
    let mut others = Others::new(Instant::now());
    let mut unheard = Vec::new();
    loop {
        let all = tokio::select! {
            () = tokio::time::sleep(every) => true,
            () = inner.look.notified() => false,
            () = inner.stopped.cancelled() => return,
        };
        #[cfg(test)]
        if inner.heart.held.load(Ordering::Acquire) {
            continue;
        }
        if all && let Err(error) = look_at_others(&inner, &mut others).await {
            tracing::warn!(%error, "the other nodes could not be looked at; it is tried again");
        } else if let Err(error) = look_at_own(&inner).await {
            tracing::warn!(%error, "what others changed could not be looked at; it is tried again");
        }
        if all && let Err(error) = give_back_unheard(&inner, &mut unheard).await {
            tracing::warn!(%error, "what this node holds could not be looked at; it is tried again");
        }
    }
}

/// Rescues the tasks of those that are dead.
async fn look_at_others(inner: &Inner, others: &mut Others) -> Result<(), StoreError> {
    let lease = inner.settings.lease;
    if others.must_confirm(inner.heart.confirmed(), Instant::now(), lease) {
        others.forget();
        if !heart::beat(inner).await? {
            return Ok(());
        }
    }
    // Before the look: a pause after it makes nobody older.
    let now = Instant::now();
    let sessions = inner.store.sessions().await?;
    let mut found: HashMap<_, _> = sessions.iter().map(|session| (session.id, Some(session.beat))).collect();
    // A session that holds tasks and is not known was forgotten in between; it is watched like the others.
    for holder in inner.store.holders().await? {
        found.entry(holder).or_default();
    }
    found.remove(&inner.session());
    let dead = others.judge(&found, now, lease);
    inner.heart.saw(others.known.iter().map(|(session, seen)| (*session, seen.moved)).collect());
    for (session, beat) in dead {
        // Only if its counter still stands there: it may have come back since the look.
        if let Some(moved) = inner.store.rescue_dead(session, beat, inner.clock.now()).await? {
            tracing::warn!(%session, "a node is dead: it has not moved for the lease time");
            heart::rescued(inner, session, &moved);
        }
    }
    Ok(())
}

/// Gives back what the store says that this node runs and it does not: a claim or a start whose commit was made, though
/// the connection was lost before anybody heard of it. `known` are those of the look before; what is so in two looks is
/// not just beginning or ending.
async fn give_back_unheard(inner: &Inner, known: &mut Vec<LeaseToken>) -> Result<(), StoreError> {
    if !inner.store.is_shared() {
        return Ok(());
    }
    let session = inner.session();
    let mut unheard = Vec::new();
    for (id, token) in inner.store.held_by(session).await? {
        if inner.live.get(id).is_some_and(|task| task.token == token) {
            continue;
        }
        if known.contains(&token) {
            tracing::warn!(task = %id, "claimed, but this node was not told so: it goes back to its queue");
            let end = Event::AttemptEnded { token, end: AttemptEnd::Released };
            inner.apply(Change::new(id, end, inner.clock.now())).await?;
        } else {
            unheard.push(token);
        }
    }
    *known = unheard;
    Ok(())
}

/// Takes over what other nodes did to the tasks that run here, and the pauses and limits that they set.
async fn look_at_own(inner: &Inner) -> Result<(), StoreError> {
    inner.live.forget_early_cancels();
    let running = inner.live.all();
    if !running.is_empty() {
        let stored = inner.store.get_many(running.iter().map(|task| task.id).collect()).await?;
        let stored: HashMap<_, _> = stored.into_iter().map(|record| (record.id, record)).collect();
        for task in running {
            let held = stored
                .get(&task.id)
                .filter(|record| record.machine.state.lease().is_some_and(|lease| lease.token == task.token));
            match held {
                Some(record) if record.machine.version > task.machine().version => {
                    inner.told(record, Some(Status::Running));
                }
                Some(_) => {}
                // Rescued, or just ending: then nobody listens to this any more.
                None => task.lost.cancel(),
            }
        }
    }
    look_at_controls(inner).await
}

/// Takes over the pauses and limits that were set since the last look.
pub(crate) async fn look_at_controls(inner: &Inner) -> Result<(), StoreError> {
    let mut looked = inner.dispatch.looked.lock().await;
    let version = inner.store.controls_version().await?;
    let now = inner.store.controls().await?;
    for control in now.iter().filter(|control| !looked.contains(control)) {
        inner.dispatch.set(control, &inner.program_limits(control.scope, &control.name));
    }
    *looked = now;
    if inner.dispatch.controls.swap(version, Ordering::AcqRel) != version {
        // What was claimed by the ones before got nothing.
        inner.worker.queued();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
