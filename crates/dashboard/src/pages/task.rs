//! One task: how far it is, what it says, what it left, why it failed, and what to do about it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use serde::{Deserialize, Serialize};
use taskdeck_core::{DeckError, LogPage, OpenQuestion, Status, TaskDetail, TaskId, TaskState};
use taskdeck_ui::{
    ApiError, CancelButton, DeleteButton, Erase, Icon, RetryButton, StatusBadge, TaskConfirmation, TaskLog,
    TaskProgress, TimeAgo, api, load, use_live,
};

use super::not_found::NotFound;
use crate::filter::Filter;
use crate::parts::attempts::Attempts;
use crate::parts::copy::CopyButton;
use crate::parts::failure::Failure;
use crate::parts::json::JsonView;
use crate::parts::notice::{CannotLoad, Loading};
use crate::parts::result::ResultPanel;
use crate::parts::timeline::Timeline;
use crate::{paths, status_code};

/// How many lines of the log are in the page from the start.
const LOG_TAIL: u32 = 500;

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shown {
    detail: TaskDetail,
    log: LogPage,
}

async fn fetch(id: Option<TaskId>) -> Result<Shown, ApiError> {
    // What is no id names no task.
    let id = id.ok_or_else(|| ApiError(DeckError::task_not_found()))?;
    let detail = api::task(id).await?;
    let log = api::log_tail(id, LOG_TAIL).await.unwrap_or_default();
    Ok(Shown { detail, log })
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
    let Shown { detail, log } = loaded;
    let seed = detail.task.clone();
    let id = seed.id;
    let live = use_live();
    live.seed(seed.clone());
    let watch = live.watch(id);
    let task = Signal::derive({
        let seed = seed.clone();
        move || watch.state.get().unwrap_or_else(|| seed.clone())
    });
    let params = detail.params.clone();
    let detail = follow(id, detail, task, watch.gone);
    let status = Memo::new(move |_| task.with(|task| task.status));
    let label = Memo::new(move |_| task.with(|task| task.label.clone()));
    let attempts = Memo::new(move |_| detail.with(|detail| detail.attempts.clone()));
    let result = Memo::new(move |_| detail.with(|detail| detail.result.clone()));
    let questions = Memo::new(move |_| detail.with(|detail| detail.questions.clone()));
    // The result of an earlier state may be here while a new attempt runs: shown is what is true now.
    let left = move || result.get().filter(|_| status.get() == Status::Completed);
    view! {
        <Title text=move || label.get()/>
        <Head task gone=watch.gone/>
        <div class="dash-task-grid">
            <div class="dash-task-column">
                <TaskProgress task=id state=seed actions=false/>
                <Questions task=id questions/>
                <Failure task attempts/>
                {move || left().map(|result| view! { <ResultPanel result/> })}
                <TaskLog task=id initial=log/>
                <Attempts attempts/>
            </div>
            <div class="dash-task-column">
                <section class="dash-panel" aria-labelledby="params-title">
                    <header class="dash-panel-head"><h2 id="params-title">"Params"</h2></header>
                    <div class="dash-panel-body"><JsonView value=params/></div>
                </section>
                <section class="dash-panel" aria-labelledby="timeline-title">
                    <header class="dash-panel-head"><h2 id="timeline-title">"Timeline"</h2></header>
                    <Timeline task attempts/>
                </section>
                <About task/>
            </div>
        </div>
    }
    .erase()
}

/// What the page knows beyond the live state (attempts, result) is loaded anew when an attempt begins or the task
/// changes its status. A load that fails is tried again with the next change.
fn follow(id: TaskId, first: TaskDetail, task: Signal<TaskState>, gone: Signal<bool>) -> Signal<TaskDetail> {
    let detail = RwSignal::new(first);
    let moved = Memo::new(move |_| task.with(|task| (task.status, task.attempt, task.starts, task.endings)));
    Effect::new(move |_| {
        let _ = moved.get();
        let (version, known) =
            (task.with_untracked(|task| task.version), detail.with_untracked(|it| it.task.version));
        if version <= known || gone.get_untracked() {
            return;
        }
        spawn_local(async move {
            if let Ok(newer) = api::task(id).await {
                // The page may be left by now.
                let _ = detail.try_update(|known| {
                    if newer.task.version >= known.task.version {
                        *known = newer;
                    }
                });
            }
        });
    });
    detail.into()
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
                    <div class="dash-panel-body"><TaskConfirmation task questions/></div>
                </section>
            }
        })
    }
}

/// What a task that does not go on waits for.
fn waits_for(waiting: Option<&str>, after: u32) -> Option<String> {
    match (waiting, after) {
        (Some(waiting), _) => Some(format!("waiting for {waiting}")),
        (None, 0) => None,
        (None, 1) => Some("runs after 1 task that has not completed".to_owned()),
        (None, count) => Some(format!("runs after {count} tasks that have not completed")),
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
    let waits = Memo::new(move |_| {
        task.with(|task| {
            let active = !task.status.has_ended();
            active.then(|| waits_for(task.waiting.as_deref(), task.waits_for)).flatten()
        })
    });
    let same_kind = paths::filtered(&Filter::default().with_kind(Some(kind.clone())));
    let again = paths::start_again(&kind, id);
    let actions = move || {
        (!gone.get()).then(|| {
            let status = status.get();
            let again = again.clone();
            let label: Signal<String> = label.into();
            view! {
                {(!status.has_ended()).then(|| view! { <CancelButton task=id label=label/> })}
                {status.can_retry().then(|| view! { <RetryButton task=id label=label/> })}
                {status
                    .has_ended()
                    .then(|| {
                        view! { <a class="td-button" href=again><Icon name="play"/>"Start again"</a> }
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
                    {move || waits.get().map(|text| view! { <span>{text}</span> })}
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
) -> impl IntoView {
    let state = task.get_untracked();
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
                    {fact("Key", state.key.clone())}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_says_what_it_waits_for() {
        assert_eq!(waits_for(None, 0), None);
        assert_eq!(waits_for(None, 1).unwrap(), "runs after 1 task that has not completed");
        assert_eq!(waits_for(None, 2).unwrap(), "runs after 2 tasks that have not completed");
        assert_eq!(waits_for(Some("the task 7"), 0).unwrap(), "waiting for the task 7");
    }
}
