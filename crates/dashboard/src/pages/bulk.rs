//! What is about to be done to many tasks: how many, which, and what is passed over. Then a task of its own does it.

use leptos::Title;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};
use leptos_router::params::ParamsMap;
use server_fn::ServerFn;
use taskdeck_core::{BulkPreview, BulkRequest, BulkVerb, DeckError, Status, TaskState};
use taskdeck_ui::format::thousands;
use taskdeck_ui::{ApiError, Erase, Icon, TimeAgo, api, load, status_icon, use_base};

use crate::filter::escape_query;
use crate::parts::about::short;
use crate::parts::notice::{CannotLoad, EmptyState, Loading};
use crate::paths;

/// What the URL asks for: `?verb=delete&id=..&id=..`, or `?verb=delete&all=1&q=status:failed`.
fn request(query: &ParamsMap) -> Option<BulkRequest> {
    let verb = query.get("verb")?.parse().ok()?;
    let filter = query.get("q").unwrap_or_default();
    if query.get("all").is_some() {
        return Some(BulkRequest { verb, tasks: Vec::new(), filter: Some(filter) });
    }
    let ids = query.get_all("id").unwrap_or_default();
    let tasks: Vec<_> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    (!tasks.is_empty()).then_some(BulkRequest { verb, tasks, filter: None })
}

/// The page.
#[component]
pub(crate) fn BulkPage() -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(request));
    // Where one came from.
    let back = Memo::new(move |_| {
        let text = query.with(|query| query.get("q").unwrap_or_default());
        paths::tasks(&if text.is_empty() { String::new() } else { format!("?q={}", escape_query(&text)) })
    });
    let loaded = load(
        move || asked.get(),
        |asked| async move {
            let reason = "the address names no tasks, or nothing to do to them".to_owned();
            let asked = asked.ok_or(ApiError(DeckError::BadRequest { reason }))?;
            api::bulk_preview(asked).await
        },
    );
    let title = Memo::new(move |_| {
        asked.with(|asked| {
            asked
                .as_ref()
                .map_or("Many tasks".to_owned(), |asked| format!("{} tasks", words(asked.verb).verb))
        })
    });
    let page = move || {
        Suspend::new(async move {
            match (loaded.await, asked.get_untracked()) {
                (Ok(preview), Some(request)) => view! { <Preview request preview back/> }.erase(),
                (Ok(_), None) => ().erase(),
                (Err(error), _) => {
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! {
                        <h1 class="td-sr-only">"Many tasks"</h1>
                        <CannotLoad what="what would be done" error again=back.get_untracked() retry/>
                    }
                    .erase()
                }
            }
        })
    };
    view! {
        <Title text=move || title.get()/>
        <div class="dash-page dash-bulk-page">
            <Transition fallback=|| view! { <Loading lines=5/> }>{page}</Transition>
        </div>
    }
    .erase_waiting()
}

/// How a verb is said.
struct Words {
    icon: &'static str,
    verb: &'static str,
    /// What happens to the tasks.
    means: &'static str,
    /// Why others are passed over.
    over: &'static str,
    class: &'static str,
}

const fn words(verb: BulkVerb) -> Words {
    match verb {
        BulkVerb::Cancel => Words {
            icon: "ban",
            verb: "Cancel",
            means: "They are told to stop; what they have done until then stays as it is.",
            over: "have ended already, or are gone",
            class: "td-button td-button-danger",
        },
        BulkVerb::Retry => Words {
            icon: "rotate-cw",
            verb: "Retry",
            means: "Each is tried again: the same task, its next attempt, its checkpoint kept.",
            over: "have not failed, been cancelled or interrupted, or are gone",
            class: "td-button td-button-primary",
        },
        BulkVerb::Delete => Words {
            icon: "trash-2",
            verb: "Delete",
            means: "Their logs, results and files go with them. This cannot be undone.",
            over: "have not ended, or are gone",
            class: "td-button td-button-danger",
        },
    }
}

fn tasks(count: u64) -> String {
    if count == 1 { "1 task".to_owned() } else { format!("{} tasks", thousands(count)) }
}

/// A task that it would be done to: what tells it from others of its kind, so that one sees which it is.
fn row(task: TaskState, preview: String) -> AnyView {
    let error = task.error.map(|error| error.message).filter(|_| task.status != Status::Completed);
    let at = task.ended_at.unwrap_or(task.created_at);
    view! {
        <li>
            <span class="dash-status-icon" data-status=task.status.name()>
                <Icon name=status_icon(task.status)/>
            </span>
            <div>
                <p class="dash-bulk-name">
                    <a href=paths::task(task.id)>{task.label}</a>
                    <code>{task.kind.to_string()}</code>
                </p>
                {(!preview.is_empty()).then(|| view! { <p class="dash-bulk-params"><code>{preview}</code></p> })}
                {error.map(|error| view! { <p class="dash-bulk-why">{error}</p> })}
            </div>
            <p class="dash-bulk-when">
                <span>{task.status.title()}</span>
                <TimeAgo at=at/>
                <code title=task.id.to_string()>{short(task.id)}</code>
            </p>
        </li>
    }
    .erase()
}

