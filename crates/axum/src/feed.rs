//! `/ws`: one feed a page, with everything that the page shows.

use axum::extract::State;
use axum::extract::ws::close_code;
use axum::response::Response;
use taskdeck_core::{DeckError, ServerMessage, Timestamp};
use taskdeck_engine::Feed;

use crate::extract::{Caller, Upgrade};
use crate::pace::Paced;
use crate::problem::Failure;
use crate::router::Served;
use crate::socket::{BEAT_WITHIN, Lost, MAX_MESSAGE, Received, Socket};

pub(crate) async fn upgrade(
    State(served): State<Served>,
    Caller(client): Caller,
    upgrade: Result<Upgrade, Failure>,
) -> Result<Response, Failure> {
    served.require_websocket()?;
    let Upgrade(upgrade) = upgrade?;
    let tracked = served.config.sockets.token();
    let hello = hello(&served);
    Ok(upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE).on_upgrade(
        move |socket| async move {
            converse(Socket::new(socket), client.feed().with_ticks(), hello).await;
            drop(tracked);
        },
    ))
}

/// The first message of every socket.
pub(crate) fn hello(served: &Served) -> ServerMessage {
    ServerMessage::Hello {
        build: served.config.build.clone(),
        dev: served.config.dev,
        now: now(),
        beat_ms: u64::try_from(BEAT_WITHIN.as_millis()).unwrap_or(u64::MAX),
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

async fn converse(mut socket: Socket, feed: Feed, hello: ServerMessage) {
    let mut feed = Paced::new(feed);
    let ending = match socket.send(&[hello]).await {
        Ok(()) => relay(&mut socket, &mut feed).await,
        Err(Lost) => Ending::Lost,
    };
    match ending {
        Ending::Lost => {}
        Ending::Shutdown => socket.close(close_code::AWAY, "the server is shutting down").await,
        Ending::Broken => {
            socket.close(close_code::POLICY, "a message is malformed or larger than 64 KB").await;
        }
    }
}

enum Ending {
    Lost,
    Shutdown,
    Broken,
}

async fn relay(socket: &mut Socket, feed: &mut Paced) -> Ending {
    loop {
        let sent = tokio::select! {
            batch = feed.next() => match batch {
                Some(batch) => socket.send(&batch).await,
                None => return Ending::Shutdown,
            },
            received = socket.receive() => match received {
                Received::Quiet => socket.send(&[ServerMessage::Beat]).await,
                Received::Text(text) => match serde_json::from_str(&text) {
                    Ok(message) => {
                        feed.apply(message).await;
                        Ok(())
                    }
                    Err(error) => {
                        socket.send(&[refused(format!("this is no message of the feed: {error}"))]).await
                    }
                },
                Received::Binary => socket.send(&[refused("send text, not bytes".to_owned())]).await,
                Received::Nothing => Ok(()),
                Received::End => return Ending::Lost,
                Received::Broken => return Ending::Broken,
            },
        };
        if sent.is_err() {
            return Ending::Lost;
        }
    }
}

fn refused(reason: String) -> ServerMessage {
    ServerMessage::Refused { task: None, error: DeckError::BadRequest { reason } }
}
