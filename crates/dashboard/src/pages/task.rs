//! One task: how far it is, what it says, what it left, why it failed, and what to do about it.

use leptos::Title;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};
use taskdeck_core::{
    Attempt, DeckError, ListQuery, LogPage, NotRunning as Why, OpenQuestion, Status, TaskDetail, TaskId,
    TaskState,
};
use taskdeck_ui::{
    ApiError, CancelButton, DeleteButton, Erase, Icon, RetryButton, StatusBadge, TaskConfirmation, TaskLog,
    TaskProgress, TimeAgo, api, load, use_live,
};

use super::not_found::NotFound;
use crate::filter::Filter;
use crate::later::part;
use crate::parts::attempts::Attempts;
use crate::parts::copy::CopyButton;
use crate::parts::failure::Failure;
use crate::parts::notice::{CannotLoad, Loading};
use crate::parts::params::ParamsPanel;
use crate::parts::result::ResultPanel;
use crate::parts::row::TaskRow;
use crate::parts::timeline::Timeline;
use crate::{paths, status_code};

/// How many lines of the log are in the page from the start.
const LOG_TAIL: u32 = 500;

/// How often what may change outside of the task is looked at, in milliseconds.
const AGAIN_MS: i64 = 5_000;
/// How many children the page shows.
const CHILDREN: u32 = 20;

// The page is live without them, and they are the most of it.
part!(QUESTIONS, questions, (TaskId, Signal<Vec<OpenQuestion>>), show_questions);
part!(LOG, log, (TaskId, LogPage), show_log);

fn show_questions((task, questions): (TaskId, Signal<Vec<OpenQuestion>>)) -> AnyView {
    view! { <TaskConfirmation task questions/> }.erase()
}

fn show_log((task, initial): (TaskId, LogPage)) -> AnyView {
    view! { <TaskLog task initial/> }.erase()
}

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shown {
    known: Known,
    log: LogPage,
}

/// What the page knows beyond the live state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    detail: TaskDetail,
    children: Vec<TaskState>,
}

async fn load_known(id: TaskId) -> Result<Known, ApiError> {
    let detail = api::task(id).await?;
    let query = ListQuery { parent: Some(id), limit: Some(CHILDREN), ..ListQuery::default() };
    let children = api::tasks(query).await.map(|page| page.tasks).unwrap_or_default();
    Ok(Known { detail, children })
}

async fn fetch(id: Option<TaskId>) -> Result<Shown, ApiError> {
    // What is no id names no task.
    let id = id.ok_or_else(|| ApiError(DeckError::task_not_found()))?;
    let known = load_known(id).await?;
    let log = api::log_tail(id, LOG_TAIL).await.unwrap_or_default();
    Ok(Shown { known, log })
}

/// The page of a task.
#[component]
pub(crate) fn TaskPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")?.parse::<TaskId>().ok()));
    let loaded = load(move || id.get(), fetch);
    let page = move || {
        Suspend::new(async move {
            match loaded.await {
                Ok(loaded) => view! { <Task loaded/> }.erase(),
                Err(ApiError(DeckError::NotFound { .. })) => {
                    status_code::set(404);
                    view! {
                        <Title text="Not found"/>
                        <NotFound
                            title="There is no such task"
                            text="It may have been deleted, or cleaned up after its time."
                        />
                    }
                    .erase()
                }
                Err(error) => {
                    let again = id.get_untracked().map(paths::task).unwrap_or_default();
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! {
                        <Title text="Task"/>
                        <CannotLoad what="the task" error again retry/>
                    }
                    .erase()
                }
            }
        })
    };
    view! {
        <div class="dash-page dash-task">
            <Transition fallback=|| view! { <Loading lines=5/> }>{page}</Transition>
        </div>
    }
    .erase_waiting()
}

