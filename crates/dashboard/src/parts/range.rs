//! What the overview shows: which span of time, and which charts. Said by the URL.

use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use taskdeck_ui::Erase;

use crate::parts::charts::ChartChoice;
use crate::paths;

/// A span of time that ends now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Range {
    /// An hour, by the minute.
    #[default]
    Hour,
    /// Six hours.
    SixHours,
    /// A day.
    Day,
    /// A week.
    Week,
}

impl Range {
    const ALL: [Self; 4] = [Self::Hour, Self::SixHours, Self::Day, Self::Week];

    /// The name in the URL.
    const fn name(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// What the URL says; none for what is no range.
    pub(crate) fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.name() == name)
    }

    /// How long it is.
    pub(crate) const fn millis(self) -> u64 {
        const HOUR: u64 = 3_600_000;
        match self {
            Self::Hour => HOUR,
            Self::SixHours => 6 * HOUR,
            Self::Day => 24 * HOUR,
            Self::Week => 7 * 24 * HOUR,
        }
    }

    /// As it is said.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Hour => "last hour",
            Self::SixHours => "last 6 hours",
            Self::Day => "last 24 hours",
            Self::Week => "last 7 days",
        }
    }
}

/// What the overview shows: said by its URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// Which span.
    pub(crate) range: Range,
    /// Which charts.
    pub(crate) charts: ChartChoice,
}

impl Look {
    /// What a URL's query says.
    pub(crate) fn from_query(query: &ParamsMap) -> Self {
        let range = query.get("range").and_then(|range| Range::read(&range)).unwrap_or_default();
        let charts = query.get("charts").and_then(|charts| ChartChoice::read(&charts)).unwrap_or_default();
        Self { range, charts }
    }

    /// The address that says it.
    pub(crate) fn address(self) -> String {
        let range = (self.range != Range::default()).then(|| format!("range={}", self.range.name()));
        let charts = self.charts.name().map(|charts| format!("charts={charts}"));
        let parts: Vec<_> = range.into_iter().chain(charts).collect();
        paths::overview(&if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) })
    }
}

/// The links from span to span.
#[component]
pub(crate) fn RangeLinks(
    /// What the URL says.
    look: Memo<Look>,
) -> impl IntoView {
    let links = Range::ALL.map(|one| {
        view! {
            <a
                class="dash-tab"
                href=move || Look { range: one, ..look.get() }.address()
                aria-label=one.words()
                aria-current=move || (look.get().range == one).then_some("true")
            >
                {one.name()}
            </a>
        }
    });
    view! { <nav class="dash-tabs" aria-label="Span of time">{links}</nav> }.erase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::charts::Measure;

    #[test]
    fn a_url_says_the_span() {
        for range in Range::ALL {
            assert_eq!(Range::read(range.name()), Some(range));
        }
        assert_eq!(Range::read("2h"), None);
    }

    #[test]
    fn a_url_says_what_the_overview_shows_and_the_other_way_round() {
        Owner::new().with(|| {
            assert_eq!(Look::default().address(), "/");
            let charts = [ChartChoice::PutAway, ChartChoice::One(Measure::Wait)];
            let addresses = ["/?range=24h&charts=off", "/?range=24h&charts=wait"];
            for (charts, address) in charts.into_iter().zip(addresses) {
                let look = Look { range: Range::Day, charts };
                assert_eq!(look.address(), address);
                let mut query = ParamsMap::new();
                query.insert("range", "24h".to_owned());
                query.insert("charts", charts.name().unwrap().to_owned());
                assert_eq!(Look::from_query(&query), look);
            }
            let mut query = ParamsMap::new();
            query.insert("charts", "pie".to_owned());
            assert_eq!(Look::from_query(&query), Look::default(), "what there is not");
        });
    }
}
