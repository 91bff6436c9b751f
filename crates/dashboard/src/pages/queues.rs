//! Queues and kinds: what they hold, how long it waits, and pausing and limiting them.

use leptos::Title;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use taskdeck_core::{Lane, LaneOf, Lanes, Status};
use taskdeck_ui::format::thousands;
use taskdeck_ui::{Duration, Erase, Icon, TimeAgo, load, manage};

use crate::filter::Filter;
use crate::parts::fresh::{Fresh, keep_fresh};
use crate::parts::limits::{LimitsButton, limits_in_words};
use crate::parts::notice::{CannotLoad, EmptyState, Loading};
use crate::parts::press::Press;
use crate::paths;

/// The page of queues and kinds.
#[component]
pub(crate) fn QueuesPage() -> impl IntoView {
    let loaded = load(|| (), |()| manage::lanes());
    let content = move || {
        Suspend::new(async move {
            match loaded.await {
                Ok(lanes) => view! { <Shown lanes/> }.erase(),
                Err(error) => {
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! { <CannotLoad what="the queues" error again=paths::queues() retry/> }.erase()
                }
            }
        })
    };
    view! {
        <Title text="Queues"/>
        <div class="dash-page">
            <header class="dash-page-head"><h1>"Queues"</h1></header>
            <Transition fallback=|| view! { <Loading lines=6/> }>{content}</Transition>
        </div>
    }
    .erase_waiting()
}

#[component]
fn Shown(
    /// As they were loaded.
    lanes: Lanes,
) -> impl IntoView {
    let lanes = keep_fresh(lanes, manage::lanes);
    view! {
        <LaneList of=LaneOf::Queue lanes/>
        <section class="dash-section" aria-labelledby="kinds-title">
            <h2 class="dash-section-title" id="kinds-title">"Kinds"</h2>
            <p class="dash-section-text">"A kind is held back in all queues: what runs goes on, nothing more begins."</p>
            <LaneList of=LaneOf::Kind lanes/>
        </section>
    }
    .erase()
}

fn of(lanes: &Lanes, of: LaneOf) -> &[Lane] {
    match of {
        LaneOf::Queue => &lanes.queues,
        LaneOf::Kind => &lanes.kinds,
    }
}

#[component]
fn LaneList(
    /// Of which.
    of: LaneOf,
    /// All of them.
    lanes: Fresh<Lanes>,
) -> impl IntoView {
    let names = Memo::new(move |_| {
        lanes.shown.with(|lanes| self::of(lanes, of).iter().map(|lane| lane.name.clone()).collect::<Vec<_>>())
    });
    let title = match of {
        LaneOf::Queue => "Queues",
        LaneOf::Kind => "Kinds",
    };
    let list = move || {
        if names.with(Vec::is_empty) {
            return view! {
                <EmptyState
                    icon="layers"
                    title="No queues yet"
                    text="A queue is there as soon as a kind goes to it. Link a kind into the server's program."
                >
                    <a class="td-button" href=paths::start()>"See the kinds"</a>
                </EmptyState>
            }
            .erase();
        }
        view! {
            <ul class="dash-entries" aria-label=title>
                <For each=move || names.get() key=Clone::clone let:name>
                    <LaneItem of name lanes/>
                </For>
            </ul>
        }
        .erase()
    };
    list.erase()
}

#[component]
fn LaneItem(
    /// A queue or a kind.
    of: LaneOf,
    /// Its name.
    name: String,
    /// All of them.
    lanes: Fresh<Lanes>,
) -> impl IntoView {
    let known = name.clone();
    let lane = Memo::new(move |before: Option<&Option<Lane>>| {
        let found =
            lanes.shown.with(|lanes| self::of(lanes, of).iter().find(|lane| lane.name == known).cloned());
        // One that is gone is shown until its row is.
        found.or_else(|| before.cloned().flatten())
    });
    let of_lane = move |get: fn(&Lane) -> u64| lane.with(|lane| lane.as_ref().map_or(0, get));
    let all = filter_of(of, &name);
    let count = |title: &'static str, status: Status, get: fn(&Lane) -> u64| {
        let only = all.with_status(taskdeck_core::StatusSet::EMPTY.with(status));
        let number = Memo::new(move |_| of_lane(get));
        view! {
            <div class="dash-figure" data-zero=move || (number.get() == 0).then_some("")>
                <dt>{title}</dt>
                <dd><a href=paths::filtered(&only)>{move || thousands(number.get())}</a></dd>
            </div>
        }
        .erase()
    };
    let counts = [
        count("Queued", Status::Queued, |lane| lane.counts.of(Status::Queued)),
        count("Running", Status::Running, |lane| lane.counts.of(Status::Running)),
        count("Scheduled", Status::Scheduled, |lane| lane.counts.of(Status::Scheduled)),
    ];
    let waiting = Memo::new(move |_| lane.with(|lane| lane.as_ref().and_then(|lane| lane.waiting_since)));
    let oldest = move || match waiting.get() {
        Some(since) => view! { <Duration from=since/> }.erase(),
        None => view! { <span class="dash-none">"–"</span> }.erase(),
    };
    let pause = Memo::new(move |_| {
        lane.with(|lane| lane.as_ref().and_then(|lane| Some((lane.paused_at?, lane.paused_by.clone()))))
    });
    let paused = move || {
        pause.get().map(|(at, by)| {
            let by = by.map(|by| format!(" by {by}"));
            view! {
                <span class="dash-paused"><Icon name="pause"/> "Paused " <TimeAgo at=at/> {by}</span>
            }
        })
    };
    let limits = Memo::new(move |_| {
        lane.with(|lane| {
            let lane = lane.as_ref()?;
            Some((lane.limits.clone(), lane.limits_set))
        })
    });
    let words = move || limits.get().map(|(limits, set)| limits_in_words(&limits, set));
    let ask = lanes.ask;
    let steer = {
        let name = name.clone();
        move || {
            let is_paused = pause.with(Option::is_some);
            let (icon, text) = if is_paused { ("play", "Resume") } else { ("pause", "Pause") };
            let fields = vec![
                ("of", of.name().to_owned()),
                ("name", name.clone()),
                ("paused", (!is_paused).to_string()),
            ];
            view! {
                <Press
                    path=manage::PauseLane::PATH
                    about=manage::about_lane(of, &name)
                    fields
                    icon
                    text
                    subject=name.clone()
                    on_done=Callback::new(move |_| ask.run(()))
                />
            }
        }
    };
    let limit = {
        let name = name.clone();
        move || {
            limits
                .get()
                .map(|(limits, is_set)| view! { <LimitsButton of name=name.clone() limits is_set ask/> })
        }
    };
    view! {
        <li class="dash-entry" data-paused=move || pause.with(Option::is_some).then_some("")>
            <div class="dash-entry-what">
                <p class="dash-entry-title"><a href=paths::filtered(&all)>{name}</a> {paused}</p>
                <p class="dash-entry-text">{words}</p>
            </div>
            <dl class="dash-figures">
                {counts}
                <div class="dash-figure dash-figure-wide">
                    <dt>"Oldest wait"</dt>
                    <dd>{oldest}</dd>
                </div>
            </dl>
            <div class="dash-entry-actions">{steer} {limit}</div>
        </li>
    }
    .erase()
}

fn filter_of(of: LaneOf, name: &str) -> Filter {
    let filter = Filter::default();
    match of {
        LaneOf::Queue => filter.with_queue(name.parse().ok()),
        LaneOf::Kind => filter.with_kind(name.parse().ok()),
    }
}
