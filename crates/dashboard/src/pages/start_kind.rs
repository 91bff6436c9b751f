//! The form that starts a task of a kind, what is known of the kind, and the tasks it started last.

use leptos::Title;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_params_map, use_query_map};
use taskdeck_core::{DeckError, Definition, ResultBody, StartPage, Started, TaskEvent, TaskState};
use taskdeck_ui::format::span;
use taskdeck_ui::{ApiError, Erase, Icon, TaskForm, TaskProgress, TimeAgo, api, load, status_icon};

use super::not_found::NotFound;
use crate::filter::Filter;
use crate::part;
use crate::parts::kind_card::Marks;
use crate::parts::notice::{CannotLoad, Loading};
use crate::parts::result::ResultPanel;
use crate::{paths, status_code};

// What stands beside the form is not touched before it.
part!(AROUND, used_start_kind_around, Around, show_around);
// Not before something was run from here.
part!(RAN, rare_start_kind_ran, Started, show_ran);

fn show_ran(started: Started) -> AnyView {
    view! { <Ran started/> }.erase()
}

/// Where it comes from what the form begins with.
struct Begins {
    /// The failed task that is tried again.
    retried: Option<TaskState>,
    /// Whether an earlier task is started once more.
    again: bool,
    has_secrets: bool,
    /// Whether nothing is filled in.
    is_empty: bool,
}

fn show_from(Begins { retried, again, has_secrets, is_empty }: Begins) -> AnyView {
    if let Some(task) = retried {
        return of_failed(&task);
    }
    let text = match (again, is_empty) {
        (true, _) if has_secrets => "Filled in from an earlier task, but for its secrets.",
        (true, _) => "Filled in from an earlier task. Change what should differ.",
        // Whoever made the link may mean no good.
        (false, false) => "Filled in by the link that led here. Look at it before you start.",
        (false, true) => return ().into_any(),
    };
    view! { <p class="dash-callout"><Icon name="rotate-cw"/>{text}</p> }.erase()
}

/// The page of a kind.
#[component]
pub(crate) fn StartKindPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let kind = Memo::new(move |_| params.with(|params| params.get("kind").unwrap_or_default()));
    let named = move || {
        let pairs = query.with(Clone::clone).into_iter();
        pairs.map(|(name, text)| (name.into_owned(), text)).collect::<Vec<_>>()
    };
    let loaded = load(move || (kind.get(), named()), |(kind, named)| api::start_page(kind, named));
    let page = move || {
        Suspend::new(async move {
            match loaded.await {
                Ok(loaded) => view! { <KindForm loaded/> }.erase(),
                Err(ApiError(DeckError::NotFound { what })) => {
                    status_code::set(404);
                    let (title, text) = if what == "Task" {
                        (
                            "There is no such task".to_owned(),
                            "It may have been deleted, or cleaned up after its time.",
                        )
                    } else {
                        let title = format!("There is no kind named “{}”", kind.get_untracked());
                        (title, "It may have been renamed, or it is not linked into this server.")
                    };
                    view! {
                        <Title text="Not found"/>
                        <NotFound title text/>
                    }
                    .erase()
                }
                Err(error) => {
                    let again = paths::at(&format!("/start/{}", kind.get_untracked()));
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! {
                        <Title text="Start"/>
                        <CannotLoad what="the form" error again retry/>
                    }
                    .erase()
                }
            }
        })
    };
    view! {
        <div class="dash-page">
            <Transition fallback=|| view! { <Loading lines=4/> }>{page}</Transition>
        </div>
    }
    .erase_waiting()
}

#[component]
fn KindForm(
    /// What the page shows.
    loaded: StartPage,
) -> impl IntoView {
    let StartPage { definition, recent, initial, faults, again, retried } = loaded;
    let retries = retried.as_ref().map(|task| task.id);
    let has_secrets = definition.params.iter().any(|param| param.kind.is_secret());
    let begins = AROUND.when_used(
        Around {
            from: Some(Begins { retried, again, has_secrets, is_empty: initial.is_empty() }),
            beside: None,
        },
        || false,
    );
    let ran = RwSignal::new(None::<Started>);
    let on_run = retries.is_none().then(|| Callback::new(move |started| ran.set(Some(started))));
    view! {
        <Title text=definition.title.clone()/>
        <header class="dash-start-head">
            <span class="dash-card-icon"><Icon name=definition.icon.clone()/></span>
            <div>
                <h1>{definition.title.clone()}</h1>
                <p class="dash-start-text">{definition.description.clone()}</p>
            </div>
        </header>
        <div class="dash-start-grid">
            <div class="dash-task-column">
                {begins}
                <div class="dash-start-form">
                    <TaskForm definition=definition.clone() initial faults on_run retries/>
                </div>
                {move || ran.get().map(|started| RAN.later(started))}
            </div>
            <div class="dash-task-column">
                {AROUND.when_used(Around { from: None, beside: Some((definition, recent)) }, || false)}
            </div>
        </div>
    }
    .erase()
}

