//! How many tasks there are of each status, live; each count leads to the list of them.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use taskdeck_core::{Counts, Status, StatusSet};
use taskdeck_ui::format::thousands;
use taskdeck_ui::{Erase, Icon, LiveStore, Loaded, api, load, status_icon, use_live};

use crate::filter::Filter;
use crate::paths;

/// The counts that the server rendered: loaded once by the frame, for all that shows counts.
///
/// What reads live counts must wait for these first, so that server and browser render the same.
#[derive(Clone, Copy)]
pub(crate) struct CountsSeed {
    loaded: Loaded<Counts>,
    /// They, once they are there.
    first: RwSignal<Option<Counts>>,
}

impl CountsSeed {
    /// Loads the counts, and provides them to the page.
    pub(crate) fn provide() {
        provide_context(Self { loaded: load(|| (), |()| api::counts()), first: RwSignal::new(None) });
    }

    /// The live counts, from when the loaded ones are there.
    pub(crate) async fn seed(self, live: &LiveStore) {
        if let Ok(counts) = self.loaded.await {
            if self.first.with_untracked(Option::is_none) {
                self.first.set(Some(counts.clone()));
            }
            live.seed_counts(counts);
        }
    }

    /// Whether they have changed since.
    pub(crate) fn have_changed(self) -> Memo<bool> {
        let now = use_live().watch_counts();
        Memo::new(move |before: Option<&bool>| {
            let is_known = self.first.with(Option::is_some) && now.with(Option::is_some);
            before == Some(&true) || is_known && self.first.with(|first| now.with(|now| first != now))
        })
    }
}

/// The counts by status, as links.
#[component]
pub(crate) fn StatusCounts() -> impl IntoView {
    let live = use_live();
    let counts = live.watch_counts();
    let seed = expect_context::<CountsSeed>();
    let query = use_query_map();
    let location = use_location();
    let list = paths::tasks("");
    // Which statuses the list shows, where the list is what is shown.
    let shown = Memo::new(move |_| {
        let on_list = location.pathname.with(|path| *path == list);
        on_list.then(|| query.with(Filter::statuses_in))
    });
    let links = move || {
        let live = live.clone();
        Suspend::new(async move {
            seed.seed(&live).await;
            let of = move |status: Status| {
                let number = Signal::derive(move || {
                    counts.with(|counts| counts.as_ref().map(|counts| counts.of(status)))
                });
                let chosen = Signal::derive(move || shown.get() == Some(StatusSet::EMPTY.with(status)));
                view! { <CountLink status number chosen/> }
            };
            Status::ALL.map(of)
        })
    };
    view! {
        <nav class="dash-counts" aria-labelledby="counts-title">
            <h2 class="dash-rail-title" id="counts-title">"By status"</h2>
            <ul>
                <Transition>{links}</Transition>
            </ul>
        </nav>
    }
    .erase_waiting()
}

#[component]
fn CountLink(
    /// Which.
    status: Status,
    /// How many there are; none when that is not known.
    number: Signal<Option<u64>>,
    /// Whether the list shows these and no others.
    chosen: Signal<bool>,
) -> impl IntoView {
    let list = paths::tasks(&format!("?q=status:{}", status.name()));
    view! {
        <li>
            <a
                class="dash-count"
                href=list
                aria-current=move || chosen.get().then_some("page")
                data-zero=move || (number.get() == Some(0)).then_some("")
            >
                <span class="dash-status-icon" data-status=status.name()><Icon name=status_icon(status)/></span>
                <span class="dash-count-name">{short_title(status)}</span>
                " "
                <span class="dash-count-number">{move || number.get().map(thousands)}</span>
            </a>
        </li>
    }
    .erase()
}

/// The rail is narrow.
const fn short_title(status: Status) -> &'static str {
    match status {
        Status::WaitingConfirmation => "Waiting",
        other => other.title(),
    }
}
