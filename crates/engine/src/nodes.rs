//! What other nodes of the same store do, as far as this one has to know: that there is something to claim, that a time
//! has moved, that a task which runs here is to stop, and how those tasks are that somebody watches here.
//!
//! The store tells that there is something to look at; what it is, is read. A message may be lost, so everything is
//! looked at now and then without one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use taskdeck_core::{Counts, LIST_ANNOUNCE_LIMIT, ListQuery, Rev, Status, TaskId};
use tokio::time::MissedTickBehavior;

use crate::deck::Inner;
use crate::store::{Heard, StoreError};

/// How often a node looks that heard nothing.
const SLOW: Duration = Duration::from_secs(5);
/// How often what is watched is looked at without a message, and how often at the most.
const WATCHED: Duration = Duration::from_secs(1);
const PACE: Duration = Duration::from_millis(250);
/// How often the clock is compared with the store's.
const CLOCK_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether this machine's clock was set.
const CLOCK_LOOKS: Duration = Duration::from_secs(1);
/// A smaller difference than this, in milliseconds, may be the way there and back.
const CLOCK_SLACK_MS: i64 = 250;
/// How many lists are looked at in one go.
const LISTS: usize = 20;

/// Passes on what is heard, as it comes.
pub(crate) async fn hear_loop(inner: Arc<Inner>) {
    // However much is heard, all is looked at this often.
    let mut slow = tokio::time::interval(SLOW);
    slow.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let heard = tokio::select! {
            heard = inner.store.heard() => heard,
            _ = slow.tick() => Heard { running: false, ..Heard::all() },
            () = inner.stopped.cancelled() => return,
        };
        if heard.queued {
            inner.worker.queued();
        }
        if heard.due {
            inner.due.notify_one();
        }
        if heard.schedules {
            inner.schedules_changed.notify_one();
        }
        if heard.running {
            inner.look.notify_one();
        }
        if heard.tasks {
            inner.watched.notify_one();
        }
    }
}

/// Looks at what is watched here and happens elsewhere.
pub(crate) async fn watched_loop(inner: Arc<Inner>) {
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            () = inner.watched.notified() => {}
            () = tokio::time::sleep(WATCHED) => {}
            () = inner.stopped.cancelled() => return,
        }
        if inner.hub.is_idle() {
            seen = Seen::default();
            continue;
        }
        if let Err(error) = look(&inner, &mut seen).await {
            tracing::warn!(%error, "what other nodes did could not be looked at; it is tried again");
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Keeps this node's time that of the store, so that the clocks of many machines need not agree.
pub(crate) async fn clock_loop(inner: Arc<Inner>) {
    let mut read = Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(CLOCK_LOOKS) => {}
            () = inner.stopped.cancelled() => return,
        }
        if read.elapsed() < CLOCK_EVERY && inner.clock.moved_ms().abs() <= CLOCK_SLACK_MS {
            continue;
        }
        read = Instant::now();
        if let Err(error) = set_clock(&inner).await {
            tracing::debug!(%error, "the store's clock could not be read");
        }
    }
}

/// Takes over the store's time, where many nodes share it.
pub(crate) async fn set_clock(inner: &Inner) -> Result<(), StoreError> {
    if !inner.store.is_shared() {
        return Ok(());
    }
    let ahead = inner.store.clock_ahead_ms().await?;
    let (here, is_set) = (crate::clock::system(), inner.clock.is_set());
    let there = here.plus_millis(ahead);
    let off_ms = there.as_millis() - inner.clock.now().as_millis();
    if off_ms.abs() > CLOCK_SLACK_MS {
        tracing::info!(off_ms, "this node's clock is not the store's: the store's is used");
        inner.clock.set(there);
    } else if !is_set || inner.clock.moved_ms().abs() > CLOCK_SLACK_MS {
        // As good as the store's, and from here on not the machine's any more.
        inner.clock.set(inner.clock.now());
    }
    Ok(())
}

/// What was last seen of what is watched.
#[derive(Default)]
struct Seen {
    tasks: HashMap<TaskId, (Rev, Status)>,
    logs: HashMap<TaskId, u64>,
    /// Those that were told to be gone, while somebody still watches them.
    gone: HashSet<TaskId>,
    /// What each list began with, that whose turn it is first. None: nobody has looked yet.
    lists: VecDeque<(ListQuery, Option<HashSet<TaskId>>)>,
    counts: Option<Counts>,
}

