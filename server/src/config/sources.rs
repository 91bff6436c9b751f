//! Where settings come from, and in which order.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cli::Flags;

/// Every setting. Its flag is `--max-concurrent`, its variable `TASK_MAX_CONCURRENT`, its key `max_concurrent`.
pub(crate) const NAMES: [&str; 17] = [
    "bind",
    "base",
    "store",
    "store_connections",
    "data",
    "files",
    "max_concurrent",
    "worker",
    "timeout",
    "grace",
    "retention_days",
    "durability",
    "log_level",
    "buffer_size",
    "max_upload",
    "websocket_enabled",
    "embed_origins",
];

const FILE: &str = "taskdeck.toml";

/// A value as it was given, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(String),
    Environment,
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "the flag --{name}"),
            Self::Environment => f.write_str("the environment"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// All that was given.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    given: BTreeMap<&'static str, Given>,
}

impl Sources {
    /// Gathers what the flags, the environment and the file say; what comes earlier in that order holds.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML or has keys that are no settings.
    pub(crate) fn gather(flags: &Flags, environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        // An empty variable is the usual way to switch one off.
        let variable = |name: &str| environment(name).filter(|text| !text.trim().is_empty());
        let mut sources = Self::default();
        let named = flags.config.clone().or_else(|| variable("TASK_CONFIG").map(PathBuf::from));
        if let Some(path) = named.or_else(|| Some(PathBuf::from(FILE)).filter(|path| path.exists())) {
            sources.read_file(&path)?;
        }
        for name in NAMES {
            if let Some(text) = variable(&variable_of(name)) {
                sources.given.insert(name, Given { text, origin: Origin::Environment });
            }
        }
        for (name, text) in flags.given() {
            sources.given.insert(name, Given { text, origin: Origin::Flag(name.replace('_', "-")) });
        }
        Ok(sources)
    }

    /// Which of these variables look like settings and are none: a misspelt one would be left out without a word.
    pub(crate) fn unknown(variables: impl Iterator<Item = String>) -> Vec<String> {
        let known =
            |name: &String| name == "TASK_CONFIG" || NAMES.iter().any(|known| *name == variable_of(known));
        // What our own tests set is theirs.
        variables
            .filter(|name| name.starts_with("TASK_") && !name.starts_with("TASK_TEST_") && !known(name))
            .collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Given> {
        self.given.get(name)
    }

    fn read_file(&mut self, path: &Path) -> Result<()> {
        let file = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
        let table: toml::Table = text.parse().with_context(|| format!("{file} is not valid TOML"))?;
        for (key, value) in table {
            let Some(name) = NAMES.into_iter().find(|name| *name == key) else {
                bail!("{file} has the key `{key}`, which is no setting; settings are: {}", NAMES.join(", "));
            };
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(on) => on.to_string(),
                other => {
                    let kind = other.type_str();
                    bail!("{file}: `{name}` is of type {kind}; allowed: a text, a number, true or false")
                }
            };
            self.given.insert(name, Given { text, origin: Origin::File(path.to_owned()) });
        }
        Ok(())
    }
}

pub(crate) fn variable_of(name: &str) -> String {
    format!("TASK_{}", name.to_uppercase())
}
