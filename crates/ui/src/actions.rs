//! Buttons that change something. Each is a plain form, so that it works without JavaScript; what loses something
//! asks once, in a popover that needs no JavaScript either.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::server::ServerActionError;
use leptos::task::spawn_local;
use serde_json::Value;
use server_fn::ServerFn;
use taskdeck_core::TaskId;
use wasm_bindgen::JsCast;
use web_sys::HtmlFormElement;

use crate::api::{self, error_path};
use crate::go::use_go;
use crate::live::LiveStore;
use crate::post::send;
use crate::{ApiError, Erase, Icon, browser, use_base, use_live};

/// Asks a task to stop, after asking the viewer once.
#[component]
pub fn CancelButton(
    /// Which task.
    task: TaskId,
    /// What a person calls it, for the question.
    #[prop(into, optional)]
    label: Signal<String>,
    /// Called when the request was taken.
    #[prop(optional, into)]
    on_done: Option<Callback<()>>,
    /// Shows the icon alone, with the word for screen readers.
    #[prop(optional)]
    compact: bool,
    /// For a button of which a page has very many: the question is made when the button is pressed, and without
    /// JavaScript the button leads to this address, where it can be asked.
    #[prop(default = None)]
    page: Option<String>,
) -> impl IntoView {
    let question = Signal::derive(move || {
        let name = quoted(&label.get());
        format!("Cancel {name}? It is told to stop; what it has done until then stays as it is.")
    });
    let ask = Ask { question, keep: "Keep it going", go: "Cancel the task" };
    let face =
        Face { icon: "ban", text: "Cancel", class: "td-button-danger", label, ask: Some(ask), compact };
    let deed = Deed::Cancel(task);
    match page {
        None => face.show(deed, on_done, None),
        Some(page) => face.show_when_pressed(deed, on_done, page),
    }
}

/// What a [`RetryButton`] says that starts a scheduled task at once.
pub const START_NOW: &str = "Start now";

/// Tries an ended task again, or a scheduled one at once. A kind that is a danger asks once before.
#[component]
pub fn RetryButton(
    /// Which task.
    task: TaskId,
    /// What a person calls it, for the hint.
    #[prop(into, optional)]
    label: Signal<String>,
    /// Called when the task was queued.
    #[prop(optional, into)]
    on_done: Option<Callback<()>>,
    /// Shows the icon alone, with the word for screen readers.
    #[prop(optional)]
    compact: bool,
    /// What it says: "Resume" for a task that goes on from where it was interrupted, say.
    #[prop(default = "Retry")]
    text: &'static str,
) -> impl IntoView {
    // What has not run yet is not run once more.
    let icon = if text == START_NOW { "play" } else { "rotate-cw" };
    // Nothing is lost by it, so nothing is asked, unless the server says that it is a danger.
    Face { icon, text, class: "", label, ask: None, compact }.show(Deed::Retry(task), on_done, None)
}

/// Removes a task, after asking the viewer once.
#[component]
pub fn DeleteButton(
    /// Which task.
    task: TaskId,
    /// What a person calls it, for the question.
    #[prop(into, optional)]
    label: Signal<String>,
    /// Called when the task is gone.
    #[prop(optional, into)]
    on_done: Option<Callback<()>>,
    /// The path under the base path to go to afterwards; needed on the task's own page.
    #[prop(optional, into)]
    back: Option<String>,
    /// Shows the icon alone, with the word for screen readers.
    #[prop(optional)]
    compact: bool,
) -> impl IntoView {
    let question = Signal::derive(move || {
        let name = quoted(&label.get());
        format!(
            "Delete {name} with its log, result and files? If it is running it is cancelled first. This cannot be undone."
        )
    });
    let ask = Ask { question, keep: "Keep it", go: "Delete the task" };
    Face { icon: "trash-2", text: "Delete", class: "td-button-danger", label, ask: Some(ask), compact }.show(
        Deed::Delete(task),
        on_done,
        back,
    )
}

fn quoted(label: &str) -> String {
    if label.is_empty() { "this task".to_owned() } else { format!("“{label}”") }
}

/// What a button does.
#[derive(Clone, Copy)]
enum Deed {
    Cancel(TaskId),
    Retry(TaskId),
    Delete(TaskId),
}

