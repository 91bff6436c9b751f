//! The card.

use leptos::prelude::*;
use taskdeck_core::{Status, TaskId, TaskState, Timestamp, told};

use super::facts::{self, Note};
use super::stall::stall;
use crate::live::TaskWatch;
use crate::{
    CancelButton, Connection, Duration, Erase, Icon, RetryButton, StatusBadge, TimeAgo, format, use_access,
    use_base, use_live,
};

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
    /// To go on with what was interrupted.
    Resume,
}

/// Whether the task was deleted before its end was seen: nobody knows how it ended, but it does not go on.
pub(super) fn vanished(watch: TaskWatch) -> Memo<bool> {
    Memo::new(move |_| {
        watch.gone.get()
            && watch.state.with(|state| state.as_ref().is_some_and(|state| !state.status.has_ended()))
    })
}

/// The status for styles.
pub(super) fn status_name(
    status: Memo<Status>,
    vanished: Memo<bool>,
) -> impl Fn() -> &'static str + Copy + Send + Sync {
    move || if vanished.get() { "gone" } else { status.get().name() }
}

/// The badge, in its place also while nothing is known.
pub(super) fn badge(
    watch: TaskWatch,
    status: Memo<Status>,
    partial: Memo<bool>,
    vanished: Memo<bool>,
) -> AnyView {
    let known = part(watch.state, || false, |_| true);
    let badge = move || {
        if vanished.get() {
            view! {
                <span class="td-badge" data-status="gone">
                    <Icon name="trash-2"/>
                    <span class="td-badge-text">"Deleted"</span>
                </span>
            }
            .erase()
        } else {
            view! { <StatusBadge status partial/> }.erase()
        }
    };
    view! { <div class="td-progress-status" data-known=move || known.get().then_some("true")>{badge}</div> }
        .erase()
}

/// A text of what goes on: nothing once it does not, or where nobody can know.
pub(super) fn moving(
    state: Signal<Option<TaskState>>,
    stopped: Memo<bool>,
    read: fn(&TaskState) -> String,
) -> Memo<String> {
    Memo::new(move |_| {
        if stopped.get() {
            String::new()
        } else {
            state.with(|state| state.as_ref().map(read).unwrap_or_default())
        }
    })
}

pub(super) fn card(task: TaskId, watch: TaskWatch, actions: bool) -> impl IntoView {
    let state = watch.state;
    let vanished = vanished(watch);
    let away = use_live().away();
    // Of a server that does not answer nobody knows whether it still works.
    let connection = use_live().connection();
    let stopped =
        Memo::new(move |_| vanished.get() || matches!(connection.get(), Connection::Offline { .. }));
    let label = text(state, |task| task.label.clone());
    let status = part(state, || Status::Queued, |task| task.status);
    let partial = part(state, || false, |task| task.partial);
    let known = part(state, || false, |_| true);
    let value = part(state, || None, facts::fraction);
    let percent = text(state, told::percent);
    let done = text(state, |task| format::done(&task.progress).unwrap_or_default());
    let step = text(state, |task| format::step(&task.progress).unwrap_or_default());
    let message = text(state, |task| task.progress.message.clone().unwrap_or_default());
    let may = actions && use_access().operate;
    let offer = Memo::new(move |_| {
        if !may || watch.gone.get() {
            return Offer::Nothing;
        }
        state.with(|state| match state {
            Some(task) if task.status == Status::Interrupted => Offer::Resume,
            Some(task) if task.status.can_retry() => Offer::Retry,
            Some(task) if !task.status.has_ended() && task.cancel.is_none() => Offer::Cancel,
            _ => Offer::Nothing,
        })
    });
    let buttons = move || match offer.get() {
        Offer::Cancel => view! { <CancelButton task label/> }.erase(),
        Offer::Retry => view! { <RetryButton task label/> }.erase(),
        Offer::Resume => view! { <RetryButton task label text="Resume"/> }.erase(),
        Offer::Nothing => ().erase(),
    };
    view! {
        <section
            class="td-progress"
            data-status=status_name(status, vanished)
            data-partial=move || (status.get() == Status::Completed && partial.get()).then_some("true")
            aria-busy=move || (!known.get()).then_some("true")
        >
            <header class="td-progress-head">
                <div class="td-progress-label">{label}</div>
                {badge(watch, status, partial, vanished)}
            </header>
            {bar(label, value, percent, Some(step))}
            <div class="td-progress-facts">
                <span class="td-progress-percent">{shown(percent)}</span>
                <span class="td-progress-done">{shown(done)}</span>
                <span class="td-progress-step">{shown(step)}</span>
                <span class="td-progress-elapsed">{elapsed(state, stopped)}</span>
                <span class="td-progress-eta">{shown(moving(state, stopped, told::time_left))}</span>
                <span class="td-progress-tries">{shown(text(state, told::attempt))}</span>
                {stall(watch, Signal::stored(true))}
            </div>
            <div class="td-progress-foot" data-actions=may.then_some("true")>
                <p class="td-progress-message">{shown(message)}</p>
                {live_note(watch, away, may.then_some(task))}
                <div class="td-progress-actions">{buttons}</div>
            </div>
            <p class="td-sr-only" aria-live="polite">{announced(state, vanished)}</p>
        </section>
    }
}

