//! What may come next in the search box. Pure.

use std::collections::BTreeSet;

use taskdeck_core::{KindName, Status, TaskState, UserId, quoted};
use taskdeck_ui::small::folded;

/// How many are shown at a time.
const MOST: usize = 12;

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
const NAMES: [(&str, &str); 12] = [
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
    ("partial:", "whether it left parts of its work out"),
    ("parent:", "the id of the task that started it"),
];

/// The values that tasks have which the page has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values {
    queues: Vec<String>,
    tags: Vec<String>,
    users: Vec<String>,
    keys: Vec<String>,
    errors: Vec<String>,
}

impl Values {
    /// Adds those of a task.
    pub(crate) fn see(&mut self, task: &TaskState) {
        see(&mut self.queues, Some(task.queue.as_str()));
        for tag in &task.tags {
            see(&mut self.tags, Some(tag));
        }
        see(&mut self.users, task.user.as_ref().map(UserId::as_str));
        see(&mut self.keys, task.key.as_deref());
        see(&mut self.errors, task.error.as_ref().map(|error| error.code.as_str()));
    }

    /// What stands after this name, and in words what it is there.
    fn of(&self, name: &str) -> Option<(&[String], &'static str)> {
        Some(match name {
            "queue" => (&self.queues, "a queue"),
            "tag" => (&self.tags, "a tag of a task here"),
            "user" => (&self.users, "started a task here"),
            "key" => (&self.keys, "the key of a task here"),
            "error" => (&self.errors, "how a task here failed"),
            _ => return None,
        })
    }
}

/// Adds a value to those that are known, in their order.
fn see(known: &mut Vec<String>, value: Option<&str>) {
    if let Some(value) = value
        && let Err(place) = known.binary_search_by(|known| known.as_str().cmp(value))
    {
        known.insert(place, value.to_owned());
    }
}

/// What may come in place of the last word of a text. The kinds are those that there are, the values those that the
/// page has seen.
pub(crate) fn suggest(text: &str, kinds: &[KindName], seen: &Values) -> Vec<Suggestion> {
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
            let taken = |name: &str| chosen.split(',').any(|chosen| chosen == name);
            let fits = |(name, _): &(&'static str, &'static str)| name.starts_with(last) && !taken(name);
            for (name, title) in groups.into_iter().chain(all).filter(fits) {
                offer(format!("status:{chosen}{name} "), title);
            }
        }
        Some(("kind", value)) => {
            for kind in kinds.iter().filter(|kind| kind.matches(value)) {
                offer(format!("kind:{} ", kind.kind), &kind.title);
            }
        }
        Some(("partial", value)) => {
            let both = [("true", "left parts of its work out"), ("false", "left nothing out")];
            for (word, hint) in both.into_iter().filter(|(word, _)| word.starts_with(value)) {
                offer(format!("partial:{word} "), hint);
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
        Some((name, value)) => {
            if let Some((values, hint)) = seen.of(name) {
                let begins = |known: &&str| folded(known).starts_with(value);
                let of_kinds = kinds.iter().map(|kind| kind.queue.as_str()).filter(|_| name == "queue");
                // One after the other: what is collected is sorted before, which is much code.
                let mut all = BTreeSet::new();
                all.extend(values.iter().map(String::as_str).chain(of_kinds));
                for known in all.into_iter().filter(begins) {
                    offer(format!("{name}:{} ", quoted(known)), hint);
                }
            }
        }
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
    use taskdeck_core::{Definition, Kind, QueueName, TaskId, Timestamp};

    use super::*;

    fn words(text: &str) -> Vec<String> {
        let kinds = ["import_csv", "backup_database"]
            .map(|kind| KindName::from(&Definition::new(Kind::new(kind).unwrap())));
        let mut seen = Values::default();
        let id = TaskId::from_parts(Timestamp::from_millis(5), [7; 10]);
        let mut task =
            TaskState::new(id, Kind::new("import_csv").unwrap(), "Import", Timestamp::from_millis(5));
        task.tags = vec!["last week".to_owned(), "nightly".to_owned()];
        task.queue = QueueName::new("slow").unwrap();
        seen.see(&task);
        suggest(text, &kinds, &seen).into_iter().map(|suggestion| suggestion.word).collect()
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
        assert_eq!(words("queue:"), ["queue:default", "queue:slow"]);
        assert_eq!(words("tag:"), [r#"tag:"last week""#, "tag:nightly"]);
        assert_eq!(words("partial:f"), ["partial:false"]);
        assert!(words("user:").is_empty(), "nobody started what is shown");
        assert_eq!(words("status:")[..2], ["status:active", "status:ended"]);
        assert_eq!(words("status:failed,fa"), [""; 0], "one that is chosen is not offered again");
    }

    #[test]
    fn a_bare_word_may_be_meant_as_a_status_or_a_kind() {
        assert_eq!(words("fail"), ["status:failed"]);
        assert_eq!(words("csv"), ["kind:import_csv"]);
    }

    #[test]
    fn what_stands_before_stays_and_quotes_are_left_alone() {
        let found = suggest("a  status:ru", &[], &Values::default());
        assert_eq!(found[0].text, "a  status:running ");
        assert!(words("\"sta").is_empty());
    }
}
