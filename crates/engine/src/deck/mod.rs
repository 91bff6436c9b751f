//! The deck: a store, a worker and a feed, put together and taken apart.

mod builder;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskdeck_core::{
    Actor, DeckError, DeckId, Definition, Kind, SessionId, State, Status, Task, TaskId, TaskState,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use builder::{BuildError, DeckBuilder};

use crate::client::Client;
use crate::clock::Clock;
use crate::context::Resources;
use crate::dispatch::Dispatch;
use crate::embed::EmbedKey;
use crate::files::FileStore;
use crate::heart::{self, Heart};
use crate::hub::Hub;
use crate::layer::{Hook, Layers};
use crate::live_tasks::LiveTasks;
use crate::pulse::Pulse;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::start::{Start, TaskHandle};
use crate::starts::StartRates;
use crate::store::{Applied, Change, FileRole, Moved, Record, Store, StoreError};
use crate::work::Work;
use crate::worker::Worker;

/// What everything in a deck shares.
pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) registry: Registry,
    pub(crate) resources: Resources,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) files: FileStore,
    pub(crate) hub: Hub,
    pub(crate) live: Arc<LiveTasks>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) worker: Worker,
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) layers: Layers,
    /// How often each user starts something.
    pub(crate) starts: StartRates,
    pub(crate) due: tokio::sync::Notify,
    /// A schedule's next time may be another.
    pub(crate) schedules_changed: tokio::sync::Notify,
    /// What other nodes did to the tasks that run here is to be looked at.
    pub(crate) look: tokio::sync::Notify,
    /// What other nodes did to the tasks that are watched here is to be looked at.
    pub(crate) watched: tokio::sync::Notify,
    /// This process, as the store knows it, and the thread that says that it lives.
    pub(crate) heart: Heart,
    pub(crate) worker_name: String,
    /// What this process has worked so far.
    pub(crate) work: Work,
    /// What the tokens of widgets in other pages are signed with.
    pub(crate) embed_key: EmbedKey,
    on_shutdown: Vec<Hook>,
    /// Fires first at a shutdown: nothing new is claimed, what runs is asked to stop.
    pub(crate) stopping: CancellationToken,
    /// Fires last: the loops end.
    pub(crate) stopped: CancellationToken,
    /// Where the attempts run, whoever starts them.
    pub(crate) runtime: tokio::runtime::Handle,
    /// Owns the attempts.
    pub(crate) running: TaskTracker,
    /// Owns the loops.
    pub(crate) loops: TaskTracker,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Deck({})", self.store.deck_id())
    }
}

impl Inner {
    /// Applies a change and tells everybody whom it concerns, after it is durable.
    pub(crate) async fn apply(&self, change: Change) -> Result<Applied, StoreError> {
        let applied = self.store.apply(vec![change]).await?.pop().ok_or(StoreError::Closed)?;
        if let Applied::Changed(record, before, also) = &applied {
            self.told(record, Some(*before));
            self.told_all(also);
        }
        Ok(applied)
    }

    pub(crate) fn told_all(&self, moved: &[Moved]) {
        for Moved { record, before } in moved {
            self.told(record, *before);
        }
    }

    /// The session under which this node claims.
    pub(crate) fn session(&self) -> SessionId {
        self.heart.session()
    }

    /// Tells of a durable change: feed, worker, timer.
    pub(crate) fn told(&self, record: &Record, before: Option<Status>) {
        let status = record.machine.state.status();
        let state = if status == Status::Running { self.live.changed(record, self.session()) } else { None };
        if !self.hub.is_idle() {
            self.hub.publish(state.unwrap_or_else(|| record.state()), before);
        }
        match record.machine.state {
            State::Queued { .. } => self.worker.queued(),
            State::Scheduled { until: Some(_) } | State::WaitingConfirmation { until: Some(_), .. } => {
                self.due.notify_one();
            }
            _ => {}
        }
        if record.machine.expires_at.is_some() && matches!(status, Status::Queued | Status::Scheduled) {
            self.due.notify_one();
        }
    }

    /// The task as it is now, progress in memory included.
    pub(crate) fn current(&self, record: &Record) -> TaskState {
        let live = self.live.get(record.id).map(|live| live.state());
        live.filter(|state| state.version >= record.machine.version).unwrap_or_else(|| record.state())
    }