/// Whose params these are, where they are those of a failed task.
fn of_failed(task: &TaskState) -> AnyView {
    view! {
        <p class="dash-callout">
            <Icon name="rotate-cw"/>
            <span>
                "The params of " <a href=paths::task(task.id)>{task.label.clone()}</a>
                ", which failed. Change what is wrong: it keeps what you save here, and is tried again from its beginning."
            </span>
        </p>
    }
    .erase()
}

/// A task that was run from this page: how far it is, and what came of it.
#[component]
fn Ran(
    /// The task, as its start answered it.
    started: Started,
) -> impl IntoView {
    let Started { task, deduplicated } = started;
    let id = task.id;
    let result = RwSignal::new(None::<ResultBody>);
    let completed = Callback::new(move |_: TaskEvent| {
        spawn_local(async move {
            if let Ok(detail) = api::task(id).await {
                // The page may be left by now.
                let _ = result.try_set(detail.result);
            }
        });
    });
    let element = NodeRef::<html::Section>::new();
    // It stands below the form, perhaps out of sight.
    Effect::new(move |_| {
        if let Some(element) = element.get() {
            element.scroll_into_view_with_bool(false);
        }
    });
    view! {
        <section class="dash-ran" aria-labelledby="ran-title" node_ref=element>
            <header class="dash-ran-head">
                <h2 class="dash-form-title" id="ran-title">"This run"</h2>
                <a class="td-button td-button-quiet" href=paths::task(id)>
                    "Open the task"
                    <Icon name="chevron-right"/>
                </a>
            </header>
            <TaskProgress task=id state=task is_new=!deduplicated on_completed=move |event| completed.run(event)/>
            {move || result.get().map(|result| view! { <ResultPanel result task=id/> })}
        </section>
    }
    .erase()
}

/// What stands around the form: what it begins with, or the kind and what was started of it last. One part for both, since
/// each type of part is code of the page's own.
struct Around {
    from: Option<Begins>,
    beside: Option<(Definition, Vec<TaskState>)>,
}

fn show_around(Around { from, beside }: Around) -> AnyView {
    let beside = beside.map(|(definition, recent)| show_beside(definition, recent));
    view! { {from.map(show_from)} {beside} }.erase()
}

/// What is known of the kind, and what was started of it last.
fn show_beside(definition: Definition, recent: Vec<TaskState>) -> AnyView {
    let all = Filter::default().with_kind(Some(definition.kind.clone()));
    let recent =
        (!recent.is_empty()).then(|| view! { <Recent tasks=recent all=paths::filtered(&all)/> }.erase());
    view! {
        <About definition/>
        {recent}
    }
    .erase()
}

/// What is known of the kind.
#[component]
fn About(
    /// The kind.
    definition: Definition,
) -> impl IntoView {
    let Definition { kind, category, tags, danger, expensive, limits, .. } = definition;
    let attempts = match limits.retry.max_tries {
        1 => "one".to_owned(),
        most => format!("up to {most}"),
    };
    let timeout = limits.timeout_ms.map_or_else(|| "the server's".to_owned(), span);
    view! {
        <section class="dash-panel" aria-labelledby="about-title">
            <header class="dash-panel-head"><h2 id="about-title">"About"</h2></header>
            <div class="dash-panel-body">
                <dl class="dash-facts">
                    <dt>"Kind"</dt>
                    <dd><code>{kind.to_string()}</code></dd>
                    <dt>"Category"</dt>
                    <dd>{category.title()}</dd>
                    <dt>"Queue"</dt>
                    <dd>{limits.queue.to_string()}</dd>
                    <dt>"Time limit"</dt>
                    <dd>{timeout}</dd>
                    <dt>"Attempts"</dt>
                    <dd>{attempts}</dd>
                    {(!tags.is_empty())
                        .then(|| {
                            let tags =
                                tags.into_iter().map(|tag| view! { <span class="dash-tag">{tag}</span> });
                            view! {
                                <dt>"Tags"</dt>
                                <dd>{tags.collect_view()}</dd>
                            }
                        })}
                    {(danger.is_some() || expensive)
                        .then(|| {
                            view! {
                                <dt>"Mind"</dt>
                                <dd><Marks danger=danger.is_some() expensive/></dd>
                            }
                        })}
                </dl>
            </div>
        </section>
    }
    .erase()
}

/// The tasks of the kind that were started last, as they stood when the page was made.
#[component]
fn Recent(
    /// The tasks, newest first.
    tasks: Vec<TaskState>,
    /// The list of all of them.
    all: String,
) -> impl IntoView {
    let rows = tasks
        .into_iter()
        .map(|task| {
            view! {
                <li>
                    <span class="dash-status-icon" data-status=task.status.name() title=task.status.title()>
                        <Icon name=status_icon(task.status) label=task.status.title()/>
                    </span>
                    <a href=paths::task(task.id)>{task.label}</a>
                    <TimeAgo at=task.created_at/>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="dash-panel" aria-labelledby="recent-title">
            <header class="dash-panel-head"><h2 id="recent-title">"Started last"</h2></header>
            <ul class="dash-recent">{rows}</ul>
            <a class="dash-panel-foot" href=all>"All tasks of this kind"</a>
        </section>
    }
    .erase()
}
