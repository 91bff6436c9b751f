//! The list of tasks. Its filter and its page are the URL; its rows are live; what is new waits to be asked for.

use leptos::Title;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use taskdeck_core::{BulkVerb, KindName, ListOrder, ListQuery, Status, StatusSet, TaskId, TaskPage};
use taskdeck_ui::format::thousands;
use taskdeck_ui::{Erase, Icon, Loaded, TimeAgo, api, load, use_live};

use crate::filter::{Filter, Values};
use crate::part;
use crate::parts::filters::FilterBar;
use crate::parts::notice::{CannotLoad, EmptyState, Loading};
use crate::parts::row::{Listed, TaskRow};
use crate::parts::selection::{BulkBar, ChooseAll, Selection};
use crate::parts::status_counts::CountsSeed;
use crate::paths;

/// A list of more rows than this is in parts.
const LONG: usize = 100;
/// How many rows a part has; the style knows how high that is.
const PART: usize = 10;

// Without code the search box is a plain form, and the rest of the bar is links.
part!(FILTERS, used_tasks_filters, Filters, show_filters);
// What is new has not come yet, and the links below the list are links.
part!(ARRIVED, used_tasks_arrived, Arriving, show_arrived);
part!(PAGER, used_tasks_pager, (Filter, Option<String>), show_pager);
part!(NOTHING, used_tasks_nothing, Empty, show_nothing);
// Nobody has chosen anything before the page is live.
part!(BULK_BAR, used_tasks_bulk, Memo<Filter>, show_bulk_bar);

/// What new tasks are told by: what the list was loaded for, what it shows, and the list, to be loaded anew.
type Arriving = (Filter, Vec<TaskId>, Loaded<TaskPage>);

fn show_arrived((filter, ids, page): Arriving) -> AnyView {
    view! { <Arrived filter ids page/> }.erase()
}

fn show_pager((filter, older): (Filter, Option<String>)) -> AnyView {
    view! { <Pager filter older/> }.erase()
}

/// An empty list: what it was loaded for, where older tasks are, how far was looked, and what
/// the server says of it.
type Empty = (Filter, Option<String>, Option<TaskId>, Option<String>);

fn show_nothing((filter, older, searched, hint): Empty) -> AnyView {
    view! { <Nothing filter older searched hint/> }.erase()
}

fn show_bulk_bar(filter: Memo<Filter>) -> AnyView {
    view! { <BulkBar filter/> }.erase()
}

/// What the filter bar is about: what the URL says, the kinds that there are, the values of the tasks that were listed.
type Filters = (Memo<Filter>, Loaded<Vec<KindName>>, RwSignal<Values>);

fn show_filters((filter, kinds, seen): Filters) -> AnyView {
    view! { <FilterBar filter kinds seen/> }.erase_waiting()
}

/// The list of tasks.
#[component]
pub(crate) fn TasksPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(Filter::from_query));
    let page = load(move || filter.get(), |filter| async move { api::tasks(filter.list_query()).await });
    let kinds = load(|| (), |()| api::kind_names());
    let asked = filter.get_untracked();
    let loading = RwSignal::new(false);
    let selection = Selection::provide();
    // They outlive the list: what was seen before it was narrowed is offered still.
    let seen = RwSignal::new(Values::default());
    // What was chosen of one list is not chosen of the next.
    Effect::new(move |_| {
        filter.track();
        selection.clear();
    });
    let content = move || {
        Suspend::new(async move {
            let loaded = page.await;
            // What the URL says now is what was loaded: another filter starts another load.
            let filter = filter.get_untracked();
            match loaded {
                _ if filter.fault.is_some() => view! { <Unreadable/> }.erase(),
                Ok(tasks) => {
                    seen.update(|seen| tasks.tasks.iter().for_each(|task| seen.see(task)));
                    view! { <TaskList tasks filter page/> }.erase()
                }
                Err(error) => {
                    let again = paths::filtered(&filter);
                    let retry = Callback::new(move |()| page.refetch());
                    // An address that is wrong stays wrong, however often it is tried.
                    let first = paths::filtered(&filter.first());
                    view! {
                        <CannotLoad what="the tasks" error again retry>
                            <a class="td-button" href=first>{words(filter.order).first} " tasks"</a>
                        </CannotLoad>
                    }
                    .erase()
                }
            }
        })
    };
    view! {
        <Title text="Tasks"/>
        // The browser unchecks the boxes of a form by itself, also where the code of its bar is not here yet.
        <div class="dash-page dash-tasks" on:reset=move |_| selection.clear()>
            <header class="dash-page-head">
                <h1>"Tasks"</h1>
                <div class="dash-page-actions">
                    <CleanUp filter/>
                    <a class="td-button td-button-primary" href=paths::start()>
                        <Icon name="plus"/>
                        "Start a task"
                    </a>
                </div>
            </header>
            {FILTERS.when_used((filter, kinds, seen), move || filter.with(|filter| *filter != asked))}
            // On the server another thread may be setting it: read without `try_`, that ends the request.
            <div class:dash-reloading=move || loading.try_get() == Some(true)>
                <Transition fallback=|| view! { <Loading lines=8/> } set_pending=loading>
                    {content}
                </Transition>
            </div>
            {BULK_BAR.when_used(filter, move || selection.is_some())}
        </div>
    }
    .erase_waiting()
}

