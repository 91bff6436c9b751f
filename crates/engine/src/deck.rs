//! The deck: a store, a worker and a feed, put together and taken apart.

use std::any::TypeId;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskdeck_core::{
    Actor, DeckError, DeckId, Definition, Kind, LaneLimits, QueueName, SessionId, State, Status, Task,
    TaskId, TaskState,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::Client;
use crate::context::Resources;
use crate::dispatch::{self, Dispatch};
use crate::files::FileStore;
use crate::heart::Heart;
use crate::hub::Hub;
use crate::live::LiveTasks;
use crate::pulse::{self, Pulse};
use crate::registry::{Linked, Registry, RegistryError, TaskBody};
use crate::settings::Settings;
use crate::start::Start;
use crate::starts::StartRates;
use crate::store::sqlite::SqliteStore;
use crate::store::{Applied, Change, Control, FileRole, Moved, Record, Scope, Store, StoreError};
use crate::worker::{self, Worker};
use crate::{heart, maintenance, watch};

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
    /// How often each user starts something.
    pub(crate) starts: StartRates,
    pub(crate) due: tokio::sync::Notify,
    /// This process, as the store knows it, and the thread that says that it lives.
    pub(crate) heart: Heart,
    pub(crate) worker_name: String,
    /// Fires first at a shutdown: nothing new is claimed, what runs is asked to stop.
    pub(crate) stopping: CancellationToken,
    /// Fires last: the loops end.
    pub(crate) stopped: CancellationToken,
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
            self.hub.publish(state.unwrap_or_else(|| record.state(0)), before);
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
        live.filter(|state| state.version >= record.machine.version).unwrap_or_else(|| record.state(0))
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

    #[cfg(test)]
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

    /// Copies the store to a new SQLite file while work goes on: one consistent state.
    ///
    /// # Errors
    /// When the file exists or cannot be written, or the store is in memory.
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
        inner.hub.close();
        inner.stopped.cancel();
        heart::leave(inner).await;
        inner.loops.close();
        inner.loops.wait().await;
        inner.store.close().await;
    }
}

/// Why a deck could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A kind could not be registered.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The store could not be opened.
    #[error("cannot open the store {path}: {why}")]
    Store {
        /// Which.
        path: String,
        /// Why not.
        why: String,
    },
    /// Another process works on the store.
    #[error(
        "the store {path} is in use by {holder}: a SQLite store has one engine; use PostgreSQL for several"
    )]
    Held {
        /// Which store.
        path: String,
        /// Who holds it.
        holder: String,
    },
    /// The store was written by a newer version of Taskdeck.
    #[error("the store {path} has schema {found}, and this program knows only {known}: use a newer Taskdeck")]
    NewerSchema {
        /// Which store.
        path: String,
        /// Its schema.
        found: usize,
        /// The newest schema that this program knows.
        known: usize,
    },
    /// The directory for files could not be made.
    #[error("cannot use the directory for files: {0}")]
    Files(#[from] std::io::Error),
    /// The store did not answer.
    #[error("the store did not answer: {0}")]
    Answer(String),
}

impl BuildError {
    pub(crate) fn store(path: Option<&Path>, error: &rusqlite::Error) -> Self {
        let path = path.map_or_else(|| "memory".to_owned(), |path| path.display().to_string());
        Self::Store { path, why: error.to_string() }
    }
}

/// Puts a deck together.
#[derive(Default)]
pub struct DeckBuilder {
    path: Option<PathBuf>,
    settings: Settings,
    registry: Registry,
    resources: Resources,
    failed: Option<RegistryError>,
    /// A store that several decks share: for tests of what happens between nodes.
    store: Option<Arc<dyn Store>>,
}

