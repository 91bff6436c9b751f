//! A task in the list: two lines that are patched in place and never move.

use leptos::html;
use leptos::prelude::*;
use taskdeck_core::{Status, StatusSet, TaskId, TaskState, Timestamp, told};
use taskdeck_ui::{
    CancelButton, Duration, Erase, Icon, ProgressRow, RetryButton, TimeAgo, status_icon, use_live,
};

use super::facts::retry;
use super::selection::{FORM, Selection};
use crate::paths;

/// The statuses that the list is narrowed to; none when to none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed(pub(crate) StatusSet);

/// A row of the list.
#[component]
pub(crate) fn TaskRow(
    /// The task, as it was loaded.
    seed: TaskState,
    /// Its params in one line.
    #[prop(optional)]
    preview: String,
    /// Whether it can be chosen, together with others.
    #[prop(optional)]
    choose: bool,
    /// Whether it is one of very many, which are to be light.
    #[prop(optional)]
    many: bool,
) -> impl IntoView {
    let id = seed.id;
    let live = use_live();
    live.seed(seed.clone());
    let watch = live.watch(id);
    let row = NodeRef::<html::Li>::new();
    let shown = live.in_sight(id, row);
    // One copy for each change, for all that looks at it.
    let task: Signal<TaskState> = Memo::new({
        let seed = seed.clone();
        move |_| watch.state.get().unwrap_or_else(|| seed.clone())
    })
    .into();
    // Progress changes the state many times a second; these change seldom.
    let status = Memo::new(move |_| task.with(|task| task.status));
    let label = Memo::new(move |_| task.with(|task| task.label.clone()));
    let partial = Memo::new(move |_| task.with(|task| task.partial));
    let again = Memo::new(move |_| task.with(retry));
    let gone = watch.gone;
    let kind = seed.kind.to_string();
    // What a task says at its end sums it up; until then, and where it said nothing, the widget knows.
    let summary = Memo::new(move |_| {
        task.with(|task| match task.status {
            Status::Completed => task.progress.message.clone(),
            Status::WaitingConfirmation => Some("It asks a question: open it to answer.".to_owned()),
            _ => None,
        })
    });
    // A list of certain statuses keeps what has left them until it is loaded anew, and shows that it did.
    let listed = use_context::<Listed>();
    let has_left =
        Memo::new(move |_| listed.is_some_and(|Listed(of)| !of.is_empty() && !of.contains(status.get())));
    let says = move || match summary.get() {
        Some(summary) => view! { <p class="dash-row-says">{summary}</p> }.erase(),
        None => view! { <ProgressRow state=seed.clone() shown/> }.erase(),
    };
    view! {
        <li
            class="dash-row"
            class:dash-row-gone=move || gone.get()
            class:dash-row-left=move || has_left.get()
            title=move || has_left.get().then_some("It has left this list since it was loaded")
            data-task=id.to_string()
            node_ref=row
        >
            {choose.then(|| view! { <Choose id label=label/> })}
            <span
                class="dash-status-icon"
                data-status=move || status.get().name()
                data-partial=move || partial.get().then_some("")
            >
                <Icon name=Signal::derive(move || status_icon(status.get()).to_owned())/>
            </span>
            <div class="dash-row-what">
                <p class="dash-row-title">
                    <a class="dash-row-link" href=paths::task(id)>{move || label.get()}</a>
                    <code class="dash-row-kind">{kind}</code>
                </p>
                <Facts task preview/>
            </div>
            <div class="dash-row-progress">
                {says}
            </div>
            <When task gone shown/>
            <div class="dash-row-actions">
                {move || (!gone.get()).then(|| view! { <Actions task status=status.get() again=again.get() many/> })}
            </div>
        </li>
    }
    .erase()
}

/// The box that chooses the task. It belongs to the form of the bulk bar, which stands elsewhere.
#[component]
fn Choose(
    /// Which task.
    id: TaskId,
    /// What a person calls it.
    label: Memo<String>,
) -> impl IntoView {
    let selection = expect_context::<Selection>();
    // With the shift key held, all between this one and the one before.
    let with_shift = StoredValue::new(false);
    view! {
        <label class="dash-row-choose">
            <input
                type="checkbox"
                name="id"
                value=id.to_string()
                form=FORM
                aria-label=move || format!("Select {}", label.get())
                prop:checked=move || selection.has(id)
                on:click=move |event| with_shift.set_value(event.shift_key())
                on:change=move |event| {
                    selection.set(id, event_target_checked(&event), with_shift.get_value());
                }
            />
        </label>
    }
    .erase()
}