impl Deed {
    const fn path(self) -> &'static str {
        match self {
            Self::Cancel(_) => api::CancelTask::PATH,
            Self::Retry(_) => api::RetryTask::PATH,
            Self::Delete(_) => api::DeleteTask::PATH,
        }
    }

    /// What keys and the palette find its button by.
    const fn name(self) -> &'static str {
        match self {
            Self::Cancel(_) => "Cancel",
            Self::Retry(_) => "Retry",
            Self::Delete(_) => "Delete",
        }
    }

    /// The popover that asks before it. A task has one such; where two widgets show the task the first opens for both.
    fn popover(self) -> String {
        format!("td-ask-{}-{}", self.name().to_ascii_lowercase(), self.task())
    }

    const fn task(self) -> TaskId {
        match self {
            Self::Cancel(id) | Self::Retry(id) | Self::Delete(id) => id,
        }
    }

    /// Notes what its answer says.
    fn done(self, live: &LiveStore, answer: Value) {
        match self {
            // Where the page is not live it asks now how the task stands.
            Self::Cancel(_) => live.try_now(),
            Self::Retry(_) => {
                if let Ok(state) = serde_json::from_value(answer) {
                    live.seed(state);
                }
            }
            Self::Delete(id) => live.forget(id),
        }
    }

    /// The error that a form without JavaScript left in the URL.
    fn error_in_url(self) -> Option<ApiError> {
        // The server alone can know of it.
        if cfg!(target_arch = "wasm32") {
            return None;
        }
        let error = use_context::<ServerActionError>()?;
        let path = error_path(self.path(), self.task());
        (error.path() == path).then(|| crate::error::error_in_url(error.err()))
    }
}

/// The question before something is lost.
#[derive(Clone, Copy)]
struct Ask {
    question: Signal<String>,
    /// What the button says that does nothing.
    keep: &'static str,
    /// What the button says that does it.
    go: &'static str,
}

impl Ask {
    fn keep_button(self, popover: String) -> AnyView {
        view! {
            <button
                type="button"
                class="td-button"
                popovertarget=popover
                popovertargetaction="hide"
            >
                {self.keep}
            </button>
        }
        .erase()
    }
}

/// How a button looks.
#[derive(Clone, Copy)]
struct Face {
    icon: &'static str,
    text: &'static str,
    class: &'static str,
    /// The task's, for the hint.
    label: Signal<String>,
    ask: Option<Ask>,
    compact: bool,
}

impl Face {
    fn show(self, deed: Deed, on_done: Option<Callback<()>>, back: Option<String>) -> AnyView {
        let go = use_go();
        let base = use_base();
        let after = back.as_deref().map(|back| base.join(back));
        let done = move || {
            if let Some(on_done) = on_done {
                on_done.try_run(());
            } else if let Some(after) = &after {
                go(after);
            }
        };
        let fields = view! {
            <input type="hidden" name="id" value=deed.task().to_string()/>
            {back.map(|back| view! { <input type="hidden" name="back" value=back/> })}
        };
        self.form(deed, done, fields.erase())
    }

    /// The button alone, until it is pressed.
    fn show_when_pressed(self, deed: Deed, on_done: Option<Callback<()>>, page: String) -> AnyView {
        let pressed = RwSignal::new(false);
        let on_submit = move |event: SubmitEvent| {
            event.prevent_default();
            pressed.set(true);
            // In the next frame the question is there.
            request_animation_frame(move || browser::press_opener(&deed.popover()));
        };
        let shown = move || {
            if pressed.get() {
                return self.show(deed, on_done, None);
            }
            let button = self.opener(deed, "submit", None);
            view! { <form class="td-action" action=page.clone() on:submit=on_submit>{button}</form> }.erase()
        };
        shown.erase()
    }