#[component]
fn Preview(
    /// What is asked for.
    request: BulkRequest,
    /// What it would do.
    preview: BulkPreview,
    /// The list that one came from.
    back: Memo<String>,
) -> impl IntoView {
    let Words { icon, verb, means, over, class } = words(request.verb);
    let BulkPreview { count, skipped, more, first, previews } = preview;
    let passed = (skipped > 0).then(|| {
        format!("{} passed over: they {over}.", tasks(skipped) + if skipped == 1 { " is" } else { " are" })
    });
    if count == 0 {
        let text = passed.unwrap_or_else(|| "No task fits.".to_owned());
        return view! {
            <EmptyState icon="inbox" title=format!("Nothing to {}", request.verb.name()) text whole_page=true>
                <a class="td-button" href=back>"Back to the list"</a>
            </EmptyState>
        }
        .erase();
    }
    let many = if more { format!("{} or more", tasks(count)) } else { tasks(count) };
    let shown = first.len() as u64;
    let previews = previews.into_iter().chain(std::iter::repeat(String::new()));
    let rows = first.into_iter().zip(previews).map(|(task, preview)| row(task, preview));
    let rows = rows.collect_view();
    let left = (count > shown)
        .then(|| view! { <p class="dash-more">{format!("and {} more", thousands(count - shown))}</p> });
    let of_filter = request.filter.clone().filter(|filter| !filter.trim().is_empty());
    let pending = RwSignal::new(false);
    let error = RwSignal::new(None::<String>);
    let navigate = use_navigate();
    let ids = request.tasks.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let (sent_ids, filter) = (ids.clone(), request.filter.clone());
    let base = use_base();
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        error.set(None);
        let (navigate, base) = (navigate.clone(), base.clone());
        let (ids, filter) = (sent_ids.clone(), filter.clone());
        spawn_local(async move {
            match api::bulk_tasks(request.verb, Some(ids), filter).await {
                Ok(task) => navigate(
                    &base.task(task.id),
                    NavigateOptions { resolve: false, ..NavigateOptions::default() },
                ),
                Err(why) => {
                    pending.try_set(false);
                    error.try_set(Some(why.to_string()));
                }
            }
        });
    };
    view! {
        <header class="dash-page-head"><h1>{format!("{verb} {many}?")}</h1></header>
        <div class="dash-panel">
            <div class="dash-panel-body dash-bulk-what">
                {of_filter.map(|filter| view! { <p>"All that match " <code>{filter}</code> ", and were started before now."</p> })}
                <p>{means}</p>
                {passed.map(|passed| view! { <p class="dash-bulk-passed"><Icon name="info"/>{passed}</p> })}
                {more.then(|| view! { <p class="dash-bulk-passed"><Icon name="info"/>"The search stopped here; older tasks that match are included."</p> })}
            </div>
            <ul class="dash-bulk-first" aria-label="The newest of them">{rows}</ul>
            <div class="dash-bulk-foot">
                {left}
                <form method="post" action=paths::at(api::BulkTasks::PATH) on:submit=on_submit>
                    <input type="hidden" name="verb" value=request.verb.name()/>
                    <input type="hidden" name="tasks" value=ids/>
                    {request.filter.map(|filter| view! { <input type="hidden" name="filter" value=filter/> })}
                    <a class="td-button" href=back>"Back"</a>
                    <button class=class aria-busy=move || pending.get().then_some("true")>
                        <Icon name=Signal::derive(move || if pending.get() { "loader" } else { icon }.to_owned())/>
                        <span class="td-button-text">{format!("{verb} {many}")}</span>
                    </button>
                </form>
            </div>
            <p class="dash-bulk-error" role="alert" hidden=move || error.with(Option::is_none)>
                {move || error.get().unwrap_or_default()}
            </p>
        </div>
        <p class="dash-bulk-note">"A task of its own does it: it shows how far it is, and lists what it passed over and why."</p>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &str)]) -> Option<BulkRequest> {
        let mut map = ParamsMap::new();
        for (name, value) in pairs {
            map.insert(*name, (*value).to_owned());
        }
        request(&map)
    }

    #[test]
    fn an_address_names_tasks_or_a_filter() {
        let id = "01a1ff18-0d13-7126-8ee7-b5689af5340a";
        let named = of(&[("verb", "retry"), ("id", id), ("id", "nonsense"), ("q", "status:failed")]).unwrap();
        assert_eq!((named.tasks.len(), named.filter), (1, None));
        let all = of(&[("verb", "delete"), ("id", id), ("all", "1"), ("q", "status:failed")]).unwrap();
        assert_eq!((all.tasks.len(), all.filter.as_deref()), (0, Some("status:failed")));
        assert_eq!(of(&[("verb", "eat"), ("id", id)]), None);
        assert_eq!(of(&[("verb", "retry")]), None);
    }
}