    pub(crate) async fn current_of(&self, id: TaskId) -> Result<Option<TaskState>, StoreError> {
        Ok(self.store.get(id).await?.map(|record| self.current(&record)))
    }

    pub(crate) fn definition(&self, kind: &Kind) -> Option<&Definition> {
        self.registry.get(kind.as_str()).map(|entry| &*entry.definition)
    }
}

/// A running deck. Cheap to clone; it runs until [`Deck::shutdown`].
#[derive(Clone, Debug)]
pub struct Deck {
    inner: Arc<Inner>,
}

/// A file that belongs to a task.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// The task.
    pub task: TaskId,
    /// The task's kind.
    pub kind: Kind,
    /// Whether the task made it; else it was uploaded for the task.
    pub is_artifact: bool,
    /// Where its bytes are.
    pub path: PathBuf,
    /// Where they are within the deck's directory of files, such as `files/1f/0198..`.
    pub archive_name: String,
}

impl Deck {
    /// Begins a deck.
    #[must_use]
    pub fn builder() -> DeckBuilder {
        DeckBuilder::default()
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn of(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// The way in for an actor.
    #[must_use]
    pub fn as_actor(&self, actor: Actor) -> Client {
        Client::new(Arc::clone(&self.inner), actor)
    }

    /// Starts a task on behalf of the program itself.
    pub fn start<T: Task>(&self, task: T) -> Start<T> {
        self.as_actor(Actor::System).start_task(task)
    }

    /// The handle of a task that was started before, for the program itself: see [`Client::handle`].
    #[must_use]
    pub fn handle<T: Task>(&self, id: TaskId) -> TaskHandle<T> {
        self.as_actor(Actor::System).handle(id)
    }

    /// The deck's id; it stays with the store.
    #[must_use]
    pub fn id(&self) -> DeckId {
        self.inner.store.deck_id()
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Whether the store answers and takes what is written.
    ///
    /// # Errors
    /// [`DeckError::Unavailable`] with the reason: it does not answer, or what was written last failed (the disk is
    /// full, another process has the file), and nothing has gone well since.
    pub async fn ready(&self) -> Result<(), DeckError> {
        self.inner.store.counts().await?;
        match self.inner.store.trouble() {
            Some(reason) => {
                Err(DeckError::Unavailable { reason: format!("the store does not take writes: {reason}") })
            }
            None => Ok(()),
        }
    }

    /// Whether nodes can share the deck: it is in a PostgreSQL database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.inner.store.is_shared()
    }

    /// Copies the store to a new SQLite file while work goes on: one consistent state.
    ///
    /// # Errors
    /// When the file exists or cannot be written, or the store is in memory or a PostgreSQL database.
    pub async fn backup_to(&self, path: &Path) -> Result<(), DeckError> {
        Ok(self.inner.store.backup_to(path).await?)
    }

    /// Every file that belongs to a task.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn stored_files(&self) -> Result<Vec<StoredFile>, DeckError> {
        let files = self.inner.store.task_files(None).await?;
        let stored = |of: crate::store::TaskFile| StoredFile {
            task: of.task,
            kind: of.kind,
            is_artifact: of.role == FileRole::Artifact,
            path: self.inner.files.path(of.file.id),
            archive_name: self.inner.files.archive_name(of.file.id),
        };
        Ok(files.into_iter().map(stored).collect())
    }

    /// Ends the deck in good order: claims nothing more, asks what runs to stop, gives it the grace time, and puts
    /// what did not end back into its queue at no cost of a try.
    pub async fn shutdown(&self) {
        let inner = &self.inner;
        inner.stopping.cancel();
        for task in inner.live.all() {
            task.stop.cancel();
        }
        inner.running.close();
        // Each attempt is aborted after its grace time; what still holds its thread then cannot be waited for.
        let longest = inner.settings.grace + std::time::Duration::from_secs(3);
        if tokio::time::timeout(longest, inner.running.wait()).await.is_err() {
            tracing::warn!("some tasks did not let go of their threads; they are rescued at the next start");
        }
        for hook in &inner.on_shutdown {
            hook(self.clone()).await;
        }
        inner.hub.close();
        inner.stopped.cancel();
        heart::leave(inner).await;
        inner.loops.close();
        inner.loops.wait().await;
        inner.store.close().await;
    }
}
