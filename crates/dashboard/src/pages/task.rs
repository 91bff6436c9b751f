//! One task: how far it is, what it says, what it left, why it failed, and what to do about it.

use leptos::Title;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;
use taskdeck_core::{
    Attempt, DeckError, LogPage, NotRunning as Why, QueueName, Status, TaskId, TaskState, TaskView,
};
use taskdeck_ui::{
    ApiError, CancelButton, DeleteButton, Erase, Icon, ProgressCard, RetryButton, StatusBadge,
    TaskConfirmation, TaskLog, TimeAgo, api, load, tell_log_times, until_answered, use_live,
};

use super::not_found::NotFound;
use crate::filter::Filter;
use crate::part;
use crate::parts::about::About;
use crate::parts::attempts::Attempts;
use crate::parts::copy::CopyButton;
use crate::parts::facts;
use crate::parts::failure::Failure;
use crate::parts::notice::{CannotLoad, Loading};
use crate::parts::params::ParamsPanel;
use crate::parts::related::{After, CHILDREN, Children};
use crate::parts::result::ResultPanel;
use crate::parts::timeline::Timeline;
use crate::{browser, paths, status_code, watched};

/// How many lines of the log are in the page from the start.
const LOG_TAIL: u32 = 500;

/// How often what may change outside of the task is looked at, in milliseconds.
const AGAIN_MS: i64 = 5_000;

// The page is live without them, and they are the most of it. Those of a task that has ended come when they are used.
part!(QUESTIONS, rare_task_questions, (TaskId, RwSignal<TaskView>), show_questions);
part!(WHY, used_task_why, (Signal<TaskState>, RwSignal<TaskView>, QueueName), show_why);
part!(OUTCOME, used_task_outcome, Outcome, show_outcome);
part!(LOG, used_task_log, Log, show_log);
part!(ATTEMPTS, used_task_attempts, RwSignal<TaskView>, show_attempts);
part!(FACTS, used_task_facts, Facts, show_facts);

/// What came of the task until now.
struct Outcome {
    task: Signal<TaskState>,
    gone: Signal<bool>,
    known: RwSignal<TaskView>,
    /// Asks for all of it again.
    again: Callback<()>,
}

/// The last lines of the log.
struct Log {
    task: TaskId,
    initial: LogPage,
    /// Why they could not be had.
    problem: Option<String>,
}

/// What is known of the task, and when what happened.
type Facts = (Signal<TaskState>, RwSignal<TaskView>);

fn show_questions((task, known): (TaskId, RwSignal<TaskView>)) -> AnyView {
    let questions = Memo::new(move |_| known.with(|known| known.detail.questions.clone()));
    view! { <TaskConfirmation task questions/> }.erase()
}

fn show_why((task, known, queue): (Signal<TaskState>, RwSignal<TaskView>, QueueName)) -> AnyView {
    // The reason of an earlier state may be here when the task has moved on.
    let why = Memo::new(move |_| {
        known.with(|known| {
            let same = task.with(|task| (task.status, task.waiting.is_some()));
            let of = (known.detail.task.status, known.detail.task.waiting.is_some());
            known.detail.not_running.clone().filter(|_| same == of)
        })
    });
    view! { <NotRunning why queue/> }.erase()
}

/// The attempts, while more becomes known.
fn attempts_of(known: RwSignal<TaskView>) -> Memo<Vec<Attempt>> {
    Memo::new(move |_| known.with(|known| known.detail.attempts.clone()))
}

fn show_outcome(Outcome { task, gone, known, again }: Outcome) -> AnyView {
    let attempts = attempts_of(known);
    let result = Memo::new(move |_| known.with(|known| known.detail.result.clone()));
    let after = Memo::new(move |_| known.with(|known| known.detail.after.clone()));
    let children = Memo::new(move |_| known.with(|known| known.children.clone()));
    let id = task.with_untracked(|task| task.id);
    let status = Memo::new(move |_| task.with(|task| task.status));
    // The result of an earlier state may be here while a new attempt runs: shown is what is true now.
    let left = move || result.get().filter(|_| status.get() == Status::Completed && !gone.get());
    view! {
        <Failure task attempts/>
        {move || left().map(|result| view! { <ResultPanel result task=id/> })}
        <After after/>
        <Children children task=id again/>
    }
    .erase()
}

fn show_attempts(known: RwSignal<TaskView>) -> AnyView {
    view! { <Attempts attempts=attempts_of(known)/> }.erase()
}

