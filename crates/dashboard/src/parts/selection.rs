//! Choosing tasks of the list. While some are chosen the page stays as it is, so that nothing moves away from under
//! the pointer.
//!
//! The boxes belong to a plain form that leads to the page of the bulk action, so that all of it works without
//! JavaScript: the bar is shown by CSS when a box is checked.

use leptos::prelude::*;
use taskdeck_core::{BulkVerb, Counts, TaskId};
use taskdeck_ui::format::thousands;
use taskdeck_ui::{Erase, Icon, use_live};

use crate::filter::Filter;
use crate::paths;

/// The form that the boxes belong to.
pub(crate) const FORM: &str = "bulk";
/// How many tasks an address names at the most; a form with more is posted. Each takes forty bytes of it.
const IN_ADDRESS: usize = 50;

/// The tasks that are chosen on this page.
#[derive(Clone, Copy)]
pub(crate) struct Selection {
    chosen: RwSignal<Vec<TaskId>>,
    /// The tasks of the page, in order.
    page: StoredValue<Vec<TaskId>>,
    /// The one that was pressed last.
    last: StoredValue<Option<TaskId>>,
}

impl Selection {
    /// Provides it to the rows, and pauses the page while something is chosen.
    pub(crate) fn provide() -> Self {
        let selection =
            Self { chosen: RwSignal::default(), page: StoredValue::default(), last: StoredValue::default() };
        provide_context(selection);
        let live = use_live();
        let leaving = live.clone();
        let some = Memo::new(move |_| selection.is_some());
        Effect::new(move |_| live.pause(some.get()));
        on_cleanup(move || leaving.pause(false));
        selection
    }

    pub(crate) fn clear(self) {
        self.chosen.set(Vec::new());
        self.last.set_value(None);
    }

    /// Whether any task is chosen.
    pub(crate) fn is_some(self) -> bool {
        self.chosen.with(|chosen| !chosen.is_empty())
    }

    pub(crate) fn has(self, id: TaskId) -> bool {
        self.chosen.with(|chosen| chosen.contains(&id))
    }

    /// Chooses a task or leaves it; with `all_since` also those between it and the one that was pressed before.
    pub(crate) fn set(self, id: TaskId, on: bool, all_since: bool) {
        let last = self.last.try_update_value(|last| last.replace(id)).flatten().filter(|_| all_since);
        let meant = self.page.with_value(|page| between(page, last.unwrap_or(id), id));
        self.chosen.update(|chosen| {
            chosen.retain(|other| !meant.contains(other));
            if on {
                chosen.extend(meant);
            }
        });
    }
}

/// The tasks from the one to the other, whichever comes first; the second alone where the page has not both.
fn between(page: &[TaskId], one: TaskId, other: TaskId) -> Vec<TaskId> {
    let place = |id| page.iter().position(|task| *task == id);
    match (place(one), place(other)) {
        (Some(one), Some(other)) => page[one.min(other)..=one.max(other)].to_vec(),
        _ => vec![other],
    }
}

/// The line above the rows: chooses all of the page, or none.
#[component]
pub(crate) fn ChooseAll(
    /// The tasks of the page.
    ids: Vec<TaskId>,
) -> impl IntoView {
    let selection = expect_context::<Selection>();
    selection.page.set_value(ids.clone());
    let count = ids.len();
    let all = Memo::new({
        let ids = ids.clone();
        move |_| ids.iter().all(|id| selection.has(*id))
    });
    let choose = move |event| {
        let on = event_target_checked(&event);
        selection.chosen.set(if on { ids.clone() } else { Vec::new() });
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
    let chosen = expect_context::<Selection>().chosen;
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
    let counts = use_live().watch_counts();
    let button = |verb: BulkVerb, icon: &'static str, text: &'static str, class: &'static str| {
        view! {
            <button class=class name="verb" value=verb.name()><Icon name=icon/><span class="td-button-text">{text}</span></button>
        }
        .erase()
    };
    let whole = move || {
        filter.with(|filter| {
            match (filter.is_empty(), counts.with(|counts| counts.as_ref().map(Counts::total))) {
                (false, _) => "All that match the filter".to_owned(),
                (true, None) => "All tasks".to_owned(),
                (true, Some(count)) => format!("All {} tasks", thousands(count)),
            }
        })
    };
    // Without JavaScript nobody counts: then it goes by how many there may be.
    let method = move || {
        let many = filter.with(|filter| filter.rows.is_some()) && !(1..=IN_ADDRESS).contains(&count.get());
        if many { "post" } else { "get" }
    };
    view! {
        <form class="dash-bulk" id=FORM method=method action=paths::at("/tasks/bulk") aria-label="Selected tasks">
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
                >
                    "Clear"
                </button>
            </span>
        </form>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Timestamp;

    use super::*;

    #[test]
    fn a_range_goes_both_ways() {
        let id = |n: u8| TaskId::from_parts(Timestamp::from_millis(5), [n; 10]);
        let page: Vec<TaskId> = (1..=5).map(id).collect();
        assert_eq!(between(&page, id(2), id(4)), [id(2), id(3), id(4)]);
        assert_eq!(between(&page, id(4), id(2)), [id(2), id(3), id(4)]);
        assert_eq!(between(&page, id(3), id(3)), [id(3)]);
        assert_eq!(between(&page, id(9), id(2)), [id(2)], "the one before is on no page any more");
    }
}