async fn look(inner: &Inner, seen: &mut Seen) -> Result<(), StoreError> {
    let watched = inner.hub.watched();
    look_at_tasks(inner, seen, &watched.tasks).await?;
    look_at_logs(inner, seen, &watched.logs).await?;
    look_at_lists(inner, seen, watched.lists).await?;
    if watched.counts {
        let counts = inner.store.counts().await?;
        if seen.counts.as_ref() != Some(&counts) {
            seen.counts = Some(counts);
            inner.hub.counts_changed();
        }
    } else {
        seen.counts = None;
    }
    Ok(())
}

async fn look_at_tasks(inner: &Inner, seen: &mut Seen, watched: &HashSet<TaskId>) -> Result<(), StoreError> {
    // What runs here is told as it happens.
    let elsewhere: HashSet<_> = watched.iter().copied().filter(|id| inner.live.get(*id).is_none()).collect();
    seen.tasks.retain(|id, _| elsewhere.contains(id));
    if elsewhere.is_empty() {
        return Ok(());
    }
    let found = inner.store.get_many(elsewhere.iter().copied().collect()).await?;
    let mut missing = elsewhere;
    for record in &found {
        missing.remove(&record.id);
        let state = record.state();
        let (rev, status) = (state.rev(), state.status);
        let before = seen.tasks.insert(record.id, (rev, status));
        if before.is_none_or(|(known, _)| rev > known) && inner.live.get(record.id).is_none() {
            // Lists and counters are looked at for themselves.
            inner.hub.publish(state, Some(status));
        }
    }
    // One that is watched is there or was there: who watches it has looked. Told once, however long they go on watching.
    let gone = |id: &TaskId| Some((*id, seen.tasks.get(id).map_or(0, |(rev, _)| rev.version)));
    let gone: Vec<_> = missing.iter().filter(|id| !seen.gone.contains(id)).filter_map(gone).collect();
    for (id, _) in &gone {
        seen.tasks.remove(id);
    }
    seen.gone = missing;
    inner.hub.gone(&gone);
    Ok(())
}

async fn look_at_logs(inner: &Inner, seen: &mut Seen, watched: &HashSet<TaskId>) -> Result<(), StoreError> {
    seen.logs.retain(|id, _| watched.contains(id));
    let elsewhere: Vec<_> = watched.iter().copied().filter(|id| inner.live.get(*id).is_none()).collect();
    if elsewhere.is_empty() {
        return Ok(());
    }
    let found = inner.store.last_log_seqs(elsewhere.clone()).await?;
    for id in elsewhere {
        let last = found.get(&id).copied().unwrap_or(0);
        if seen.logs.insert(id, last) != Some(last) {
            inner.hub.log_grew(id);
        }
    }
    Ok(())
}

/// So many lists in one go, and the next ones in the next: each has its turn.
async fn look_at_lists(inner: &Inner, seen: &mut Seen, watched: Vec<ListQuery>) -> Result<(), StoreError> {
    seen.lists.retain(|(list, _)| watched.contains(list));
    for list in &watched {
        if !seen.lists.iter().any(|(known, _)| known == list) {
            seen.lists.push_front((list.clone(), None));
        }
    }
    for _ in 0..LISTS.min(seen.lists.len()) {
        let Some((list, known)) = seen.lists.pop_front() else { break };
        let limit = u32::try_from(LIST_ANNOUNCE_LIMIT).unwrap_or(u32::MAX);
        let first = ListQuery { cursor: None, limit: Some(limit), ..list.clone() };
        let found = match inner.store.list(first).await {
            Ok((found, _)) => found,
            Err(error) => {
                seen.lists.push_back((list, known));
                return Err(error);
            }
        };
        let found: HashSet<_> = found.iter().map(|record| record.id).collect();
        // What is there when it is looked at first is not new.
        let new = known.iter().flat_map(|known| found.difference(known)).copied().collect::<Vec<_>>();
        inner.hub.announce(&list, &new);
        seen.lists.push_back((list, Some(found)));
    }
    Ok(())
}

#[cfg(test)]
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