/// The second line: what tells this task from others of its kind.
#[component]
fn Facts(
    /// The task, live.
    task: Signal<TaskState>,
    /// Its params in one line.
    preview: String,
) -> impl IntoView {
    // The first is not worth a place in the line.
    let attempt = Memo::new(move |_| task.with(told::attempt));
    let (queue, key, user, tags) = task.with_untracked(|task| {
        let queue = (task.queue.as_str() != "default").then(|| task.queue.to_string());
        let user = task.user.as_ref().filter(|user| user.as_str() != "local").map(ToString::to_string);
        (queue, task.key.clone(), user, task.tags.clone())
    });
    view! {
        <p class="dash-row-facts">
            {move || {
                let attempt = attempt.get();
                (!attempt.is_empty()).then(|| view! { <span class="num">{attempt}</span> })
            }}
            {(!preview.is_empty()).then(|| view! { <code class="dash-row-params">{preview}</code> })}
            {queue.map(|queue| view! { <span>{format!("queue {queue}")}</span> })}
            {key.map(|key| view! { <span>{format!("key {key}")}</span> })}
            {user.map(|user| view! { <span>{format!("by {user}")}</span> })}
            {tags.into_iter().map(|tag| view! { <span class="dash-tag">{tag}</span> }).collect_view()}
        </p>
    }
    .erase()
}

/// What the last column says: the status in words, how long, and when.
#[component]
fn When(
    /// The task, live.
    task: Signal<TaskState>,
    /// Whether it was deleted.
    gone: Signal<bool>,
    /// Whether the row is in sight.
    shown: Signal<bool>,
) -> impl IntoView {
    let span = Memo::new(move |_| task.with(span));
    let said = move || {
        let Span { words, from, until } = span.get();
        view! {
            <span class="dash-row-status">
                {if gone.get() { "Deleted" } else { words}}
                {from
                    .filter(|_| !gone.get())
                    .map(|from| view! { " " <Duration from=from until=Signal::stored(until) shown/> })}
            </span>
        }
    };
    // Of what has ended one asks when it ended.
    let at = Memo::new(move |_| task.with(|task| task.ended_at.unwrap_or(task.created_at)));
    view! {
        <div class="dash-row-when">
            {said}
            <TimeAgo at shown/>
        </div>
    }
    .erase()
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    words: &'static str,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// What a task has been doing, and since when.
fn span(task: &TaskState) -> Span {
    let (words, from, until) = match task.status {
        Status::Scheduled => ("Scheduled", None, None),
        Status::Queued => ("Queued", Some(task.created_at), None),
        Status::Running if task.cancel.is_some() => {
            ("Cancelling", task.cancel.as_ref().map(|cancel| cancel.requested_at), None)
        }
        Status::Running => ("Running", task.started_at, None),
        Status::WaitingConfirmation => ("Waiting", None, None),
        Status::Completed if task.partial => ("Completed in part", None, None),
        Status::Completed => ("Completed in", task.started_at, task.ended_at),
        Status::Failed => ("Failed after", task.started_at, task.ended_at),
        Status::Cancelled => ("Cancelled after", task.started_at, task.ended_at),
        Status::Interrupted => {
            let (from, until) = told::ran(task).unzip();
            ("Interrupted after", from, until.flatten())
        }
    };
    // A task that ended without an attempt has nothing to count from.
    let words = match (words.rsplit_once(' '), from) {
        (Some((bare, "in" | "after")), None) => bare,
        _ => words,
    };
    Span { words, from, until }
}

#[component]
fn Actions(
    /// The task, live.
    task: Signal<TaskState>,
    /// Its status.
    status: Status,
    /// What a retry of it is called.
    again: Option<&'static str>,
    /// Whether the row is one of very many.
    many: bool,
) -> impl IntoView {
    let id = task.with_untracked(|task| task.id);
    let label = Signal::derive(move || task.with(|task| task.label.clone()));
    let cancel = (!status.has_ended()).then(|| {
        let page = many.then(|| paths::task(id));
        view! { <CancelButton task=id label=label compact=true page/> }
    });
    let retry = again.map(|text| view! { <RetryButton task=id label=label compact=true text/> });
    view! {
        {retry}
        {cancel}
    }
    .erase()
}
