//! Points in time and lengths of time. The server's HTML and the first view have no clock: they show the absolute
//! time in UTC, and tick once they are hydrated.

use leptos::prelude::*;
use taskdeck_core::Timestamp;

use crate::{browser, format, use_live};

/// How long ago (or in how long) something is; the exact time on hover.
#[component]
pub fn TimeAgo(
    /// When.
    #[prop(into)]
    at: Signal<Timestamp>,
    /// Whether it is in sight; else it does not tick.
    #[prop(default = Signal::stored(true))]
    shown: Signal<bool>,
) -> impl IntoView {
    let now = use_live().now_while(shown);
    let text = Memo::new(move |_| match now.get() {
        Some(now) => format::relative(at.get(), now),
        None => format::utc(at.get()),
    });
    let hydrated = Memo::new(move |_| now.with(Option::is_some));
    let title = move || {
        let local = hydrated.get().then(|| browser::local(at.get())).flatten();
        local.unwrap_or_else(|| format::utc(at.get()))
    };
    view! {
        <time class="td-time" datetime=move || at.get().to_string() title=title>
            {text}
        </time>
    }
}

/// How long something took, or has taken so far.
#[component]
pub fn Duration(
    /// When it began.
    #[prop(into)]
    from: Signal<Timestamp>,
    /// When it ended; while it is none the time ticks.
    #[prop(into, optional)]
    until: Signal<Option<Timestamp>>,
    /// Whether it is in sight; else it does not tick.
    #[prop(default = Signal::stored(true))]
    shown: Signal<bool>,
) -> impl IntoView {
    let now = use_live().now_while(shown);
    let text = Memo::new(move |_| {
        let from = from.get();
        match (until.get(), now.get()) {
            (Some(until), _) => format::duration(until.millis_since(from), true),
            (None, Some(now)) => format::duration(now.millis_since(from), false),
            (None, None) => format!("since {} UTC", format::utc_time(from)),
        }
    });
    view! { <span class="td-duration">{text}</span> }
}