fn show_facts((task, known): Facts) -> AnyView {
    let attempts = attempts_of(known);
    let params = Memo::new(move |_| known.with(|known| known.detail.params.clone()));
    let notices = Memo::new(move |_| known.with(|known| known.detail.notices.clone()));
    let titles = known.with_untracked(|known| known.detail.titles.clone());
    let due = known.with_untracked(|known| known.detail.due_at);
    let (id, kind) = task.with_untracked(|task| (task.id, task.kind.clone()));
    let status = Memo::new(move |_| task.with(|task| task.status));
    view! {
        <ParamsPanel task=id kind params titles status/>
        <section class="dash-panel" aria-labelledby="timeline-title">
            <header class="dash-panel-head"><h2 id="timeline-title">"Timeline"</h2></header>
            <Timeline task due attempts notices/>
        </section>
        <About task attempts/>
    }
    .erase()
}

fn show_log(Log { task, initial, problem }: Log) -> AnyView {
    view! { <TaskLog task initial problem/> }.erase()
}

/// What the page knows beyond the live state.
async fn load_known(id: TaskId) -> Result<TaskView, ApiError> {
    api::task_view(id, CHILDREN, 0).await
}

async fn fetch(id: Option<TaskId>) -> Result<TaskView, ApiError> {
    // What is no id names no task.
    let id = id.ok_or_else(|| ApiError(DeckError::task_not_found()))?;
    api::task_view(id, CHILDREN, LOG_TAIL).await
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
    loaded: TaskView,
) -> impl IntoView {
    let mut known = loaded;
    let (log, log_problem) = (known.log.take().unwrap_or_default(), known.log_problem.take());
    let seed = known.detail.task.clone();
    let (id, queue) = (seed.id, seed.queue.clone());
    let live = use_live();
    live.seed(seed.clone());
    let watch = live.watch(id);
    let task: Signal<TaskState> = Memo::new({
        let seed = seed.clone();
        move |_| watch.state.get().unwrap_or_else(|| seed.clone())
    })
    .into();
    let asked = RwSignal::new(0_u32);
    let again = Callback::new(move |()| asked.update(|asked| *asked += 1));
    let known = follow(id, known, task, watch.gone, asked);
    let label = Memo::new(move |_| task.with(|task| task.label.clone()));
    // Until it is alive too.
    Effect::new(move |_| {
        if let Some(log) = browser::find(".td-log-lines") {
            tell_log_times(&log);
        }
    });
    // What ends under the viewer's eyes is no news.
    let ending = Memo::new(move |_| task.with(|task| task.status.has_ended().then_some(task.version)));
    Effect::new(move |before: Option<Option<u32>>| {
        let now = ending.get();
        // A second ending may come without a word of what was before it.
        if before.is_some_and(|before| before != now) && now.is_some() && !browser::is_hidden() {
            task.with_untracked(watched::note);
        }
        now
    });
    // What the server made of a task that has ended stays true, but for children that go on without it.
    let (version, has_children) = known.with_untracked(|known| {
        (known.detail.task.version, known.children.as_ref().is_some_and(|children| !children.is_empty()))
    });
    let moves = move || {
        has_children
            || watch.gone.get()
            || task.with(|task| !task.status.has_ended() || task.version != version)
    };
    view! {
        // The head may ask once more while the page that took this one's place comes in.
        <Title text=move || label.try_get().unwrap_or_default()/>
        <Head task gone=watch.gone/>
        <div class="dash-task-grid">
            <div class="dash-task-column">
                <ProgressCard state=seed/>
                {WHY.when_used((task, known, queue), moves)}
                <Questions task=id known/>
                {OUTCOME.when_used(Outcome { task, gone: watch.gone, known, again }, moves)}
                {LOG.when_used(Log { task: id, initial: log, problem: log_problem }, moves)}
                {ATTEMPTS.when_used(known, moves)}
            </div>
            <div class="dash-task-column">
                {FACTS.when_used((task, known), moves)}
            </div>
        </div>
    }
    .erase()
}

