//! The processes that work: their slots, what each runs, whether they live, and how it went in the last hour.

use leptos::Title;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use taskdeck_core::{Stats, StatsPoint, TaskId, TaskState, WorkerState};
use taskdeck_ui::format::{duration, thousands};
use taskdeck_ui::{ApiError, Duration, Erase, Icon, ProgressRow, api, load};

use crate::parts::fresh::{Fresh, keep_fresh};
use crate::parts::notice::{CannotLoad, EmptyState, Loading};
use crate::parts::tiles::{Tile, success_rate};
use crate::paths;

const HOUR_MS: u64 = 3_600_000;
/// A worker that was not seen for so long is about to be given up.
const LATE_MS: u64 = 10_000;

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Loaded {
    workers: Vec<WorkerState>,
    /// Of the last hour; not there where it could not be had.
    stats: Option<Stats>,
}

async fn fetch() -> Result<Loaded, ApiError> {
    let workers = api::workers().await?;
    Ok(Loaded { workers, stats: api::stats(HOUR_MS, Some(HOUR_MS), None).await.ok() })
}

/// The page of workers.
#[component]
pub(crate) fn WorkersPage() -> impl IntoView {
    let loaded = load(|| (), |()| fetch());
    let content = move || {
        Suspend::new(async move {
            match loaded.await {
                Ok(loaded) => view! { <Shown loaded/> }.erase(),
                Err(error) => {
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! { <CannotLoad what="the workers" error again=paths::workers() retry/> }.erase()
                }
            }
        })
    };
    view! {
        <Title text="Workers"/>
        <div class="dash-page">
            <header class="dash-page-head"><h1>"Workers"</h1></header>
            <Transition fallback=|| view! { <Loading lines=4/> }>{content}</Transition>
        </div>
    }
    .erase_waiting()
}

#[component]
fn Shown(
    /// As it was loaded.
    loaded: Loaded,
) -> impl IntoView {
    let fresh = keep_fresh(loaded, fetch);
    let ids = Memo::new(move |_| {
        fresh.shown.with(|loaded| loaded.workers.iter().map(|worker| worker.id).collect::<Vec<_>>())
    });
    let list = move || {
        if ids.with(Vec::is_empty) {
            return view! {
                <EmptyState
                    icon="layers"
                    title="No worker is there"
                    text="Tasks wait until a process comes that runs them: start a server without --no-worker."
                >
                    <a class="td-button" href=paths::tasks("?status=queued")>"See what waits"</a>
                </EmptyState>
            }
            .erase();
        }
        view! {
            <ul class="dash-workers" aria-label="Workers">
                <For each=move || ids.get() key=Clone::clone let:id>
                    {
                        let worker = Memo::new(move |before: Option<&Option<WorkerState>>| {
                            let found = fresh.shown.with(|loaded| {
                                loaded.workers.iter().find(|worker| worker.id == id).cloned()
                            });
                            found.or_else(|| before.cloned().flatten())
                        });
                        view! { <Worker worker/> }
                    }
                </For>
            </ul>
        }
        .erase()
    };
    view! {
        <LastHour fresh/>
        {list}
    }
    .erase()
}

/// How it went in the last hour, all workers together.
#[component]
fn LastHour(
    /// What is shown.
    fresh: Fresh<Loaded>,
) -> impl IntoView {
    let total =
        Memo::new(move |_| fresh.shown.with(|loaded| loaded.stats.as_ref().map(|stats| stats.total.clone())));
    let of = move |say: fn(&StatsPoint) -> Option<String>| {
        Signal::derive(move || {
            total.with(|total| total.as_ref().and_then(say)).unwrap_or_else(|| "–".to_owned())
        })
    };
    view! {
        <section aria-labelledby="hour-title">
            <h2 class="dash-section-title" id="hour-title">"The last hour"</h2>
            <dl class="dash-tiles">
                <Tile title="Attempts" value=of(|total| Some(thousands(total.begun))) note="begun"/>
                <Tile title="Success" value=of(success_rate) note="of what ended"/>
                <Tile
                    title="Wait"
                    value=of(|total| total.wait.map(|wait| duration(wait.p50, true)))
                    note="half began within it"
                />
                <Tile
                    title="Run"
                    value=of(|total| total.run.map(|run| duration(run.p50, true)))
                    note="half took no longer"
                />
            </dl>
        </section>
    }
    .erase()
}

