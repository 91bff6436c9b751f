//! What crashes left of files, and copies that nobody needs here.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use taskdeck_core::{FileId, Timestamp};

use crate::deck::Inner;
use crate::store::StoreError;

/// How many files are looked at in one transaction, and how many in one round; the next round goes on there.
const BATCH: usize = 500;
const LOOKS: usize = 20_000;
/// How long a copy of a file is kept that no task here needs.
const COPIES: Duration = Duration::from_secs(60 * 60);
/// How long a file may stand half written in a directory that other nodes write to as well.
const UNFINISHED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How many of the 256 folders of a directory are looked through in an hour: all of them within a day.
const FOLDERS: i64 = 12;
const HOUR: i64 = 60 * 60 * 1000;
/// How long the bytes of a file may wait for its row, and an upload for its task.
pub(crate) const LOOSE: i64 = 24 * HOUR;

/// Where the walks over files stand.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    loose: Option<FileId>,
    bytes: Option<FileId>,
}

impl Sweep {
    /// Begins to look for loose files at the first again.
    pub(crate) fn begin_again(&mut self) {
        self.loose = None;
    }

    /// Removes uploads that no task came for. A file becomes loose once, with the time, so each is looked at once.
    pub(crate) async fn loose(&mut self, inner: &Inner) -> Result<(), StoreError> {
        let before = inner.clock.now().plus_millis(-LOOSE);
        for _ in 0..LOOKS / BATCH {
            let walked = inner.store.remove_loose_files(before, self.loose, BATCH).await?;
            inner.files.remove(&walked.removed).await;
            self.loose = walked.last.or(self.loose);
            if !walked.more || inner.stopping.is_cancelled() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Removes bytes that never became a file: whoever wrote them is dead.
    pub(crate) async fn stray(&mut self, inner: &Arc<Inner>) -> Result<(), StoreError> {
        let before = inner.clock.now().plus_millis(-LOOSE);
        for _ in 0..LOOKS / BATCH {
            let walked = inner.store.remove_stray_bytes(before, self.bytes, BATCH).await?;
            self.bytes = walked.last.filter(|_| walked.more);
            if !walked.more || inner.stopping.is_cancelled() {
                break;
            }
        }
        inner.remove_stray_files(before).await
    }
}

/// When a file was begun.
fn made_at(id: FileId) -> Option<Timestamp> {
    let (seconds, _) = id.as_uuid().get_timestamp()?.to_unix();
    Some(Timestamp::from_millis(i64::try_from(seconds).ok()?.saturating_mul(1_000)))
}

impl Inner {
    /// Removes copies of files that the store has, and that nobody here has used for a while.
    pub(crate) async fn forget_copies(self: &Arc<Self>) -> Result<(), StoreError> {
        let before = SystemTime::now().checked_sub(COPIES).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut old = Vec::new();
        for folder in 0..=u8::MAX {
            old.extend(self.kept_since(folder, before).await?);
        }
        if old.is_empty() {
            return Ok(());
        }
        // A body may have the path of one, whenever it began.
        let mut needed = HashSet::new();
        for task in self.live.all() {
            needed.extend(self.store.task_files(Some(task.id)).await?.into_iter().map(|file| file.file.id));
        }
        old.retain(|id| !needed.contains(id));
        // What was used since the look stays.
        self.aside(move |inner| inner.files.remove_unused(&old, before)).await
    }

    /// Removes what is in a directory of its own and that the store does not know, in some of its folders.
    async fn remove_stray_files(self: &Arc<Self>, before: Timestamp) -> Result<(), StoreError> {
        if self.files.is_temporary() {
            return Ok(());
        }
        if self.store.is_shared() {
            let old = SystemTime::now().checked_sub(UNFINISHED);
            self.aside(move |inner| inner.files.sweep_unfinished(old)).await?;
        }
        let first = self.clock.now().as_millis() / HOUR * FOLDERS;
        for folder in first..first + FOLDERS {
            self.remove_stray_of(u8::try_from(folder.rem_euclid(256)).unwrap_or(0), before).await?;
        }
        Ok(())
    }

    pub(super) async fn remove_stray_of(
        self: &Arc<Self>,
        folder: u8,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let loose = Duration::from_millis(LOOSE.unsigned_abs());
        let written = SystemTime::now().checked_sub(loose).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut old = self.kept_since(folder, written).await?;
        old.retain(|id| made_at(*id).is_some_and(|made| made < before));
        for ids in old.chunks(BATCH) {
            let known: HashSet<_> =
                self.store.files(ids.to_vec()).await?.into_iter().map(|file| file.id).collect();
            let stray: Vec<_> = ids.iter().copied().filter(|id| !known.contains(id)).collect();
            self.files.remove(&stray).await;
        }
        Ok(())
    }

    async fn kept_since(self: &Arc<Self>, folder: u8, before: SystemTime) -> Result<Vec<FileId>, StoreError> {
        self.aside(move |inner| inner.files.kept_since(folder, before)).await
    }

    /// Runs on a thread that may block.
    async fn aside<R: Send + 'static>(
        self: &Arc<Self>,
        run: impl FnOnce(&Self) -> std::io::Result<R> + Send + 'static,
    ) -> Result<R, StoreError> {
        let inner = Arc::clone(self);
        match tokio::task::spawn_blocking(move || run(&inner)).await {
            Ok(done) => {
                done.map_err(|error| StoreError::Database(format!("the directory of files: {error}")))
            }
            Err(_) => Err(StoreError::Closed),
        }
    }
}
