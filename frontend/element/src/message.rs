//! What the server says on the socket of one task, as far as the widget needs it: five things of the feed's dozen, read
//! by hand, so that the widget carries no reader of logs, lists and counts.

use serde_json::Value;
use taskdeck_core::TaskState;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    Hello { beat_ms: u32 },
    State(Box<TaskState>),
    Gone,
    Token(String),
    Other,
}

pub(crate) fn read(text: &str) -> Message {
    let Ok(mut message) = serde_json::from_str::<Value>(text) else { return Message::Other };
    match message["type"].as_str() {
        Some("hello") => {
            let beat = message["beat_ms"].as_u64().and_then(|beat| u32::try_from(beat).ok());
            Message::Hello { beat_ms: beat.unwrap_or(15_000) }
        }
        Some("states") => {
            let task = message["tasks"].get_mut(0).map(Value::take);
            task.and_then(state).map_or(Message::Other, |state| Message::State(Box::new(state)))
        }
        Some("gone" | "refused") => Message::Gone,
        Some("token") => {
            message["token"].as_str().map_or(Message::Other, |token| Message::Token(token.to_owned()))
        }
        _ => Message::Other,
    }
}

pub(crate) fn state(value: Value) -> Option<TaskState> {
    serde_json::from_value(value).ok()
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{EmbedToken, ServerMessage, TaskId, Timestamp};

    use super::*;

    #[test]
    fn what_the_server_writes_is_read() {
        let text = |message: &ServerMessage| serde_json::to_string(message).unwrap();
        let task = TaskId::from_parts(Timestamp::from_millis(1), [1; 10]);
        let now = Timestamp::from_millis(1);
        let hello = ServerMessage::Hello { build: String::new(), dev: false, now, beat_ms: 9 };
        assert_eq!(read(&text(&hello)), Message::Hello { beat_ms: 9 });
        assert_eq!(read(&text(&ServerMessage::Gone { id: task, version: 1 })), Message::Gone);
        let token = EmbedToken { task, token: "embed1.x".to_owned(), expires_at: now };
        assert_eq!(read(&text(&ServerMessage::Token(token))), Message::Token("embed1.x".to_owned()));
        assert_eq!(read(&text(&ServerMessage::Beat)), Message::Other);
        assert_eq!(read("no JSON"), Message::Other);
    }
}
