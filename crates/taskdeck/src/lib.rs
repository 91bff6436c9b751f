//! Background tasks for Rust web apps, from the function to the pixel.
//!
//! You write one async function. From it come a typed way to start it, a form, durable execution on tokio, live
//! progress on any page, a dashboard and an API.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use taskdeck::prelude::*;
//!
//! /// What to do with the rows that the table has.
//! #[derive(Clone, Copy, Debug, Serialize, Deserialize, Choices)]
//! #[serde(rename_all = "snake_case")]
//! pub enum ImportMode {
//!     /// Keep them
//!     Append,
//!     /// Remove them first
//!     Replace,
//! }
//!
//! #[derive(Debug, Serialize, Deserialize)]
//! pub struct ImportSummary {
//!     pub rows: u64,
//! }
//!
//! /// Imports the rows of a CSV file.
//! #[task(title = "Import CSV", category = "data", icon = "table", tags("csv"),
//!        timeout = "10m", retry(max_tries = 5, base = "2s", max = "5m"), queue = "imports")]
//! pub async fn import_csv(
//!     ctx: TaskContext,
//!     /// The file to import
//!     #[param(accept = ".csv", max_bytes = "50MB")] file: Upload,
//!     #[param(default = true)] header: bool,
//!     #[param(default = ImportMode::Append)] mode: ImportMode,
//! ) -> Result<ImportSummary, TaskError> {
//!     use tokio::io::{AsyncBufReadExt, BufReader};
//!
//!     ctx.info(format!("{mode:?} the rows of {}", file.name));
//!     let mut lines = BufReader::new(ctx.open(&file).await?).lines();
//!     let (mut count, mut bytes) = (0, 0);
//!     while let Some(line) = lines.next_line().await? {
//!         count += 1;
//!         bytes += line.len() as u64 + 1;
//!         ctx.progress_of(bytes, file.size);
//!     }
//!     Ok(ImportSummary { rows: count - u64::from(header) })
//! }
//!
//! // On both sides there is now a struct that holds the params, and what is known of the kind.
//! let definition = ImportCsv::definition();
//! assert_eq!(definition.kind.as_str(), "import_csv");
//! assert_eq!(definition.description, "Imports the rows of a CSV file.");
//! assert_eq!(definition.param("file").unwrap().help, "The file to import");
//! ```
//!
//! [`task`](macro@task) describes all settings.
//!
#![cfg_attr(feature = "engine", doc = include_str!("running.md"))]
//! # Features
//!
//! None is on by default: the definitions, params and outputs alone, for either side.
//!
//! | feature | gives |
//! |---|---|
//! | `engine` | task bodies, and the engine that runs them; no web |
//! | `axum` | the engine, and REST, WebSocket and uploads as one router |
//! | `ui` | the Leptos components and server functions |
//! | `ssr` | the three above: the server side of a Leptos app |
//! | `hydrate`, `csr` | `ui` in the browser |
//! | `dashboard` | the dashboard's pages |
//!
//! A crate that holds tasks for both sides turns on `taskdeck/ssr` by its own feature for the server, and
//! `taskdeck/hydrate` by that for the browser. The bodies need no `#[cfg]`: without `engine` they are not compiled.
//! What only they use goes into a `server` module under the crate's own feature, or into [`server!`].

#[doc(hidden)]
pub mod __private;
#[cfg(not(feature = "engine"))]
mod browser;
pub mod prelude;
mod server;

#[doc(inline)]
pub use taskdeck_core::*;
pub use taskdeck_macros::{Choices, task};

#[cfg(not(feature = "engine"))]
pub use browser::TaskContext;
#[cfg(feature = "engine")]
#[doc(inline)]
pub use taskdeck_engine::{
    ArtifactWriter, BuildError, Child, ChildStart, Client, Deck, DeckBuilder, Durability, Feed, NextAttempt,
    NextStart, Prepared, PreparedStart, Registry, RegistryError, Scope, Settings, Start, StartCall,
    StatsQuery, StatsSince, StoredFile, TaskBody, TaskCommand, TaskContext, TaskHandle, TaskLogLayer,
    UploadWriter, Watch, rusqlite, testing,
};
#[cfg(feature = "postgres")]
#[doc(inline)]
pub use taskdeck_engine::{PgConnection, PgTransaction, copy};

#[cfg(feature = "axum")]
#[doc(inline)]
pub use taskdeck_axum as axum;
#[cfg(feature = "dashboard")]
#[doc(inline)]
pub use taskdeck_dashboard as dashboard;
#[cfg(feature = "ui")]
#[doc(inline)]
pub use taskdeck_ui as ui;
