//! The kinds that a program knows, and how their bodies are run.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use taskdeck_core::{Definition, Kind, Task, TaskError, form};

use crate::bulk::BulkAction;
use crate::{Deck, TaskContext};

/// The body of a task; `#[task]` writes the implementation.
pub trait TaskBody: Task {
    /// Whether [`TaskBody::check`] does anything; without it no start pays for it.
    const HAS_CHECK: bool = false;

    /// Does the work.
    fn run(self, ctx: TaskContext) -> impl Future<Output = Result<Self::Output, TaskError>> + Send;

    /// Says whether what the task needs is there, before it is started: the text of an error is told to who starts it,
    /// and nothing is stored.
    fn check(&self, deck: &Deck) -> impl Future<Output = Result<(), String>> + Send {
        let _ = deck;
        async { Ok(()) }
    }

    /// Makes params that were stored under an older version fit this one. The text of an error is what the task fails
    /// with.
    ///
    /// # Errors
    /// When they cannot be made to fit.
    fn upgrade(version: u32, params: Value) -> Result<Value, String> {
        let _ = version;
        Ok(params)
    }
}

type BoxedCheck<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

type BoxedRun = Pin<Box<dyn Future<Output = Result<Value, TaskError>> + Send>>;

/// Decodes the params, which were stored under this version, and gives the future that runs the body.
type Runner = fn(&str, u32, TaskContext) -> Result<BoxedRun, String>;

/// Decodes the params and asks the kind whether a task with them may be started.
type Checker = for<'a> fn(&'a str, &'a Deck) -> BoxedCheck<'a>;

/// A kind that this program can run.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) definition: Arc<Definition>,
    pub(crate) run: Runner,
    pub(crate) check: Option<Checker>,
}

/// The params as their type; the error names the field.
pub(crate) fn decode<T: TaskBody>(params: &str, version: u32, current: u32) -> Result<T, String> {
    if version >= current {
        let mut text = serde_json::Deserializer::from_str(params);
        return serde_path_to_error::deserialize(&mut text).map_err(|error| named(&error));
    }
    let value = serde_json::from_str(params).map_err(|error| error.to_string())?;
    serde_path_to_error::deserialize(T::upgrade(version, value)?).map_err(|error| named(&error))
}

fn named(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    match error.path().to_string().as_str() {
        // A missing field is named by the error itself.
        "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    }
}

fn runner<T: TaskBody>(params: &str, version: u32, ctx: TaskContext) -> Result<BoxedRun, String> {
    let current = ctx.definition().version;
    let task: T = decode(params, version, current)?;
    Ok(Box::pin(async move {
        let output = task.run(ctx).await?;
        serde_json::to_value(output)
            .map_err(|error| TaskError::permanent(format!("the output cannot be written as JSON: {error}")))
    }))
}

fn checker<'a, T: TaskBody>(params: &'a str, deck: &'a Deck) -> BoxedCheck<'a> {
    Box::pin(async move {
        // What was just validated is of this version.
        let task: T = decode(params, u32::MAX, 0)?;
        task.check(deck).await
    })
}

/// Why a kind was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Two kinds have one name, and stored tasks could mean either.
    #[error("two tasks are named {0}: give one of them another name with #[task(kind = \"..\")]")]
    Duplicate(Kind),
    /// The definition contradicts itself.
    #[error("the definition of {kind} is wrong: {why}")]
    BadDefinition {
        /// Which kind.
        kind: Kind,
        /// What is wrong.
        why: String,
    },
}

/// The kinds that a deck knows.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: BTreeMap<Kind, Entry>,
}

impl Registry {
    /// Adds a kind.
    ///
    /// # Errors
    /// When its name is taken, or its definition contradicts itself.
    pub fn add<T: TaskBody>(&mut self) -> Result<(), RegistryError> {
        let definition = T::definition();
        let kind = definition.kind.clone();
        let faults: Vec<_> =
            definition.params.iter().flat_map(|param| param.faults.iter().cloned()).collect();
        if !faults.is_empty() {
            return Err(RegistryError::BadDefinition { kind, why: faults.join("; ") });
        }
        for param in &definition.params {
            let same_name = definition.params.iter().filter(|other| other.name == param.name).count();
            if same_name > 1 {
                return Err(RegistryError::BadDefinition {
                    kind,
                    why: format!("two params are named {}", param.name),
                });
            }
        }
        for param in &definition.params {
            let default = param.default.as_ref().map(|value| form::check_value(param, value));
            if let Some(Err(fault)) = default {
                let why = format!("the default of {} is not valid: {fault}", param.name);
                return Err(RegistryError::BadDefinition { kind, why });
            }
        }
        if definition.limits.retry.max_tries == 0 {
            return Err(RegistryError::BadDefinition {
                kind,
                why: "max_tries must be at least 1".to_owned(),
            });
        }
        if self.entries.contains_key(&kind) {
            return Err(RegistryError::Duplicate(kind));
        }
        self.entries.insert(
            kind,
            Entry {
                definition: Arc::new(definition),
                run: runner::<T>,
                check: T::HAS_CHECK.then_some(checker::<T> as Checker),
            },
        );
        Ok(())
    }

    /// What is known of each kind that the program registered, by name.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        let own = |definition: &&Definition| definition.kind.as_str() != BulkAction::KIND;
        self.entries.values().map(|entry| &*entry.definition).filter(own)
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Entry> {
        self.entries.get(kind)
    }

    pub(crate) fn kinds(&self) -> Vec<(Kind, u32)> {
        self.entries.iter().map(|(kind, entry)| (kind.clone(), entry.definition.version)).collect()
    }
}

/// A kind that `#[task]` put into the program; [`crate::DeckBuilder::register_linked`] registers all of them.
pub struct Linked {
    pub(crate) add: fn(&mut Registry) -> Result<(), RegistryError>,
}

impl Linked {
    /// The kind of this type.
    #[must_use]
    pub const fn of<T: TaskBody>() -> Self {
        Self { add: Registry::add::<T> }
    }
}

impl std::fmt::Debug for Linked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Linked")
    }
}

inventory::collect!(Linked);
