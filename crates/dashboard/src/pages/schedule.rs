//! One schedule: when it comes, what it starts, and the form that changes it.

use leptos::Title;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};
use taskdeck_core::{DeckError, Definition, ListQuery, Schedule, ScheduleSource, ScheduleSpec, TaskState};
use taskdeck_ui::manage::Explained;
use taskdeck_ui::{ApiError, Erase, Icon, TimeAgo, api, load, manage};

use super::not_found::NotFound;
use crate::filter::Filter;
use crate::parts::fresh::{Fresh, keep_fresh};
use crate::parts::json::JsonView;
use crate::parts::notice::{CannotLoad, Loading};
use crate::parts::row::TaskRow;
use crate::parts::schedule_actions::{Remove, Steer};
use crate::parts::schedule_form::{Schedules, show_form, typed};
use crate::parts::schedule_rule::explain;
use crate::parts::status_counts::CountsSeed;
use crate::{part, paths, status_code};

// One looks at a schedule more often than one changes it.
part!(FORM, used_schedule_form, Schedules, show_form);
part!(UNCHANGEABLE, used_schedule_unchangeable, Schedule, unchangeable);
part!(LAST_TASKS, used_schedule_last, (Vec<TaskState>, Fresh<Schedule>), show_last);

fn show_last((first, fresh): (Vec<TaskState>, Fresh<Schedule>)) -> AnyView {
    view! { <LastTasks first fresh/> }.erase()
}

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Loaded {
    schedule: Schedule,
    /// Its kind, if it is linked into the server.
    definition: Option<Definition>,
    /// What the rule in the form means.
    told: Explained,
    /// The last tasks that it started, as far as they are still kept.
    last: Vec<TaskState>,
}

/// How many of its last tasks the page shows.
const LAST: u32 = 5;

/// The tasks that a schedule started, by the tag that they carry.
fn started_by(spec: &ScheduleSpec) -> ListQuery {
    ListQuery { tag: Some(spec.tag()), ..ListQuery::default() }
}

/// The last of them. A schedule starts tasks of one kind, which are sooner looked through than all; of those that it
/// started when it was of another kind the link to all of them tells.
async fn last_of(spec: ScheduleSpec) -> Result<Vec<TaskState>, ApiError> {
    let query = ListQuery { limit: Some(LAST), kind: Some(spec.kind.clone()), ..started_by(&spec) };
    api::tasks(query).await.map(|page| page.tasks)
}

/// `cron` and `zone` are those of a form that came back.
async fn fetch(name: String, cron: Option<String>, zone: Option<String>) -> Result<Loaded, ApiError> {
    let schedule = manage::schedule(name).await?;
    let definition = api::kind(schedule.spec.kind.to_string()).await.ok();
    let cron = cron.unwrap_or_else(|| schedule.spec.cron.clone());
    let zone = zone.unwrap_or_else(|| schedule.spec.time_zone.clone());
    // The form can do without.
    let told = explain(cron, zone).await.unwrap_or_default();
    let last = match schedule.last_task {
        Some(_) => last_of(schedule.spec.clone()).await.unwrap_or_default(),
        None => Vec::new(),
    };
    Ok(Loaded { schedule, definition, told, last })
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
    let Loaded { schedule, definition, told, last } = loaded;
    let name = schedule.spec.name.to_string();
    let is_made = schedule.source == ScheduleSource::Made;
    let spec = schedule.clone();
    let asked = name.clone();
    let fresh = keep_fresh(schedule, move || manage::schedule(asked.clone()));
    let is_busy = last.iter().any(|task| !task.status.has_ended());
    let have_changed = expect_context::<CountsSeed>().have_changed();
    let is_paused = Memo::new(move |_| fresh.shown.with(|schedule| schedule.paused_at.is_some()));
    let form = match definition.filter(|_| is_made) {
        Some(definition) => {
            let initial = use_query_map().with_untracked(|query| typed(query, &definition, Some(&spec.spec)));
            FORM.when_used((definition, initial, told, Some(fresh)), || false)
        }
        None => UNCHANGEABLE.when_used(spec, || false),
    };
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
            {LAST_TASKS.when_used((last, fresh), move || is_busy || have_changed.get())}
        </div>
    }
    .erase()
}

/// A schedule that is no form's: of the program, or of a kind that is not here.
fn unchangeable(schedule: Schedule) -> AnyView {
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
            <dd><code>{schedule.spec.cron}</code></dd>
        </dl>
        <h2 class="dash-form-title">"Params"</h2>
        <JsonView value=schedule.spec.params/>
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
    let is_paused = Memo::new(move |_| fresh.shown.with(|schedule| schedule.paused_at.is_some()));
    let list = move || {
        if is_paused.get() {
            return view! { <li>"None while it is paused."</li> }.erase();
        }
        let (_, at, local) = next.get();
        let times = at.into_iter().zip(local).map(|(at, local)| {
            view! { <li><span class="num">{local}</span> <TimeAgo at=at/></li> }
        });
        times.collect_view().erase()
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

/// The last tasks that it started.
#[component]
fn LastTasks(
    /// Those that were the last when the page was loaded.
    first: Vec<TaskState>,
    /// The schedule.
    fresh: Fresh<Schedule>,
) -> impl IntoView {
    let newest = StoredValue::new(first.first().map(|task| task.id));
    let last = RwSignal::new(first);
    let id = Memo::new(move |_| fresh.shown.with(|schedule| schedule.last_task));
    Effect::new(move |_| {
        let id = id.get();
        if id.is_none() || newest.get_value() == id {
            return;
        }
        newest.set_value(id);
        let spec = fresh.shown.with_untracked(|schedule| schedule.spec.clone());
        spawn_local(async move {
            // Without them the page shows those before.
            if let Ok(found) = last_of(spec).await {
                let _ = last.try_set(found);
            }
        });
    });
    let all = fresh.shown.with_untracked(|schedule| {
        paths::filtered(&Filter { of: started_by(&schedule.spec), ..Filter::default() })
    });
    move || {
        let last = last.get();
        (!last.is_empty()).then(|| {
            let rows = last.into_iter().map(|seed| view! { <TaskRow seed/> }).collect_view();
            view! {
                <section class="dash-panel dash-last" aria-labelledby="last-title">
                    <header class="dash-panel-head">
                        <h2 id="last-title">"Its last tasks"</h2>
                        <a class="td-button td-button-quiet" href=all.clone()>"All of them"</a>
                    </header>
                    <ul class="dash-rows dash-rows-plain">{rows}</ul>
                </section>
            }
        })
    }
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
