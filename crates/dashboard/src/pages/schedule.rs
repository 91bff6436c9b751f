//! One schedule: when it comes, what it starts, and the form that changes it.

use leptos::Title;
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};
use taskdeck_core::{DeckError, Definition, Schedule, ScheduleSource};
use taskdeck_ui::{ApiError, Erase, Icon, TimeAgo, api, load, manage};

use super::not_found::NotFound;
use crate::parts::fresh::{Fresh, keep_fresh};
use crate::parts::json::JsonView;
use crate::parts::notice::{CannotLoad, Loading};
use crate::parts::schedule_actions::{Remove, Steer};
use crate::parts::schedule_form::{ScheduleForm, Told, explain, typed};
use crate::{paths, status_code};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Loaded {
    schedule: Schedule,
    /// Its kind, if it is linked into the server.
    definition: Option<Definition>,
    /// What the rule in the form means.
    told: Told,
}

/// `cron` and `zone` are those of a form that came back.
async fn fetch(name: String, cron: Option<String>, zone: Option<String>) -> Result<Loaded, ApiError> {
    let schedule = manage::schedule(name).await?;
    let definition = api::kind(schedule.spec.kind.to_string()).await.ok();
    let cron = cron.unwrap_or_else(|| schedule.spec.cron.clone());
    let zone = zone.unwrap_or_else(|| schedule.spec.time_zone.clone());
    // The form can do without.
    let told = explain(cron, zone).await.unwrap_or_default();
    Ok(Loaded { schedule, definition, told })
}

/// The page of a schedule.
#[component]
pub(crate) fn SchedulePage() -> impl IntoView {
    let params = use_params_map();
    let name = Memo::new(move |_| params.with(|params| params.get("name").unwrap_or_default()));
    let query = use_query_map();
    let typed = move |name: &str| query.with(|query| query.get(name));
    let loaded = load(
        move || (name.get(), typed("cron"), typed("time_zone")),
        |(name, cron, zone)| fetch(name, cron, zone),
    );
    let page = move || {
        Suspend::new(async move {
            match loaded.await {
                Ok(loaded) => view! { <Shown loaded/> }.erase(),
                Err(ApiError(DeckError::NotFound { .. })) => {
                    status_code::set(404);
                    view! {
                        <Title text="Not found"/>
                        <NotFound title="There is no such schedule" text="It may have been deleted."/>
                    }
                    .erase()
                }
                Err(error) => {
                    let again = paths::schedule(&name.get_untracked());
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! {
                        <Title text="Schedule"/>
                        <CannotLoad what="the schedule" error again retry/>
                    }
                    .erase()
                }
            }
        })
    };
    view! {
        <div class="dash-page">
            <Transition fallback=|| view! { <Loading lines=5/> }>{page}</Transition>
        </div>
    }
    .erase_waiting()
}

#[component]
fn Shown(
    /// What was loaded.
    loaded: Loaded,
) -> impl IntoView {
    let Loaded { schedule, definition, told } = loaded;
    let name = schedule.spec.name.to_string();
    let is_made = schedule.source == ScheduleSource::Made;
    let form = match definition.filter(|_| is_made) {
        Some(definition) => {
            let initial =
                use_query_map().with_untracked(|query| typed(query, &definition, Some(&schedule.spec)));
            view! { <ScheduleForm definition initial told change=true/> }.erase()
        }
        None => unchangeable(&schedule),
    };
    let asked = name.clone();
    let fresh = keep_fresh(schedule, move || manage::schedule(asked.clone()));
    let is_paused = Memo::new(move |_| fresh.shown.with(|schedule| schedule.paused_at.is_some()));
    let steer = {
        let name = name.clone();
        move || view! { <Steer name=name.clone() is_paused=is_paused.get() ask=fresh.ask/> }
    };
    view! {
        <Title text=name.clone()/>
        <header class="dash-page-head">
            <h1>{name.clone()}</h1>
            <div class="dash-page-actions">{steer} {is_made.then(|| view! { <Remove name/> })}</div>
        </header>
        <Paused fresh/>
        <div class="dash-start-grid">
            <div class="dash-task-column"><div class="dash-start-form">{form}</div></div>
            <div class="dash-task-column">
                <Next fresh/>
                <About fresh/>
            </div>
        </div>
    }
    .erase()
}