#[component]
fn Worker(
    /// Which.
    worker: Memo<Option<WorkerState>>,
) -> impl IntoView {
    let of = move |get: fn(&WorkerState) -> u64| worker.with(|worker| worker.as_ref().map_or(0, get));
    let name =
        worker.with_untracked(|worker| worker.as_ref().map(|worker| worker.name.clone())).unwrap_or_default();
    let (here, version, started_at) = worker.with_untracked(|worker| {
        let worker = worker.as_ref();
        (
            worker.is_some_and(|worker| worker.here),
            worker.map(|worker| worker.version.clone()).unwrap_or_default(),
            worker.map(|worker| worker.started_at).unwrap_or_default(),
        )
    });
    let slots = Memo::new(move |_| of(|worker| worker.slots.into()));
    let running = Memo::new(move |_| of(|worker| worker.running.len() as u64));
    let taken = move || of(|worker| worker.taken() as u64);
    let held = Memo::new(move |_| {
        worker.with(|worker| worker.as_ref().map(|it| it.held.clone()).unwrap_or_default())
    });
    let tasks = Memo::new(move |_| {
        worker.with(|worker| {
            let running = worker.as_ref().map(|worker| worker.running.as_slice()).unwrap_or_default();
            running.iter().take(MOST_SHOWN).cloned().map(Seed).collect::<Vec<_>>()
        })
    });
    let more = move || running.get().saturating_sub(MOST_SHOWN as u64);
    let seen = move || {
        let seen = worker.with(|worker| worker.as_ref().and_then(|worker| worker.seen_ms));
        match seen {
            Some(ms) => format!("{} ago", duration(ms, false)),
            None => "not yet looked at".to_owned(),
        }
    };
    let is_late = move || {
        worker.with(|worker| {
            worker.as_ref().is_some_and(|it| it.stalled || it.seen_ms.is_some_and(|ms| ms > LATE_MS))
        })
    };
    let stalled = move || {
        worker.with(|worker| worker.as_ref().is_some_and(|worker| worker.stalled)).then(|| {
            view! {
                <p class="dash-callout dash-callout-bad">
                    <Icon name="triangle-alert"/>
                    "A task blocks the runtime: it computes or waits without letting others go on."
                </p>
            }
        })
    };
    let ignoring = move || {
        let held = held.get();
        (!held.is_empty()).then(|| view! { <Held held/> })
    };
    // What another process worked is not known here.
    let has_work =
        worker.with_untracked(|worker| worker.as_ref().is_some_and(|worker| worker.work.is_some()));
    let work = move |say: fn(&StatsPoint) -> Option<String>| {
        Signal::derive(move || {
            let said = worker.with(|worker| worker.as_ref()?.work.as_ref().and_then(say));
            said.unwrap_or_else(|| "–".to_owned())
        })
    };
    let fact = move |name: &'static str, value: Signal<String>| {
        has_work.then(|| view! { <div><dt>{name}</dt><dd class="num">{value}</dd></div> }.erase())
    };
    let facts = move || match slots.get() {
        0 => "Runs no tasks".to_owned(),
        _ => worker.with(|worker| worker.as_ref().map(WorkerState::slots_in_words)).unwrap_or_default(),
    };
    view! {
        <li class="dash-panel">
            <div class="dash-worker-head">
                <h2 class="dash-worker-name">{name} {here.then(|| view! { <span class="dash-tag">"this server"</span> })}</h2>
                <p class="dash-worker-slots">
                    <progress
                        class="td-bar"
                        max=move || slots.get().max(1).to_string()
                        value=move || taken().to_string()
                        aria-label="Slots used"
                    ></progress>
                    <span class="num">{facts}</span>
                </p>
            </div>
            <dl class="dash-worker-facts">
                <div data-late=move || is_late().then_some("")><dt>"Seen"</dt><dd class="num">{seen}</dd></div>
                <div><dt>"Up"</dt><dd><Duration from=started_at/></dd></div>
                {fact("Attempts", work(|work| Some(thousands(work.begun))))}
                {fact("Success", work(success_rate))}
                {fact("Wait", work(|work| work.wait.map(|wait| duration(wait.p50, true))))}
                {fact("Run", work(|work| work.run.map(|run| duration(run.p50, true))))}
                <div><dt>"Version"</dt><dd class="num">{version}</dd></div>
            </dl>
            {stalled}
            {ignoring}
            <ul class="dash-worker-tasks">
                <For each=move || tasks.get() key=|seed| seed.0.id let:seed><Running seed=seed.0/></For>
            </ul>
            {move || (more() > 0).then(|| view! {
                <p class="dash-panel-note num">{format!("and {} more", thousands(more()))}</p>
            })}
            {move || (running.get() == 0).then(|| view! { <p class="dash-panel-note">"Nothing runs here now."</p> })}
        </li>
    }
    .erase()
}

/// So many of a worker's tasks are shown.
const MOST_SHOWN: usize = 20;

/// A running task. It is followed over the feed, so a newer state alone makes no other list.
#[derive(Clone)]
struct Seed(TaskState);

impl PartialEq for Seed {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

#[component]
fn Running(
    /// The task, as it was loaded.
    seed: TaskState,
) -> impl IntoView {
    let (id, kind) = (seed.id, seed.kind.to_string());
    let since = seed.started_at;
    view! {
        <li class="dash-worker-task">
            <a href=paths::task(id)>{seed.label.clone()}</a>
            <code>{kind}</code>
            <ProgressRow state=seed/>
            {since.map(|since| view! { <Duration from=since/> })}
        </li>
    }
    .erase()
}

/// Slots that code holds which does not heed that it is told to stop.
#[component]
fn Held(
    /// Its tasks.
    held: Vec<TaskId>,
) -> impl IntoView {
    let count = held.len();
    let links = held.into_iter().take(MOST_SHOWN).map(|id| {
        view! { <li><a href=paths::task(id)><code>{id.to_string()}</code></a></li> }
    });
    let links = links.collect_view();
    let text = if count == 1 {
        "1 slot is held by code that goes on though its task is over: it does not heed that it is told to stop.".to_owned()
    } else {
        format!(
            "{count} slots are held by code that goes on though its tasks are over: it does not heed that it is told to stop."
        )
    };
    view! {
        <div class="dash-callout dash-callout-bad">
            <Icon name="triangle-alert"/>
            <div>{text} <ul class="dash-held">{links}</ul></div>
        </div>
    }
    .erase()
}
