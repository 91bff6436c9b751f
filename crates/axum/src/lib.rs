//! Taskdeck over HTTP: REST, the WebSocket feed, server-sent events and uploads as one axum router, and the checks
//! that stand in front of it.
//!
//! [`router`] holds the routes, [`guard`] the checks. The guard goes around everything the program serves, its own
//! pages too: it also puts the [`Client`](taskdeck_engine::Client) of the request's actor into the extensions, and
//! no route here works without it.
//!
//! ```no_run
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! use taskdeck_axum::Config;
//! use taskdeck_engine::Deck;
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! let deck = Deck::builder().sqlite("taskdeck.db").register_linked().build().await?;
//! let config = Config::new(listener.local_addr()?);
//! let app = taskdeck_axum::router(deck.clone(), config.clone())
//!     .layer(taskdeck_axum::guard(deck, &config));
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```

mod about;
mod artifacts;
mod batches;
mod body;
mod bulk;
mod config;
mod embed;
mod events;
mod extract;
mod feed;
mod guard;
mod inbox;
mod kinds;
mod lanes;
mod pace;
mod problem;
mod router;
mod schedules;
mod schema;
mod socket;
mod stats;
mod task_feed;
mod tasks;
mod trace;
mod units;
pub mod upload;

pub use about::about;
pub use config::Config;
pub use guard::{Guard, Guarded, guard};
pub use problem::problem;
pub use router::router;
pub use schema::params_schema;
pub use units::{ParseDurationError, parse_duration};
