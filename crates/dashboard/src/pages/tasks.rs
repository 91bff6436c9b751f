//! The list of tasks. Its filter and its page are the URL; its rows are live; what is new waits to be asked for.

use leptos::Title;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use taskdeck_core::{ListQuery, Status, StatusSet, TaskId, TaskPage};
use taskdeck_ui::format::thousands;
use taskdeck_ui::{CleanUpButton, Erase, Icon, Loaded, TimeAgo, api, load, use_live};

use crate::filter::Filter;
use crate::parts::filters::FilterBar;
use crate::parts::notice::{CannotLoad, EmptyState, Loading};
use crate::parts::row::TaskRow;
use crate::parts::selection::{BulkBar, ChooseAll, Selection};
use crate::parts::status_counts::CountsSeed;
use crate::paths;

/// The list of tasks.
#[component]
pub(crate) fn TasksPage() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(Filter::from_query));
    let page = load(move || filter.get(), |filter| async move { api::tasks(filter.list_query()).await });
    let kinds = load(|| (), |()| api::kind_names());
    let loading = RwSignal::new(false);
    let selection = Selection::provide();
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
                Ok(tasks) => view! { <TaskList tasks filter page/> }.erase(),
                Err(error) => {
                    let again = paths::filtered(&filter);
                    let retry = Callback::new(move |()| page.refetch());
                    // An address that is wrong stays wrong, however often it is tried.
                    let newest = paths::filtered(&filter.newest());
                    view! {
                        <CannotLoad what="the tasks" error again retry>
                            <a class="td-button" href=newest>"Newest tasks"</a>
                        </CannotLoad>
                    }
                    .erase()
                }
            }
        })
    };
    view! {
        <Title text="Tasks"/>
        <div class="dash-page dash-tasks">
            <header class="dash-page-head">
                <h1>"Tasks"</h1>
                <div class="dash-page-actions">
                    <CleanUp filter page/>
                    <a class="td-button td-button-primary" href=paths::start()>
                        <Icon name="plus"/>
                        "Start a task"
                    </a>
                </div>
            </header>
            <FilterBar filter kinds/>
            <div class:dash-reloading=move || loading.get()>
                <Transition fallback=|| view! { <Loading lines=8/> } set_pending=loading>
                    {content}
                </Transition>
            </div>
            <BulkBar filter/>
        </div>
    }
    .erase_waiting()
}

