//! The language of the search box and of `GET /api/tasks?filter=`: `status:failed kind:import_csv since:2h text`.
//! A filter is read into a [`ListQuery`] and written from one; what was read and written again means the same.

mod age;
mod words;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

pub use age::{Age, ParseAgeError};
pub use words::{id_part, quoted};

use crate::{ListOrder, ListQuery, ParseStatusError, Status, StatusSet};
use words::{Token, nearest, pasted, tokens, write_words};

/// The names that stand before a colon, in the order in which a filter is written.
pub const FILTER_NAMES: [&str; 12] = [
    "status", "partial", "kind", "queue", "tag", "user", "key", "error", "since", "after", "before", "parent",
];

/// How many characters a part of an id has at least, to be taken for one.
pub const SHORTEST_ID: usize = 6;

/// Why a filter cannot be read, in words for the one who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// What stands before the colon is no name of ours, but nearly one.
    #[error(
        "there is no filter named “{name}”; did you mean “{like}:”? To look for the text itself, put it in quotes"
    )]
    UnknownName {
        /// What was typed.
        name: String,
        /// The name that is most like it.
        like: &'static str,
    },
    /// What stands after the colon does not fit the name.
    #[error("“{value}” does not fit “{name}:”: {why}")]
    BadValue {
        /// The name.
        name: &'static str,
        /// What was typed.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// One name twice, where the second would leave nothing.
    #[error("“{name}:” is there twice: one of them is enough")]
    Twice {
        /// The name.
        name: &'static str,
    },
    /// A quote that is opened and not closed.
    #[error("a quote is opened and not closed")]
    OpenQuote,
}

/// All that may stand after `status:`.
fn status_names() -> impl Iterator<Item = &'static str> {
    Status::ALL.into_iter().map(Status::name).chain(["active", "ended", "waiting"])
}

fn statuses(value: &str) -> Result<StatusSet, ParseStatusError> {
    let mut set = StatusSet::EMPTY;
    for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let named = match name {
            "active" => StatusSet::ACTIVE,
            "ended" => StatusSet::ENDED,
            "waiting" => StatusSet::EMPTY.with(Status::WaitingConfirmation),
            name => StatusSet::EMPTY.with(name.parse()?),
        };
        set = set.iter().chain(named.iter()).collect();
    }
    Ok(set)
}

fn put<T: FromStr>(to: &mut Option<T>, name: &'static str, value: &str) -> Result<(), FilterError>
where
    T::Err: fmt::Display,
{
    if to.is_some() {
        return Err(FilterError::Twice { name });
    }
    let bad = |why: String| FilterError::BadValue { name, value: value.to_owned(), why };
    if value.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    // The errors of names begin with what the name is of, which is said already.
    let why = |error: T::Err| {
        let text = error.to_string();
        text.split_once(": ").map_or(text.clone(), |(_, why)| why.to_owned())
    };
    *to = Some(value.parse().map_err(|error| bad(why(error)))?);
    Ok(())
}

/// A day is where it begins in UTC.
fn time(value: &str) -> Cow<'_, str> {
    let is_day = value.len() == 10 && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_day { format!("{value}T00:00:00Z").into() } else { value.into() }
}

