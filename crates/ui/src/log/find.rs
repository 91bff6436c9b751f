//! Finding a text in a log.

use std::time::Duration;

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::view::View;
use crate::{Erase, Icon, format};

/// How long the reader pauses before what they typed is looked for.
const PAUSE: Duration = Duration::from_millis(250);
/// How far below the upper edge a line that was found stands, in pixels.
const PLACE: i32 = 120;

/// What was looked for, and the lines in which it was found.
#[derive(Clone, Debug, Default, PartialEq)]
struct Hits {
    needle: String,
    lines: Vec<u64>,
    at: usize,
}

pub(super) fn find(view: View) -> AnyView {
    let typed = RwSignal::new(String::new());
    let hits = RwSignal::new(Hits::default());
    let turn = StoredValue::new(0_u32);
    let go = move |hits: &Hits| {
        let seq = hits.lines.get(hits.at).copied().unwrap_or_default();
        view.found.set(seq);
        if seq > 0 {
            view.follow.set(false);
            view.look_at(seq, PLACE);
        }
    };
    let look = move || {
        let needle = typed.get_untracked();
        if needle.trim().is_empty() {
            hits.set(Hits::default());
            view.found.set(0);
            return;
        }
        spawn_local(async move {
            if !view.load_all().await || typed.try_get_untracked().as_ref() != Some(&needle) {
                return;
            }
            let Some(lines) = view.lines.try_with_untracked(|lines| lines.find(&needle)) else { return };
            // The newest is what one looks for most often.
            let new = Hits { needle, at: lines.len().saturating_sub(1), lines };
            go(&new);
            hits.try_set(new);
        });
    };
    let on_input = move |event| {
        typed.set(event_target_value(&event));
        let mine = turn.try_update_value(|turn| {
            *turn += 1;
            *turn
        });
        set_timeout(
            move || {
                if turn.try_get_value() == mine {
                    look();
                }
            },
            PAUSE,
        );
    };
    let step = move |back: bool| {
        if hits.with_untracked(|hits| hits.needle != typed.get_untracked()) {
            look();
            return;
        }
        hits.update(|hits| {
            let count = hits.lines.len().max(1);
            hits.at = if back { hits.at + count - 1 } else { hits.at + 1 } % count;
            go(hits);
        });
    };
    let on_key = move |event: KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            // From the newest backwards, as one reads a log that has ended.
            step(!event.shift_key());
        }
        "Escape" => {
            typed.set(String::new());
            look();
        }
        _ => {}
    };
    let none = Memo::new(move |_| hits.with(|hits| hits.lines.is_empty()));
    let said = move || {
        hits.with(|hits| match (hits.needle.is_empty(), hits.lines.len()) {
            (true, _) => String::new(),
            (false, 0) => "Not found".to_owned(),
            (false, count) => {
                format!("{} of {}", format::thousands(hits.at as u64 + 1), format::thousands(count as u64))
            }
        })
    };
    let button = move |back: bool, icon: &'static str, label: &'static str| {
        view! {
            <button
                type="button"
                class="td-button td-button-quiet td-button-icon"
                disabled=move || none.get()
                title=label
                aria-label=label
                on:click=move |_| step(back)
            >
                <Icon name=icon/>
            </button>
        }
        .erase()
    };
    view! {
        <span class="td-log-find" role="search">
            <input
                type="search"
                class="td-input td-log-needle"
                placeholder="Find"
                aria-label="Find in the log"
                prop:value=move || typed.get()
                on:input=on_input
                on:keydown=on_key
            />
            <span class="td-log-hits" role="status">{said}</span>
            {button(true, "chevron-up", "The one before")}
            {button(false, "chevron-down", "The next one")}
        </span>
    }
    .erase()
}
