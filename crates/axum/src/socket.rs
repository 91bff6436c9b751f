//! A WebSocket as the feeds use it: JSON out, a beat when nothing else is said, a proper end.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::{SinkExt, StreamExt};
use taskdeck_core::ServerMessage;
use tokio::time::{Instant, sleep_until, timeout};

/// The largest message that is taken.
pub(crate) const MAX_MESSAGE: usize = 64 * 1024;
/// A line that has said nothing for this long says that it lives.
const BEAT: Duration = Duration::from_secs(10);
/// What is promised: later than this the line is dead. Longer than [`BEAT`], for a busy machine.
pub(crate) const BEAT_WITHIN: Duration = Duration::from_secs(15);
/// A client that takes nothing for this long is gone.
const SEND_WITHIN: Duration = Duration::from_secs(30);
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// The client is gone, or as good as gone.
pub(crate) struct Lost;

pub(crate) struct Socket {
    inner: WebSocket,
    beat_at: Instant,
}

impl Socket {
    pub(crate) fn new(inner: WebSocket) -> Self {
        Self { inner, beat_at: Instant::now() + BEAT }
    }

    /// Sends each message as a text frame. A client that reads slowly holds us up here, and only here: meanwhile its
    /// feed coalesces.
    pub(crate) async fn send(&mut self, messages: &[ServerMessage]) -> Result<(), Lost> {
        let sending = async {
            for message in messages {
                let text = serde_json::to_string(message).map_err(|error| {
                    tracing::error!(%error, "failed to write a message of the feed as JSON");
                    Lost
                })?;
                self.inner.feed(Message::Text(text.into())).await.map_err(|_| Lost)?;
            }
            self.inner.flush().await.map_err(|_| Lost)
        };
        let result = timeout(SEND_WITHIN, sending).await.unwrap_or(Err(Lost));
        self.beat_at = Instant::now() + BEAT;
        result
    }

    /// What the client says next, or that nothing was sent for so long that a beat is due. Cancel-safe.
    pub(crate) async fn receive(&mut self) -> Received {
        let message = tokio::select! {
            message = self.inner.recv() => message,
            () = sleep_until(self.beat_at) => return Received::Quiet,
        };
        match message {
            Some(Ok(Message::Text(text))) => Received::Text(text.to_string()),
            Some(Ok(Message::Binary(_))) => Received::Binary,
            // Pings are answered below us.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Received::Nothing,
            Some(Ok(Message::Close(_))) | None => Received::End,
            Some(Err(_)) => Received::Broken,
        }
    }

    /// Says why it ends, and waits a little for the client to say that it heard.
    pub(crate) async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code, reason: reason.into() };
        let closing = async {
            if self.inner.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.inner.next().await {}
            }
        };
        // Too late is as good as heard: the line is dropped either way.
        drop(timeout(CLOSE_WITHIN, closing).await);
    }
}

/// What came from the client, if anything.
pub(crate) enum Received {
    Quiet,
    Text(String),
    Binary,
    Nothing,
    End,
    Broken,
}