impl ListQuery {
    /// Reads a filter, such as `status:failed kind:import_csv since:2h "two words"`.
    ///
    /// ```
    /// use taskdeck_core::ListQuery;
    /// let query = ListQuery::from_filter("kind:import_csv status:failed flights")?;
    /// assert_eq!(query.to_filter(), "status:failed kind:import_csv flights");
    /// let error = ListQuery::from_filter("stauts:failed").unwrap_err();
    /// assert!(error.to_string().contains("did you mean “status:”"));
    /// # Ok::<(), taskdeck_core::FilterError>(())
    /// ```
    ///
    /// # Errors
    /// [`FilterError`], in words for the one who typed it.
    pub fn from_filter(text: &str) -> Result<Self, FilterError> {
        let mut query = Self::default();
        let mut words = Vec::new();
        for Token { name, value } in tokens(text)? {
            let Some(typed) = name else {
                words.push(pasted(&value).unwrap_or(value));
                continue;
            };
            let name = FILTER_NAMES.into_iter().find(|name| typed.eq_ignore_ascii_case(name));
            match name {
                Some(name @ "status") => {
                    let bad = |error: ParseStatusError| {
                        let typed = value.split(',').map(str::trim).find(|name| statuses(name).is_err());
                        let like = typed.and_then(|typed| nearest(typed, status_names()));
                        let why = like.map_or(error.to_string(), |like| format!("did you mean “{like}”?"));
                        FilterError::BadValue { name, value: value.clone(), why }
                    };
                    let more = statuses(&value).map_err(bad)?;
                    query.status = query.status.iter().chain(more.iter()).collect();
                }
                Some(name @ "partial") => put(&mut query.partial, name, &value)?,
                Some(name @ "kind") => put(&mut query.kind, name, &value)?,
                Some(name @ "queue") => put(&mut query.queue, name, &value)?,
                Some(name @ "tag") => put(&mut query.tag, name, &value)?,
                Some(name @ "user") => put(&mut query.user, name, &value)?,
                Some(name @ "key") => put(&mut query.key, name, &value)?,
                Some(name @ "error") => put(&mut query.error, name, &value)?,
                Some(name @ "since") => put(&mut query.since, name, &value)?,
                Some(name @ "after") => put(&mut query.after, name, &time(&value))?,
                Some(name @ "before") => put(&mut query.before, name, &time(&value))?,
                Some(name @ "parent") => put(&mut query.parent, name, &value)?,
                // Keys have colons too, such as `import:2026-01`.
                _ => match nearest(&typed.to_ascii_lowercase(), FILTER_NAMES.into_iter()) {
                    Some(like) => return Err(FilterError::UnknownName { name: typed, like }),
                    None => words.push(format!("{typed}:{value}")),
                },
            }
        }
        query.text = write_words(&words);
        Ok(query)
    }

    /// The filter that says this query, but for its cursor, limit and batch.
    #[must_use]
    pub fn to_filter(&self) -> String {
        let mut parts = Vec::new();
        match self.status {
            StatusSet::EMPTY => {}
            StatusSet::ACTIVE => parts.push("status:active".to_owned()),
            StatusSet::ENDED => parts.push("status:ended".to_owned()),
            set => parts.push(format!("status:{set}")),
        }
        let mut named = |name: &str, value: Option<String>| {
            parts.extend(value.map(|value| format!("{name}:{}", quoted(&value))));
        };
        named("partial", self.partial.map(|partial| partial.to_string()));
        named("kind", self.kind.as_ref().map(ToString::to_string));
        named("queue", self.queue.as_ref().map(ToString::to_string));
        named("tag", self.tag.clone());
        named("user", self.user.as_ref().map(ToString::to_string));
        named("key", self.key.clone());
        named("error", self.error.clone());
        named("since", self.since.map(|age| age.to_string()));
        named("after", self.after.map(|at| at.to_string()));
        named("before", self.before.map(|at| at.to_string()));
        named("parent", self.parent.map(|id| id.to_string()));
        parts.extend(write_words(&self.words()));
        parts.join(" ")
    }

