//! A point in time. It is typed in UTC, with JavaScript and without, in every time zone: what is stored is what is seen.

use leptos::prelude::*;
use taskdeck_core::form::{clock_text, time_of};
use taskdeck_core::{Param, Timestamp};

use super::field::Field;
use crate::{Erase, browser};

pub(super) fn date_time(field: &Field, param: &Param, value: &str) -> AnyView {
    let typed = field.check_typed(param);
    let left = typed.clone();
    let value = clock_text(value);
    let at: RwSignal<Option<Timestamp>> = RwSignal::new(time_of(&value));
    // Only the browser knows the reader's own time.
    let hydrated = RwSignal::new(false);
    Effect::new(move |_| hydrated.set(true));
    let zone = move || {
        let local = at.get().filter(|_| hydrated.get()).and_then(browser::local);
        local.map_or_else(|| "UTC".to_owned(), |local| format!("UTC. Where you are: {local}"))
    };
    view! {
        <div class="td-date">
            <input
                class="td-input"
                type="datetime-local"
                step="any"
                max="9999-12-31T23:59"
                id=field.id.clone()
                name=param.name.clone()
                value=value
                required=param.required
                aria-describedby=field.described_by()
                aria-invalid=field.invalid()
                on:input=move |event| {
                    let text = event_target_value(&event);
                    at.set(time_of(&text));
                    typed(text, false);
                }
                on:blur=move |event| left(event_target_value(&event), true)
            />
            <span class="td-date-zone">{zone}</span>
        </div>
    }
    .erase()
}