/// Leads to what would be deleted: what has ended of the list. It is looked at there, and a task of its own deletes it.
#[component]
fn CleanUp(
    /// What the URL says.
    filter: Memo<Filter>,
) -> impl IntoView {
    let href = move || filter.with(clean_up);
    let link = move || {
        href().map(|href| {
            view! {
                <a class="td-button" href=href title="Delete the ended tasks of this list, after a look at them">
                    <Icon name="trash-2"/>
                    "Clean up…"
                </a>
            }
        })
    };
    link.erase()
}

/// Where the ended tasks of a list are deleted; none for a list that has no ended ones, or cannot be read.
fn clean_up(filter: &Filter) -> Option<String> {
    let status = filter.of.status;
    let any = status.is_empty() || status.iter().any(Status::has_ended);
    // Of all tasks those that have ended: an action on whatever there is wants a filter.
    let whole = if status.is_empty() { filter.with_status(StatusSet::ENDED) } else { filter.clone() };
    (any && filter.fault.is_none()).then(|| paths::bulk(BulkVerb::Delete, &whole))
}

#[component]
fn TaskList(
    /// What was loaded.
    tasks: TaskPage,
    /// What it was loaded for.
    filter: Filter,
    /// The list, to be loaded anew.
    page: Loaded<TaskPage>,
) -> impl IntoView {
    let TaskPage { tasks, next_cursor, previews, hint } = tasks;
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
    let is_empty = tasks.is_empty();
    provide_context(Listed(filter.of.status));
    let searched = next_cursor.as_ref().and_then(|cursor| cursor.parse().ok());
    let older = next_cursor.map(|cursor| paths::filtered(&filter.at(cursor)));
    let body = if is_empty {
        NOTHING.when_used((filter.clone(), older.clone(), searched, hint), || false)
    } else {
        let previews = previews.into_iter().chain(std::iter::repeat(String::new()));
        let rows = tasks.into_iter().zip(previews);
        let many = ids.len() > LONG;
        let row = |(seed, preview)| view! { <TaskRow seed preview choose=true many/> }.erase();
        let rows: Vec<AnyView> = rows.map(row).collect();
        let list = if many {
            in_parts(rows)
        } else {
            view! { <ul class="dash-rows" aria-label="Tasks">{rows}</ul> }.erase()
        };
        let order = words(filter.order);
        let other = paths::filtered(&filter.ordered(order.other));
        view! {
            <div class="dash-list-head">
                <ChooseAll ids=ids.clone()/>
                <p class="dash-order">
                    {order.first} " first · " <a href=other title=order.turn>"Turn round"</a>
                </p>
            </div>
            {list}
        }
        .erase()
    };
    let may_have_come = expect_context::<CountsSeed>().have_changed();
    let begins = filter == filter.first() && filter.order == ListOrder::Newest;
    view! {
        // What is new stands on the first page of the newest.
        {begins.then(|| ARRIVED.when_used((filter.clone(), ids, page), move || may_have_come.get()))}
        {body}
        {PAGER.when_used((filter, older.filter(|_| !is_empty)), || false)}
    }
    .erase()
}

