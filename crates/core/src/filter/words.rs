//! How a filter is written: its words, their quotes, and the names that stand before a colon.

use super::{FilterError, SHORTEST_ID};

/// A piece of a filter: what stands before the first colon outside of quotes, and the rest, without its quotes.
pub(super) struct Token {
    pub(super) name: Option<String>,
    pub(super) value: String,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    loop {
        while letters.next_if(|c| c.is_whitespace()).is_some() {}
        if letters.peek().is_none() {
            return Ok(tokens);
        }
        let mut token = Token { name: None, value: String::new() };
        let (mut in_quotes, mut was_quoted) = (false, false);
        while let Some(letter) = letters.next_if(|c| in_quotes || !c.is_whitespace()) {
            match letter {
                // One within a word that no other follows is a letter.
                '"' if in_quotes
                    || was_quoted
                    || token.value.is_empty()
                    || letters.clone().any(|c| c == '"') =>
                {
                    in_quotes = !in_quotes;
                    was_quoted = true;
                }
                '\\' if in_quotes => token.value.extend(letters.next()),
                ':' if !was_quoted && token.name.is_none() && !token.value.is_empty() => {
                    token.name = Some(std::mem::take(&mut token.value));
                }
                other => token.value.push(other),
            }
        }
        if in_quotes {
            return Err(FilterError::OpenQuote);
        }
        // An address is no filter, though it has a colon.
        if let Some(scheme) = token.name.take_if(|_| !was_quoted && token.value.starts_with("//")) {
            token.value = format!("{scheme}:{}", token.value);
        }
        tokens.push(token);
    }
}

/// A value as it is written in a filter: in quotes where it would be read as something else.
#[must_use]
pub fn quoted(value: &str) -> String {
    let plain = !value.is_empty()
        && !value.starts_with("//")
        && !value.contains(|c: char| c.is_whitespace() || matches!(c, '"' | ':' | '\\'));
    if plain {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for letter in value.chars() {
        if matches!(letter, '"' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
    text
}

/// Words as they are written.
pub(super) fn write_words(words: &[String]) -> Option<String> {
    let words: Vec<_> = words.iter().filter(|word| !word.is_empty()).map(|word| quoted(word)).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The hexadecimal digits of a word that may be an id, or a part of one; also as it is shown shortened: `…dba95effe0bf`.
#[must_use]
pub fn id_part(word: &str) -> Option<String> {
    let digits: String = word.trim_start_matches('…').chars().filter(|c| *c != '-').collect();
    let fits = (SHORTEST_ID..=32).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| digits.to_ascii_lowercase())
}

/// What is looked for where a word was pasted from elsewhere: the task whose page or place in the API an address is, the
/// trace of a `traceparent`. None for other words.
pub(super) fn pasted(word: &str) -> Option<String> {
    if let Some((_, path)) = word.split_once("://") {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        return path.split('/').find(|part| part.parse::<crate::TaskId>().is_ok()).map(ToOwned::to_owned);
    }
    // version-trace-span-flags, in hexadecimal digits: https://www.w3.org/TR/trace-context/#traceparent-header
    let parts: Vec<&str> = word.split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let lengths = parts.iter().map(|part| part.len());
    (lengths.eq([2, 32, 16, 2]) && parts.iter().all(is_hex)).then(|| parts[1].to_ascii_lowercase())
}

/// The name that a mistyped one was most likely meant to be.
pub(super) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.map(|name| (distance(typed, name), name)).min_by_key(|(distance, _)| *distance)?;
    (near.0 <= 2).then_some(near.1)
}

/// How many letters are to be changed, put in or taken out to make one text the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in right.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}
