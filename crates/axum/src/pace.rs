//! A feed at a pace that a page can show.

use std::time::Duration;

use taskdeck_core::{ClientMessage, ServerMessage};
use taskdeck_engine::Feed;
use tokio::time::{Instant, sleep_until};

/// The least time between two batches: 20 a second are more than an eye tells apart.
const PACE: Duration = Duration::from_millis(50);

/// A feed that gives at most one batch each 50 ms. What changes in between is coalesced by the feed.
pub(crate) struct Paced {
    feed: Feed,
    next_at: Instant,
}

impl Paced {
    pub(crate) fn new(feed: Feed) -> Self {
        Self { feed, next_at: Instant::now() }
    }

    pub(crate) async fn apply(&mut self, message: ClientMessage) {
        self.feed.apply(message).await;
    }

    /// The next batch, or `None` when the deck shuts down. Cancel-safe: a batch is given or it stays in the feed.
    pub(crate) async fn next(&mut self) -> Option<Vec<ServerMessage>> {
        sleep_until(self.next_at).await;
        let batch = self.feed.next().await;
        self.next_at = Instant::now() + PACE;
        batch
    }
}