/// What the ends of a list are called, and how it is turned round.
struct OrderWords {
    first: &'static str,
    next: &'static str,
    /// What the link means that turns it round.
    turn: &'static str,
    other: ListOrder,
}

const fn words(order: ListOrder) -> OrderWords {
    match order {
        ListOrder::Newest => OrderWords {
            first: "Newest",
            next: "Older",
            turn: "Show the oldest first",
            other: ListOrder::Oldest,
        },
        ListOrder::Oldest => OrderWords {
            first: "Oldest",
            next: "Newer",
            turn: "Show the newest first",
            other: ListOrder::Newest,
        },
    }
}

/// A long list is made of short ones: what is out of sight costs a browser next to nothing, but only as long as there
/// is not too much of it.
fn in_parts(rows: Vec<AnyView>) -> AnyView {
    let (mut parts, mut rows, mut first) = (Vec::new(), rows.into_iter(), 1);
    loop {
        let part: Vec<AnyView> = rows.by_ref().take(PART).collect();
        if part.is_empty() {
            break;
        }
        let last = first + part.len() - 1;
        let name = format!("Tasks {} to {}", thousands(first as u64), thousands(last as u64));
        parts.push(view! { <ul class="dash-rows-part" data-sight aria-label=name>{part}</ul> }.erase());
        first = last + 1;
    }
    view! { <div class="dash-rows" role="group" aria-label="Tasks">{parts}</div> }.erase()
}

/// Tells of tasks that came since the list was loaded, and loads them when pressed.
#[component]
fn Arrived(
    /// What the list was loaded for.
    filter: Filter,
    /// What it shows.
    ids: Vec<TaskId>,
    /// The list, to be loaded anew.
    page: Loaded<TaskPage>,
) -> impl IntoView {
    let nothing = ids.is_empty();
    let arrived = use_live().watch_list(Signal::stored((filter.list_query(), ids)));
    let count = Memo::new(move |_| arrived.ids.with(Vec::len));
    let href = paths::filtered(&filter);
    let selection = expect_context::<Selection>();
    // In an empty list nothing is moved away under the reader's eyes.
    if nothing {
        Effect::new(move |_| {
            if count.get() > 0 {
                page.refetch();
            }
        });
    }
    let press = move |event: leptos::ev::MouseEvent| {
        // The address stays as it is, so that the router would do nothing.
        event.prevent_default();
        page.refetch();
    };
    let pill = move || {
        // It would take away what is chosen.
        (count.get() > 0 && !nothing && !selection.is_some()).then(|| {
            view! {
                <a class="dash-new-pill" href=href.clone() on:click=press>
                    <Icon name="arrow-down"/>
                    {move || format!("{} new", thousands(count.get() as u64))}
                </a>
            }
        })
    };
    view! { <div class="dash-new" role="status">{pill}</div> }.erase()
}

/// The search box says what is wrong.
#[component]
fn Unreadable() -> impl IntoView {
    view! {
        <EmptyState
            icon="search"
            title="This search cannot be read"
            text="Change it above: names such as status: and kind: narrow the list, everything else is looked for as text."
        >
            <a class="td-button" href=paths::tasks("")>"Show all tasks"</a>
        </EmptyState>
    }
    .erase()
}