#[component]
fn Task(
    /// What was loaded.
    loaded: Shown,
) -> impl IntoView {
    let Shown { known, log } = loaded;
    let seed = known.detail.task.clone();
    let id = seed.id;
    let live = use_live();
    live.seed(seed.clone());
    let watch = live.watch(id);
    let task: Signal<TaskState> = Memo::new({
        let seed = seed.clone();
        move |_| watch.state.get().unwrap_or_else(|| seed.clone())
    })
    .into();
    let known = follow(id, known, task, watch.gone);
    let kind = seed.kind.clone();
    let status = Memo::new(move |_| task.with(|task| task.status));
    let label = Memo::new(move |_| task.with(|task| task.label.clone()));
    let params = Memo::new(move |_| known.with(|known| known.detail.params.clone()));
    let attempts = Memo::new(move |_| known.with(|known| known.detail.attempts.clone()));
    let result = Memo::new(move |_| known.with(|known| known.detail.result.clone()));
    let questions = Memo::new(move |_| known.with(|known| known.detail.questions.clone()));
    let children = Memo::new(move |_| known.with(|known| known.children.clone()));
    // The reason of an earlier state may be here when the task has moved on.
    let why = Memo::new(move |_| {
        known.with(|known| {
            let same = task.with(|task| (task.status, task.waiting.is_some()));
            let of = (known.detail.task.status, known.detail.task.waiting.is_some());
            known.detail.not_running.clone().filter(|_| same == of)
        })
    });
    // The result of an earlier state may be here while a new attempt runs: shown is what is true now.
    let left = move || result.get().filter(|_| status.get() == Status::Completed);
    view! {
        // The head may ask once more while the page that took this one's place comes in.
        <Title text=move || label.try_get().unwrap_or_default()/>
        <Head task gone=watch.gone/>
        <div class="dash-task-grid">
            <div class="dash-task-column">
                <TaskProgress task=id state=seed actions=false/>
                <NotRunning why/>
                <Questions task=id questions/>
                <Failure task attempts/>
                {move || left().map(|result| view! { <ResultPanel result task=id/> })}
                <Children children task=id/>
                {LOG.later((id, log))}
                <Attempts attempts/>
            </div>
            <div class="dash-task-column">
                <ParamsPanel task=id kind params status/>
                <section class="dash-panel" aria-labelledby="timeline-title">
                    <header class="dash-panel-head"><h2 id="timeline-title">"Timeline"</h2></header>
                    <Timeline task attempts/>
                </section>
                <About task attempts/>
            </div>
        </div>
    }
    .erase()
}

/// What the page knows beyond the live state (attempts, result, why it waits, children) is loaded anew when an attempt
/// begins or the task changes its status, and now and then while something outside of it may change that. A load that
/// fails is tried again with the next change.
fn follow(id: TaskId, first: Known, task: Signal<TaskState>, gone: Signal<bool>) -> RwSignal<Known> {
    let known = RwSignal::new(first);
    let moved = Memo::new(move |_| task.with(|task| (task.status, task.attempt, task.starts, task.endings)));
    let now = use_live().now();
    let turn = Memo::new(move |_| {
        let (status, ..) = moved.get();
        if status.has_ended() { None } else { now.get().map(|now| now.as_millis() / AGAIN_MS) }
    });
    let busy = StoredValue::new(false);
    Effect::new(move |before: Option<Option<i64>>| {
        let _ = moved.get();
        let turn = turn.get();
        let (version, loaded) =
            (task.with_untracked(|task| task.version), known.with_untracked(|it| it.detail.task.version));
        // The first turn is when the clock begins: what the page came with is not older than that.
        let is_turn = before.flatten().is_some_and(|before| Some(before) != turn);
        if (version <= loaded && !is_turn) || gone.get_untracked() || busy.get_value() {
            return turn;
        }
        busy.set_value(true);
        spawn_local(async move {
            let newer = load_known(id).await;
            busy.try_set_value(false);
            if let Ok(newer) = newer {
                // The page may be left by now.
                let _ = known.try_update(|known| {
                    if newer.detail.task.version >= known.detail.task.version {
                        *known = newer;
                    }
                });
            }
        });
        turn
    });
    known
}

/// Why the task does not run.
#[component]
fn NotRunning(
    /// What is known of it.
    why: Memo<Option<Why>>,
) -> impl IntoView {
    move || {
        why.get().map(|Why { text, until, .. }| {
            view! {
                <p class="dash-callout dash-why" role="status">
                    <Icon name="clock"/>
                    <span>
                        <strong>"Why is this not running? "</strong>
                        {text}
                        {until.map(|at| view! { " Next: " <TimeAgo at=at/> "." })}
                    </span>
                </p>
            }
        })
    }
}

/// The tasks that this one started.
#[component]
fn Children(
    /// Them, the newest first.
    children: Memo<Vec<TaskState>>,
    /// Their parent.
    task: TaskId,
) -> impl IntoView {
    move || {
        let children = children.get();
        (!children.is_empty()).then(|| {
            let all = Filter::typed(&format!("parent:{task}"));
            let rows = children.into_iter().map(|seed| view! { <TaskRow seed/> }).collect_view();
            view! {
                <section class="dash-panel dash-children" aria-labelledby="children-title">
                    <header class="dash-panel-head">
                        <h2 id="children-title">"Tasks that it started"</h2>
                        <a class="td-button td-button-quiet" href=paths::filtered(&all)>"All of them"</a>
                    </header>
                    <ul class="dash-rows">{rows}</ul>
                </section>
            }
        })
    }
}

