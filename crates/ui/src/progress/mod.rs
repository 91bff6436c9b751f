//! `<TaskProgress/>`: how far a task is, as a card or as a bar in a row.

mod card;
mod facts;
mod row;

use leptos::prelude::*;
use taskdeck_core::{TaskId, TaskState};

use self::card::card;
use self::row::row;
use crate::live::{Change, TaskWatch, changes};
use crate::{Erase, use_live};

/// How far a task is: live, as a card with all that is known, or compact as a bar for a row of a list.
#[component]
pub fn TaskProgress(
    /// The task.
    task: TaskId,
    /// Its state as the page got it, so that the widget is whole before it is live.
    #[prop(optional_no_strip, into)]
    state: Option<TaskState>,
    /// A bar in a row instead of a card.
    #[prop(optional)]
    compact: bool,
    /// Whether the card offers to cancel and to retry.
    #[prop(default = true)]
    actions: bool,
    /// Called for each attempt that begins.
    #[prop(optional, into)]
    on_started: Option<Callback<TaskState>>,
    /// Called when the task came on.
    #[prop(optional, into)]
    on_progress: Option<Callback<TaskState>>,
    /// Called for each ending; the state says which.
    #[prop(optional, into)]
    on_finish: Option<Callback<TaskState>>,
) -> impl IntoView {
    let live = use_live();
    if let Some(state) = &state {
        live.seed(state.clone());
    }
    let watch = live.watch(task);
    if on_started.is_some() || on_progress.is_some() || on_finish.is_some() {
        let call = move |change, state: &TaskState| {
            let callback = match change {
                Change::Started => on_started,
                Change::Progressed => on_progress,
                Change::Finished => on_finish,
            };
            if let Some(callback) = callback {
                callback.run(state.clone());
            }
        };
        tell_changes(watch, state, call);
    }
    if compact { row(watch).erase() } else { card(task, watch, actions).erase() }
}

/// Calls back for what happens after `baseline`; without one the first state that is seen is it, and fires nothing.
fn tell_changes(watch: TaskWatch, baseline: Option<TaskState>, call: impl Fn(Change, &TaskState) + 'static) {
    let mut before = baseline;
    Effect::new(move |_| {
        let Some(after) = watch.state.get() else { return };
        if let Some(before) = &before {
            untrack(|| changes(before, &after).into_iter().for_each(|change| call(change, &after)));
        }
        before = Some(after);
    });
}
