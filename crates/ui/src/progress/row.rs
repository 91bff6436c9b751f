//! The bar in a row of a list.

use leptos::prelude::*;
use taskdeck_core::{Status, TaskState, told};

use super::card::{bar, note_line, part, shown, text};
use super::facts;
use super::stall::stall;
use crate::live::TaskWatch;
use crate::{Erase, format};

pub(super) fn row(watch: TaskWatch, in_sight: Signal<bool>) -> impl IntoView {
    let state = watch.state;
    let status = part(state, || Status::Queued, |task| task.status);
    let label = text(state, |task| task.label.clone());
    let value = part(state, || None, facts::fraction);
    let percent = text(state, told::percent);
    let runs = part(state, || false, |task| task.status == Status::Running);
    let message = text(state, doing);
    let body = move || {
        if runs.get() && !watch.gone.get() {
            // What moves is in a box of a size that does not depend on it (`contain: strict` in the style), so that
            // nothing around it is laid out anew, ten times a second for each row.
            view! {
                <div class="td-progress-moving">
                    {bar(label, value, percent, None)}
                    <span class="td-progress-percent">{shown(percent)}</span>
                    <span class="td-progress-message">{shown(message)}</span>
                </div>
                {stall(watch, in_sight)}
            }
            .erase()
        } else {
            note_line(watch).erase()
        }
    };
    view! { <div class="td-progress-row" data-status=move || status.get().name()>{body}</div> }
}

/// What the task is doing, as shortly as it can be said.
pub(super) fn doing(task: &TaskState) -> String {
    let progress = &task.progress;
    let said = progress.message.clone().or_else(|| format::step(progress)).or_else(|| format::done(progress));
    said.unwrap_or_default()
}
