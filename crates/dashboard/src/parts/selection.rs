//! Choosing tasks of the list. While some are chosen the page stays as it is, so that nothing moves away from under
//! the pointer.
//!
//! The boxes belong to a plain form that leads to the page of the bulk action, so that all of it works without
//! JavaScript: the bar is shown by CSS when a box is checked.

use leptos::prelude::*;
use taskdeck_core::{BulkVerb, TaskId};
use taskdeck_ui::format::thousands;
use taskdeck_ui::{Erase, Icon, use_live};

use crate::filter::Filter;
use crate::{browser, paths};

/// The form that the boxes belong to.
pub(crate) const FORM: &str = "bulk";

/// The tasks that are chosen on this page.
#[derive(Clone, Copy)]
pub(crate) struct Selection(RwSignal<Vec<TaskId>>);

impl Selection {
    /// Provides it to the rows, and pauses the page while something is chosen.
    pub(crate) fn provide() -> Self {
        let selection = Self(RwSignal::default());
        provide_context(selection);
        let live = use_live();
        let leaving = live.clone();
        let some = Memo::new(move |_| selection.0.with(|chosen| !chosen.is_empty()));
        Effect::new(move |_| live.pause(some.get()));
        on_cleanup(move || leaving.pause(false));
        selection
    }

    pub(crate) fn clear(self) {
        self.0.set(Vec::new());
    }

    pub(crate) fn has(self, id: TaskId) -> bool {
        self.0.with(|chosen| chosen.contains(&id))
    }

    pub(crate) fn set(self, id: TaskId, on: bool) {
        self.0.update(|chosen| {
            chosen.retain(|other| *other != id);
            if on {
                chosen.push(id);
            }
        });
    }
}

/// The line above the rows: chooses all of the page, or none.
#[component]
pub(crate) fn ChooseAll(
    /// The tasks of the page.
    ids: Vec<TaskId>,
) -> impl IntoView {
    let selection = expect_context::<Selection>();
    let count = ids.len();
    let all = Memo::new({
        let ids = ids.clone();
        move |_| ids.iter().all(|id| selection.has(*id))
    });
    let choose = move |event| {
        let on = event_target_checked(&event);
        selection.0.set(if on { ids.clone() } else { Vec::new() });
    };
    view! {
        <label class="dash-choose-all">
            <input type="checkbox" prop:checked=move || all.get() on:change=choose/>
            {if count == 1 { "Select the task".to_owned() } else { format!("Select all {count} on this page") }}
        </label>
    }
    .erase()
}

/// What can be done with the chosen tasks.
#[component]
pub(crate) fn BulkBar(
    /// What the URL says.
    filter: Memo<Filter>,
) -> impl IntoView {
    let Selection(chosen) = expect_context::<Selection>();
    let count = Memo::new(move |_| chosen.with(Vec::len));
    let all = RwSignal::new(false);
    Effect::new(move |_| {
        if count.get() == 0 {
            all.set(false);
        }
    });
    // Without JavaScript nobody counts.
    let said = move || match (all.get(), count.get()) {
        (true, _) => "All of them".to_owned(),
        (false, 0) => "With the selected tasks".to_owned(),
        (false, count) => format!("{} selected", thousands(count as u64)),
    };
    let button = |verb: BulkVerb, icon: &'static str, text: &'static str, class: &'static str| {
        view! {
            <button class=class name="verb" value=verb.name()><Icon name=icon/><span class="td-button-text">{text}</span></button>
        }
        .erase()
    };
    let whole = move || {
        filter.with(
            |filter| if filter.is_empty() { "All tasks that there are" } else { "All that match the filter" },
        )
    };
    view! {
        <form class="dash-bulk" id=FORM method="get" action=paths::at("/tasks/bulk") aria-label="Selected tasks">
            <input type="hidden" name="q" value=move || filter.with(Filter::text)/>
            <p class="dash-bulk-said">
                <strong role="status">{said}</strong>
                <span class="dash-bulk-paused" hidden=move || count.get() == 0>
                    <Icon name="pause"/>
                    "Updates are paused"
                </span>
            </p>
            <label class="td-check dash-bulk-all">
                <input
                    type="checkbox"
                    name="all"
                    value="1"
                    prop:checked=move || all.get()
                    on:change=move |event| all.set(event_target_checked(&event))
                />
                {whole}
            </label>
            <span class="dash-bulk-verbs">
                {button(BulkVerb::Cancel, "ban", "Cancel", "td-button")}
                {button(BulkVerb::Retry, "rotate-cw", "Retry", "td-button")}
                {button(BulkVerb::Delete, "trash-2", "Delete", "td-button td-button-danger")}
                <button
                    type="reset"
                    class="td-button td-button-quiet"
                    title="Clear the selection (Esc)"
                    on:click=move |_| {
                        chosen.set(Vec::new());
                        browser::uncheck(FORM);
                    }
                >
                    "Clear"
                </button>
            </span>
        </form>
    }
    .erase()
}
