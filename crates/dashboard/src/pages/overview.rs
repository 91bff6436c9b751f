//! What goes on: what runs now, what failed lately, how much was done and how long it took.

use leptos::Title;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};
use taskdeck_core::{Lane, ListQuery, Stats, Status, StatusSet, TaskId, TaskState, WorkerState};
use taskdeck_ui::format::{duration, thousands};
use taskdeck_ui::small::sort_by_key;
use taskdeck_ui::{ApiError, Erase, Icon, LiveStore, api, load, use_live};

use crate::filter::Filter;
use crate::later::changes;
use crate::part;
use crate::parts::charts::Charts;
use crate::parts::fresh::{Fresh, keep_fresh};
use crate::parts::notice::{CannotLoad, EmptyState, Loading};
use crate::parts::overview_lists::{QueueList, WorkerList};
use crate::parts::range::{Look, Range, RangeLinks};
use crate::parts::row::TaskRow;
use crate::parts::status_counts::CountsSeed;
use crate::parts::tiles::{Tile, success_rate};
use crate::paths;

/// So many tasks are shown of what runs, and of what failed.
const MOST_ROWS: u32 = 8;
/// Among so many of the last that failed are those that failed last: one that was started long ago may fail now.
const SEEN: u32 = 50;

// The page is live without them, and they are the most of it. What runs is alive at once.
part!(CHARTS, used_overview_charts, (Memo<Stats>, Look, Memo<Look>), charts);
part!(REST, used_overview_rest, Fresh<Loaded>, rest);

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Loaded {
    pub(crate) running: Vec<TaskState>,
    pub(crate) failed: Vec<TaskState>,
    pub(crate) stats: Stats,
    pub(crate) queues: Vec<Lane>,
    pub(crate) workers: Vec<WorkerState>,
}

async fn fetch(range: Range) -> Result<Loaded, ApiError> {
    let newest = |status: StatusSet, most: u32| {
        api::tasks(ListQuery { status, limit: Some(most), ..ListQuery::default() })
    };
    let running = newest(StatusSet::EMPTY.with(Status::Running), MOST_ROWS).await?.tasks;
    let mut failed =
        newest(StatusSet::EMPTY.with(Status::Failed).with(Status::Interrupted), SEEN).await?.tasks;
    sort_by_key(&mut failed, |task| std::cmp::Reverse(task.ended_at));
    failed.truncate(MOST_ROWS as usize);
    let stats = api::stats(range.millis(), None, None).await?;
    let queues = api::queues().await?;
    let workers = api::workers().await?;
    Ok(Loaded { running, failed, stats, queues, workers })
}

/// The page at `/`.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    let query = use_query_map();
    let look = Memo::new(move |_| query.with(Look::from_query));
    let loaded = load(move || look.get(), |look| fetch(look.range));
    let content = move || {
        Suspend::new(async move {
            match loaded.await {
                Ok(loaded) => {
                    let shown = look.get_untracked();
                    view! { <Shown loaded shown look/> }.erase_waiting()
                }
                Err(error) => {
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! { <CannotLoad what="the overview" error again=paths::overview("") retry/> }.erase()
                }
            }
        })
    };
    view! {
        <Title text="Overview"/>
        <div class="dash-page">
            <header class="dash-page-head">
                <h1>"Overview"</h1>
                <div class="dash-page-actions"><RangeLinks look/></div>
            </header>
            <Transition fallback=|| view! { <Loading lines=8/> }>{content}</Transition>
        </div>
    }
    .erase_waiting()
}

#[component]
fn Shown(
    /// As it was loaded.
    loaded: Loaded,
    /// For what.
    shown: Look,
    /// What the address says by now.
    look: Memo<Look>,
) -> impl IntoView {
    let fresh = keep_fresh(loaded, move || fetch(shown.range));
    let stats = Memo::new(move |_| fresh.shown.with(|loaded| loaded.stats.clone()));
    let is_busy = fresh.shown.with_untracked(|loaded| !loaded.running.is_empty());
    let drawn = changes(move || stats.track());
    // What runs, what failed and how much is queued changes with the counts; the beat of a worker is no change.
    let counted = expect_context::<CountsSeed>().have_changed();
    let others = Memo::new(move |_| {
        fresh.shown.with(|loaded| {
            let paused = loaded.queues.iter().filter(|queue| queue.paused_at.is_some());
            (paused.count(), loaded.workers.len())
        })
    });
    let listed = changes(move || others.track());
    view! {
        <Tiles fresh range=shown.range/>
        {CHARTS.when_used((stats, shown, look), drawn)}
        {REST.when_used(fresh, move || is_busy || counted.get() || listed())}
    }
    .erase_waiting()
}

fn charts((stats, shown, look): (Memo<Stats>, Look, Memo<Look>)) -> AnyView {
    view! { <Charts stats shown=shown.charts look/> }.erase()
}