/// A schedule that is no form's: of the program, or of a kind that is not here.
fn unchangeable(schedule: &Schedule) -> AnyView {
    let why = match schedule.source {
        ScheduleSource::Code => "The program made this schedule: it is changed there. It can be paused here.",
        ScheduleSource::Made => {
            "Its kind is not linked into this server, so its params cannot be changed here."
        }
    };
    view! {
        <p class="dash-callout"><Icon name="info"/>{why}</p>
        <dl class="dash-facts">
            <dt>"Cron"</dt>
            <dd><code>{schedule.spec.cron.clone()}</code></dd>
        </dl>
        <h2 class="dash-form-title">"Params"</h2>
        <JsonView value=schedule.spec.params.clone()/>
    }
    .erase()
}

#[component]
fn Paused(
    /// The schedule.
    fresh: Fresh<Schedule>,
) -> impl IntoView {
    let pause = Memo::new(move |_| {
        fresh.shown.with(|schedule| {
            Some((schedule.paused_at?, schedule.paused_by.clone(), schedule.pause_reason.clone()))
        })
    });
    move || {
        pause.get().map(|(at, by, reason)| {
            let by = by.map(|by| format!(" by {by}"));
            let reason = reason.map(|reason| format!(": {reason}"));
            view! {
                <p class="dash-callout">
                    <Icon name="pause"/>
                    <span>"Paused " <TimeAgo at=at/> {by} {reason}</span>
                </p>
            }
        })
    }
}

/// The next times, as its own clock shows them.
#[component]
fn Next(
    /// The schedule.
    fresh: Fresh<Schedule>,
) -> impl IntoView {
    let next = Memo::new(move |_| {
        fresh.shown.with(|schedule| {
            (schedule.in_words.clone(), schedule.next_five.clone(), schedule.next_five_local.clone())
        })
    });
    let list = move || {
        let (_, at, local) = next.get();
        let times = at.into_iter().zip(local).map(|(at, local)| {
            view! { <li><span class="num">{local}</span> <TimeAgo at=at/></li> }
        });
        times.collect_view()
    };
    view! {
        <section class="dash-panel" aria-labelledby="next-title">
            <header class="dash-panel-head"><h2 id="next-title">"Next times"</h2></header>
            <div class="dash-panel-body">
                <p class="dash-words">{move || next.get().0}</p>
                <ol class="dash-times">{list}</ol>
            </div>
        </section>
    }
    .erase()
}

#[component]
fn About(
    /// The schedule.
    fresh: Fresh<Schedule>,
) -> impl IntoView {
    let facts = move || {
        fresh.shown.with(|schedule| {
            let last = match (schedule.last_task, schedule.last_at) {
                (Some(task), Some(at)) => view! { <a href=paths::task(task)><TimeAgo at=at/></a> }.erase(),
                (Some(task), None) => view! { <a href=paths::task(task)>"By hand"</a> }.erase(),
                (None, _) => "Never".into_any(),
            };
            let by = match (&schedule.made_by, schedule.source) {
                (Some(user), _) => user.to_string(),
                (None, _) => "the program".to_owned(),
            };
            view! {
                <dt>"Kind"</dt>
                <dd><a href=paths::start_kind(&schedule.spec.kind)><code>{schedule.spec.kind.to_string()}</code></a></dd>
                <dt>"Last"</dt>
                <dd>{last}</dd>
                <dt>"Time zone"</dt>
                <dd>{schedule.spec.time_zone.clone()}</dd>
                <dt>"Made by"</dt>
                <dd>{by} " " <TimeAgo at=schedule.created_at/></dd>
            }
            .erase()
        })
    };
    view! {
        <section class="dash-panel" aria-labelledby="about-title">
            <header class="dash-panel-head"><h2 id="about-title">"About"</h2></header>
            <div class="dash-panel-body"><dl class="dash-facts">{facts}</dl></div>
        </section>
    }
    .erase()
}
