//! A button that copies a text.

use std::time::Duration;

use leptos::prelude::*;
use taskdeck_ui::{Erase, Icon};

use crate::browser;

/// Copies `text` when pressed, and says so for a moment. Without JavaScript it is not shown.
#[component]
pub(crate) fn CopyButton(
    /// What is copied.
    #[prop(into)]
    text: Signal<String>,
    /// What the button is called.
    label: &'static str,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        if browser::copy(&text.get_untracked()) {
            copied.set(true);
            set_timeout(move || copied.try_set(false).map_or((), drop), Duration::from_secs(2));
        }
    };
    let icon = Signal::derive(move || if copied.get() { "check" } else { "copy" }.to_owned());
    view! {
        <button
            type="button"
            class="dash-copy"
            class:dash-copied=move || copied.get()
            title=label
            aria-label=label
            on:click=copy
        >
            <Icon name=icon/>
        </button>
        <span class="td-sr-only" role="status">{move || copied.get().then_some("Copied")}</span>
    }
    .erase()
}
