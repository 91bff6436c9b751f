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
    // For a moment, whether it worked.
    let copied = RwSignal::new(None::<bool>);
    let copy = move |_| {
        let done = browser::copy(&text.get_untracked());
        copied.set(Some(done));
        let told = Duration::from_secs(if done { 2 } else { 6 });
        set_timeout(move || copied.try_set(None).map_or((), drop), told);
    };
    let icon = Signal::derive(move || {
        let name = match copied.get() {
            Some(true) => "check",
            Some(false) => "triangle-alert",
            None => "copy",
        };
        name.to_owned()
    });
    let failed = move || copied.get() == Some(false);
    let said = move || {
        copied.get().map(|done| if done { "Copied" } else { "The browser did not copy it: select the text" })
    };
    view! {
        <button
            type="button"
            class="dash-copy"
            class:dash-copied=move || copied.get() == Some(true)
            title=label
            aria-label=label
            on:click=copy
        >
            <Icon name=icon/>
        </button>
        <span class=move || if failed() { "dash-not-copied" } else { "td-sr-only" } role="status">{said}</span>
    }
    .erase()
}
