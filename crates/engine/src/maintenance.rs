//! What goes on beside the work: tasks whose time has come, and tasks whose time is over.

use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::deck::Inner;
use crate::store::{RemoveWhich, StoreError};

/// How many tasks one transaction moves or removes, so that no writer waits long for it.
const BATCH: usize = 500;
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// How long an upload waits for the task that it is for.
const LOOSE_FILES: i64 = 24 * 60 * 60 * 1000;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Queues scheduled tasks when they are due: one timer for all of them.
pub(crate) async fn promote_loop(inner: Arc<Inner>) {
    loop {
        // Armed before the look, so that a task scheduled after it wakes the loop.
        let changed = inner.due.notified();
        let wait = match promote(&inner).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, "due tasks could not be queued; it is tried again");
                Some(RETRY_AFTER)
            }
        };
        let timer = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
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

/// Queues what is due; the time until the next, if there is one.
async fn promote(inner: &Inner) -> Result<Option<Duration>, StoreError> {
    let Some(next) = inner.store.next_due().await? else { return Ok(None) };
    let wait = next.millis_since(clock::now());
    if wait > 0 {
        // A long sleep would not notice that the wall clock was set forward.
        return Ok(Some(Duration::from_millis(wait.min(10_000))));
    }
    for record in inner.store.promote_due(clock::now(), BATCH).await? {
        inner.told(&record, Some(taskdeck_core::Status::Scheduled));
    }
    Ok(Some(Duration::ZERO))
}

/// Removes ended tasks after the retention time, and uploads that no task came for.
pub(crate) async fn prune_loop(inner: Arc<Inner>) {
    loop {
        if let Err(error) = prune(&inner).await {
            tracing::warn!(%error, "old tasks could not be removed; it is tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(PRUNE_EVERY) => {}
            () = inner.stopped.cancelled() => return,
        }
    }
}

async fn prune(inner: &Inner) -> Result<(), StoreError> {
    let now = clock::now();
    let keep = i64::try_from(inner.settings.retention.as_millis()).unwrap_or(i64::MAX);
    let which = RemoveWhich::EndedBefore(now.plus_millis(keep.saturating_neg()));
    while !inner.stopping.is_cancelled() {
        if inner.remove(which.clone(), BATCH).await? < BATCH {
            break;
        }
    }
    let loose = inner.store.remove_loose_files(now.plus_millis(-LOOSE_FILES)).await?;
    inner.files.remove(&loose).await;
    Ok(())
}

impl Inner {
    /// Removes ended tasks with all that is theirs, and tells those who watch; how many.
    pub(crate) async fn remove(&self, which: RemoveWhich, max: usize) -> Result<usize, StoreError> {
        let removed = self.store.remove(which, max).await?;
        self.files.remove(&removed.files).await;
        self.hub.gone(&removed.tasks);
        Ok(removed.tasks.len())
    }
}