/// Deletes what has ended: of the statuses that are filtered for, or all of it.
#[component]
fn CleanUp(
    /// What the URL says.
    filter: Memo<Filter>,
    /// The list, to be loaded anew afterwards.
    page: Loaded<TaskPage>,
) -> impl IntoView {
    let live = use_live();
    let counts = live.watch_counts();
    let seed = expect_context::<CountsSeed>();
    let status = Memo::new(move |_| {
        filter.with(|filter| match filter.of.status.is_empty() {
            true => StatusSet::ENDED,
            false => filter.of.status.iter().filter(|status| status.has_ended()).collect(),
        })
    });
    let count = Signal::derive(move || {
        counts.with(|counts| {
            counts.as_ref().map(|counts| status.get().iter().map(|status| counts.of(status)).sum::<u64>())
        })
    });
    // It goes by status alone: where the list is narrowed otherwise it would delete more than is shown.
    let fits = move || {
        filter.with(|filter| filter.of == ListQuery { status: filter.of.status, ..ListQuery::default() })
    };
    let shown =
        Memo::new(move |_| fits() && !status.get().is_empty() && count.get().is_some_and(|count| count > 0));
    // The button goes away with the last ended task, often before its own answer is here: what is done then is the
    // component's.
    let deleted = RwSignal::new(None::<u64>);
    let done = Callback::new(move |count: u64| {
        deleted.set(Some(count));
        page.refetch();
    });
    let button =
        move || shown.get().then(|| view! { <CleanUpButton status=status count=count on_done=done/> });
    let said = move || match deleted.get() {
        None => String::new(),
        Some(1) => "1 task deleted".to_owned(),
        Some(count) => format!("{} tasks deleted", thousands(count)),
    };
    // It tells of the list that was cleaned up, not of the next one.
    Effect::new(move |_| {
        filter.track();
        deleted.set(None);
    });
    let seeded = move || {
        let live = live.clone();
        Suspend::new(async move {
            seed.seed(&live).await;
            button
        })
    };
    view! {
        <p class="dash-said" role="status">{said}</p>
        <Transition>{seeded}</Transition>
    }
    .erase_waiting()
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
    let TaskPage { tasks, next_cursor, previews } = tasks;
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
    let is_empty = tasks.is_empty();
    let searched = next_cursor.as_ref().and_then(|cursor| cursor.parse().ok());
    let older = next_cursor.map(|cursor| paths::filtered(&filter.at(cursor)));
    let body = if is_empty {
        view! { <Nothing filter=filter.clone() older=older.clone() searched/> }.erase()
    } else {
        let previews = previews.into_iter().chain(std::iter::repeat(String::new()));
        let rows = tasks.into_iter().zip(previews);
        let rows = rows.map(|(seed, preview)| view! { <TaskRow seed preview choose=true/> }).collect_view();
        view! {
            <ChooseAll ids=ids.clone()/>
            <ul class="dash-rows" aria-label="Tasks">{rows}</ul>
        }
        .erase()
    };
    view! {
        <Arrived filter=filter.clone() ids page/>
        {body}
        <Pager filter older=older.filter(|_| !is_empty)/>
    }
    .erase()
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
    let newest = filter.newest();
    let is_newest = filter == newest;
    let arrived = use_live().watch_list(Signal::stored((newest.list_query(), ids)));
    let count = Memo::new(move |_| arrived.ids.with(Vec::len));
    let href = paths::filtered(&newest);
    let selection = expect_context::<Selection>();
    let press = move |event: leptos::ev::MouseEvent| {
        selection.clear();
        // On the newest page the address stays as it is, so that the router would do nothing.
        if is_newest {
            event.prevent_default();
            page.refetch();
        }
    };
    let pill = move || {
        (count.get() > 0).then(|| {
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
) -> impl IntoView {
    if let Some(older) = older {
        // A cursor is the id of the last task that was looked at, and an id says when it was made.
        let back = searched.and_then(|id| id.timestamp());
        let back = back.map(|at| view! { <p class="dash-searched">"Searched back to " <TimeAgo at=at/></p> });
        return view! {
            {back}
            <EmptyState
                icon="search"
                title="Nothing found so far"
                text="There are many tasks, and the search stopped before it saw all of them."
            >
                <a class="td-button td-button-primary" href=older>"Search further back"</a>
                <a class="td-button" href=paths::tasks("")>"Show all tasks"</a>
            </EmptyState>
        }
        .erase();
    }
    if filter.cursor.is_some() {
        return view! {
            <EmptyState icon="inbox" title="No older tasks" text="This is where the list ends.">
                <a class="td-button" href=paths::filtered(&filter.newest())>"Newest tasks"</a>
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
        ([status], true) => format!("No {} tasks", status.title().to_lowercase()),
        _ => "No tasks match".to_owned(),
    };
    view! {
        <EmptyState icon="inbox" title text="Tasks that fit will be announced here as they come.">
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
    let newest = filter.cursor.is_some().then(|| paths::filtered(&filter.newest()));
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
                            view! { <a class="td-button" href=href><Icon name="chevron-left"/>"Newest"</a> }
                        })}
                </span>
                {sizes}
                <span>
                    {older
                        .map(|href| {
                            view! { <a class="td-button" href=href rel="next">"Older"<Icon name="chevron-right"/></a> }
                        })}
                </span>
            </nav>
        }
    })
}
