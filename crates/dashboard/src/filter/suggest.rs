//! What may come next in the search box. Pure.

use std::collections::BTreeSet;

use taskdeck_core::{KindName, Status};

/// How many are shown at a time.
const MOST: usize = 8;

/// Something that can be put in place of the word that is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suggestion {
    /// The whole text with it.
    pub(crate) text: String,
    /// The word itself.
    pub(crate) word: String,
    /// What it means.
    pub(crate) hint: String,
}

/// The names, and what they are for.
const NAMES: [(&str, &str); 10] = [
    ("status:", "where a task stands: failed, running, active, ended"),
    ("kind:", "which kind of task"),
    ("since:", "created at most so long ago: 2h, 7d"),
    ("user:", "who started it"),
    ("tag:", "one of its tags"),
    ("queue:", "its queue"),
    ("key:", "its key"),
    ("error:", "the code of its last error"),
    ("before:", "created before a time: 2026-01-31T08:00:00Z"),
    ("after:", "created after a time"),
];

/// What may come in place of the last word of a text. The kinds are those that there are.
pub(crate) fn suggest(text: &str, kinds: &[KindName]) -> Vec<Suggestion> {
    // Within quotes nothing is suggested.
    if text.matches('"').count() % 2 == 1 {
        return Vec::new();
    }
    let start = text
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let (before, word) = text.split_at(start);
    let typed = word.to_ascii_lowercase();
    let mut found: Vec<(String, String)> = Vec::new();
    let mut offer = |word: String, hint: &str| found.push((word, hint.to_owned()));
    match typed.split_once(':') {
        None => {
            for (name, hint) in NAMES.iter().filter(|(name, _)| name.starts_with(&typed)) {
                offer((*name).to_owned(), hint);
            }
            // A word that begins a status or a kind may be meant as one.
            if typed.len() > 1 {
                for status in Status::ALL.into_iter().filter(|status| status.name().starts_with(&typed)) {
                    offer(format!("status:{status} "), status.title());
                }
                for kind in kinds.iter().filter(|kind| kind.matches(&typed)) {
                    offer(format!("kind:{} ", kind.kind), &kind.title);
                }
            }
        }
        Some(("status", value)) => {
            let (chosen, last) = value
                .rsplit_once(',')
                .map_or((String::new(), value), |(chosen, last)| (format!("{chosen},"), last));
            let groups = [("active", "has not ended"), ("ended", "has ended, however")];
            let all = Status::ALL.into_iter().map(|status| (status.name(), status.title()));
            for (name, title) in all.chain(groups).filter(|(name, _)| name.starts_with(last)) {
                offer(format!("status:{chosen}{name} "), title);
            }
        }
        Some(("kind", value)) => {
            for kind in kinds.iter().filter(|kind| kind.matches(value)) {
                offer(format!("kind:{} ", kind.kind), &kind.title);
            }
        }
        Some(("queue", value)) => {
            let queues: BTreeSet<_> = kinds.iter().map(|kind| kind.queue.as_str()).collect();
            for queue in queues.into_iter().filter(|queue| queue.starts_with(value)) {
                offer(format!("queue:{queue} "), "a queue that a kind goes to");
            }
        }
        Some(("since", value)) => {
            let ages = [
                ("15m", "the last quarter of an hour"),
                ("1h", "the last hour"),
                ("24h", "the last day"),
                ("7d", "the last week"),
            ];
            for (age, hint) in ages.into_iter().filter(|(age, _)| age.starts_with(value)) {
                offer(format!("since:{age} "), hint);
            }
        }
        Some(_) => {}
    }
    let whole = |(word, hint): (String, String)| Suggestion {
        text: format!("{before}{word}"),
        word: word.trim_end().to_owned(),
        hint,
    };
    // What stands there already is no suggestion.
    found.into_iter().filter(|(offered, _)| *offered != word).take(MOST).map(whole).collect()
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Definition, Kind};

    use super::*;

    fn words(text: &str) -> Vec<String> {
        let kinds = ["import_csv", "backup_database"]
            .map(|kind| KindName::from(&Definition::new(Kind::new(kind).unwrap())));
        suggest(text, &kinds).into_iter().map(|suggestion| suggestion.word).collect()
    }

    #[test]
    fn an_empty_box_offers_the_names() {
        assert_eq!(words("")[..3], ["status:", "kind:", "since:"]);
        assert_eq!(words("st"), ["status:"]);
    }

    #[test]
    fn a_name_offers_its_values() {
        assert_eq!(words("status:fa"), ["status:failed"]);
        assert_eq!(words("status:failed,ca"), ["status:failed,cancelled"]);
        assert_eq!(words("text kind:"), ["kind:import_csv", "kind:backup_database"]);
        assert_eq!(words("since:1"), ["since:15m", "since:1h"]);
        assert_eq!(words("queue:"), ["queue:default"]);
        assert!(words("user:").is_empty());
    }

    #[test]
    fn a_bare_word_may_be_meant_as_a_status_or_a_kind() {
        assert_eq!(words("fail"), ["status:failed"]);
        assert_eq!(words("csv"), ["kind:import_csv"]);
    }

    #[test]
    fn what_stands_before_stays_and_quotes_are_left_alone() {
        let found = suggest("a  status:ru", &[]);
        assert_eq!(found[0].text, "a  status:running ");
        assert!(words("\"sta").is_empty());
    }
}
