//! Numbers at a glance.

use leptos::prelude::*;
use taskdeck_core::StatsPoint;
use taskdeck_ui::Erase;

/// A number with its name; it belongs into a `dl`.
#[component]
pub(crate) fn Tile(
    /// What it is.
    title: &'static str,
    /// What it is now.
    value: Signal<String>,
    /// What it means.
    note: &'static str,
    /// Where it leads.
    #[prop(optional, into)]
    href: Option<String>,
    /// Whether it is bad news while it is not nought.
    #[prop(optional)]
    bad: bool,
) -> impl IntoView {
    let shown = match href {
        Some(href) => view! { <a href=href>{value}</a> }.erase(),
        None => view! { <span>{value}</span> }.erase(),
    };
    view! {
        <div class="dash-tile" data-bad=move || (bad && value.with(|value| value != "0" && value != "–")).then_some("")>
            <dt>{title}</dt>
            <dd class="dash-tile-value">{shown}</dd>
            <dd class="dash-tile-note">{note}</dd>
        </div>
    }
    .erase()
}

/// The share of what ended that completed; none when nothing ended. What was cancelled is neither.
pub(crate) fn success_rate(total: &StatsPoint) -> Option<String> {
    let ended = total.completed + total.failed + total.interrupted;
    if ended == 0 {
        return None;
    }
    // Rounded down, so that 100 % means that nothing failed.
    let tenths = total.completed * 1_000 / ended;
    Some(if tenths.is_multiple_of(10) {
        format!("{} %", tenths / 10)
    } else {
        format!("{}.{} %", tenths / 10, tenths % 10)
    })
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Timestamp;

    use super::*;

    #[test]
    fn all_is_well_only_when_nothing_failed() {
        let rate = |completed, failed| {
            let at = Timestamp::default();
            let zero = StatsPoint {
                at,
                started: 0,
                begun: 0,
                completed,
                failed,
                cancelled: 7,
                interrupted: 0,
                wait: None,
                run: None,
            };
            success_rate(&zero)
        };
        assert_eq!(rate(0, 0), None);
        assert_eq!(rate(5, 0).as_deref(), Some("100 %"));
        assert_eq!(rate(99_999, 1).as_deref(), Some("99.9 %"));
        assert_eq!(rate(0, 3).as_deref(), Some("0 %"));
    }
}
