//! What goes on beside the work: what time brings, and what time takes away.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use taskdeck_core::{Status, TaskId, Timestamp};

use crate::deck::Inner;
use crate::files::Sweep;
use crate::store::{RemoveWhich, StoreError};

/// How many tasks one transaction moves or removes, so that no writer waits long for it.
const BATCH: usize = 500;
const PRUNE_EVERY: Duration = Duration::from_secs(60);
const PRUNED: &str = "pruned_at";
/// Nodes are not on the second.
const LENIENCE: Duration = Duration::from_secs(5);
/// How often it is looked for what crashes left of files.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// How many tasks of a status one round of pruning looks at; the next goes on where it stopped.
const PRUNE_LOOKS: usize = 20_000;
/// How long it is kept what happened in each minute.
pub(crate) const KEEP_ROLLUPS: i64 = 14 * 24 * 60 * 60 * 1000;
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long until one looks again at what somebody else is doing.
const BUSY: Duration = Duration::from_millis(50);

/// Queues scheduled tasks when they are due, and ends what waited too long: one timer for all of them.
pub(crate) async fn due_loop(inner: Arc<Inner>) {
    loop {
        // Armed before the look, so that a task scheduled after it wakes the loop.
        let changed = inner.due.notified();
        let wait = match due(&inner).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, "due tasks could not be queued; it is tried again");
                Some(RETRY_AFTER)
            }
        };
        let timer = async {
            match wait {
                Some(wait) => inner.clock.sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = timer => {}
            () = changed => {}
            () = inner.stopped.cancelled() => return,
        }
    }
}

/// Does what is due; the time until the next, if there is one.
async fn due(inner: &Inner) -> Result<Option<Duration>, StoreError> {
    let Some(next) = inner.store.next_due().await? else { return Ok(None) };
    let wait = next.millis_since(inner.clock.now());
    if wait > 0 {
        // A long sleep would not notice that the wall clock was set forward.
        return Ok(Some(Duration::from_millis(wait.min(10_000))));
    }
    let moved = inner.store.due(inner.clock.now(), BATCH).await?;
    inner.told_all(&moved);
    // Nothing: another node is busy with it.
    Ok(Some(if moved.is_empty() { BUSY } else { Duration::ZERO }))
}

/// Removes ended tasks after the retention time, and uploads that no task came for.
pub(crate) async fn prune_loop(inner: Arc<Inner>) {
    let (mut walks, mut files) = (Walks::new(), Sweep::default());
    let mut swept: Option<Instant> = None;
    loop {
        if swept.is_none_or(|at| at.elapsed() > SWEEP_EVERY) {
            swept = Some(Instant::now());
            if let Err(error) = sweep(&inner, &mut files).await {
                tracing::warn!(%error, "what crashes left of files could not be removed; it is tried again");
            }
        }
        if let Err(error) = prune(&inner, &mut walks, &mut files).await {
            tracing::warn!(%error, "old tasks could not be removed; it is tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(PRUNE_EVERY) => {}
            () = inner.stopped.cancelled() => {
                if let Err(error) = inner.store.end_turn(PRUNED).await {
                    tracing::debug!(%error, "the next node waits a minute before it prunes");
                }
                return;
            }
        }
    }
}

/// Removes bytes of files that no task came for, and copies that nobody needs here.
async fn sweep(inner: &Arc<Inner>, files: &mut Sweep) -> Result<(), StoreError> {
    if inner.keeps_copies() {
        inner.forget_copies().await?;
    }
    files.begin_again();
    if inner.store.has_turn("swept_at", SWEEP_EVERY - LENIENCE).await? {
        files.stray(inner).await?;
    }
    Ok(())
}

/// Where the walk over the ended tasks of each status and kind stands.
type Walks = HashMap<(Status, String), TaskId>;

async fn prune(inner: &Inner, walks: &mut Walks, files: &mut Sweep) -> Result<(), StoreError> {
    // Of many nodes one is enough.
    if !inner.store.has_turn(PRUNED, PRUNE_EVERY - LENIENCE).await? {
        return Ok(());
    }
    let now = inner.clock.now();
    while !inner.stopping.is_cancelled() && inner.remove(RemoveWhich::OwnTime(now), BATCH).await? >= BATCH {}
    let mut lanes: Vec<_> = inner.store.lane_counts().await?;
    lanes.sort_by(|a, b| (a.status, &a.kind).cmp(&(b.status, &b.kind)));
    lanes.dedup_by(|a, b| (a.status, &a.kind) == (b.status, &b.kind));
    for lane in lanes.into_iter().filter(|lane| lane.status.has_ended()) {
        prune_lane(inner, lane.status, lane.kind, walks, now).await?;
    }
    while !inner.stopping.is_cancelled()
        && inner.store.remove_rollups(now.plus_millis(-KEEP_ROLLUPS), BATCH).await? >= BATCH
    {}
    files.loose(inner).await
}

/// One round over the ended tasks of a status and kind, oldest first. Nothing that was created after the limit can
/// have ended before it, so the walk ends there.
async fn prune_lane(
    inner: &Inner,
    status: Status,
    kind: String,
    walks: &mut Walks,
    now: Timestamp,
) -> Result<(), StoreError> {
    let limit = now.plus_millis(millis(inner.retention(&kind, status)).saturating_neg());
    let lane = (status, kind);
    for _ in 0..PRUNE_LOOKS / BATCH {
        if inner.stopping.is_cancelled() {
            return Ok(());
        }
        let found = inner.store.oldest(status, lane.1.clone(), walks.get(&lane).copied(), BATCH).await?;
        let Some(last) = found.last().map(|task| task.id) else {
            // The end: the next round begins at the oldest again.
            walks.remove(&lane);
            return Ok(());
        };
        let old: Vec<_> = found.iter().filter(|task| task.ended_at <= limit).map(|task| task.id).collect();
        if !old.is_empty() {
            inner.remove(RemoveWhich::Tasks(old), BATCH).await?;
        }
        if last.timestamp().is_none_or(|created| created > limit) {
            walks.remove(&lane);
            return Ok(());
        }
        walks.insert(lane.clone(), last);
    }
    Ok(())
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl Inner {
    /// How long an ended task is kept.
    fn retention(&self, kind: &str, status: Status) -> Duration {
        let of_kind = self.registry.get(kind).and_then(|entry| entry.definition.limits.retention_ms);
        of_kind.map_or_else(|| self.retention_of(status), Duration::from_millis)
    }

    fn retention_of(&self, status: Status) -> Duration {
        let own = self.settings.retention_of.iter().find(|(of, _)| *of == status);
        own.map_or(self.settings.retention, |(_, time)| *time)
    }

    /// Removes ended tasks with all that is theirs, and tells those who watch; how many.
    pub(crate) async fn remove(&self, which: RemoveWhich, max: usize) -> Result<usize, StoreError> {
        let removed = self.store.remove(which, max).await?;
        self.files.remove(&removed.files).await;
        self.hub.gone(&removed.tasks);
        Ok(removed.tasks.len())
    }
}
