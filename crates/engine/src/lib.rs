//! The durable engine of Taskdeck, on tokio.
//!
//! A [`Deck`] is a store, a worker and a feed. Whoever wants something of it does so through a [`Client`], which is
//! bound to an actor and asks [`taskdeck_core::authorise`] at every door. A body is given a [`TaskContext`].
//!
//! Delivery is at least once: a task whose process dies is run again from its last checkpoint, so a body must bear
//! being begun twice.
//!
//! ```
//! use taskdeck_core::{Definition, Kind, Task, TaskError};
//! use taskdeck_engine::{Deck, TaskBody, TaskContext};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Double {
//!     number: i64,
//! }
//!
//! impl Task for Double {
//!     const KIND: &'static str = "double";
//!     type Output = i64;
//!     fn definition() -> Definition {
//!         let mut definition = Definition::new(Self::kind());
//!         definition.params = vec![taskdeck_core::Param::of::<i64>("number")];
//!         definition
//!     }
//! }
//!
//! impl TaskBody for Double {
//!     async fn run(self, ctx: TaskContext) -> Result<i64, TaskError> {
//!         ctx.info("doubling");
//!         Ok(self.number * 2)
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let deck = Deck::builder().memory().register::<Double>().build().await.unwrap();
//! let handle = deck.start(Double { number: 21 }).await.unwrap();
//! assert_eq!(handle.result(None).await.unwrap(), 42);
//! deck.shutdown().await;
//! # });
//! ```

mod backtrace;
mod bulk;
mod child;
mod client;
mod clock;
mod command;
mod context;
#[cfg(feature = "postgres")]
pub mod copy;
mod deck;
mod dispatch;
mod embed;
mod executor;
mod feed;
mod files;
mod heart;
mod hub;
mod layer;
mod live;
mod live_tasks;
mod log_layer;
mod maintenance;
mod new_record;
mod nodes;
mod origin;
mod outcome;
mod panics;
mod preview;
mod pulse;
mod registry;
mod schedule;
mod settings;
mod slot;
mod start;
mod starts;
mod store;
pub mod testing;
mod watch;
mod work;
mod worker;

pub use child::{Child, ChildStart};
pub use client::{Client, PreparedStart, StatsQuery, StatsSince};
pub use command::TaskCommand;
pub use context::{ArtifactWriter, Scope, TaskContext};
pub use deck::{BuildError, Deck, DeckBuilder, StoredFile};
pub use feed::Feed;
pub use files::UploadWriter;
pub use inventory;
pub use layer::{NextAttempt, NextStart, StartCall};
pub use log_layer::TaskLogLayer;
pub use registry::{Linked, Registry, RegistryError, TaskBody};
/// What transactions on a deck's SQLite file are made with: [`Start::prepare`].
pub use rusqlite;
pub use settings::{Durability, Settings};
#[cfg(feature = "postgres")]
pub use sqlx_postgres::{PgConnection, PgTransaction};
pub use start::{Prepared, Start, TaskHandle, Watch};
