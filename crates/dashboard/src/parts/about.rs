//! What else is known of a task; what it shares with others leads to those.

use leptos::prelude::*;
use taskdeck_core::{Attempt, ListQuery, TaskId, TaskState, told};
use taskdeck_ui::Erase;

use super::copy::CopyButton;
use crate::filter::Filter;
use crate::paths;

/// What else is known of the task.
#[component]
pub(crate) fn About(
    /// The task, live.
    task: Signal<TaskState>,
    /// Its attempts, the last first.
    attempts: Memo<Vec<Attempt>>,
) -> impl IntoView {
    let state = task.get_untracked();
    let worker = Memo::new(move |_| attempts.with(|attempts| attempts.first()?.worker.clone()));
    let attempt = Memo::new(move |_| task.with(told::attempt_of));
    let any = ListQuery::default;
    let queue = ListQuery { queue: Some(state.queue.clone()), ..any() };
    let user = state.user.map(|user| (user.to_string(), ListQuery { user: Some(user), ..any() }));
    let key = state.key.map(|key| (key.clone(), ListQuery { key: Some(key), ..any() }));
    let parent = state.parent.map(|id| {
        view! {
            <dt>"Started by the task"</dt>
            <dd><a href=paths::task(id)><code>{short(id)}</code></a></dd>
        }
    });
    let tags = (!state.tags.is_empty()).then(|| {
        let tags = state.tags.into_iter().map(|tag| {
            let href = with_these(ListQuery { tag: Some(tag.clone()), ..ListQuery::default() });
            view! { <a class="dash-tag" href=href>{tag}</a> }
        });
        view! {
            <dt>"Tags"</dt>
            <dd>{tags.collect_view()}</dd>
        }
    });
    let trace = state.trace_id.map(|trace| {
        view! {
            <dt>"Trace"</dt>
            <dd>
                <code>{trace.clone()}</code>
                <CopyButton text=trace label="Copy the trace id"/>
            </dd>
        }
    });
    view! {
        <section class="dash-panel" aria-labelledby="about-title">
            <header class="dash-panel-head"><h2 id="about-title">"About"</h2></header>
            <div class="dash-panel-body">
                <dl class="dash-facts">
                    {shared("Queue", state.queue.to_string(), queue)}
                    {(state.priority != 0).then(|| plain("Priority", state.priority.to_string()))}
                    {move || Some(attempt.get()).filter(|of| !of.is_empty()).map(|of| plain("Attempt", of))}
                    {user.map(|(name, others)| shared("Started by", name, others))}
                    {parent}
                    {key.map(|(key, others)| shared("Key", key, others))}
                    {state.partition.map(|partition| plain("Partition", partition))}
                    {move || {
                        worker
                            .get()
                            .map(|worker| {
                                view! {
                                    <dt>"Worker"</dt>
                                    <dd><a href=paths::workers()><code>{worker}</code></a></dd>
                                }
                            })
                    }}
                    {tags}
                    {trace}
                </dl>
            </div>
        </section>
    }
    .erase()
}

fn plain(name: &'static str, value: String) -> AnyView {
    view! {
        <dt>{name}</dt>
        <dd>{value}</dd>
    }
    .erase()
}

/// A fact that leads to the list of the tasks that share it.
fn shared(name: &'static str, value: String, others: ListQuery) -> AnyView {
    view! {
        <dt>{name}</dt>
        <dd><a href=with_these(others)>{value}</a></dd>
    }
    .erase()
}

fn with_these(of: ListQuery) -> String {
    paths::filtered(&Filter { of, ..Filter::default() })
}

/// The end of an id, which tells it from those that were made at the same time.
/// The end of an id, which tells it from the others of its day.
pub(crate) fn short(id: TaskId) -> String {
    let text = id.to_string();
    format!("…{}", text.get(24..).unwrap_or_default())
}
