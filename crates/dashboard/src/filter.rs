//! Which tasks the list shows, as its URL says it. The URL is the only place where this is kept.

use leptos_router::params::ParamsMap;
use taskdeck_core::{Kind, ListQuery, QueueName, Status, StatusSet};

/// The filter of the task list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Only these statuses; all when empty.
    pub(crate) status: StatusSet,
    /// Only this kind.
    pub(crate) kind: Option<Kind>,
    /// Only this queue.
    pub(crate) queue: Option<QueueName>,
    /// Where the page begins; the newest when there is none.
    pub(crate) cursor: Option<String>,
}

impl Filter {
    /// Reads the filter from a URL's query. What makes no sense there is left out, so that an old link still works.
    pub(crate) fn from_query(query: &ParamsMap) -> Self {
        // `status` may be given once with commas (our links) or several times (a form's checkboxes).
        let names = query.get_all("status").unwrap_or_default().join(",");
        let status = names.split(',').filter_map(|name| name.trim().parse::<Status>().ok()).collect();
        let text = |name: &str| query.get(name).filter(|text| !text.is_empty());
        Self {
            status,
            kind: text("kind").and_then(|text| text.parse().ok()),
            queue: text("queue").and_then(|text| text.parse().ok()),
            cursor: text("cursor"),
        }
    }

    /// What the server is asked for.
    pub(crate) fn list_query(&self) -> ListQuery {
        ListQuery {
            status: self.status,
            kind: self.kind.clone(),
            queue: self.queue.clone(),
            cursor: self.cursor.clone(),
            ..ListQuery::default()
        }
    }

    /// Whether nothing is filtered out.
    pub(crate) fn is_empty(&self) -> bool {
        self.status.is_empty() && self.kind.is_none() && self.queue.is_none()
    }

    /// The same filter from the newest task on.
    pub(crate) fn newest(&self) -> Self {
        Self { cursor: None, ..self.clone() }
    }

    /// The same filter, beginning at `cursor`.
    pub(crate) fn at(&self, cursor: String) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }

    /// The same filter for other statuses, from the newest task on.
    pub(crate) fn with_status(&self, status: StatusSet) -> Self {
        Self { status, ..self.newest() }
    }

    /// The same filter with one status put in or taken out.
    pub(crate) fn toggled(&self, status: Status) -> Self {
        let set = if self.status.contains(status) {
            self.status.iter().filter(|other| *other != status).collect()
        } else {
            self.status.with(status)
        };
        self.with_status(set)
    }

    /// The same filter for another kind.
    pub(crate) fn with_kind(&self, kind: Option<Kind>) -> Self {
        Self { kind, ..self.newest() }
    }

    /// The same filter for another queue.
    pub(crate) fn with_queue(&self, queue: Option<QueueName>) -> Self {
        Self { queue, ..self.newest() }
    }

    /// The query of the URL that says it, with its `?`; nothing when nothing is filtered.
    pub(crate) fn to_query(&self) -> String {
        let mut parts = Vec::new();
        if !self.status.is_empty() {
            parts.push(format!("status={}", self.status));
        }
        if let Some(kind) = &self.kind {
            parts.push(format!("kind={kind}"));
        }
        if let Some(queue) = &self.queue {
            parts.push(format!("queue={queue}"));
        }
        if let Some(cursor) = &self.cursor {
            parts.push(format!("cursor={}", escape(cursor)));
        }
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }
}

/// Percent-encodes a text for a URL's query or one segment of its path.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&'static str, &str)]) -> ParamsMap {
        let mut map = ParamsMap::new();
        for (name, value) in pairs {
            map.insert(*name, (*value).to_owned());
        }
        map
    }

    #[test]
    fn a_url_says_the_filter_and_the_filter_the_url() {
        let filter = Filter::from_query(&query(&[
            ("status", "failed,cancelled"),
            ("kind", "import_csv"),
            ("cursor", "a/b"),
        ]));
        assert_eq!(filter.to_query(), "?status=failed,cancelled&kind=import_csv&cursor=a%2Fb");
        assert_eq!(filter.newest().to_query(), "?status=failed,cancelled&kind=import_csv");
    }

    #[test]
    fn repeated_names_add_up_and_nonsense_is_left_out() {
        let filter = Filter::from_query(&query(&[
            ("status", "failed"),
            ("status", "nonsense"),
            ("status", "running"),
            ("kind", "Not A Kind"),
        ]));
        assert_eq!(filter.status.to_string(), "running,failed");
        assert_eq!(filter.kind, None);
    }

    #[test]
    fn toggling_twice_changes_nothing_but_the_page() {
        let filter = Filter::default().toggled(Status::Failed).at("x".to_owned());
        let twice = filter.toggled(Status::Running).toggled(Status::Running);
        assert_eq!(twice, filter.newest());
        assert!(Filter::default().toggled(Status::Failed).toggled(Status::Failed).is_empty());
    }
}
