//! The form that starts a task of a kind, what is known of the kind, and the tasks it started last.

use leptos::Title;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_params_map, use_query_map};
use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};
use taskdeck_core::{
    DeckError, Definition, ListQuery, ResultBody, Started, TaskEvent, TaskId, TaskState, form,
};
use taskdeck_ui::format::span;
use taskdeck_ui::{ApiError, Erase, Icon, TaskForm, TaskProgress, TimeAgo, api, load, status_icon};

use super::not_found::NotFound;
use crate::filter::Filter;
use crate::parts::kind_card::Marks;
use crate::parts::notice::{CannotLoad, Loading};
use crate::parts::result::ResultPanel;
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
        Some(id) => api::task(id).await.ok().map(|detail| form::prefill(&definition, &detail.params)),
        None => None,
    };
    Ok(Shown { definition, recent, again })
}

/// What the address fills in: the fields that it names. Not files, and no secrets, which must not be in an address.
fn named(definition: &Definition, query: &ParamsMap) -> Vec<(String, String)> {
    let fits = |name: &str| {
        let param = definition.param(name);
        param.is_some_and(|param| !param.kind.is_file() && !param.kind.is_secret())
    };
    let fields = query.clone().into_iter().filter(|(name, _)| fits(name));
    fields.map(|(name, text)| (name.into_owned(), text)).collect()
}

/// What the form begins with: the task that is started again, but for what the address says.
fn begins_with(again: Option<Vec<(String, String)>>, named: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut fields = again.unwrap_or_default();
    fields.retain(|(name, _)| !named.iter().any(|(other, _)| other == name));
    fields.extend(named);
    fields
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
    let named = use_query_map().with_untracked(|query| named(&definition, query));
    let has_secrets = definition.params.iter().any(|param| param.kind.is_secret());
    let filled_in = match (again.is_some(), named.is_empty()) {
        (true, _) if definition.has_files() => Some("Filled in from an earlier task. Choose its file again."),
        (true, _) if has_secrets => Some("Filled in from an earlier task, but for its secrets."),
        (true, _) => Some("Filled in from an earlier task. Change what should differ."),
        // Whoever made the link may mean no good.
        (false, false) => Some("Filled in by the link that led here. Look at it before you start."),
        (false, true) => None,
    };
    let filled_in =
        filled_in.map(|text| view! { <p class="dash-callout"><Icon name="rotate-cw"/>{text}</p> });
    let initial = begins_with(again, named);
    let kind = definition.kind.clone();
    let ran = RwSignal::new(None::<Started>);
    let on_run = Callback::new(move |started| ran.set(Some(started)));
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
                {filled_in}
                <div class="dash-start-form">
                    <TaskForm definition=definition.clone() initial on_run/>
                </div>
                {move || ran.get().map(|started| view! { <Ran started/> })}
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
    use taskdeck_core::{Kind, Param, Secret, Upload};

    use super::*;

    fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn the_address_fills_in_fields_but_no_files_and_secrets() {
        let mut definition = Definition::new(Kind::new("import_csv").unwrap());
        definition.params = vec![
            Param::of::<Upload>("file"),
            Param::of::<Secret>("key"),
            Param::of::<bool>("header"),
            Param::of::<Vec<String>>("tables"),
        ];
        let mut query = ParamsMap::new();
        let pairs = [("file", "x"), ("key", "x"), ("tables", "a"), ("tables", "b"), ("other", "x")];
        for (name, text) in pairs {
            query.insert(name, text.to_owned());
        }
        let named = named(&definition, &query);
        assert_eq!(named, owned(&[("tables", "a"), ("tables", "b")]));
        let params = json!({"file": {"id": "x"}, "header": true, "tables": ["c"], "key": "••••••••"});
        let again = form::prefill(&definition, &params);
        let both = owned(&[("header", "true"), ("tables", "a"), ("tables", "b")]);
        assert_eq!(begins_with(Some(again), named), both);
    }
}