impl std::fmt::Debug for DeckBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeckBuilder")
            .field("path", &self.path)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl DeckBuilder {
    /// Keeps everything in this SQLite file (made if it is not there) and in the directory `<file>.files` beside it.
    #[must_use]
    pub fn sqlite(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Keeps everything in memory: for tests. This is what a deck does that is told nothing.
    #[must_use]
    pub fn memory(mut self) -> Self {
        self.path = None;
        self
    }

    /// Shares a store with other decks of this process, as nodes share a database.
    #[cfg(test)]
    pub(crate) fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Limits a queue; a person's limits go before these.
    #[must_use]
    pub fn queue(mut self, name: QueueName, limits: LaneLimits) -> Self {
        self.settings.queues.retain(|(known, _)| *known != name);
        self.settings.queues.push((name, limits));
        self
    }

    /// Sets everything that can be set.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Gives all tasks a resource, which they get by its type.
    #[must_use]
    pub fn resource<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.resources.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// Registers a kind.
    #[must_use]
    pub fn register<T: TaskBody>(mut self) -> Self {
        let added = self.registry.add::<T>();
        self.failed = self.failed.or(added.err());
        self
    }

    /// Registers every `#[task]` that is linked into the program.
    #[must_use]
    pub fn register_linked(mut self) -> Self {
        for linked in inventory::iter::<Linked> {
            let added = (linked.add)(&mut self.registry);
            self.failed = self.failed.or(added.err());
        }
        self
    }

    /// Opens the store, rescues what an earlier process left running, and starts to work. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`BuildError`], when a kind is registered twice, the store cannot be opened, is in use, or is too new.
    pub async fn build(self) -> Result<Deck, BuildError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        let (path, durability) = (self.path, self.settings.durability);
        let files = match &path {
            Some(path) => {
                let mut name = path.as_os_str().to_owned();
                name.push(".files");
                (PathBuf::from(name), false)
            }
            None => (std::env::temp_dir().join(format!("taskdeck-{}", uuid::Uuid::new_v4().simple())), true),
        };
        // The lock of a SQLite store says that no other engine lives, so whatever runs was left by a dead one.
        let alone = self.store.is_none();
        let store = match self.store {
            Some(store) => store,
            None => {
                let opened =
                    tokio::task::spawn_blocking(move || SqliteStore::open(path.as_deref(), durability));
                let store = opened.await.map_err(|error| BuildError::Answer(error.to_string()))??;
                Arc::new(store) as Arc<dyn Store>
            }
        };
        let files = FileStore::open(files.0, files.1)?;
        files.sweep_unfinished()?;
        let inner = Arc::new(Inner {
            worker: Worker::new(self.settings.max_concurrent.max(1)),
            dispatch: Arc::new(Dispatch::new(&self.registry, &self.settings.queues)),
            starts: StartRates::new(self.settings.user_rate),
            settings: self.settings,
            registry: self.registry,
            resources: self.resources,
            store,
            files,
            hub: Hub::default(),
            live: Arc::default(),
            pulse: Arc::default(),
            due: tokio::sync::Notify::new(),
            heart: Heart::new(),
            worker_name: format!("{}:{}", hostname(), std::process::id()),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            running: TaskTracker::new(),
            loops: TaskTracker::new(),
        });
        let answer = |error: StoreError| BuildError::Answer(error.to_string());
        heart::join(&inner).await.map_err(answer)?;
        if alone {
            heart::rescue_all_others(&inner).await.map_err(answer)?;
        }
        let controls = load_controls(&inner).await.map_err(answer)?;
        heart::spawn(&inner).map_err(|error| BuildError::Answer(error.to_string()))?;
        inner.loops.spawn(pulse::tell(Arc::clone(&inner)));
        inner.loops.spawn(pulse::save(Arc::clone(&inner)));
        inner.loops.spawn(maintenance::due_loop(Arc::clone(&inner)));
        inner.loops.spawn(watch::watch_loop(Arc::clone(&inner), controls));
        inner.loops.spawn(maintenance::prune_loop(Arc::clone(&inner)));
        if inner.settings.worker {
            inner.loops.spawn(worker::claim_loop(Arc::clone(&inner)));
        }
        Ok(Deck { inner })
    }
}

/// Takes over the pauses and limits that people set.
async fn load_controls(inner: &Inner) -> Result<Vec<Control>, StoreError> {
    let controls = inner.store.controls().await?;
    for control in &controls {
        inner.dispatch.set(control, &inner.program_limits(control.scope, &control.name));
    }
    Ok(controls)
}

impl Inner {
    /// The limits that the program sets for a queue or a kind.
    pub(crate) fn program_limits(&self, scope: Scope, name: &str) -> LaneLimits {
        match scope {
            Scope::Queue => {
                let of = self.settings.queues.iter().find(|(queue, _)| queue.as_str() == name);
                of.map(|(_, limits)| limits.clone()).unwrap_or_default()
            }
            Scope::Kind => {
                let entry = self.registry.get(name);
                entry.map(|entry| dispatch::limits_of(&entry.definition.limits)).unwrap_or_default()
            }
        }
    }
}

fn hostname() -> String {
    let from_file = std::fs::read_to_string("/etc/hostname").map(|name| name.trim().to_owned());
    from_file.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}
