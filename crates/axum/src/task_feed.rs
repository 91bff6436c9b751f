//! `/ws/task/{id}`: one task's states and its log, for clients that want nothing else.
//!
//! The frames are those of `/ws`; the client sends nothing. `log=false` leaves the log out. A widget in another page
//! that came with a token is told a new one at half its time (`token`), as long as the task has not ended. After the
//! task has ended and its log is told to the last line the socket closes with 1000; with `follow=true` it stays, since
//! somebody may try the task again.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::close_code;
use axum::response::Response;
use http::request::Parts;
use serde::Deserialize;
use taskdeck_core::{ClientMessage, DeckError, Known, ServerMessage, TaskId};
use taskdeck_engine::Client;
use tokio::time::{Instant, sleep_until};

use crate::embed;
use crate::extract::{Caller, Params, TaskPath, Upgrade};
use crate::feed::hello;
use crate::pace::Paced;
use crate::problem::Failure;
use crate::router::Served;
use crate::socket::{Lost, MAX_MESSAGE, Received, Socket};

/// How many log lines are read at a time at the end.
const PAGE: u32 = 500;

#[derive(Deserialize)]
pub(crate) struct Since {
    /// The last `seq` of the log that the client has.
    #[serde(default)]
    since: u64,
    /// Whether the log is told too.
    #[serde(default = "yes")]
    log: bool,
    /// Whether to stay when the task has ended.
    #[serde(default)]
    follow: bool,
}

const fn yes() -> bool {
    true
}

pub(crate) async fn upgrade(
    State(served): State<Served>,
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    Params(Since { since, log, follow }): Params<Since>,
    parts: Parts,
    upgrade: Result<Upgrade, Failure>,
) -> Result<Response, Failure> {
    served.require_websocket()?;
    let Upgrade(upgrade) = upgrade?;
    // An unknown task is told by a status, which a client can read, and not by a closing code.
    client.get(id).await?;
    let what = What { since: log.then_some(since), follow };
    let renewal = Renewal::new(embed::token_time(&parts));
    let tracked = served.config.sockets.token();
    let hello = hello(&served);
    Ok(upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE).on_upgrade(
        move |socket| async move {
            let mut socket = Socket::new(socket);
            let ending = match socket.send(&[hello]).await {
                Ok(()) => tell(&mut socket, &client, id, what, renewal).await,
                Err(Lost) => Ending::Lost,
            };
            match ending {
                Ending::Lost => {}
                Ending::Told => socket.close(close_code::NORMAL, "the task has ended").await,
                Ending::Gone => socket.close(close_code::NORMAL, "the task was deleted").await,
                Ending::Shutdown => socket.close(close_code::AWAY, "the server is shutting down").await,
                Ending::Failed => socket.close(close_code::ERROR, "the log cannot be read").await,
            }
            drop(tracked);
        },
    ))
}

enum Ending {
    Lost,
    Told,
    Gone,
    Shutdown,
    Failed,
}

impl From<Lost> for Ending {
    fn from(Lost: Lost) -> Self {
        Self::Lost
    }
}

/// When a widget's token is to be renewed: at half its time, as long as the task has not ended.
struct Renewal {
    time: Option<Duration>,
    due: Instant,
}

impl Renewal {
    fn new(time: Option<Duration>) -> Self {
        // At once: the token may have been given long before it was used.
        Self { time, due: Instant::now() }
    }

    /// Waits until it is; for ever without a token.
    async fn due(&self) -> Duration {
        match self.time {
            Some(time) => {
                sleep_until(self.due).await;
                time
            }
            None => std::future::pending().await,
        }
    }

    /// The new token, as the socket tells it.
    async fn renew(&mut self, client: &Client, time: Duration) -> Vec<ServerMessage> {
        self.due = Instant::now() + time / 2;
        match client.renewed_embed_token(time).await {
            Ok(token) => token.map(ServerMessage::Token).into_iter().collect(),
            Err(error) => {
                // The widget still has a token for half its time, and the next try comes before that is over.
                tracing::warn!(%error, "failed to renew the token of a widget");
                self.due = Instant::now() + time / 8;
                Vec::new()
            }
        }
    }
}

