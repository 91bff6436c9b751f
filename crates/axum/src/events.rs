//! `/api/tasks/{id}/events`: a task's states as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, stream};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use taskdeck_core::{ClientMessage, Known, Rev, ServerMessage, TaskId, TaskState};

use crate::extract::{Caller, TaskPath};
use crate::pace::Paced;
use crate::problem::Failure;
use crate::trace::Traced;

/// A line that has said nothing for this long sends a comment.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) async fn events(
    Caller(client): Caller,
    TaskPath(id): TaskPath,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let task = client.get(id).await?;
    // What is newer than the task itself was never ours.
    let seen = last_event_id(&headers).filter(|seen| *seen <= task.rev());
    if task.status.has_ended() && seen == Some(task.rev()) {
        // An `EventSource` comes back after each end; 204 tells it that there is no more.
        return Ok(Traced::new(&task, StatusCode::NO_CONTENT).into_response());
    }
    let Rev { version, tick } = seen.unwrap_or_default();
    let mut feed = Paced::new(client.feed());
    feed.apply(ClientMessage::Subscribe { tasks: vec![Known { id, version, tick }] }).await;
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Traced::new(&task, Sse::new(tell(feed, id)).keep_alive(keep_alive)).into_response())
}

/// The `version.tick` of the last event that the client has.
fn last_event_id(headers: &HeaderMap) -> Option<Rev> {
    let (version, tick) = headers.get("last-event-id")?.to_str().ok()?.split_once('.')?;
    Some(Rev { version: version.parse().ok()?, tick: tick.parse().ok()? })
}

/// The states, up to the one in which the task has ended.
fn tell(feed: Paced, id: TaskId) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(Some(feed), move |feed| async move {
        let mut feed = feed?;
        loop {
            for message in feed.next().await? {
                match message {
                    ServerMessage::States { tasks } => {
                        if let Some(task) = tasks.into_iter().find(|task| task.id == id) {
                            let ended = task.status.has_ended();
                            return Some((Ok(state(&task)), (!ended).then_some(feed)));
                        }
                    }
                    ServerMessage::Gone { .. } | ServerMessage::Refused { .. } => {
                        return Some((Ok(gone(id)), None));
                    }
                    _ => {}
                }
            }
        }
    })
}

fn state(task: &TaskState) -> Event {
    Event::default().id(task.rev().to_string()).json_data(task).unwrap_or_else(|error| {
        tracing::error!(%error, task = %task.id, "failed to write a state as JSON");
        Event::default().comment("failed")
    })
}

fn gone(id: TaskId) -> Event {
    Event::default().event("gone").data(json!({ "id": id, "gone": true }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_is_a_version_and_a_tick() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("last-event-id", text.parse().unwrap());
            last_event_id(&headers)
        };
        assert_eq!(of("3.17"), Some(Rev { version: 3, tick: 17 }));
        assert_eq!(of("3"), None);
        assert_eq!(of("a.b"), None);
        assert_eq!(last_event_id(&HeaderMap::new()), None);
    }
}
