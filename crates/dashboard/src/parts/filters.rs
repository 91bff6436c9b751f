//! The bar that narrows the list: the search box, and links for what is asked for most. The filter is the URL, and
//! works without JavaScript.

use leptos::prelude::*;
use taskdeck_core::{KindName, Status, StatusSet};
use taskdeck_ui::{Erase, Icon, Loaded, status_icon};

use super::search::SearchBox;
use crate::filter::{Filter, Values};
use crate::{browser, paths};

/// The filter bar of the list.
#[component]
pub(crate) fn FilterBar(
    /// What the URL says.
    filter: Memo<Filter>,
    /// The kinds that there are.
    kinds: Loaded<Vec<KindName>>,
    /// The values of the tasks that were listed.
    seen: RwSignal<Values>,
) -> impl IntoView {
    let clear = move || filter.with(|filter| (!filter.is_empty()).then(|| paths::tasks("")));
    view! {
        <div class="dash-filters">
            <SearchBox filter kinds seen/>
            <nav class="dash-tabs" aria-label="Which tasks">
                <Tab filter status=StatusSet::EMPTY>"All"</Tab>
                <Tab filter status=StatusSet::ACTIVE>"Active"</Tab>
                <Tab filter status=StatusSet::ENDED>"Ended"</Tab>
            </nav>
            <StatusMenu filter/>
            <KindMenu filter kinds/>
            {move || clear().map(|href| view! { <a class="dash-clear" href=href>"Show all"</a> })}
        </div>
    }
    .erase_waiting()
}

#[component]
fn Tab(
    /// What the URL says.
    filter: Memo<Filter>,
    /// Which statuses it stands for.
    status: StatusSet,
    /// Its name.
    children: Children,
) -> impl IntoView {
    let href = move || filter.with(|filter| paths::filtered(&filter.with_status(status)));
    let current = move || filter.with(|filter| (filter.of.status == status).then_some("true"));
    view! { <a class="dash-tab" href=href aria-current=current>{children()}</a> }.erase()
}

/// The button that opens a menu. It says what is chosen in it, so that one sees that without opening it.
fn menu_button(menu: &'static str, name: &'static str, chosen: Memo<Option<String>>) -> AnyView {
    let value =
        move || chosen.get().map(|chosen| view! { ": " <span class="dash-menu-value">{chosen}</span> });
    view! {
        <button
            type="button"
            class="dash-menu-button"
            popovertarget=menu
            data-chosen=move || chosen.with(Option::is_some).then_some("")
        >
            <span class="dash-menu-name">{name} {value}</span>
            <Icon name="chevron-down"/>
        </button>
    }
    .erase()
}

/// Which statuses are chosen, in few words; none where all are.
fn statuses(set: StatusSet) -> Option<String> {
    let mut chosen = set.iter();
    let first = chosen.next()?;
    Some(match chosen.count() {
        0 => first.title().to_owned(),
        others => format!("{} chosen", others + 1),
    })
}

/// Which statuses, each put in or taken out by a link. It stays open, so that several can be chosen.
#[component]
fn StatusMenu(
    /// What the URL says.
    filter: Memo<Filter>,
) -> impl IntoView {
    let choices = Status::ALL.map(|status| {
        let href = move || filter.with(|filter| paths::filtered(&filter.toggled(status)));
        let chosen = Signal::derive(move || filter.with(|filter| filter.of.status.contains(status)));
        view! {
            <li>
                <a class="dash-menu-choice" href=href aria-current=move || chosen.get().then_some("true") data-noscroll=true>
                    <span class="dash-menu-check">{move || chosen.get().then(|| view! { <Icon name="check"/> })}</span>
                    <span class="dash-status-icon" data-status=status.name()><Icon name=status_icon(status)/></span>
                    {status.title()}
                </a>
            </li>
        }
    });
    view! {
        {menu_button("status-menu", "Status", Memo::new(move |_| filter.with(|filter| statuses(filter.of.status))))}
        <div class="dash-menu" id="status-menu" popover="auto">
            <ul>{choices}</ul>
        </div>
    }
    .erase()
}

#[component]
fn KindMenu(
    /// What the URL says.
    filter: Memo<Filter>,
    /// The kinds that there are.
    kinds: Loaded<Vec<KindName>>,
) -> impl IntoView {
    const ID: &str = "kind-menu";
    let choice = move |name: KindName| {
        let KindName { kind, title, icon, .. } = name;
        let (of_href, of_chosen) = (kind.clone(), kind);
        let href = move || filter.with(|filter| paths::filtered(&filter.with_kind(Some(of_href.clone()))));
        let chosen =
            Signal::derive(move || filter.with(|filter| filter.of.kind.as_ref() == Some(&of_chosen)));
        view! {
            <li>
                <a
                    class="dash-menu-choice"
                    href=href
                    aria-current=move || chosen.get().then_some("true")
                    on:click=|_| browser::close_popover(ID)
                >
                    <span class="dash-menu-check">{move || chosen.get().then(|| view! { <Icon name="check"/> })}</span>
                    <Icon name=icon/>
                    {title}
                </a>
            </li>
        }
    };
    let choices = move || {
        Suspend::new(async move {
            let kinds = kinds.await.unwrap_or_default();
            kinds.into_iter().map(choice).collect_view()
        })
    };
    view! {
        {menu_button(ID, "Kind", Memo::new(move |_| filter.with(|filter| filter.of.kind.as_ref().map(ToString::to_string))))}
        <div class="dash-menu" id=ID popover="auto">
            <ul>
                <Suspense>{choices}</Suspense>
            </ul>
        </div>
    }
    .erase_waiting()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_told_in_few_words() {
        assert_eq!(statuses(StatusSet::EMPTY), None);
        let one = StatusSet::EMPTY.with(Status::Failed);
        assert_eq!(statuses(one).as_deref(), Some("Failed"));
        assert_eq!(statuses(one.with(Status::Queued)).as_deref(), Some("2 chosen"));
    }
}