/// What is read out.
pub(super) fn announced(state: Signal<Option<TaskState>>, vanished: Memo<bool>) -> Memo<String> {
    Memo::new(move |_| match vanished.get() {
        true => "Deleted".to_owned(),
        false => state.with(|state| state.as_ref().map(told::announcement).unwrap_or_default()),
    })
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
            value=move || value.get().map(format::portion)
            aria-label=label
            aria-valuetext=words
        ></progress>
    }
}

/// How long the attempt takes or took; before the first, how long the task waits.
fn elapsed(state: Signal<Option<TaskState>>, stopped: Memo<bool>) -> impl IntoView {
    type Span = Option<(&'static str, Timestamp, Option<Timestamp>)>;
    let span: Memo<Span> = part(
        state,
        || None,
        |task| match (told::ran(task), task.status) {
            (Some((from, until)), status) if status == Status::Running || status.has_ended() => {
                Some(("", from, until))
            }
            (_, Status::Queued) => Some(("waiting ", task.created_at, None)),
            _ => None,
        },
    );
    move || {
        // What has ended took as long as it took.
        let span = span.get().filter(|(.., until)| until.is_some() || !stopped.get());
        span.map(|(word, from, until)| {
            let word = (!word.is_empty()).then_some(word);
            view! { {word} <Duration from=Signal::stored(from) until=Signal::stored(until)/> }
        })
    }
}

/// What is special, in a row of a list.
pub(super) fn note_line(watch: TaskWatch) -> impl IntoView {
    let note = Memo::new(move |_| {
        if watch.gone.get() {
            return Note::Gone;
        }
        watch.state.with(|state| state.as_ref().map_or(Note::None, facts::note))
    });
    noted(note, None)
}

/// What is special, in a widget that says too when the page is not live. Where the task asks there is a link to its page,
/// if it is named.
pub(super) fn live_note(watch: TaskWatch, away: Memo<Option<bool>>, asks: Option<TaskId>) -> impl IntoView {
    let note = Memo::new(move |_| {
        if watch.gone.get() {
            return Note::Gone;
        }
        watch.state.with(|state| facts::own_note(state.as_ref(), away.get()))
    });
    noted(note, asks)
}

fn noted(note: Memo<Note>, asks: Option<TaskId>) -> impl IntoView {
    let page = asks.map(|task| use_base().task(task));
    let at = |word: &'static str, at: Option<Timestamp>| {
        at.map(|at| view! { {word} <TimeAgo at=Signal::stored(at)/> })
    };
    let line = move || match note.get() {
        Note::None => ().erase(),
        Note::Gone => "This task was deleted.".erase(),
        Note::Away { offline: true } => "Not live: the server does not answer; trying again.".erase(),
        Note::Away { offline: false } => "Not live: updates come every few seconds.".erase(),
        Note::Cancelling { since, why } => {
            view! { "Cancelling, " <Duration from=Signal::stored(since)/> {spaced(why)} }.erase()
        }
        Note::Cancelled(why) => format!("Cancelled{}", spaced(why)).erase(),
        Note::Failed(why) => why.erase(),
        Note::TriesAgain { why, at: next } => view! { {why} {at(" Next attempt ", next)} }.erase(),
        Note::Partial => "Parts of the work were left out; the task's page lists them.".erase(),
        Note::Asks => {
            let answer = page.clone().map(|page| view! { " " <a href=page>"Answer it"</a> });
            view! { "It waits for an answer." {answer} }.erase()
        }
        Note::Waits { at: Some(next) } => at("Starts ", Some(next)).erase(),
        Note::Waits { at: None } => "Waits for other tasks.".erase(),
    };
    view! { <p class=move || note.with(Note::class)>{line}</p> }
}

fn spaced(text: String) -> String {
    if text.is_empty() { text } else { format!(" {text}") }
}
