//! What other nodes of the same store do, as far as this one has to know: that there is something to claim, that a time
//! has moved, that a task which runs here is to stop, and how those tasks are that somebody watches here.
//!
//! The store tells that there is something to look at; what it is, is read. A message may be lost, so everything is
//! looked at now and then without one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use taskdeck_core::{Counts, LIST_ANNOUNCE_LIMIT, ListQuery, Rev, Status, TaskId};
use tokio::time::MissedTickBehavior;

use crate::deck::Inner;
use crate::store::{Heard, Record, StoreError};

/// How often a node looks that heard nothing.
const SLOW: Duration = Duration::from_secs(5);
/// How often what is watched is looked at without a message, and how often at the most.
const WATCHED: Duration = Duration::from_secs(1);
const PACE: Duration = Duration::from_millis(250);
/// How often the clock is compared with the store's.
const CLOCK_EVERY: Duration = Duration::from_secs(60);
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
    loop {
        tokio::select! {
            () = tokio::time::sleep(CLOCK_EVERY) => {}
            () = inner.stopped.cancelled() => return,
        }
        if let Err(error) = set_clock(&inner).await {
            tracing::debug!(%error, "the store's clock could not be read");
        }
    }
}

/// Takes over the store's time.
pub(crate) async fn set_clock(inner: &Inner) -> Result<(), StoreError> {
    let ahead = inner.store.clock_ahead_ms().await?;
    if (ahead - inner.clock.ahead_ms()).abs() > CLOCK_SLACK_MS {
        tracing::info!(ahead_ms = ahead, "this machine's clock is not the store's: the store's is used");
        inner.clock.set_ahead_ms(ahead);
    }
    Ok(())
}

/// What was last seen of what is watched.
#[derive(Default)]
struct Seen {
    tasks: HashMap<TaskId, (Rev, Status)>,
    logs: HashMap<TaskId, u64>,
    lists: Vec<(ListQuery, Vec<TaskId>)>,
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

async fn look_at_tasks(inner: &Inner, seen: &mut Seen, watched: &[TaskId]) -> Result<(), StoreError> {
    // What runs here is told as it happens.
    let elsewhere: Vec<_> = watched.iter().copied().filter(|id| inner.live.get(*id).is_none()).collect();
    seen.tasks.retain(|id, _| elsewhere.contains(id));
    if elsewhere.is_empty() {
        return Ok(());
    }
    let found = inner.store.get_many(elsewhere).await?;
    let running: Vec<_> =
        found.iter().filter(|record| record.status() == Status::Running).map(|record| record.id).collect();
    let ticks = if running.is_empty() { HashMap::new() } else { inner.store.ticks(running).await? };
    let mut gone: Vec<_> = seen.tasks.iter().map(|(id, (rev, _))| (*id, rev.version)).collect();
    for record in &found {
        gone.retain(|(id, _)| *id != record.id);
        let state = record.state(ticks.get(&record.id).copied().unwrap_or(0));
        let (rev, status) = (state.rev(), state.status);
        let before = seen.tasks.insert(record.id, (rev, status));
        if before.is_none_or(|(known, _)| rev > known) && inner.live.get(record.id).is_none() {
            // Lists and counters are looked at for themselves.
            inner.hub.publish(state, Some(status));
        }
    }
    for (id, _) in &gone {
        seen.tasks.remove(id);
    }
    inner.hub.gone(&gone);
    Ok(())
}

async fn look_at_logs(inner: &Inner, seen: &mut Seen, watched: &[TaskId]) -> Result<(), StoreError> {
    seen.logs.retain(|id, _| watched.contains(id));
    for id in watched.iter().filter(|id| inner.live.get(**id).is_none()) {
        let last = inner.store.last_log_seq(*id).await?;
        if seen.logs.insert(*id, last) != Some(last) {
            inner.hub.log_grew(*id);
        }
    }
    Ok(())
}

async fn look_at_lists(inner: &Inner, seen: &mut Seen, watched: Vec<ListQuery>) -> Result<(), StoreError> {
    seen.lists.retain(|(list, _)| watched.contains(list));
    for list in watched.into_iter().take(LISTS) {
        let limit = u32::try_from(LIST_ANNOUNCE_LIMIT).unwrap_or(u32::MAX);
        let first = ListQuery { cursor: None, limit: Some(limit), ..list.clone() };
        let found: Vec<_> =
            inner.store.list(first).await?.0.iter().map(|record: &Record| record.id).collect();
        match seen.lists.iter_mut().find(|(known, _)| *known == list) {
            Some((_, known)) => {
                let new: Vec<_> = found.iter().copied().filter(|id| !known.contains(id)).collect();
                *known = found;
                inner.hub.announce(&list, &new);
            }
            None => seen.lists.push((list, found)),
        }
    }
    Ok(())
}

#[cfg(test)]
#[cfg(feature = "postgres")]
mod postgres;
