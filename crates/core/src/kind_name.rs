//! A kind as menus and suggestions name it.

use serde::Serialize;

use crate::read::read;
use crate::{Definition, Kind, QueueName};

/// What a kind is called: a small part of its [`Definition`], for those who do not start it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindName {
    /// Which kind.
    pub kind: Kind,
    /// What a person reads.
    pub title: String,
    /// The name of its icon.
    pub icon: String,
    /// The queue that it goes to.
    pub queue: QueueName,
}

read!(KindName { kind, title, icon, queue });

impl From<&Definition> for KindName {
    fn from(definition: &Definition) -> Self {
        let Definition { kind, title, icon, limits, .. } = definition;
        Self { kind: kind.clone(), title: title.clone(), icon: icon.clone(), queue: limits.queue.clone() }
    }
}

impl KindName {
    /// Whether every word of a text occurs in its name or title, however they are written.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let hay = format!("{} {}", self.kind, self.title).to_ascii_lowercase();
        text.to_ascii_lowercase().split_whitespace().all(|word| hay.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_by_its_name_or_title() {
        let definition =
            Definition { title: "Import CSV".to_owned(), ..Definition::new("import_csv".parse().unwrap()) };
        let name = KindName::from(&definition);
        assert!(name.matches("csv IMPORT") && name.matches("import_") && name.matches(""));
        assert!(!name.matches("csv backup"));
        let text = serde_json::to_string(&name).unwrap();
        assert_eq!(serde_json::from_str::<KindName>(&text).unwrap(), name);
    }
}
