//! The form that starts a task of a kind, what is known of the kind, and the tasks it started last.

use leptos::Title;
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taskdeck_core::{DeckError, Definition, ListQuery, TaskId, TaskState, form};
use taskdeck_ui::format::span;
use taskdeck_ui::{ApiError, Erase, Icon, TaskForm, TimeAgo, api, load, status_icon};

use super::not_found::NotFound;
use crate::filter::Filter;
use crate::parts::kind_card::Marks;
use crate::parts::notice::{CannotLoad, Loading};
use crate::{paths, status_code};

/// How many tasks of the kind are shown beside its form.
const RECENT: u32 = 5;

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shown {
    definition: Definition,
    recent: Vec<TaskState>,
    /// The fields of the task that is to be started again.
    again: Option<Vec<(String, String)>>,
}

async fn fetch(kind: String, from: Option<TaskId>) -> Result<Shown, ApiError> {
    let definition = api::kind(kind).await?;
    let query =
        ListQuery { kind: Some(definition.kind.clone()), limit: Some(RECENT), ..ListQuery::default() };
    // The form is what one came for: what stands beside it may be missing.
    let recent = api::tasks(query).await.map(|page| page.tasks).unwrap_or_default();
    let again = match from {
        Some(id) => api::task(id).await.ok().map(|detail| fields(&definition, &detail.params)),
        None => None,
    };
    Ok(Shown { definition, recent, again })
}

/// The fields of a form that say these params. A file cannot be filled in by a page.
fn fields(definition: &Definition, params: &Value) -> Vec<(String, String)> {
    definition
        .params
        .iter()
        .filter(|param| !param.kind.is_file())
        .filter_map(|param| Some((param.name.clone(), form::field_text(params.get(&param.name)?))))
        .collect()
}

/// The page of a kind.
#[component]
pub(crate) fn StartKindPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let kind = Memo::new(move |_| params.with(|params| params.get("kind").unwrap_or_default()));
    let from = Memo::new(move |_| query.with(|query| query.get("from")?.parse::<TaskId>().ok()));
    let loaded = load(move || (kind.get(), from.get()), |(kind, from)| fetch(kind, from));
    let page = move || {
        Suspend::new(async move {
            match loaded.await {
                Ok(loaded) => view! { <KindForm loaded/> }.erase(),
                Err(ApiError(DeckError::NotFound { .. })) => {
                    status_code::set(404);
                    view! {
                        <Title text="Not found"/>
                        <NotFound
                            title=format!("There is no kind named “{}”", kind.get_untracked())
                            text="It may have been renamed, or it is not linked into this server."
                        />
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
    loaded: Shown,
) -> impl IntoView {
    let Shown { definition, recent, again } = loaded;
    let again_notice = again.is_some().then(|| {
        let text = if definition.has_files() {
            "Filled in from an earlier task. Choose its file again."
        } else {
            "Filled in from an earlier task. Change what should differ."
        };
        view! { <p class="dash-callout"><Icon name="rotate-cw"/>{text}</p> }
    });
    let kind = definition.kind.clone();
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
                {again_notice}
                <div class="dash-start-form">
                    <TaskForm definition=definition.clone() initial=again.unwrap_or_default()/>
                </div>
            </div>
            <div class="dash-task-column">
                <About definition/>
                {(!recent.is_empty())
                    .then(|| {
                        let all = Filter::default().with_kind(Some(kind));
                        view! { <Recent tasks=recent all=paths::filtered(&all)/> }
                    })}
            </div>
        </div>
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
    let tries = match limits.retry.max_tries {
        1 => "no second try".to_owned(),
        tries => format!("up to {tries}"),
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
                    <dt>"Tries"</dt>
                    <dd>{tries}</dd>
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskdeck_core::{Kind, Param, Upload};

    use super::*;

    #[test]
    fn a_task_is_started_again_with_its_params_but_not_its_file() {
        let mut definition = Definition::new(Kind::new("import_csv").unwrap());
        definition.params =
            vec![Param::of::<Upload>("file"), Param::of::<bool>("header"), Param::of::<String>("table")];
        let params = json!({"file": {"id": "x"}, "header": true, "table": "flights"});
        let expected = [("header", "true"), ("table", "flights")];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(fields(&definition, &params), expected);
    }
}