/// What the task asks, and was answered.
#[component]
fn Questions(
    /// Which task.
    task: TaskId,
    /// What it asked.
    #[prop(into)]
    questions: Signal<Vec<OpenQuestion>>,
) -> impl IntoView {
    let asks = Memo::new(move |_| questions.with(|questions| !questions.is_empty()));
    move || {
        asks.get().then(|| {
            view! {
                <section class="dash-panel" aria-labelledby="questions-title">
                    <header class="dash-panel-head"><h2 id="questions-title">"Questions"</h2></header>
                    <div class="dash-panel-body">{QUESTIONS.later((task, questions))}</div>
                </section>
            }
        })
    }
}

#[component]
fn Head(
    /// The task, live.
    task: Signal<TaskState>,
    /// Whether it was deleted.
    gone: Signal<bool>,
) -> impl IntoView {
    let (id, kind, created_at) = task.with_untracked(|task| (task.id, task.kind.clone(), task.created_at));
    let status = Memo::new(move |_| task.with(|task| task.status));
    let partial = Memo::new(move |_| task.with(|task| task.partial));
    let label = Memo::new(move |_| task.with(|task| task.label.clone()));
    let same_kind = paths::filtered(&Filter::default().with_kind(Some(kind.clone())));
    let again = paths::start_again(&kind, id);
    // What the deck starts by itself has no form.
    let is_own = kind.as_str() == "bulk_action";
    let actions = move || {
        (!gone.get()).then(|| {
            let status = status.get();
            let again = again.clone();
            let label: Signal<String> = label.into();
            view! {
                {(!status.has_ended()).then(|| view! { <CancelButton task=id label=label/> })}
                {status.can_retry().then(|| view! { <RetryButton task=id label=label/> })}
                {(status.has_ended() && !is_own)
                    .then(|| {
                        view! {
                            <a class="td-button" href=again title="Opens the form with these params">
                                <Icon name="play"/>
                                "Run again…"
                            </a>
                        }
                    })}
                <DeleteButton task=id label=label back="/tasks".to_owned()/>
            }
        })
    };
    view! {
        <header class="dash-task-head">
            <div>
                <div class="dash-task-title">
                    <h1>{move || label.get()}</h1>
                    <StatusBadge status=status partial=partial/>
                </div>
                <p class="dash-task-facts">
                    <a href=same_kind><code>{kind.to_string()}</code></a>
                    <span class="dash-task-id">
                        <code>{id.to_string()}</code>
                        <CopyButton text=id.to_string() label="Copy the id"/>
                    </span>
                    <span>"created " <TimeAgo at=created_at/></span>
                </p>
            </div>
            <div class="dash-task-actions">{actions}</div>
        </header>
    }
    .erase()
}

/// What else is known of the task.
#[component]
fn About(
    /// The task, live.
    task: Signal<TaskState>,
    /// Its attempts, the last first.
    attempts: Memo<Vec<Attempt>>,
) -> impl IntoView {
    let state = task.get_untracked();
    let worker = Memo::new(move |_| attempts.with(|attempts| attempts.first()?.worker.clone()));
    let parent = state.parent.map(|id| {
        view! {
            <dt>"Started by the task"</dt>
            <dd><a href=paths::task(id)><code>{short(id)}</code></a></dd>
        }
    });
    let tries = Memo::new(move |_| task.with(|task| (task.tries, task.max_tries)));
    let fact = |name: &'static str, value: Option<String>| {
        value.map(|value| {
            view! {
                <dt>{name}</dt>
                <dd>{value}</dd>
            }
        })
    };
    let tags = (!state.tags.is_empty()).then(|| {
        let tags = state.tags.iter().map(|tag| view! { <span class="dash-tag">{tag.clone()}</span> });
        view! {
            <dt>"Tags"</dt>
            <dd>{tags.collect_view()}</dd>
        }
    });
    view! {
        <section class="dash-panel" aria-labelledby="about-title">
            <header class="dash-panel-head"><h2 id="about-title">"About"</h2></header>
            <div class="dash-panel-body">
                <dl class="dash-facts">
                    {fact("Queue", Some(state.queue.to_string()))}
                    {fact("Priority", (state.priority != 0).then(|| state.priority.to_string()))}
                    <dt>"Tries used"</dt>
                    <dd>{move || { let (tries, most) = tries.get(); format!("{tries} of {most}") }}</dd>
                    {fact("Started by", state.user.as_ref().map(ToString::to_string))}
                    {parent}
                    {fact("Key", state.key.clone())}
                    {fact("Partition", state.partition.clone())}
                    {move || worker.get().map(|worker| view! { <dt>"Worker"</dt><dd><code>{worker}</code></dd> })}
                    {tags}
                    {state
                        .trace_id
                        .clone()
                        .map(|trace| {
                            view! {
                                <dt>"Trace"</dt>
                                <dd><code>{trace}</code></dd>
                            }
                        })}
                </dl>
            </div>
        </section>
    }
    .erase()
}

/// The end of an id, which tells it from those that were made at the same time.
fn short(id: TaskId) -> String {
    let text = id.to_string();
    format!("…{}", text.get(24..).unwrap_or_default())
}
