//! A status, as an icon and a word.

use leptos::prelude::*;
use taskdeck_core::Status;

use crate::{Icon, status_icon};

/// A status, as an icon and a word.
#[component]
pub fn StatusBadge(
    /// Which.
    #[prop(into)]
    status: Signal<Status>,
    /// Whether parts were left out of a task that completed.
    #[prop(into, optional)]
    partial: Signal<bool>,
) -> impl IntoView {
    let in_part = Memo::new(move |_| status.get() == Status::Completed && partial.get());
    let text = move || if in_part.get() { "Completed in part" } else { status.get().title() };
    let icon = Memo::new(move |_| status_icon(status.get()).to_owned());
    view! {
        <span
            class="td-badge"
            data-status=move || status.get().name()
            data-partial=move || in_part.get().then_some("true")
        >
            <Icon name=icon/>
            <span class="td-badge-text">{text}</span>
        </span>
    }
}