    /// What `text` asks for: each of these words (or phrases in quotes) must be there.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let Some(text) = &self.text else { return Vec::new() };
        let Ok(tokens) = tokens(text) else {
            // Not written by us: every word as it stands.
            return text.split_whitespace().map(ToOwned::to_owned).collect();
        };
        let whole = |Token { name, value }: Token| match name {
            Some(name) => format!("{name}:{value}"),
            None => value,
        };
        tokens.into_iter().map(whole).filter(|word| !word.is_empty()).collect()
    }

    /// The same query with what `other` says in addition; what both say is `other`'s.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            status: if other.status.is_empty() { self.status } else { other.status },
            partial: other.partial.or(self.partial),
            kind: other.kind.or(self.kind),
            queue: other.queue.or(self.queue),
            tag: other.tag.or(self.tag),
            user: other.user.or(self.user),
            key: other.key.or(self.key),
            error: other.error.or(self.error),
            text: other.text.or(self.text),
            since: other.since.or(self.since),
            after: other.after.or(self.after),
            before: other.before.or(self.before),
            batch: other.batch.or(self.batch),
            parent: other.parent.or(self.parent),
            order: if other.order == ListOrder::default() { self.order } else { other.order },
            cursor: other.cursor.or(self.cursor),
            limit: other.limit.or(self.limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Kind, QueueName, TaskId, Timestamp, UserId};

    fn read(text: &str) -> ListQuery {
        ListQuery::from_filter(text).unwrap()
    }

    fn why(text: &str) -> String {
        ListQuery::from_filter(text).unwrap_err().to_string()
    }

    #[test]
    fn names_and_words_are_told_apart() {
        let query =
            read(r#"kind:import_csv status:failed,cancelled two "a phrase" tag:"last week" since:2h"#);
        assert_eq!(query.kind, Kind::new("import_csv").ok());
        assert_eq!(query.status.to_string(), "failed,cancelled");
        assert_eq!(query.tag.as_deref(), Some("last week"));
        assert_eq!(query.since.map(Age::as_millis), Some(7_200_000));
        assert_eq!(query.words(), ["two", "a phrase"]);
        assert_eq!(read("  "), ListQuery::default());
    }

    #[test]
    fn groups_of_statuses_have_names() {
        assert_eq!(read("status:active").status, StatusSet::ACTIVE);
        assert_eq!(read("status:ended").to_filter(), "status:ended");
        assert_eq!(read("status:waiting").status.to_string(), "waiting_confirmation");
        assert_eq!(read("status:failed status:running").status.to_string(), "running,failed");
    }

    #[test]
    fn quotes_make_anything_a_word() {
        let query = read(r#""status:failed" "say \"hi\" \\ there" :start"#);
        assert_eq!(query.words(), ["status:failed", r#"say "hi" \ there"#, ":start"]);
        assert!(query.status.is_empty());
        assert_eq!(read(&query.to_filter()), query);
    }

    #[test]
    fn a_mistake_is_told_kindly() {
        assert!(why("stauts:failed").contains("did you mean “status:”?"));
        assert!(why("stauts:failed").ends_with("put it in quotes"));
        assert_eq!(
            why("status:running,faild"),
            "“running,faild” does not fit “status:”: did you mean “failed”?"
        );
        assert!(why("status:activ").ends_with("did you mean “active”?"));
        assert!(why("partial:maybe").contains("true"), "{}", why("partial:maybe"));
        assert!(why("since:yesterday").contains("such as 30s, 15m, 2h or 7d"));
        assert!(why("kind:Import").contains("must start with a-z"), "{}", why("kind:Import"));
        assert!(why("tag:a tag:b").contains("twice"));
        assert!(why("user:").contains("it is empty"));
        assert_eq!(why(r#"text "open"#), "a quote is opened and not closed");
    }

    #[test]
    fn what_is_no_filter_is_looked_for_as_it_stands() {
        for text in ["import:2026-01", "a\"b", "http:example", "12:30", "it's"] {
            assert_eq!(read(text).words(), [text], "{text}");
            assert_eq!(read(&read(text).to_filter()).words(), [text], "{text}");
        }
        assert_eq!(read("tag:a\"b").tag.as_deref(), Some("a\"b"));
    }

    #[test]
    fn a_day_is_where_it_begins() {
        let query = read("after:2026-01-31 before:2026-02-01");
        assert_eq!(
            query.to_filter(),
            "after:\"2026-01-31T00:00:00.000Z\" before:\"2026-02-01T00:00:00.000Z\""
        );
        assert!(why("before:2026-02-31").contains("does not fit"), "{}", why("before:2026-02-31"));
    }

    #[test]
    fn a_word_may_be_a_part_of_an_id() {
        assert_eq!(id_part("…dba95effe0bf").as_deref(), Some("dba95effe0bf"));
        assert_eq!(id_part("0198C2-e1").as_deref(), Some("0198c2e1"));
        assert_eq!(id_part("abc12"), None);
        assert_eq!(id_part("flights"), None);
        let id = TaskId::from_parts(Timestamp::from_millis(5), [7; 10]);
        assert_eq!(id_part(&id.to_string()).map(|part| part.len()), Some(32));
    }

    #[test]
    fn what_is_pasted_is_looked_for() {
        let id = TaskId::from_parts(Timestamp::from_millis(5), [7; 10]);
        let words = |text: &str| read(text).words();
        for address in [
            format!("https://tasks.example.org/deck/tasks/{id}"),
            format!("http://127.0.0.1:3000/api/tasks/{id}/result?timeout=5#top"),
        ] {
            assert_eq!(words(&address), [id.to_string()], "{address}");
        }
        assert_eq!(words("https://example.org/a?b=1"), ["https://example.org/a?b=1"]);
        assert_eq!(read("https://example.org").to_filter(), "\"https://example.org\"");
        let odd = read("user:\"//a\"");
        assert!(odd.user.is_some() && odd.text.is_none());
        assert_eq!(odd.to_filter(), "user:\"//a\"");
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(words(&format!("00-{trace}-00f067aa0ba902b7-01")), [trace]);
        assert_eq!(words("00-11-22-33"), ["00-11-22-33"]);
    }

    #[test]
    fn what_two_say_is_said_by_the_second() {
        let both = read("status:failed kind:a text").and(read("kind:b user:ann"));
        assert_eq!(both.to_filter(), "status:failed kind:b user:ann text");
    }

    fn queries() -> impl Strategy<Value = ListQuery> {
        let name = "[a-z][a-z0-9_]{0,8}";
        let text = "[^\u{0}-\u{1f}\u{7f}-\u{9f}]{1,12}";
        let lane = (
            proptest::option::of(name.prop_map(|name| Kind::new(name).unwrap())),
            proptest::option::of(name.prop_map(|name| QueueName::new(name).unwrap())),
            proptest::option::of(text.prop_map(|name| UserId::new(name).unwrap())),
        );
        let texts = (
            proptest::option::of(text.prop_map(String::from)),
            proptest::option::of(text.prop_map(String::from)),
            proptest::collection::vec(text, 0..4),
        );
        let times = (proptest::option::of(1..u64::MAX / 2), proptest::option::of(0..4_000_000_000_000_i64));
        let statuses = proptest::sample::subsequence(Status::ALL.to_vec(), 0..=8);
        (statuses, lane, texts, times).prop_map(
            |(status, (kind, queue, user), (tag, key, words), (age, at))| {
                let after = at.map(Timestamp::from_millis);
                let parent = at.map(|at| TaskId::from_parts(Timestamp::from_millis(at), [3; 10]));
                ListQuery {
                    status: status.into_iter().collect(),
                    partial: age.map(|age| age % 2 == 0),
                    kind,
                    queue,
                    user,
                    tag: tag.clone(),
                    key,
                    error: tag,
                    text: write_words(&words),
                    since: age.map(Age),
                    after,
                    before: after,
                    parent,
                    ..ListQuery::default()
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(query in queries()) {
            prop_assert_eq!(ListQuery::from_filter(&query.to_filter()), Ok(query));
        }

        #[test]
        fn what_is_typed_means_the_same_when_it_is_written_again(text in r#"(status:(failed|ended)|kind:a|since:[0-9]{1,4}[smhdw]|[a-z:"\\ ]{0,8}| ){0,8}"#) {
            if let Ok(query) = ListQuery::from_filter(&text) {
                prop_assert_eq!(ListQuery::from_filter(&query.to_filter()), Ok(query));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = ListQuery::from_filter(&text);
        }
    }
}
