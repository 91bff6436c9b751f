//! Which span of time charts show: said by the URL.

use leptos::prelude::*;
use taskdeck_ui::Erase;

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

/// The links from span to span.
#[component]
pub(crate) fn RangeLinks(
    /// What the URL says.
    range: Memo<Range>,
) -> impl IntoView {
    let links = Range::ALL.map(|one| {
        let query = if one == Range::default() { String::new() } else { format!("?range={}", one.name()) };
        view! {
            <a
                class="dash-tab"
                href=paths::overview(&query)
                aria-label=one.words()
                aria-current=move || (range.get() == one).then_some("true")
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

    #[test]
    fn a_url_says_the_span() {
        for range in Range::ALL {
            assert_eq!(Range::read(range.name()), Some(range));
        }
        assert_eq!(Range::read("2h"), None);
    }
}