/// What is told besides the states.
struct What {
    /// The log after this line.
    since: Option<u64>,
    /// What comes after an ending.
    follow: bool,
}

async fn tell(
    socket: &mut Socket,
    client: &Client,
    id: TaskId,
    What { since, follow }: What,
    mut renewal: Renewal,
) -> Ending {
    let mut feed = Paced::new(client.feed());
    feed.apply(ClientMessage::Subscribe { tasks: vec![Known { id, version: 0, tick: 0 }] }).await;
    if let Some(since) = since {
        feed.apply(ClientMessage::Log { task: id, since }).await;
    }
    let mut last_seq = since.unwrap_or(0);
    let mut had_ended = false;
    loop {
        let sent = tokio::select! {
            batch = feed.next() => {
                let Some(batch) = batch else { return Ending::Shutdown };
                let sent = socket.send(&batch).await;
                last_seq = last_seq.max(last_line(&batch));
                if sent.is_ok() && is_gone(&batch) {
                    return Ending::Gone;
                }
                if follow {
                    let ended = has_ended(&batch);
                    // While it had ended its widget's token was renewed no more.
                    if had_ended && !ended && has_state(&batch) {
                        renewal.due = Instant::now();
                    }
                    had_ended = ended || (had_ended && !has_state(&batch));
                } else if sent.is_ok() && has_ended(&batch) {
                    return match since {
                        Some(_) => tell_rest(socket, client, id, last_seq).await,
                        None => Ending::Told,
                    };
                }
                sent
            }
            time = renewal.due() => {
                let renewed = renewal.renew(client, time).await;
                socket.send(&renewed).await
            }
            received = socket.receive() => match received {
                Received::Quiet => socket.send(&[ServerMessage::Beat]).await,
                Received::End | Received::Broken => Err(Lost),
                Received::Text(_) | Received::Binary | Received::Nothing => Ok(()),
            },
        };
        if let Err(lost) = sent {
            return lost.into();
        }
    }
}

/// The lines that the feed had not told yet: an ending is stored after the task's last line.
async fn tell_rest(socket: &mut Socket, client: &Client, id: TaskId, mut since: u64) -> Ending {
    loop {
        let page = match client.log(id, since, PAGE).await {
            Ok(page) => page,
            Err(DeckError::NotFound { .. }) => return Ending::Gone,
            Err(error) => {
                tracing::warn!(%error, task = %id, "failed to read the end of a log");
                return Ending::Failed;
            }
        };
        let more = page.more && page.last_seq > since;
        since = page.last_seq;
        if !page.lines.is_empty()
            && socket.send(&[ServerMessage::Log { task: id, lines: page.lines }]).await.is_err()
        {
            return Ending::Lost;
        }
        if !more {
            return Ending::Told;
        }
    }
}

fn last_line(batch: &[ServerMessage]) -> u64 {
    let last = |message: &ServerMessage| match message {
        ServerMessage::Log { lines, .. } => lines.last().map(|line| line.seq),
        _ => None,
    };
    batch.iter().filter_map(last).max().unwrap_or(0)
}

fn has_ended(batch: &[ServerMessage]) -> bool {
    let ended = |message: &ServerMessage| match message {
        ServerMessage::States { tasks } => tasks.iter().any(|task| task.status.has_ended()),
        _ => false,
    };
    batch.iter().any(ended)
}

fn has_state(batch: &[ServerMessage]) -> bool {
    batch.iter().any(|message| matches!(message, ServerMessage::States { .. }))
}

/// Deleted, or not to be seen any more.
fn is_gone(batch: &[ServerMessage]) -> bool {
    batch.iter().any(|message| matches!(message, ServerMessage::Gone { .. } | ServerMessage::Refused { .. }))
}