/// What is below the charts.
fn rest(fresh: Fresh<Loaded>) -> AnyView {
    view! {
        <div class="dash-overview-grid">
            <div class="dash-task-column">
                <Rows
                    title="Running now"
                    all=Filter::default().with_status(StatusSet::EMPTY.with(Status::Running))
                    fresh
                    of=|loaded| &loaded.running
                    nothing="Nothing runs now."
                />
                <Rows
                    title="Failed lately"
                    all=Filter::default().with_status(StatusSet::EMPTY.with(Status::Failed).with(Status::Interrupted))
                    fresh
                    of=|loaded| &loaded.failed
                    nothing="Nothing failed that is still kept."
                />
            </div>
            <div class="dash-task-column">
                <QueueList fresh/>
                <WorkerList fresh/>
            </div>
        </div>
    }
    .erase()
}

/// How it stands, and how it went.
#[component]
fn Tiles(
    /// What is shown.
    fresh: Fresh<Loaded>,
    /// For which span.
    range: Range,
) -> impl IntoView {
    let live = use_live();
    let counts = live.watch_counts();
    let seed = expect_context::<CountsSeed>();
    let now = move |status: Status| {
        Signal::derive(move || {
            counts.with(|counts| {
                counts.as_ref().map_or_else(|| "–".to_owned(), |counts| thousands(counts.of(status)))
            })
        })
    };
    let total = Memo::new(move |_| fresh.shown.with(|loaded| loaded.stats.total.clone()));
    let of = move |say: fn(&taskdeck_core::StatsPoint) -> Option<String>| {
        Signal::derive(move || total.with(say).unwrap_or_else(|| "–".to_owned()))
    };
    let listed = |status: StatusSet| paths::filtered(&Filter::default().with_status(status));
    let listed_one = move |status: Status| listed(StatusSet::EMPTY.with(status));
    let of_now = move |live: LiveStore| {
        Suspend::new(async move {
            seed.seed(&live).await;
            view! {
                <Tile title="Running" value=now(Status::Running) note="now" href=listed_one(Status::Running)/>
                <Tile title="Queued" value=now(Status::Queued) note="now" href=listed_one(Status::Queued)/>
                <Tile title="Waiting" value=now(Status::WaitingConfirmation) note="for an answer" href=listed_one(Status::WaitingConfirmation)/>
            }
        })
    };
    let span = range.words();
    view! {
        <dl class="dash-tiles">
            <Transition>{move || of_now(live.clone())}</Transition>
            <Tile
                title="Completed"
                value=of(|total| Some(thousands(total.completed)))
                note=span
                href=listed(StatusSet::EMPTY.with(Status::Completed))
            />
            <Tile
                title="Failed attempts"
                value=of(|total| Some(thousands(total.failed + total.interrupted)))
                note=span
                href=listed(StatusSet::EMPTY.with(Status::Failed).with(Status::Interrupted))
                bad=true
            />
            <Tile title="Success" value=of(success_rate) note=span/>
            <Tile title="Wait" value=of(|total| total.wait.map(|wait| duration(wait.p95, true))) note="at p95"/>
        </dl>
    }
    .erase_waiting()
}

/// Tasks of a status, each followed over the feed. Which they are is asked for again when the counts change.
#[component]
fn Rows(
    /// What they are.
    title: &'static str,
    /// The list of all of them.
    all: Filter,
    /// What is shown.
    fresh: Fresh<Loaded>,
    /// Which of it.
    of: fn(&Loaded) -> &Vec<TaskState>,
    /// What is said when there are none.
    nothing: &'static str,
) -> impl IntoView {
    let id = title.to_ascii_lowercase().replace(' ', "-");
    let labelled = id.clone();
    let ids = Memo::new(move |_| {
        fresh.shown.with(|loaded| of(loaded).iter().map(|task| task.id).collect::<Vec<TaskId>>())
    });
    let is_first = Memo::new(move |_| {
        fresh.shown.with(|loaded| {
            loaded.running.is_empty() && loaded.failed.is_empty() && loaded.stats.total.started == 0
        })
    });
    let row = move |id: TaskId| {
        let seed = fresh.shown.with_untracked(|loaded| of(loaded).iter().find(|task| task.id == id).cloned());
        seed.map(|seed| view! { <TaskRow seed/> })
    };
    let list = move || {
        if !ids.with(Vec::is_empty) {
            return view! {
                <ul class="dash-rows dash-rows-plain" aria-label=title>
                    <For each=move || ids.get() key=Clone::clone children=row/>
                </ul>
            }
            .erase();
        }
        if is_first.get() && title == "Running now" {
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
        view! { <p class="dash-panel-note">{nothing}</p> }.erase()
    };
    view! {
        <section class="dash-panel" aria-labelledby=labelled>
            <header class="dash-panel-head">
                <h2 id=id>{title}</h2>
                <a class="dash-panel-link" href=paths::filtered(&all)>"All" <Icon name="chevron-right"/></a>
            </header>
            {list}
        </section>
    }
    .erase()
}
