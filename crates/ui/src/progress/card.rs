//! The card.

use leptos::prelude::*;
use taskdeck_core::{Status, TaskId, TaskState, Timestamp};

use super::facts::{self, Note};
use super::stall::stall;
use crate::live::TaskWatch;
use crate::{CancelButton, Duration, Erase, RetryButton, StatusBadge, TimeAgo, format, use_access};

/// A part of the state, which moves only when it itself changes.
pub(super) fn part<T: PartialEq + Send + Sync + 'static>(
    state: Signal<Option<TaskState>>,
    unknown: fn() -> T,
    read: fn(&TaskState) -> T,
) -> Memo<T> {
    Memo::new(move |_| state.with(|state| state.as_ref().map_or_else(unknown, read)))
}

/// A text of the state; empty while nothing is known.
pub(super) fn text(state: Signal<Option<TaskState>>, read: fn(&TaskState) -> String) -> Memo<String> {
    part(state, String::new, read)
}

/// A text as a view: nothing at all where it is empty, so that CSS's `:empty` holds.
pub(super) fn shown(text: Memo<String>) -> impl Fn() -> Option<String> + Copy + Send + Sync {
    move || Some(text.get()).filter(|text| !text.is_empty())
}

/// What can be done about the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    Nothing,
    Cancel,
    Retry,
}

pub(super) fn card(task: TaskId, watch: TaskWatch, actions: bool) -> impl IntoView {
    let state = watch.state;
    let label = text(state, |task| task.label.clone());
    let status = part(state, || Status::Queued, |task| task.status);
    let partial = part(state, || false, |task| task.partial);
    let known = part(state, || false, |_| true);
    let value = part(state, || None, facts::fraction);
    let percent = text(state, facts::percent);
    let done = text(state, |task| format::done(&task.progress).unwrap_or_default());
    let step = text(state, |task| format::step(&task.progress).unwrap_or_default());
    let message = text(state, |task| task.progress.message.clone().unwrap_or_default());
    let may = actions && use_access().operate;
    let offer = Memo::new(move |_| {
        if !may || watch.gone.get() {
            return Offer::Nothing;
        }
        state.with(|state| match state {
            Some(task) if task.status.can_retry() => Offer::Retry,
            Some(task) if !task.status.has_ended() && task.cancel.is_none() => Offer::Cancel,
            _ => Offer::Nothing,
        })
    });
    let buttons = move || match offer.get() {
        Offer::Cancel => view! { <CancelButton task label/> }.erase(),
        Offer::Retry => view! { <RetryButton task label/> }.erase(),
        Offer::Nothing => ().erase(),
    };
    view! {
        <section
            class="td-progress"
            data-status=move || status.get().name()
            data-partial=move || (status.get() == Status::Completed && partial.get()).then_some("true")
            aria-busy=move || (!known.get()).then_some("true")
        >
            <header class="td-progress-head">
                <div class="td-progress-label">{label}</div>
                <div hidden=move || !known.get()><StatusBadge status partial/></div>
            </header>
            {bar(label, value, percent, Some(step))}
            <div class="td-progress-facts">
                <span class="td-progress-percent">{shown(percent)}</span>
                <span class="td-progress-done">{shown(done)}</span>
                <span class="td-progress-step">{shown(step)}</span>
                <span class="td-progress-elapsed">{elapsed(state)}</span>
                <span class="td-progress-eta">{shown(text(state, facts::eta))}</span>
                <span class="td-progress-tries">{shown(text(state, facts::tries))}</span>
            </div>
            <p class="td-progress-message">{shown(message)}</p>
            {stall(watch, Signal::stored(true))}
            {note_line(watch)}
            <div class="td-progress-actions">{buttons}</div>
            <p class="td-sr-only" aria-live="polite">{text(state, facts::announcement)}</p>
        </section>
    }
}

/// A part of the whole, as short as it can be written.
fn portion(value: f64) -> String {
    format::decimal(value, 4).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The bar. Without a value it is open (it moves to and fro).
pub(super) fn bar(
    label: Memo<String>,
    value: Memo<Option<f64>>,
    percent: Memo<String>,
    step: Option<Memo<String>>,
) -> impl IntoView {
    let words = move || {
        let (percent, step) = (percent.get(), step.map(|step| step.get()).unwrap_or_default());
        let words =
            [percent, step].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
        (!words.is_empty()).then_some(words)
    };
    view! {
        <progress
            class="td-bar"
            max="1"
            value=move || value.get().map(portion)
            aria-label=label
            aria-valuetext=words
        ></progress>
    }
}

/// How long the attempt takes or took; before the first, how long the task waits.
fn elapsed(state: Signal<Option<TaskState>>) -> impl IntoView {
    type Span = Option<(&'static str, Timestamp, Option<Timestamp>)>;
    let span: Memo<Span> = part(
        state,
        || None,
        |task| match (task.started_at, task.status) {
            (Some(started), status) if status == Status::Running || status.has_ended() => {
                Some(("", started, task.ended_at))
            }
            (_, Status::Queued) => Some(("waiting ", task.created_at, None)),
            _ => None,
        },
    );
    move || {
        span.get().map(|(word, from, until)| {
            let word = (!word.is_empty()).then_some(word);
            view! { {word} <Duration from=Signal::stored(from) until=Signal::stored(until)/> }
        })
    }
}

pub(super) fn note_line(watch: TaskWatch) -> impl IntoView {
    let note = Memo::new(move |_| {
        if watch.gone.get() {
            return Note::Gone;
        }
        watch.state.with(|state| state.as_ref().map_or(Note::None, facts::note))
    });
    let at = |word: &'static str, at: Option<Timestamp>| {
        at.map(|at| view! { {word} <TimeAgo at=Signal::stored(at)/> })
    };
    let line = move || match note.get() {
        Note::None => ().erase(),
        Note::Gone => "This task was deleted.".erase(),
        Note::Cancelling { since, why } => {
            view! { "Cancelling, " <Duration from=Signal::stored(since)/> {spaced(why)} }.erase()
        }
        Note::Cancelled(why) => format!("Cancelled{}", spaced(why)).erase(),
        Note::Failed(why) => why.erase(),
        Note::TriesAgain { why, at: next } => view! { {why} {at(" Next try ", next)} }.erase(),
        Note::Partial => "Parts of the work were left out; the task's page lists them.".erase(),
        Note::Waits { at: Some(next) } => at("Starts ", Some(next)).erase(),
        Note::Waits { at: None } => "Waits for other tasks.".erase(),
    };
    view! { <p class=move || note.with(Note::class)>{line}</p> }
}

fn spaced(text: String) -> String {
    if text.is_empty() { text } else { format!(" {text}") }
}
