//! Whether a row of `tasks` is in a list, looked at in place: most rows of a search are not.

use rusqlite::Row;
use taskdeck_core::{BatchId, Kind, ListQuery, QueueName, Status, TaskId, UserId, id_part};
use uuid::Uuid;

use super::work_error::WorkError;

/// What a list asks of a row.
pub(super) struct Fits<'a> {
    query: &'a ListQuery,
    words: Vec<Word>,
}

/// A word of a search.
struct Word {
    text: String,
    /// Its hexadecimal digits, where it may be a part of an id.
    id: Option<String>,
}

impl<'a> Fits<'a> {
    pub(super) fn of(query: &'a ListQuery) -> Self {
        let word = |word: String| Word { id: id_part(&word), text: word.to_lowercase() };
        Self { query, words: query.words().into_iter().map(word).collect() }
    }

    /// The ids that begin as the only word does, when that may be one.
    pub(super) fn id_range(&self) -> Option<([u8; 16], [u8; 16])> {
        let [Word { id: Some(digits), .. }] = self.words.as_slice() else { return None };
        let padded = |with: char| {
            let text: String = digits.chars().chain(std::iter::repeat(with)).take(32).collect();
            u128::from_str_radix(&text, 16).ok()
        };
        let (first, last) = (padded('0')?, padded('f')?);
        Some((first.to_be_bytes(), last.checked_add(1)?.to_be_bytes()))
    }

    pub(super) fn row(&self, row: &Row<'_>) -> Result<bool, WorkError> {
        let query = self.query;
        let text = |column: usize| row.get_ref(column).ok().and_then(|value| value.as_str().ok());
        let is =
            |column: usize, wanted: Option<&str>| wanted.is_none_or(|wanted| text(column) == Some(wanted));
        let is_id = |column: usize, wanted: Option<&Uuid>| {
            wanted.is_none_or(|wanted| {
                row.get_ref(column).is_ok_and(|value| value.as_blob() == Ok(wanted.as_bytes().as_slice()))
            })
        };
        let code: u8 = row.get(11)?;
        let in_status = query.status.is_empty()
            || Status::from_code(code).is_some_and(|status| query.status.contains(status));
        let plain = in_status
            && query.partial.is_none_or(|partial| row.get(28) == Ok(partial))
            && is(1, query.kind.as_ref().map(Kind::as_str))
            && is(3, query.queue.as_ref().map(QueueName::as_str))
            && is(31, query.error.as_deref())
            && is(8, query.user.as_ref().map(UserId::as_str))
            && is(6, query.key.as_deref())
            && is_id(35, query.parent.as_ref().map(TaskId::as_uuid))
            && is_id(37, query.batch.as_ref().map(BatchId::as_uuid));
        if !plain {
            return Ok(false);
        }
        if query.after.is_some() || query.before.is_some() {
            let created: i64 = row.get(10)?;
            let after = query.after.is_none_or(|after| created > after.as_millis());
            if !after || query.before.is_some_and(|before| created >= before.as_millis()) {
                return Ok(false);
            }
        }
        if let Some(tag) = &query.tag {
            let tags: Vec<String> = super::rows::json(row, 7)?.unwrap_or_default();
            if !tags.contains(tag) {
                return Ok(false);
            }
        }
        if self.words.is_empty() {
            return Ok(true);
        }
        // The same text as in core's `ListQuery::matches`.
        let mut hay = String::new();
        for column in [5, 1, 6, 7, 32] {
            hay.push_str(text(column).unwrap_or_default());
            hay.push('\n');
        }
        let hay = hay.to_lowercase();
        let mut ids = None;
        for word in &self.words {
            if hay.contains(&word.text) {
                continue;
            }
            let Some(part) = &word.id else { return Ok(false) };
            let ids = match &ids {
                Some(ids) => ids,
                None => {
                    let id = super::rows::uuid(row, 0)?;
                    ids.insert(format!("{}\n{}", id.simple(), text(9).unwrap_or_default()))
                }
            };
            if !ids.contains(part.as_str()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
