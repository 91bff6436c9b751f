//! How far tasks are, told many times a second: taken apart without being read.
//!
//! Of a thousand tasks on a page some twenty are in sight. What the others say is kept as it came, and read when they
//! come into sight; most of it never is, since something newer came before.

use taskdeck_core::{Rev, TaskId};

/// How far a task is, not read yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RawTick<'a> {
    pub(super) id: TaskId,
    pub(super) rev: Rev,
    /// Its progress, as JSON.
    pub(super) progress: &'a str,
}

/// The ticks of a message, where it is written as the server writes such messages; anything else is to be read in the
/// ordinary way.
pub(super) fn raw_ticks(text: &str) -> Option<Vec<RawTick<'_>>> {
    let mut rest = text.strip_prefix(r#"{"type":"ticks","ticks":["#)?;
    let mut ticks = Vec::new();
    loop {
        let (tick, after) = first(rest)?;
        ticks.push(tick);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after == "]}" => return Some(ticks),
            None => return None,
        }
    }
}

/// The first tick, and what follows it.
fn first(text: &str) -> Option<(RawTick<'_>, &str)> {
    let (id, rest) = text.strip_prefix(r#"{"id":""#)?.split_once('"')?;
    let (version, rest) = number(rest.strip_prefix(r#","version":"#)?)?;
    let (tick, rest) = number(rest.strip_prefix(r#","tick":"#)?)?;
    let rest = rest.strip_prefix(r#","progress":"#)?;
    let (progress, rest) = rest.split_at(end_of_object(rest)?);
    let tick = RawTick { id: id.parse().ok()?, rev: Rev { version, tick }, progress };
    Some((tick, rest.strip_prefix('}')?))
}

fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

/// Where the object ends that the text begins with.
fn end_of_object(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_u32, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Progress, ServerMessage, Step, Tick, Timestamp};

    use super::*;

    fn tick(number: u8, message: &str) -> Tick {
        let step = Some(Step { name: "}{".to_owned(), number: 1, of: 2 });
        let progress = Progress { message: Some(message.to_owned()), step, ..Progress::default() };
        let id = TaskId::from_parts(Timestamp::from_millis(5), [number; 10]);
        Tick { id, version: 3, tick: u32::from(number), progress }
    }

    #[test]
    fn what_the_server_writes_is_taken_apart_whatever_it_says() {
        let ticks = vec![tick(1, "plain"), tick(2, r#"a "quoted" \ } text with ünïcode"#), tick(3, "")];
        let text = serde_json::to_string(&ServerMessage::Ticks { ticks: ticks.clone() }).unwrap();
        let raw = raw_ticks(&text).unwrap();
        assert_eq!(raw.len(), ticks.len());
        for (raw, tick) in raw.iter().zip(ticks) {
            assert_eq!((raw.id, raw.rev), (tick.id, Rev { version: tick.version, tick: tick.tick }));
            assert_eq!(serde_json::from_str::<Progress>(raw.progress).unwrap(), tick.progress);
        }
    }

    #[test]
    fn anything_else_is_left_to_the_ordinary_way() {
        let text = serde_json::to_string(&ServerMessage::Ticks { ticks: vec![tick(1, "x")] }).unwrap();
        assert_eq!(raw_ticks(r#"{"type":"beat"}"#), None);
        assert_eq!(raw_ticks(r#"{"type":"ticks","ticks":[]}"#), None);
        for end in 1..text.len() {
            assert_eq!(raw_ticks(&text[..end]), None, "{end}");
        }
    }
}
