//! What the server says on the socket of one task, as far as the widget needs it: five things of the feed's dozen, read
//! by hand, so that the widget carries no reader of logs, lists and counts.

use serde_json::Value;
use taskdeck_core::{TaskState, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    Hello { now: Option<Timestamp>, beat_ms: u32 },
    State(Box<TaskState>),
    Gone,
    Denied,
    Token(String),
    Other,
}

pub(crate) fn read(text: &str) -> Message {
    let Ok(mut message) = serde_json::from_str::<Value>(text) else { return Message::Other };
    match message["type"].as_str() {
        Some("hello") => {
            let beat = message["beat_ms"].as_u64().and_then(|beat| u32::try_from(beat).ok());
            let now = serde_json::from_value(message["now"].take()).ok();
            Message::Hello { now, beat_ms: beat.unwrap_or(15_000) }
        }
        Some("states") => {
            let task = message["tasks"].get_mut(0).map(Value::take);
            task.and_then(state).map_or(Message::Other, |state| Message::State(Box::new(state)))
        }
        Some("gone") => Message::Gone,
        Some("refused") if message["error"]["code"] == "not_found" => Message::Gone,
        Some("refused") => Message::Denied,
        Some("token") => {
            message["token"].as_str().map_or(Message::Other, |token| Message::Token(token.to_owned()))
        }
        _ => Message::Other,
    }
}

pub(crate) fn state(value: Value) -> Option<TaskState> {
    serde_json::from_value(value).ok()
}

/// Until when a token holds, as it says itself: `embed1.{task}.{until}.{time}.{mark}`.
pub(crate) fn holds_until(token: &str) -> Option<Timestamp> {
    token.split('.').nth(2)?.parse().ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{DeckError, EmbedToken, ServerMessage, TaskId};

    use super::*;

    #[test]
    fn what_the_server_writes_is_read() {
        let text = |message: &ServerMessage| serde_json::to_string(message).unwrap();
        let task = TaskId::from_parts(Timestamp::from_millis(1), [1; 10]);
        let now = Timestamp::from_millis(1);
        let hello = ServerMessage::Hello { build: String::new(), dev: false, now, beat_ms: 9 };
        assert_eq!(read(&text(&hello)), Message::Hello { now: Some(now), beat_ms: 9 });
        assert_eq!(read(&text(&ServerMessage::Gone { id: task, version: 1 })), Message::Gone);
        let refused = |error| text(&ServerMessage::Refused { task: Some(task), error });
        assert_eq!(read(&refused(DeckError::NotFound { what: "Task".to_owned() })), Message::Gone);
        assert_eq!(read(&refused(DeckError::Denied { reason: String::new() })), Message::Denied);
        let token = EmbedToken { task, token: "embed1.x".to_owned(), expires_at: now };
        assert_eq!(read(&text(&ServerMessage::Token(token))), Message::Token("embed1.x".to_owned()));
        assert_eq!(read(&text(&ServerMessage::Beat)), Message::Other);
        assert_eq!(read("no JSON"), Message::Other);
    }

    #[test]
    fn a_token_says_until_when_it_holds() {
        let token = "embed1.01890000-0000-7000-8000-000000000000.1700000000000.600000.ab";
        assert_eq!(holds_until(token), Some(Timestamp::from_millis(1_700_000_000_000)));
        assert_eq!(holds_until("embed1.x"), None);
    }
}
