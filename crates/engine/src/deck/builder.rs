//! Putting a deck together.

use std::any::TypeId;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskdeck_core::{
    DeckError, LaneLimits, QueueName, ScheduleName, ScheduleSpec, Started, Status, TaskError,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Deck, Inner};
use crate::bulk::BulkAction;
use crate::clock::Clock;
use crate::context::{Resources, TaskContext};
use crate::dispatch::{self, Dispatch};
use crate::embed::{self, EmbedKey};
use crate::files::FileStore;
use crate::heart::{self, Heart};
use crate::hub::Hub;
use crate::layer::{Hook, Layers, NextAttempt, NextStart, StartCall};
use crate::registry::{Linked, Registry, RegistryError, TaskBody};
use crate::settings::Settings;
use crate::starts::StartRates;
#[cfg(feature = "postgres")]
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::SqliteStore;
use crate::store::{Scope, Store, StoreError};
use crate::work::Work;
use crate::worker::{self, Worker};
use crate::{maintenance, nodes, panics, pulse, schedule, watch};

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
    /// A copy of the deck is being made.
    #[error("the store {path} is being copied: a node may start when that is done")]
    Copying {
        /// Which store.
        path: String,
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
    /// The directory that is named for files is not the one of this deck.
    #[error("cannot keep files in {path}: {why}")]
    FilesRefused {
        /// Which.
        path: String,
        /// Why not.
        why: String,
    },
    /// The deck has a directory for its files, and none is named.
    #[error(
        "this deck keeps its files in a directory of their own: name it (TASK_FILES, \
        `Deck::builder().files(..)`, or --from-files and --to-files for a copy)"
    )]
    FilesUnnamed,
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
    files: Option<PathBuf>,
    #[cfg(feature = "postgres")]
    url: Option<String>,
    settings: Settings,
    registry: Registry,
    resources: Resources,
    failed: Option<RegistryError>,
    schedules: Vec<ScheduleSpec>,
    pub(crate) clock: Arc<Clock>,
    layers: Layers,
    on_start: Vec<Hook>,
    on_shutdown: Vec<Hook>,
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

    /// Keeps everything in the schema `taskdeck` of this PostgreSQL database (`postgres://user@host/database`), which is
    /// made if it is not there. Any number of nodes may share it; each has so many connections as
    /// [`Settings::store_connections`] says. Uploads and artifacts are in the database too, and a node keeps copies of
    /// those that it needs in a directory of its own; unless [`DeckBuilder::files`] names one that all nodes have.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn postgres(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Keeps uploads and artifacts in this directory (made if it is not there), and not in the PostgreSQL database or beside
    /// the SQLite file. Where nodes share a database it must be the same directory for all of them, such as one on NFS: a
    /// file in it says whose it is, and a node that has another one is refused. A deck
    /// that has a directory keeps it; what was in the database before is read from there.
    #[must_use]
    pub fn files(mut self, directory: impl Into<PathBuf>) -> Self {
        self.files = Some(directory.into());
        self
    }

    pub(crate) fn clock(mut self, clock: Clock) -> Self {
        self.clock = Arc::new(clock);
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

    /// Runs something when the deck is open and before it claims its first task.
    #[must_use]
    pub fn on_start<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Deck) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_start.push(Box::new(move |deck| Box::pin(hook(deck))));
        self
    }

    /// Runs something at the shutdown, when the last attempt is over and the store is still open.
    #[must_use]
    pub fn on_shutdown<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Deck) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_shutdown.push(Box::new(move |deck| Box::pin(hook(deck))));
        self
    }

    /// Puts a layer around every attempt: it may look at the task before and at the result after, change it, or not
    /// run the body at all. The layer that was added first is the outermost.
    ///
    /// ```
    /// # use taskdeck_engine::Deck;
    /// let builder = Deck::builder().around_attempts(|ctx, next| async move {
    ///     let began = std::time::Instant::now();
    ///     let result = next.run().await;
    ///     ctx.info(format!("took {:?}", began.elapsed()));
    ///     result
    /// });
    /// # drop(builder);
    /// ```
    #[must_use]
    pub fn around_attempts<F, Fut>(mut self, layer: F) -> Self
    where
        F: Fn(TaskContext, NextAttempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<serde_json::Value, TaskError>> + Send + 'static,
    {
        self.layers.attempts.push(Arc::new(move |ctx, next| Box::pin(layer(ctx, next))));
        self
    }

    /// Puts a layer around every start through a client, server functions and REST included. The layer that was added
    /// first is the outermost.
    #[must_use]
    pub fn around_starts<F, Fut>(mut self, layer: F) -> Self
    where
        F: Fn(StartCall, NextStart) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Started, DeckError>> + Send + 'static,
    {
        self.layers.starts.push(Arc::new(move |call, next| Box::pin(layer(call, next))));
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
    /// [`BuildError`], when a kind is registered twice, the store cannot be opened, is in use, or is too new, or a
    /// schedule cannot do what it says.
    pub async fn build(mut self) -> Result<Deck, BuildError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        panics::install_hook();
        self.registry.add::<BulkAction>()?;
        let schedules = schedule::read_code(&self.registry, self.schedules)?;
        let (path, durability) = (self.path, self.settings.durability);
        let database = path.clone();
        #[cfg(feature = "postgres")]
        let shared = match self.url {
            Some(url) if self.store.is_none() => {
                let connections = self.settings.store_connections;
                let opened =
                    tokio::task::spawn_blocking(move || PostgresStore::open(&url, connections, durability));
                let store = opened.await.map_err(|error| BuildError::Answer(error.to_string()))??;
                Some(Arc::new(store) as Arc<dyn Store>)
            }
            _ => self.store,
        };
        #[cfg(not(feature = "postgres"))]
        let shared = self.store;
        // The lock of a SQLite store says that no other engine lives, so whatever runs was left by a dead one.
        let alone = shared.is_none();
        let store = match shared {
            Some(store) => store,
            None => {
                let opened =
                    tokio::task::spawn_blocking(move || SqliteStore::open(path.as_deref(), durability));
                let store = opened.await.map_err(|error| BuildError::Answer(error.to_string()))??;
                Arc::new(store) as Arc<dyn Store>
            }
        };
        let answer = |error: StoreError| BuildError::Answer(error.to_string());
        let key = store.secret(embed::SECRET, EmbedKey::fresh()).await.map_err(answer)?;
        let waiting = store.counts().await.map_err(answer)?.of(Status::Queued);
        let embed_key = EmbedKey::new(key, store.deck_id());
        let files = FileStore::of(&*store, self.files.as_deref(), database.as_deref()).await?;
        if alone || files.is_temporary() {
            files.sweep_unfinished(None)?;
        }
        let inner = Arc::new(Inner {
            worker: Worker::new(self.settings.max_concurrent.max(1), waiting),
            dispatch: Arc::new(Dispatch::new(&self.registry, &self.settings.queues, store.is_shared())),
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
            schedules_changed: tokio::sync::Notify::new(),
            look: tokio::sync::Notify::new(),
            watched: tokio::sync::Notify::new(),
            clock: self.clock,
            layers: self.layers,
            heart: Heart::new(),
            worker_name: format!("{}:{}", hostname(), std::process::id()),
            work: Work::default(),
            embed_key,
            on_shutdown: self.on_shutdown,
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            runtime: tokio::runtime::Handle::current(),
            running: TaskTracker::new(),
            loops: TaskTracker::new(),
        });
        nodes::set_clock(&inner).await.map_err(answer)?;
        heart::join(&inner).await.map_err(answer)?;
        if alone {
            heart::rescue_all_others(&inner).await.map_err(answer)?;
        }
        watch::look_at_controls(&inner).await.map_err(answer)?;
        schedule::settle_code(&inner, schedules).await.map_err(answer)?;
        // The clock may have been set back while no process ran.
        schedule::bring_nearer(&inner, inner.clock.now()).await.map_err(answer)?;
        heart::spawn(&inner).map_err(|error| BuildError::Answer(error.to_string()))?;
        inner.loops.spawn(pulse::tell(Arc::clone(&inner)));
        inner.loops.spawn(pulse::save(Arc::clone(&inner)));
        inner.loops.spawn(maintenance::due_loop(Arc::clone(&inner)));
        inner.loops.spawn(watch::watch_loop(Arc::clone(&inner)));
        inner.loops.spawn(maintenance::prune_loop(Arc::clone(&inner)));
        inner.loops.spawn(schedule::fire_loop(Arc::clone(&inner)));
        if inner.store.is_shared() {
            inner.loops.spawn(nodes::hear_loop(Arc::clone(&inner)));
            inner.loops.spawn(nodes::watched_loop(Arc::clone(&inner)));
            inner.loops.spawn(nodes::clock_loop(Arc::clone(&inner)));
        }
        let deck = Deck { inner: Arc::clone(&inner) };
        for hook in self.on_start {
            hook(deck.clone()).await;
        }
        if inner.settings.worker {
            inner.loops.spawn(worker::claim_loop(Arc::clone(&inner)));
        }
        Ok(deck)
    }
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