/// What the page knows beyond the live state (attempts, result, why it waits, children) is loaded anew when an attempt
/// begins or the task changes its status, and now and then while something outside of it may change that. A load that
/// does not reach the server is tried until it does, since it may be of the last change; one that was overtaken at once.
fn follow(
    id: TaskId,
    first: TaskView,
    task: Signal<TaskState>,
    gone: Signal<bool>,
    asked: RwSignal<u32>,
) -> RwSignal<TaskView> {
    let known = RwSignal::new(first);
    let moved = Memo::new(move |_| {
        task.with(|task| (task.status, task.attempt, task.starts, task.endings, task.notice_seq))
    });
    let now = use_live().now();
    let turn = Memo::new(move |_| {
        let (status, ..) = moved.get();
        if status.has_ended() { None } else { now.get().map(|now| now.as_millis() / AGAIN_MS) }
    });
    let busy = StoredValue::new(false);
    Effect::new(move |before: Option<(Option<i64>, u32)>| {
        let _ = moved.get();
        let (turn, asks) = (turn.get(), asked.get());
        let (version, told) = task.with_untracked(|task| (task.version, task.notice_seq));
        let (loaded, known_told) =
            known.with_untracked(|it| (it.detail.task.version, it.detail.task.notice_seq));
        // The first turn is when the clock begins: what the page came with is not older than that.
        let is_turn = before
            .is_some_and(|(before, asked_before)| before.is_some() && before != turn || asked_before != asks);
        if (version <= loaded && told <= known_told && !is_turn) || gone.get_untracked() || busy.get_value() {
            return (turn, asks);
        }
        busy.set_value(true);
        spawn_local(async move {
            let mut asked = version;
            let is_wanted = move || known.try_with_untracked(|_| ()).is_some();
            while let Some(Ok(newer)) = until_answered(|| load_known(id), is_wanted).await {
                let loaded = newer.detail.task.version;
                // The page may be left by now.
                let _ = known.try_update(|known| {
                    if loaded >= known.detail.task.version {
                        // Those that were had are not lost to an answer without them.
                        let children = newer.children.or_else(|| known.children.take());
                        *known = TaskView { children, ..newer };
                    }
                });
                // What changed meanwhile has asked for nothing: perhaps it was the last change.
                let now = task.try_with_untracked(|task| task.version).unwrap_or(asked);
                if now <= loaded || now == asked {
                    break;
                }
                asked = now;
            }
            busy.try_set_value(false);
        });
        (turn, asks)
    });
    known
}

/// Why the task does not run, or does not get on.
#[component]
fn NotRunning(
    /// What is known of it.
    why: Memo<Option<Why>>,
    /// Its queue.
    queue: QueueName,
) -> impl IntoView {
    move || {
        why.get().map(|Why { reason, text, until }| {
            // A task that waits for its parts runs.
            let asked = if reason == "waiting" { "" } else { "Why is this not running? " };
            let all = Filter::default().with_queue(Some(queue.clone()));
            let link = match reason.as_str() {
                "queue_paused" | "kind_paused" | "queue_limit" | "kind_limit" | "queue_rate"
                | "kind_rate" => Some((paths::queues(), "Queues")),
                "no_worker" | "unknown_kind" | "newer_version" => Some((paths::workers(), "Workers")),
                "slots" => Some((paths::filtered(&all), "Tasks of its queue")),
                _ => None,
            };
            view! {
                <p class="dash-callout dash-why" role="status">
                    <Icon name="clock"/>
                    <span>
                        <strong>{asked}</strong>
                        {text}
                        {until.map(|at| view! { " Next: " <TimeAgo at=at/> "." })}
                        {link.map(|(href, words)| view! { " " <a href=href>{words}</a> })}
                    </span>
                </p>
            }
        })
    }
}

/// What the task asks, and was answered.
#[component]
fn Questions(
    /// Which task.
    task: TaskId,
    /// What it asked is part of it.
    known: RwSignal<TaskView>,
) -> impl IntoView {
    let asks = Memo::new(move |_| known.with(|known| !known.detail.questions.is_empty()));
    move || {
        asks.get().then(|| {
            view! {
                <section class="dash-panel" aria-labelledby="questions-title">
                    <header class="dash-panel-head"><h2 id="questions-title">"Questions"</h2></header>
                    <div class="dash-panel-body">{QUESTIONS.later((task, known))}</div>
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
    let retry = Memo::new(move |_| task.with(facts::retry));
    let partial = Memo::new(move |_| task.with(|task| task.partial));
    let label = Memo::new(move |_| task.with(|task| task.label.clone()));
    // A kind's name needs no quotes, and the language of filters is much code.
    let same_kind = paths::tasks(&format!("?q=kind:{kind}"));
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
                {retry.get().map(|text| view! { <RetryButton task=id label=label text/> })}
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
                    {move || {
                        if gone.get() {
                            view! { <span class="td-badge">"Deleted"</span> }.erase()
                        } else {
                            view! { <StatusBadge status=status partial=partial/> }.erase()
                        }
                    }}
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