/// Nothing to show, and why: nothing was started yet, nothing fits the filter, or the end was reached.
#[component]
fn Nothing(
    /// What was asked for.
    filter: Filter,
    /// Where the search goes on, when it was cut short.
    older: Option<String>,
    /// The last task that was looked at then.
    searched: Option<TaskId>,
    /// What the server says of what was asked for.
    hint: Option<String>,
) -> impl IntoView {
    if let Some(older) = older {
        // A cursor is the id of the last task that was looked at, and an id says when it was made.
        let back = searched.and_then(|id| id.timestamp());
        let to = if filter.order == ListOrder::Newest { "Searched back to " } else { "Searched up to " };
        let back = back.map(|at| view! { <p class="dash-searched">{to} <TimeAgo at=at/></p> });
        return view! {
            {back}
            <EmptyState
                icon="search"
                title="Nothing found so far"
                text="There are many tasks, and the search stopped before it saw all of them."
            >
                <a class="td-button td-button-primary" href=older>"Search further"</a>
                <a class="td-button" href=paths::tasks("")>"Show all tasks"</a>
            </EmptyState>
        }
        .erase();
    }
    if filter.cursor.is_some() {
        let OrderWords { first, next, .. } = words(filter.order);
        let title = format!("No {} tasks", next.to_ascii_lowercase());
        return view! {
            <EmptyState icon="inbox" title text="This is where the list ends.">
                <a class="td-button" href=paths::filtered(&filter.first())>{first} " tasks"</a>
            </EmptyState>
        }
        .erase();
    }
    if filter.is_empty() {
        return view! {
            <EmptyState
                icon="layers"
                title="No tasks yet"
                text="A task is one request for work: an import, a backup, a report. Start one, and watch it here."
            >
                <a class="td-button td-button-primary" href=paths::start()>"Start your first task"</a>
            </EmptyState>
        }
        .erase();
    }
    let only: Vec<Status> = filter.of.status.iter().collect();
    let by_status = filter.of == ListQuery { status: filter.of.status, ..ListQuery::default() };
    let title = match (only.as_slice(), by_status) {
        ([Status::WaitingConfirmation], true) => "Nothing waits for a confirmation".to_owned(),
        ([status], true) => format!("No {} tasks", status.title().to_ascii_lowercase()),
        _ => "No tasks match".to_owned(),
    };
    let text = hint.unwrap_or_else(|| "Tasks that fit will be announced here as they come.".to_owned());
    view! {
        <EmptyState icon="inbox" title text>
            <a class="td-button" href=paths::tasks("")>"Show all tasks"</a>
        </EmptyState>
    }
    .erase()
}

/// From page to page. It goes by keys, so that no page counts what came before it.
#[component]
fn Pager(
    /// What this page was loaded for.
    filter: Filter,
    /// The next page, if there is one.
    older: Option<String>,
) -> impl IntoView {
    let OrderWords { first, next, .. } = words(filter.order);
    let newest = filter.cursor.is_some().then(|| paths::filtered(&filter.first()));
    // Other numbers of rows are worth a choice only where there is more than one page.
    let sizes = (newest.is_some() || older.is_some() || filter.rows.is_some()).then(|| {
        let size = |rows: Option<u32>, name: &'static str| {
            let current = (filter.rows == rows).then_some("true");
            view! { <a href=paths::filtered(&filter.with_rows(rows)) aria-current=current>{name}</a> }
        };
        view! {
            <span class="dash-pager-rows">
                "Rows: " {size(None, "50")} {size(Some(200), "200")} {size(Some(1_000), "1,000")}
            </span>
        }
    });
    (newest.is_some() || older.is_some() || sizes.is_some()).then(|| {
        view! {
            <nav class="dash-pager" aria-label="Pages of the list">
                <span>
                    {newest
                        .map(|href| {
                            view! { <a class="td-button" href=href><Icon name="chevron-left"/>{first}</a> }
                        })}
                </span>
                {sizes}
                <span>
                    {older
                        .map(|href| {
                            view! { <a class="td-button" href=href rel="next">{next}<Icon name="chevron-right"/></a> }
                        })}
                </span>
            </nav>
        }
    })
}

#[cfg(test)]
mod tests {
    use leptos::reactive::owner::Owner;

    use super::*;

    #[test]
    fn a_list_is_cleaned_up_where_it_may_have_what_has_ended() {
        Owner::new().with(|| {
            let of = |text: &str| clean_up(&Filter::typed(text));
            let all = "/tasks/bulk?verb=delete&all=1&q=";
            assert_eq!(of(""), Some(format!("{all}status:ended")));
            let failed = format!("{all}status:failed+kind:import_csv");
            assert_eq!(of("kind:import_csv status:failed"), Some(failed));
            assert_eq!(of("status:running,queued"), None);
            assert_eq!(of("stauts:failed"), None, "it cannot be read");
        });
    }
}
