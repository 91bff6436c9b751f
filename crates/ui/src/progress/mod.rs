//! `<TaskProgress/>`: how far a task is, as a card or as a bar in a row.

mod callbacks;
mod card;
mod compact;
mod facts;
mod row;
mod stall;
mod tell;

use leptos::prelude::*;
use taskdeck_core::{TaskEventKind as Kind, TaskId, TaskState, unstarted};

pub use self::callbacks::{Confirm, EventAction, TaskCallbacks};

use self::card::card;
use self::compact::compact as compact_form;
use self::row::row;
use self::tell::Teller;
use crate::{Erase, use_access, use_live};

/// How far a task is: live, as a card with all that is known, or compact as a bar for a row of a list. It shows a task
/// that there is, and never starts one.
///
/// ```
/// # use leptos::prelude::*;
/// # use taskdeck_core::{TaskEvent, TaskId};
/// use taskdeck_ui::{Confirm, EventAction, TaskProgress};
/// # fn page(id: TaskId, reload: Callback<()>) -> impl IntoView {
/// view! {
///     <TaskProgress
///         task=id
///         on_completed=move |event: TaskEvent| leptos::logging::log!("{} returned {:?}", event.label, event.result)
///         on_error=EventAction::new(move |_| reload.run(()))
///             .confirm(Confirm::new("The import failed. Load the page again?"))
///     />
/// }
/// # }
/// ```
///
/// Each callback is called once for each transition, also when the task moved on while the socket was down. What is new
/// is told from the `state` on that the page came with, or from the start on (`is_new`); without either, from the first
/// state that the widget sees. They are called in a browser only.
#[component]
pub fn TaskProgress(
    /// The task.
    task: TaskId,
    /// Its state as the page got it, so that the widget is whole before it is live.
    #[prop(optional_no_strip, into)]
    state: Option<TaskState>,
    /// Whether `state` is the answer to a start of this page: then all that happened since the start is told, also what
    /// was over when the answer came.
    #[prop(optional)]
    is_new: bool,
    /// A bar with the status in two lines instead of a card. It has one height, whatever there is to say.
    #[prop(optional)]
    compact: bool,
    /// Whether the card offers to cancel and to retry, and both forms lead to the task's page where it asks.
    #[prop(default = true)]
    actions: bool,
    /// Called for each attempt that begins.
    #[prop(optional, into)]
    on_started: Option<EventAction>,
    /// Called when its progress or its label is another.
    #[prop(optional, into)]
    on_progress: Option<EventAction>,
    /// Called when it ended well, with what it returned.
    #[prop(optional, into)]
    on_completed: Option<EventAction>,
    /// Called when it failed for good.
    #[prop(optional, into)]
    on_error: Option<EventAction>,
    /// Called for each question that it asks.
    #[prop(optional, into)]
    on_confirmation: Option<EventAction>,
    /// Called for what else lasts: a cancel, an answer, a next try.
    #[prop(optional, into)]
    on_update: Option<EventAction>,
    /// Called for each ending, after `on_completed`, `on_error` or `on_update`.
    #[prop(optional, into)]
    on_finish: Option<EventAction>,
    /// Called for each notice that its body leaves (`ctx.notify(..)`).
    #[prop(optional, into)]
    on_event_notification: Option<EventAction>,
    /// More callbacks, made elsewhere.
    #[prop(optional)]
    on: TaskCallbacks,
    /// Shows the widget only while this is true. Callbacks are called all the same.
    #[prop(into, default = Signal::stored(true))]
    show_if: Signal<bool>,
    /// Hides the widget while this is true. Callbacks are called all the same.
    #[prop(into, default = Signal::stored(false))]
    hide_if: Signal<bool>,
    /// Permissions without which the viewer gets nothing: no widget, no callbacks, no question to the server (which
    /// checks for itself what the task's kind requires). See [`Access`](crate::Access).
    #[prop(optional, into)]
    required_permissions: Vec<String>,
) -> impl IntoView {
    if !use_access().has(required_permissions) {
        return ().erase();
    }
    let live = use_live();
    if let Some(state) = &state {
        live.seed(state.clone());
    }
    let watch = live.watch(task);
    let named = [
        (Kind::Started, on_started),
        (Kind::Progress, on_progress),
        (Kind::Completed, on_completed),
        (Kind::Error, on_error),
        (Kind::Confirmation, on_confirmation),
        (Kind::Update, on_update),
        (Kind::Finish, on_finish),
        (Kind::EventNotification, on_event_notification),
    ];
    let named = named.into_iter().filter_map(|(kind, action)| Some((kind, action?)));
    let teller = Teller::new(named.fold(on, |callbacks, (kind, action)| callbacks.on(kind, action)));
    teller.follow(watch, if is_new { state.as_ref().map(unstarted) } else { state });
    let shows = Memo::new(move |_| show_if.get() && !hide_if.get());
    let body = move || {
        if !shows.get() {
            return ().erase();
        }
        if compact { compact_form(task, watch, actions).erase() } else { card(task, watch, actions).erase() }
    };
    // Callbacks are called also of a widget that is hidden, and so it asks.
    view! { {body.erase()} {teller.questions()} }.erase()
}

/// How far a task is, as a card: [`TaskProgress`] where it offers nothing and calls nobody back, at a fraction of the
/// code.
#[component]
pub fn ProgressCard(
    /// The task, as the page got it.
    state: TaskState,
) -> impl IntoView {
    let live = use_live();
    let task = state.id;
    live.seed(state);
    card(task, live.watch(task), false).erase()
}

/// How far a task is, for a row of a list that shows its status elsewhere: a bar while it runs, else what is special. It
/// calls nobody back, and is a fraction of the code of [`TaskProgress`].
#[component]
pub fn ProgressRow(
    /// The task, as the page got it.
    state: TaskState,
    /// Whether the row is in sight; else no time ticks in it.
    #[prop(default = Signal::stored(true))]
    shown: Signal<bool>,
) -> impl IntoView {
    let live = use_live();
    let task = state.id;
    live.seed(state);
    row(live.watch(task), shown).erase()
}
