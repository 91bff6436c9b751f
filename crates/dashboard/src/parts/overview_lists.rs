//! Queues and workers, in short.

use leptos::prelude::*;
use taskdeck_core::{Lane, Status, WorkerState};
use taskdeck_ui::format::thousands;
use taskdeck_ui::small::sort_by_key;
use taskdeck_ui::{Duration, Erase, Icon};

use crate::filter::Filter;
use crate::pages::overview::Loaded;
use crate::parts::fresh::Fresh;
use crate::paths;

/// So many of each are shown.
const MOST: usize = 6;

/// The queues, the fullest first.
#[component]
pub(crate) fn QueueList(
    /// What is shown.
    fresh: Fresh<Loaded>,
) -> impl IntoView {
    let queues = Memo::new(move |_| {
        fresh.shown.with(|loaded| {
            let mut queues = loaded.queues.clone();
            sort_by_key(&mut queues, |lane| std::cmp::Reverse(waiting(lane)));
            queues.truncate(MOST);
            queues
        })
    });
    let rows = move || queues.get().into_iter().map(queue).collect_view();
    view! {
        <section class="dash-panel" aria-labelledby="queues-title">
            <header class="dash-panel-head">
                <h2 id="queues-title">"Queues"</h2>
                <a class="dash-panel-link" href=paths::queues()>"All" <Icon name="chevron-right"/></a>
            </header>
            <ul class="dash-short">{rows}</ul>
        </section>
    }
    .erase()
}

fn waiting(lane: &Lane) -> u64 {
    lane.counts.of(Status::Queued) + lane.counts.of(Status::Running)
}

fn queue(lane: Lane) -> AnyView {
    let (queued, running) = (lane.counts.of(Status::Queued), lane.counts.of(Status::Running));
    let all = Filter::default().with_queue(lane.name.parse().ok());
    let wait = lane.waiting_since.map(|since| view! { <span>"· oldest " <Duration from=since/></span> });
    view! {
        <li>
            <a href=paths::filtered(&all)>{lane.name}</a>
            {lane.paused_at.map(|_| view! { <span class="dash-paused"><Icon name="pause"/> "Paused"</span> })}
            <span class="dash-short-text num">{format!("{} queued, {} running", thousands(queued), thousands(running))} " " {wait}</span>
        </li>
    }
    .erase()
}

/// The workers.
#[component]
pub(crate) fn WorkerList(
    /// What is shown.
    fresh: Fresh<Loaded>,
) -> impl IntoView {
    let workers = Memo::new(move |_| {
        fresh.shown.with(|loaded| {
            let workers = loaded.workers.iter().take(MOST);
            let short = |worker: &WorkerState| {
                (worker.name.clone(), worker.slots, worker.taken(), worker.slots_in_words())
            };
            workers.map(short).collect::<Vec<_>>()
        })
    });
    let rows = move || {
        let workers = workers.get();
        if workers.is_empty() {
            return view! { <li><span class="dash-short-text">"No worker is there: tasks wait."</span></li> }
                .erase();
        }
        workers
            .into_iter()
            .map(|(name, slots, taken, words)| {
                view! {
                    <li>
                        <a href=paths::workers()>{name}</a>
                        <progress class="td-bar" max=slots.max(1).to_string() value=taken.to_string() aria-label="Slots used"></progress>
                        <span class="dash-short-text num">{words}</span>
                    </li>
                }
            })
            .collect_view()
            .erase()
    };
    view! {
        <section class="dash-panel" aria-labelledby="workers-title">
            <header class="dash-panel-head">
                <h2 id="workers-title">"Workers"</h2>
                <a class="dash-panel-link" href=paths::workers()>"All" <Icon name="chevron-right"/></a>
            </header>
            <ul class="dash-short">{rows}</ul>
        </section>
    }
    .erase()
}
