//! The kinds that a program knows, and how their bodies are run.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use taskdeck_core::{Definition, Kind, Task, TaskError};

use crate::TaskContext;

/// The body of a task; `#[task]` writes the implementation.
pub trait TaskBody: Task {
    /// Does the work.
    fn run(self, ctx: TaskContext) -> impl Future<Output = Result<Self::Output, TaskError>> + Send;
}

type BoxedRun = Pin<Box<dyn Future<Output = Result<Value, TaskError>> + Send>>;

/// Decodes the params and gives the future that runs the body.
type Runner = fn(&str, TaskContext) -> Result<BoxedRun, serde_json::Error>;

/// A kind that this program can run.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) definition: Arc<Definition>,
    pub(crate) run: Runner,
}

fn runner<T: TaskBody>(params: &str, ctx: TaskContext) -> Result<BoxedRun, serde_json::Error> {
    let task: T = serde_json::from_str(params)?;
    Ok(Box::pin(async move {
        let output = task.run(ctx).await?;
        serde_json::to_value(output)
            .map_err(|error| TaskError::permanent(format!("the output cannot be written as JSON: {error}")))
    }))
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
        if definition.limits.retry.max_tries == 0 {
            return Err(RegistryError::BadDefinition {
                kind,
                why: "max_tries must be at least 1".to_owned(),
            });
        }
        if self.entries.contains_key(&kind) {
            return Err(RegistryError::Duplicate(kind));
        }
        self.entries.insert(kind, Entry { definition: Arc::new(definition), run: runner::<T> });
        Ok(())
    }

    /// What is known of each kind, by name.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.entries.values().map(|entry| &*entry.definition)
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Entry> {
        self.entries.iter().find(|(known, _)| known.as_str() == kind).map(|(_, entry)| entry)
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
