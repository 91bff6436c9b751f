//! The tasks that a task has to do with: those that it started, and those that it runs after.

use leptos::prelude::*;
use taskdeck_core::{TaskId, TaskState};
use taskdeck_ui::{Erase, Icon};

use super::row::TaskRow;
use crate::filter::Filter;
use crate::paths;

/// How many of them the page of a task shows.
pub(crate) const CHILDREN: u32 = 6;

/// The tasks that this one started.
#[component]
pub(crate) fn Children(
    /// Them, the newest first; none where they could not be had.
    children: Memo<Option<Vec<TaskState>>>,
    /// Their parent.
    task: TaskId,
    /// Asks for them again.
    again: Callback<()>,
) -> impl IntoView {
    move || {
        let Some(children) = children.get() else { return unknown_children(task, again) };
        let shown = (!children.is_empty()).then(|| {
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
        });
        shown.erase()
    }
}

fn unknown_children(task: TaskId, again: Callback<()>) -> AnyView {
    let press = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        again.run(());
    };
    view! {
        <p class="dash-callout dash-callout-warn" role="alert">
            <Icon name="triangle-alert"/>
            <span>
                "The tasks that it started cannot be loaded. "
                <a href=paths::task(task) on:click=press>"Try again"</a>
            </span>
        </p>
    }
    .erase()
}

/// The tasks that this one runs after.
#[component]
pub(crate) fn After(
    /// They.
    after: Memo<Vec<TaskState>>,
) -> impl IntoView {
    move || {
        let after = after.get();
        (!after.is_empty()).then(|| {
            let rows = after.into_iter().take(CHILDREN as usize).map(|seed| view! { <TaskRow seed/> });
            view! {
                <section class="dash-panel dash-children" aria-labelledby="after-title">
                    <header class="dash-panel-head"><h2 id="after-title">"Tasks that it runs after"</h2></header>
                    <ul class="dash-rows">{rows.collect_view()}</ul>
                </section>
            }
        })
    }
}