    fn form(self, deed: Deed, done: impl Fn() + Clone + Send + Sync + 'static, fields: AnyView) -> AnyView {
        let live = use_live();
        let pending = RwSignal::new(false);
        let error = RwSignal::new(deed.error_in_url());
        let danger =
            Memo::new(move |_| error.with(|error| error.as_ref().is_some_and(ApiError::is_question)));
        let popover = deed.popover();
        let hide = popover.clone();
        let action = use_base().join(deed.path());
        let url = action.clone();
        let on_submit = move |event: SubmitEvent| {
            event.prevent_default();
            if pending.get_untracked() {
                return;
            }
            let Some(form) = event.target().and_then(|it| it.dyn_into::<HtmlFormElement>().ok()) else {
                return;
            };
            pending.set(true);
            let (live, done, hide, page) = (live.clone(), done.clone(), hide.clone(), browser::path());
            // Before the answer to a question leaves the form together with it.
            let sent = send(&url, &form, &event);
            error.set(None);
            spawn_local(async move {
                let answer = sent.await.map(|answer| deed.done(&live, answer));
                browser::hide_popover(&hide);
                // The button may be gone by now: the feed often tells of a deletion before the answer does.
                pending.try_set(false);
                match answer {
                    // Who has left the page meanwhile is not taken elsewhere.
                    Ok(()) if browser::path() == page => done(),
                    Ok(()) => {}
                    Err(reason) => {
                        error.try_set(Some(reason));
                    }
                }
            });
        };
        let submit = self.button(deed, pending, danger);
        let keep = self.ask.map(|ask| ask.keep_button(popover.clone()));
        let form = view! {
            <form method="post" action=action on:submit=on_submit>
                {fields}
                {matches!(deed, Deed::Retry(_))
                    .then(|| view! { <input type="hidden" name="confirm" value="on" disabled=move || !danger.get()/> })}
                {keep}
                {submit}
            </form>
        };
        let inner = match self.ask {
            None => form.erase(),
            Some(ask) => self.asking(deed, ask, popover, form.erase()),
        };
        view! {
            <div class="td-action">
                {inner}
                <p class="td-action-error" role="alert" hidden=move || error.with(Option::is_none)>
                    {move || error.with(|error| error.as_ref().map(ApiError::told).unwrap_or_default())}
                </p>
            </div>
        }
        .erase()
    }

    /// What an icon alone does not say.
    fn hint(self, compact: bool) -> Option<String> {
        compact.then(|| self.label.with(|label| format!("{} {}", self.text, quoted(label))))
    }

    /// The button that submits; once the server has asked whether a danger is meant, it says yes.
    fn button(self, deed: Deed, pending: RwSignal<bool>, danger: Memo<bool>) -> AnyView {
        // Behind a question the button says in words what it does.
        let compact = move || self.compact && self.ask.is_none() && !danger.get();
        let text = self.ask.map_or(self.text, |ask| ask.go);
        let text = move || match danger.get() {
            true => format!("Yes, {}", text.to_ascii_lowercase()),
            false => text.to_owned(),
        };
        view! {
            <button
                type="submit"
                class=move || button_class(self.class, compact())
                data-action=self.ask.is_none().then_some(deed.name())
                aria-busy=move || pending.get().then_some("true")
                title=move || self.hint(compact())
            >
                <Icon name=Signal::derive(move || if pending.get() { "loader" } else { self.icon }.to_owned())/>
                <span class=move || if compact() { "td-sr-only" } else { "td-button-text" }>{text}</span>
            </button>
        }
        .erase()
    }

    /// The button that asks.
    fn opener(self, deed: Deed, kind: &'static str, popover: Option<String>) -> AnyView {
        let compact = self.compact;
        view! {
            <button
                type=kind
                class=button_class("", compact)
                data-action=deed.name()
                popovertarget=popover
                title=move || self.hint(compact)
            >
                <Icon name=self.icon/>
                <span class=if compact { "td-sr-only" } else { "td-button-text" }>{self.text}</span>
            </button>
        }
        .erase()
    }

    fn asking(self, deed: Deed, ask: Ask, popover: String, form: AnyView) -> AnyView {
        let opener = self.opener(deed, "button", Some(popover.clone()));
        view! {
            {opener}
            <div class="td-ask" id=popover popover="auto" role="dialog" aria-label=self.text>
                <p class="td-ask-text">{ask.question}</p>
                {form}
            </div>
        }
        .erase()
    }
}

fn button_class(class: &str, compact: bool) -> String {
    let compact = if compact { " td-button-icon td-button-quiet" } else { "" };
    let space = if class.is_empty() { "" } else { " " };
    format!("td-button{space}{class}{compact}")
}
