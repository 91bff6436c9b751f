//! The compact form: the bar, the percent and the status, and below them one line of text. It has one height in every
//! state, so that what is around it stands still.

use leptos::prelude::*;
use taskdeck_core::{Status, TaskId, told};

use super::card::{announced, badge, bar, live_note, part, shown, status_name, text, vanished};
use super::facts;
use super::row::doing;
use super::stall::stall;
use crate::live::TaskWatch;
use crate::{use_access, use_live};

pub(super) fn compact(task: TaskId, watch: TaskWatch, actions: bool) -> impl IntoView {
    let state = watch.state;
    let vanished = vanished(watch);
    let label = text(state, |task| task.label.clone());
    let status = part(state, || Status::Queued, |task| task.status);
    let partial = part(state, || false, |task| task.partial);
    let value = part(state, || None, facts::fraction);
    let percent = text(state, told::percent);
    let message = text(state, doing);
    view! {
        <div
            class="td-progress-compact"
            data-status=status_name(status, vanished)
            data-partial=move || (status.get() == Status::Completed && partial.get()).then_some("true")
        >
            {bar(label, value, percent, None)}
            <span class="td-progress-percent">{shown(percent)}</span>
            {badge(watch, status, partial, vanished)}
            <div class="td-progress-foot">
                <p class="td-progress-message">{shown(message)}</p>
                {stall(watch, Signal::stored(true))}
                {live_note(watch, use_live().away(), (actions && use_access().operate).then_some(task))}
            </div>
            <p class="td-sr-only" aria-live="polite">{announced(state, vanished)}</p>
        </div>
    }
}
