//! The schedules: what each means, when it comes next, and steering it.

use leptos::Title;
use leptos::prelude::*;
use taskdeck_core::Schedule;
use taskdeck_ui::{Erase, Icon, TimeAgo, load, manage, status_icon};

use crate::parts::fresh::{Fresh, keep_fresh};
use crate::parts::notice::{CannotLoad, EmptyState, Loading};
use crate::parts::schedule_actions::Steer;
use crate::paths;

/// The list of schedules.
#[component]
pub(crate) fn SchedulesPage() -> impl IntoView {
    let loaded = load(|| (), |()| manage::schedules());
    let content = move || {
        Suspend::new(async move {
            match loaded.await {
                Ok(schedules) => view! { <List schedules/> }.erase(),
                Err(error) => {
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! { <CannotLoad what="the schedules" error again=paths::schedules() retry/> }.erase()
                }
            }
        })
    };
    view! {
        <Title text="Schedules"/>
        <div class="dash-page">
            <header class="dash-page-head">
                <h1>"Schedules"</h1>
                <div class="dash-page-actions">
                    <a class="td-button td-button-primary" href=paths::new_schedule("")>
                        <Icon name="plus"/>
                        "New schedule"
                    </a>
                </div>
            </header>
            <Transition fallback=|| view! { <Loading lines=5/> }>{content}</Transition>
        </div>
    }
    .erase_waiting()
}

#[component]
fn List(
    /// As they were loaded.
    schedules: Vec<Schedule>,
) -> impl IntoView {
    let schedules = keep_fresh(schedules, manage::schedules);
    let names = Memo::new(move |_| {
        schedules.shown.with(|all| all.iter().map(|one| one.spec.name.to_string()).collect::<Vec<_>>())
    });
    let list = move || {
        if names.with(Vec::is_empty) {
            return view! {
                <EmptyState
                    icon="calendar-clock"
                    title="No schedules yet"
                    text="A schedule starts tasks at certain times: a backup every night, a report on Monday."
                >
                    <a class="td-button td-button-primary" href=paths::new_schedule("")>"Make the first schedule"</a>
                </EmptyState>
            }
            .erase();
        }
        view! {
            <ul class="dash-entries" aria-label="Schedules">
                <For each=move || names.get() key=Clone::clone let:name>
                    <Item name schedules/>
                </For>
            </ul>
        }
        .erase()
    };
    list.erase()
}

#[component]
fn Item(
    /// Which.
    name: String,
    /// All of them.
    schedules: Fresh<Vec<Schedule>>,
) -> impl IntoView {
    let known = name.clone();
    let schedule = Memo::new(move |before: Option<&Option<Schedule>>| {
        let found =
            schedules.shown.with(|all| all.iter().find(|one| one.spec.name.as_str() == known).cloned());
        found.or_else(|| before.cloned().flatten())
    });
    let shown = move || schedule.get().map(|schedule| view! { <Facts schedule/> });
    let steer = {
        let name = name.clone();
        let is_paused = Memo::new(move |_| {
            schedule.with(|schedule| schedule.as_ref().is_some_and(|schedule| schedule.paused_at.is_some()))
        });
        move || view! { <Steer name=name.clone() is_paused=is_paused.get() ask=schedules.ask/> }
    };
    view! {
        <li class="dash-entry dash-schedule">
            {shown}
            <div class="dash-entry-actions">{steer}</div>
        </li>
    }
    .erase()
}

#[component]
fn Facts(
    /// Which.
    schedule: Schedule,
) -> impl IntoView {
    let Schedule { spec, in_words, next_at, last_at, last_task, last_status, .. } = schedule;
    let (paused_at, paused_by, pause_reason) =
        (schedule.paused_at, schedule.paused_by, schedule.pause_reason);
    let next = match (paused_at, next_at) {
        (Some(at), _) => {
            let by = paused_by.map(|by| format!(" by {by}"));
            view! { <span class="dash-paused"><Icon name="pause"/> "Paused " <TimeAgo at=at/> {by}</span> }
                .erase()
        }
        (None, Some(at)) => view! { <TimeAgo at=at/> }.erase(),
        (None, None) => view! { <span class="dash-none">"Never again"</span> }.erase(),
    };
    let last = match (last_task, last_at) {
        (Some(task), Some(at)) => view! { <a href=paths::task(task)><TimeAgo at=at/></a> }.erase(),
        (Some(task), None) => view! { <a href=paths::task(task)>"By hand"</a> }.erase(),
        (None, _) => view! { <span class="dash-none">"–"</span> }.erase(),
    };
    let stands = last_status.map(|status| {
        view! {
            <span class="dash-status-icon" data-status=status.name() title=status.title()>
                <Icon name=status_icon(status) label=status.title()/>
            </span>
            " "
        }
    });
    view! {
        <div class="dash-entry-what">
            <p class="dash-entry-title"><a href=paths::schedule(spec.name.as_str())>{spec.name.to_string()}</a></p>
            <p class="dash-entry-text">
                {in_words} <span class="dash-zone">{spec.time_zone}</span> <code>{spec.kind.to_string()}</code>
            </p>
            {pause_reason.map(|reason| view! { <p class="dash-entry-text dash-entry-bad">{reason}</p> })}
        </div>
        <dl class="dash-figures">
            <div class="dash-figure dash-figure-wide"><dt>"Next"</dt><dd>{next}</dd></div>
            <div class="dash-figure dash-figure-wide"><dt>"Last"</dt><dd>{stands} {last}</dd></div>
        </dl>
    }
    .erase()
}
