//! Which tasks the list shows, as its URL says it. The URL is the only place where this is kept: `?q=` holds what is
//! typed into the search box, in the language of core's `ListQuery::from_filter`.

mod suggest;

use leptos_router::params::ParamsMap;
use taskdeck_core::{FilterError, Kind, ListOrder, ListQuery, QueueName, Status, StatusSet};

pub(crate) use suggest::{Suggestion, Values, suggest};

/// The filter of the task list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// What is asked for, without a cursor.
    pub(crate) of: ListQuery,
    /// In which order.
    pub(crate) order: ListOrder,
    /// Where the page begins; with the first of the list when there is none.
    pub(crate) cursor: Option<String>,
    /// How many tasks a page shows, where that is not the usual number.
    pub(crate) rows: Option<u32>,
    /// What was typed and cannot be read, and why.
    pub(crate) fault: Option<(String, FilterError)>,
}

impl Filter {
    /// Reads the filter from a URL's query.
    pub(crate) fn from_query(query: &ParamsMap) -> Self {
        let text = |name: &str| query.get(name).filter(|text| !text.is_empty());
        let typed = text("q").unwrap_or_default();
        // Fields by themselves, as older links have them; what makes no sense there is left out. `status` may be given
        // once with commas or several times.
        let names = query.get_all("status").unwrap_or_default().join(",");
        let fields = ListQuery {
            status: names.split(',').filter_map(|name| name.trim().parse::<Status>().ok()).collect(),
            kind: text("kind").and_then(|text| text.parse().ok()),
            queue: text("queue").and_then(|text| text.parse().ok()),
            ..ListQuery::default()
        };
        let cursor = text("cursor");
        let rows = text("rows").and_then(|text| text.parse().ok());
        let order = match text("order").as_deref() {
            Some("oldest") => ListOrder::Oldest,
            _ => ListOrder::Newest,
        };
        match ListQuery::from_filter(&typed) {
            Ok(typed) => Self { of: fields.and(typed), order, cursor, rows, fault: None },
            Err(error) => Self { of: fields, order, cursor, rows, fault: Some((typed, error)) },
        }
    }

    /// The statuses that a URL's query names, whatever else it says.
    pub(crate) fn statuses_in(query: &ParamsMap) -> StatusSet {
        let typed = query.get("q").unwrap_or_default();
        let typed = typed.split_whitespace().filter_map(|word| word.strip_prefix("status:"));
        let fields = query.get_all("status").unwrap_or_default().join(",");
        let names = typed.chain([fields.as_str()]).flat_map(|names| names.split(','));
        names.filter_map(|name| name.trim().parse::<Status>().ok()).collect()
    }

    /// The filter that a text says.
    pub(crate) fn typed(text: &str) -> Self {
        match ListQuery::from_filter(text) {
            Ok(of) => Self { of, ..Self::default() },
            Err(error) => Self { fault: Some((text.to_owned(), error)), ..Self::default() },
        }
    }

    /// What the search box shows.
    pub(crate) fn text(&self) -> String {
        match &self.fault {
            Some((typed, _)) => typed.clone(),
            None => self.of.to_filter(),
        }
    }

    /// What the server is asked for.
    pub(crate) fn list_query(&self) -> ListQuery {
        ListQuery { order: self.order, cursor: self.cursor.clone(), limit: self.rows, ..self.of.clone() }
    }

    /// Whether nothing is filtered out.
    pub(crate) fn is_empty(&self) -> bool {
        self.fault.is_none() && self.of == ListQuery::default()
    }

    /// The same filter from the first task of the list on.
    pub(crate) fn first(&self) -> Self {
        Self { cursor: None, ..self.clone() }
    }

