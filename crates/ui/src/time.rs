//! Points in time and lengths of time. The server's HTML and the first view in the browser count from when the page was
//! made, if it says when (`server::page_clock`), and tick from then on; else they show the absolute time in UTC.

use leptos::prelude::*;
use taskdeck_core::Timestamp;
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::{Connection, browser, format, use_live};

/// When the page is made, for its views on the server.
#[derive(Clone, Copy)]
pub(crate) struct MadeAt(pub(crate) Timestamp);

/// The reader's own time zone, by its IANA name (`Europe/Berlin`), for effects and event handlers: only a browser knows.
#[must_use]
pub fn own_time_zone() -> Option<String> {
    browser::time_zone()
}

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
    // The time zone is known where the page is looked at, and not where it is made.
    let hydrated = RwSignal::new(false);
    Effect::new(move |_| hydrated.set(true));
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

/// Tells the times in what the server made as [`TimeAgo`] does where it is alive: for a part of a page whose code is not there.
pub fn tell_times(place: &Element, now: Timestamp) {
    each_time(place, "time.td-time", |at| format::relative(at, now));
}

/// Tells the times of a log that the server made in the reader's own zone, as `TaskLog` does where it is alive.
pub fn tell_log_times(place: &Element) {
    each_time(place, "time.td-log-time", browser::local_time);
}

fn each_time(place: &Element, selector: &str, tell: impl Fn(Timestamp) -> String) {
    let Ok(times) = place.query_selector_all(selector) else { return };
    for time in (0..times.length()).filter_map(|index| times.item(index)) {
        let time: Element = time.unchecked_into();
        let at = time.get_attribute("datetime").and_then(|at| browser::read_time(&at));
        let text = at.map(&tell);
        if text.is_some() && time.text_content() != text {
            time.set_text_content(text.as_deref());
        }
    }
}

/// How long something took, or has taken so far: while the server does not answer, until it last did.
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
    /// Whether it goes on while the server does not answer, since it is about that.
    #[prop(optional)]
    away: bool,
) -> impl IntoView {
    let live = use_live();
    let (now, connection) = (live.now_while(shown), live.connection());
    let text = Memo::new(move |_| {
        let from = from.get();
        let known = match connection.get() {
            Connection::Offline { since } if !away => now.get().map(|now| now.min(since)),
            _ => now.get(),
        };
        match (until.get(), known) {
            (Some(until), _) => format::duration(until.millis_since(from), true),
            (None, Some(now)) => format::duration(now.millis_since(from), false),
            (None, None) => format!("since {} UTC", format::utc_time(from)),
        }
    });
    view! { <span class="td-duration">{text}</span> }
}
