//! What is known of a kind: enough to list it, to draw its form, to validate and to run it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::read::read;
use crate::{Kind, Param, QueueName, Rate, RetryPolicy};

/// Where a kind stands in the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Upkeep and clean-up of the system.
    Maintenance,
    /// Processing and moving of data.
    Data,
    /// Administration and configuration.
    Admin,
    /// Reports and analyses.
    Report,
    /// Anything else.
    #[default]
    Other,
}

// By hand: what is derived is more code in the browser than all names.
impl<'de> Deserialize<'de> for Category {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Self::ALL.into_iter().find(|category| category.name() == name);
        found.ok_or_else(|| D::Error::custom("there is no such category"))
    }
}

impl Category {
    /// All categories, in the catalog's order.
    pub const ALL: [Self; 5] = [Self::Data, Self::Report, Self::Maintenance, Self::Admin, Self::Other];

    /// The name in code and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::Data => "data",
            Self::Admin => "admin",
            Self::Report => "report",
            Self::Other => "other",
        }
    }

    /// The name that a person reads.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Maintenance => "Maintenance",
            Self::Data => "Data",
            Self::Admin => "Administration",
            Self::Report => "Reports",
            Self::Other => "Other",
        }
    }
}

/// How a kind is run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Limits {
    /// How long an attempt may take, in milliseconds; the deck's own when not said.
    pub timeout_ms: Option<u64>,
    /// How long a cancelled attempt may take to stop by itself, in milliseconds; the deck's own when not said.
    pub grace_ms: Option<u64>,
    /// How often and how soon a failed attempt is tried again.
    pub retry: RetryPolicy,
    /// The queue it goes to unless the start says otherwise.
    pub queue: QueueName,
    /// Whether an attempt that began is never repeated by itself.
    pub at_most_once: bool,
    /// How many tasks of the kind run at the same time; as many as there are slots when not said.
    pub concurrency: Option<u32>,
    /// How many tasks of one partition run at the same time; not limited when not said.
    pub partition_concurrency: Option<u32>,
    /// How often tasks of the kind begin.
    pub rate: Option<Rate>,
    /// How long a task may wait to begin before it fails, in milliseconds.
    pub expires_ms: Option<u64>,
    /// How long ended tasks are kept, in milliseconds; the deck's own time when not said.
    pub retention_ms: Option<u64>,
}

read!(Limits { ; default timeout_ms, grace_ms, retry, queue, at_most_once, concurrency, partition_concurrency, rate, expires_ms, retention_ms });

/// What is known of a kind. It is data: browser, server and API read the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Definition {
    /// The stable name.
    pub kind: Kind,
    /// The version of its params; a worker takes tasks up to its own version.
    pub version: u32,
    /// The title that a person reads.
    pub title: String,
    /// What it does, in a sentence or a few.
    pub description: String,
    /// Where it stands in the catalog.
    pub category: Category,
    /// The name of its icon.
    pub icon: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What it may break, if it may: asked for again before it starts.
    pub danger: Option<String>,
    /// Whether it costs much (time, money, load).
    pub expensive: bool,
    /// The permissions that an actor needs for it.
    pub requires: Vec<String>,
    /// Its parameters, in the order of its form.
    pub params: Vec<Param>,
    /// How it is run.
    pub limits: Limits,
}

read!(Definition { kind, version, title, description, category, icon, tags, danger, expensive, params, limits; default requires });

impl Definition {
    /// The plainest definition of a kind: no params, default limits, a title made from the name.
    ///
    /// ```
    /// use taskdeck_core::{Definition, Kind};
    /// assert_eq!(Definition::new(Kind::new("import_csv").unwrap()).title, "Import csv");
    /// ```
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        let words = kind.as_str().replace('_', " ");
        let mut letters = words.chars();
        let title =
            letters.next().map(|first| std::iter::once(first.to_ascii_uppercase()).chain(letters).collect());
        Self {
            kind,
            version: 1,
            title: title.unwrap_or_default(),
            description: String::new(),
            category: Category::default(),
            icon: "play".to_owned(),
            tags: Vec::new(),
            danger: None,
            expensive: false,
            requires: Vec::new(),
            params: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// The parameter of this name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }

    /// Whether any parameter is a file.
    #[must_use]
    pub fn has_files(&self) -> bool {
        self.params.iter().any(|param| param.kind.is_file())
    }

    /// Whether the kind fits a search text: every word of it occurs in name, title, description or a tag.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.matches_folded(text, str::to_lowercase)
    }

    /// As [`matches`](Self::matches), where `fold` takes the case from a text: browsers have a way of their own, and need
    /// not load ours.
    #[must_use]
    pub fn matches_folded(&self, text: &str, fold: fn(&str) -> String) -> bool {
        let hay = fold(&format!("{} {} {} {}", self.kind, self.title, self.description, self.tags.join(" ")));
        fold(text).split_whitespace().all(|word| hay.contains(word))
    }
}