    /// The same filter, beginning at `cursor`.
    pub(crate) fn at(&self, cursor: String) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }

    /// The same filter with so many tasks a page, from the first on.
    pub(crate) fn with_rows(&self, rows: Option<u32>) -> Self {
        Self { rows, ..self.first() }
    }

    /// The same filter in this order, from its first task on.
    pub(crate) fn ordered(&self, order: ListOrder) -> Self {
        Self { order, ..self.first() }
    }

    fn with(&self, of: ListQuery) -> Self {
        Self { of, rows: self.rows, order: self.order, ..Self::default() }
    }

    /// The same filter for other statuses, from the first task on.
    pub(crate) fn with_status(&self, status: StatusSet) -> Self {
        self.with(ListQuery { status, ..self.of.clone() })
    }

    /// The same filter with one status put in or taken out.
    pub(crate) fn toggled(&self, status: Status) -> Self {
        let set = self.of.status;
        let set = if set.contains(status) {
            set.iter().filter(|other| *other != status).collect()
        } else {
            set.with(status)
        };
        self.with_status(set)
    }

    /// The same filter for another kind.
    pub(crate) fn with_kind(&self, kind: Option<Kind>) -> Self {
        self.with(ListQuery { kind, ..self.of.clone() })
    }

    /// The same filter for another queue.
    pub(crate) fn with_queue(&self, queue: Option<QueueName>) -> Self {
        self.with(ListQuery { queue, ..self.of.clone() })
    }

    /// The query of the URL that says it, with its `?`; nothing when nothing is filtered.
    pub(crate) fn to_query(&self) -> String {
        let mut parts = Vec::new();
        let text = self.text();
        if !text.is_empty() {
            parts.push(format!("q={}", escape_query(&text)));
        }
        if self.order == ListOrder::Oldest {
            parts.push("order=oldest".to_owned());
        }
        if let Some(rows) = self.rows {
            parts.push(format!("rows={rows}"));
        }
        if let Some(cursor) = &self.cursor {
            parts.push(format!("cursor={}", escape(cursor)));
        }
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }
}

/// Percent-encodes a text for one segment of a URL's path, or for a value of its query.
pub(crate) fn escape(text: &str) -> String {
    encode(text, b"")
}

/// The same for a value of a query, which stays readable: `status:failed+kind:import_csv`.
pub(crate) fn escape_query(text: &str) -> String {
    encode(text, b":,/").replace("%20", "+")
}

fn encode(text: &str, plain: &[u8]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || plain.contains(&byte) {
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
            ("q", "kind:import_csv status:failed,cancelled two words"),
            ("cursor", "a/b"),
        ]));
        let text = "status:failed,cancelled+kind:import_csv+two+words";
        assert_eq!(filter.to_query(), format!("?q={text}&cursor=a%2Fb"));
        assert_eq!(filter.first().to_query(), format!("?q={text}"));
        let oldest = filter.ordered(ListOrder::Oldest);
        assert_eq!(oldest.to_query(), format!("?q={text}&order=oldest"));
        assert_eq!(Filter::from_query(&query(&[("order", "oldest")])).list_query().order, ListOrder::Oldest);
        assert_eq!(oldest.with_kind(None).ordered(ListOrder::Newest).order, ListOrder::Newest);
        // A phrase is written in one way, however it was quoted.
        assert_eq!(Filter::typed("a&b=\"c d\"").to_query(), "?q=%22a%26b%3Dc+d%22");
    }

    #[test]
    fn older_links_work_and_their_nonsense_is_left_out() {
        let filter = Filter::from_query(&query(&[
            ("status", "failed"),
            ("status", "nonsense"),
            ("status", "running"),
            ("kind", "Not A Kind"),
            ("q", "text"),
        ]));
        assert_eq!(filter.to_query(), "?q=status:running,failed+text");
    }

    #[test]
    fn what_cannot_be_read_stays_in_the_box() {
        let filter = Filter::from_query(&query(&[("q", "stauts:failed")]));
        assert_eq!(filter.text(), "stauts:failed");
        assert!(filter.fault.is_some() && !filter.is_empty());
        assert!(filter.with_kind(None).is_empty());
    }

    #[test]
    fn the_statuses_of_a_query_are_found_without_reading_all_of_it() {
        let both = StatusSet::EMPTY.with(Status::Running).with(Status::Failed);
        let of = |fields: &[(&'static str, &'static str)]| Filter::statuses_in(&query(fields));
        assert_eq!(of(&[("q", "kind:x status:running,failed text")]), both);
        assert_eq!(of(&[("q", "status:running"), ("status", "failed"), ("status", "nothing")]), both);
        assert_eq!(of(&[("q", "stauts:failed")]), StatusSet::EMPTY);
    }

    #[test]
    fn toggling_twice_changes_nothing_but_the_page() {
        let filter = Filter::default().toggled(Status::Failed).at("x".to_owned());
        let twice = filter.toggled(Status::Running).toggled(Status::Running);
        assert_eq!(twice, filter.first());
        assert!(Filter::default().toggled(Status::Failed).toggled(Status::Failed).is_empty());
    }
}
