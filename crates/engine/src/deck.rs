//! The deck: a store, a worker and a feed, put together and taken apart.

use std::any::TypeId;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskdeck_core::{
    Actor, DeckError, DeckId, Definition, Kind, ScheduleName, ScheduleSpec, SessionId, State, Status, Task,
    TaskId, TaskState,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::Client;
use crate::context::Resources;
use crate::files::FileStore;
use crate::hub::Hub;
use crate::live::LiveTasks;
use crate::pulse::{self, Pulse};
use crate::registry::{Linked, Registry, RegistryError, TaskBody};
use crate::settings::Settings;
use crate::start::Start;
use crate::store::sqlite::SqliteStore;
use crate::store::{Applied, Change, FileRole, Record, Store, StoreError};
use crate::worker::{self, Worker};
use crate::{clock, maintenance, schedule};

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
    pub(crate) due: tokio::sync::Notify,
    /// A schedule's next time may be another.
    pub(crate) schedules_changed: tokio::sync::Notify,
    pub(crate) session: SessionId,
    pub(crate) worker_name: String,
    /// Fires first at a shutdown: nothing new is claimed, what runs is asked to stop.
    pub(crate) stopping: CancellationToken,
    /// Fires last: the loops end.
    pub(crate) stopped: CancellationToken,
    /// Owns the attempts.
    pub(crate) running: TaskTracker,
    /// Owns the loops.
    loops: TaskTracker,
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
        if let Applied::Changed(record, before) = &applied {
            self.told(record, Some(*before));
        }
        Ok(applied)
    }

    /// Tells of a durable change: feed, worker, timer.
    pub(crate) fn told(&self, record: &Record, before: Option<Status>) {
        let status = record.machine.state.status();
        let state = if status == Status::Running { self.live.changed(record) } else { None };
        self.hub.publish(state.unwrap_or_else(|| record.state(0)), before);
        match record.machine.state {
            State::Queued { .. } => self.worker.ready.notify_one(),
            State::Scheduled { .. } => self.due.notify_one(),
            _ => {}
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

    pub(crate) fn of(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    #[cfg(test)]
    pub(crate) fn inner(&self) -> Arc<Inner> {
        Arc::clone(&self.inner)
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
    /// A schedule of the program cannot do what it says.
    #[error("the schedule {name} is wrong: {why}")]
    Schedule {
        /// Which.
        name: ScheduleName,
        /// What is wrong.
        why: String,
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
    schedules: Vec<ScheduleSpec>,
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

    /// Starts tasks at certain times. The store is made to agree with the schedules of the program when the deck is
    /// built: one that the program has no more is removed (its tasks stay), and one that a person paused stays paused.
    ///
    /// ```
    /// use taskdeck_core::{Kind, ScheduleName, ScheduleSpec};
    /// # fn of(builder: taskdeck_engine::DeckBuilder) -> Result<taskdeck_engine::DeckBuilder, Box<dyn std::error::Error>> {
    /// let (name, kind) = (ScheduleName::new("nightly-backup")?, Kind::new("backup_database")?);
    /// Ok(builder.schedule(ScheduleSpec {
    ///     time_zone: "Europe/Berlin".to_owned(),
    ///     params: serde_json::json!({"format": "sql"}),
    ///     ..ScheduleSpec::new(name, kind, "0 3 * * *")
    /// }))
    /// # }
    /// ```
    #[must_use]
    pub fn schedule(mut self, spec: ScheduleSpec) -> Self {
        self.schedules.push(spec);
        self
    }

    /// Opens the store, rescues what an earlier process left running, and starts to work. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`BuildError`], when a kind is registered twice, the store cannot be opened, is in use, or is too new, or a schedule
    /// cannot do what it says.
    pub async fn build(self) -> Result<Deck, BuildError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        let schedules = schedule::read_code(&self.registry, self.schedules)?;
        let (path, durability) = (self.path, self.settings.durability);
        let files = match &path {
            Some(path) => {
                let mut name = path.as_os_str().to_owned();
                name.push(".files");
                (PathBuf::from(name), false)
            }
            None => (std::env::temp_dir().join(format!("taskdeck-{}", uuid::Uuid::new_v4().simple())), true),
        };
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(path.as_deref(), durability));
        let store = opened.await.map_err(|error| BuildError::Answer(error.to_string()))??;
        let files = FileStore::open(files.0, files.1)?;
        files.sweep_unfinished()?;
        let inner = Arc::new(Inner {
            worker: Worker::new(self.settings.max_concurrent.max(1)),
            settings: self.settings,
            registry: self.registry,
            resources: self.resources,
            store: Arc::new(store),
            files,
            hub: Hub::default(),
            live: Arc::default(),
            pulse: Arc::default(),
            due: tokio::sync::Notify::new(),
            schedules_changed: tokio::sync::Notify::new(),
            session: clock::new_session_id(),
            worker_name: format!("{}:{}", hostname(), std::process::id()),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            running: TaskTracker::new(),
            loops: TaskTracker::new(),
        });
        rescue(&inner).await.map_err(|error| BuildError::Answer(error.to_string()))?;
        schedule::settle_code(&inner, schedules)
            .await
            .map_err(|error| BuildError::Answer(error.to_string()))?;
        inner.loops.spawn(pulse::tell(Arc::clone(&inner)));
        inner.loops.spawn(pulse::save(Arc::clone(&inner)));
        inner.loops.spawn(maintenance::promote_loop(Arc::clone(&inner)));
        inner.loops.spawn(maintenance::prune_loop(Arc::clone(&inner)));
        inner.loops.spawn(schedule::fire_loop(Arc::clone(&inner)));
        if inner.settings.worker {
            inner.loops.spawn(worker::claim_loop(Arc::clone(&inner)));
        }
        Ok(Deck { inner })
    }
}

/// The store's lock says that no other engine lives, so whatever runs was left by a dead one.
async fn rescue(inner: &Inner) -> Result<(), StoreError> {
    let rescued = inner.store.rescue_all_but(inner.session, clock::now()).await?;
    for record in &rescued {
        tracing::warn!(task = %record.id, kind = %record.kind, to = %record.machine.state.status(), "rescued");
    }
    Ok(())
}

fn hostname() -> String {
    let from_file = std::fs::read_to_string("/etc/hostname").map(|name| name.trim().to_owned());
    from_file.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}
