//! A point in time. It is typed in UTC without JavaScript and until the page is alive, then by the reader's own clock; which
//! of them it is stands beside it. What is sent is in UTC, and exact: a value that nobody touches goes back as it came.

use leptos::html;
use leptos::prelude::*;
use taskdeck_core::form::{clock_text, time_of};
use taskdeck_core::{Param, Timestamp};

use super::field::Field;
use crate::{Erase, browser, format};

pub(super) fn date_time(field: &Field, param: &Param, value: &str) -> AnyView {
    let typed = field.check_typed(param);
    let left = typed.clone();
    let value = clock_text(value);
    let at: RwSignal<Option<Timestamp>> = RwSignal::new(time_of(&value));
    let element = NodeRef::<html::Input>::new();
    // Only the browser knows the reader's own time.
    let zone = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        let Some(input) = element.get() else { return };
        if zone.with_untracked(Option::is_some) {
            return;
        }
        // It may have been typed into before the page was alive.
        let typed = time_of(&input.value());
        at.set(typed);
        if let Some(at) = typed {
            input.set_value(&clock_text(&browser::as_local_clock(at).to_string()));
        }
        zone.set(browser::time_zone());
    });
    let read = move |text: &str| match zone.with_untracked(Option::is_some) {
        true => browser::from_local_clock(text),
        false => time_of(text),
    };
    // What is sent for what was typed.
    let exact = move |text: String| read(&text).map_or(text, |at| at.to_string());
    let is_local = Memo::new(move |_| zone.with(Option::is_some));
    let told = move || match (zone.get(), at.get()) {
        (None, _) => "UTC".to_owned(),
        (Some(zone), None) => format!("Your time ({zone})"),
        (Some(zone), Some(at)) => format!("Your time ({zone}): {}", format::utc(at)),
    };
    let name = param.name.clone();
    let hidden = move || {
        let name = name.clone();
        let sent = move || at.get().map(|at| at.to_string()).unwrap_or_default();
        is_local.get().then(|| view! { <input type="hidden" name=name value=sent/> })
    };
    let name = param.name.clone();
    view! {
        <div class="td-date">
            <input
                class="td-input"
                type="datetime-local"
                step="any"
                // Else a browser that loads the page anew fills in what it showed before, which would be taken for UTC.
                autocomplete="off"
                max="9999-12-31T23:59"
                id=field.id.clone()
                name=move || (!is_local.get()).then(|| name.clone())
                value=value
                required=param.required
                aria-describedby=field.described_by()
                aria-invalid=field.invalid()
                node_ref=element
                on:input=move |event| {
                    let text = event_target_value(&event);
                    at.set(read(&text));
                    typed(exact(text), false);
                }
                on:blur=move |event| left(exact(event_target_value(&event)), true)
            />
            {hidden}
            <span class="td-date-zone">{told}</span>
        </div>
    }
    .erase()
}
