//! What the routes and the guard need to know of the program around them.

use std::net::SocketAddr;
use std::sync::Arc;

use taskdeck_core::Setting;
use tokio_util::task::TaskTracker;

/// How the deck is served.
#[derive(Clone, Debug)]
pub struct Config {
    /// Identifies the build of the site: a page of another build should reload.
    pub build: String,
    /// Whether pages reload by themselves when the build changed.
    pub dev: bool,
    /// Whether the WebSockets are served; pages poll without them.
    pub websocket: bool,
    /// Where the server listens, with the real port: the guard compares `Host` with it.
    pub bind: SocketAddr,
    /// The origins (`https://shop.example`) whose pages may show widgets of this deck, each with a token for its task:
    /// only what comes with such a token can be read there, and only from these origins.
    pub embed_origins: Arc<[String]>,
    /// Counts the open WebSockets. axum does not wait for them, so after the deck's shutdown a program closes this
    /// and waits for it, and every page gets its closing frame.
    pub sockets: TaskTracker,
    /// What else the program runs with, for those who look at its settings.
    pub settings: Vec<Setting>,
}

impl Config {
    /// The plain configuration of a server that listens at `bind`.
    #[must_use]
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            build: String::new(),
            dev: false,
            websocket: true,
            bind,
            embed_origins: Arc::default(),
            sockets: TaskTracker::new(),
            settings: Vec::new(),
        }
    }
}
