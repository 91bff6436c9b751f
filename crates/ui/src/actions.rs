//! Buttons that change something. Each is a plain form, so that it works without JavaScript; what loses something
//! asks once, in a popover that needs no JavaScript either.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::server::ServerActionError;
use leptos::task::spawn_local;
use serde_json::Value;
use server_fn::ServerFn;
use server_fn::error::ServerFnUrlError;
use taskdeck_core::{Status, StatusSet, TaskId};
use wasm_bindgen::JsCast;
use web_sys::HtmlFormElement;

use crate::api::{self, error_path};
use crate::go::use_go;
use crate::live::LiveStore;
use crate::post::send;
use crate::{ApiError, Erase, Icon, browser, format, use_base, use_live};

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
) -> impl IntoView {
    let question = Signal::derive(move || {
        let name = quoted(&label.get());
        format!("Cancel {name}? It is told to stop; what it has done until then stays as it is.")
    });
    let ask = Ask { question, keep: "Keep it going", go: "Cancel the task" };
    Face { icon: "ban", text: "Cancel", class: "td-button-danger", label, ask: Some(ask), compact }.show(
        Deed::Cancel(task),
        on_done,
        None,
    )
}

/// Tries an ended task again.
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
) -> impl IntoView {
    // Nothing is lost by it, so nothing is asked.
    Face { icon: "rotate-cw", text: "Retry", class: "", label, ask: None, compact }.show(
        Deed::Retry(task),
        on_done,
        None,
    )
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

/// Removes ended tasks, after asking the viewer once.
#[component]
pub fn CleanUpButton(
    /// Ended tasks of which statuses; all ended ones when it is empty.
    #[prop(into)]
    status: Signal<StatusSet>,
    /// How many there are, for the question.
    #[prop(into, optional)]
    count: Signal<Option<u64>>,
    /// Called with how many were removed.
    #[prop(optional, into)]
    on_done: Option<Callback<u64>>,
) -> impl IntoView {
    let question = Signal::derive(move || clean_up_question(status.get(), count.get()));
    let ask = Ask { question, keep: "Keep them", go: "Delete them" };
    Face {
        icon: "trash-2",
        text: "Clean up",
        class: "td-button-danger",
        label: Signal::default(),
        ask: Some(ask),
        compact: false,
    }
    .show_clean_up(status, on_done)
}

fn quoted(label: &str) -> String {
    if label.is_empty() { "this task".to_owned() } else { format!("“{label}”") }
}

fn clean_up_question(status: StatusSet, count: Option<u64>) -> String {
    let names: Vec<_> = status.iter().filter(|status| status.has_ended()).map(Status::name).collect();
    let all = names.is_empty() || names.len() == StatusSet::ENDED.iter().count();
    let names = match names.split_last() {
        Some((last, before)) if !all && !before.is_empty() => format!("{} and {last}", before.join(", ")),
        Some((only, _)) if !all => (*only).to_owned(),
        _ => "ended".to_owned(),
    };
    let (which, their) = match count {
        Some(1) => (format!("the one {names} task"), "its log, result and files"),
        Some(count) => {
            (format!("{} {names} tasks", format::thousands(count)), "their logs, results and files")
        }
        None => (format!("all {names} tasks"), "their logs, results and files"),
    };
    format!("Delete {which} with {their}? This cannot be undone.")
}

/// What a button does.
#[derive(Clone, Copy)]
enum Deed {
    Cancel(TaskId),
    Retry(TaskId),
    Delete(TaskId),
    CleanUp,
}

impl Deed {
    const fn path(self) -> &'static str {
        match self {
            Self::Cancel(_) => api::CancelTask::PATH,
            Self::Retry(_) => api::RetryTask::PATH,
            Self::Delete(_) => api::DeleteTask::PATH,
            Self::CleanUp => api::CleanUp::PATH,
        }
    }

    const fn task(self) -> Option<TaskId> {
        match self {
            Self::Cancel(id) | Self::Retry(id) | Self::Delete(id) => Some(id),
            Self::CleanUp => None,
        }
    }

    /// Notes what its answer says; how many tasks it was about.
    fn done(self, live: &LiveStore, answer: Value) -> u64 {
        match self {
            // Where the page is not live it asks now how the task stands.
            Self::Cancel(_) => live.try_now(),
            Self::Retry(_) => {
                if let Ok(state) = serde_json::from_value(answer) {
                    live.seed(state);
                }
            }
            Self::Delete(id) => live.forget(id),
            Self::CleanUp => return answer.as_u64().unwrap_or_default(),
        }
        1
    }

    /// The error that a form without JavaScript left in the URL.
    fn error_in_url(self) -> Option<String> {
        // The server alone can know of it.
        if cfg!(target_arch = "wasm32") {
            return None;
        }
        let error = use_context::<ServerActionError>()?;
        let path = match self.task() {
            Some(id) => error_path(self.path(), id),
            None => self.path().to_owned(),
        };
        (error.path() == path).then(|| ServerFnUrlError::<ApiError>::decode_err(error.err()).to_string())
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
        let done = move |_: u64| {
            if let Some(on_done) = on_done {
                on_done.try_run(());
            } else if let Some(after) = &after {
                go(after);
            }
        };
        let fields = view! {
            <input type="hidden" name="id" value=deed.task().map(|id| id.to_string())/>
            {back.map(|back| view! { <input type="hidden" name="back" value=back/> })}
        };
        self.form(deed, done, fields.erase())
    }

    fn show_clean_up(self, status: Signal<StatusSet>, on_done: Option<Callback<u64>>) -> AnyView {
        let done = move |count| {
            if let Some(on_done) = on_done {
                on_done.try_run(count);
            }
        };
        let fields = view! { <input type="hidden" name="status" value=move || status.get().to_string()/> };
        self.form(Deed::CleanUp, done, fields.erase())
    }

    fn form(
        self,
        deed: Deed,
        done: impl Fn(u64) + Clone + Send + Sync + 'static,
        fields: AnyView,
    ) -> AnyView {
        let live = use_live();
        let pending = RwSignal::new(false);
        let error = RwSignal::new(deed.error_in_url());
        // A task has one such popover; where two widgets show the task the first opens for both.
        let popover = deed.task().map_or_else(
            || "td-ask-clean-up".to_owned(),
            |id| format!("td-ask-{}-{id}", self.text.to_ascii_lowercase()),
        );
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
            error.set(None);
            let (live, done, hide, page) = (live.clone(), done.clone(), hide.clone(), browser::path());
            let sent = send(&url, &form, &event);
            spawn_local(async move {
                let answer = sent.await.map(|answer| deed.done(&live, answer));
                browser::hide_popover(&hide);
                // The button may be gone by now: the feed often tells of a deletion before the answer does.
                pending.try_set(false);
                match answer {
                    // Who has left the page meanwhile is not taken elsewhere.
                    Ok(count) if browser::path() == page => done(count),
                    Ok(_) => {}
                    Err(reason) => {
                        error.try_set(Some(reason.to_string()));
                    }
                }
            });
        };
        let submit = self.button(self.class, pending);
        let keep = self.ask.map(|ask| ask.keep_button(popover.clone()));
        let form = view! {
            <form method="post" action=action on:submit=on_submit>
                {fields}
                {keep}
                {submit}
            </form>
        };
        let inner = match self.ask {
            None => form.erase(),
            Some(ask) => self.asking(ask, popover, form.erase()),
        };
        view! {
            <div class="td-action">
                {inner}
                <p class="td-action-error" role="alert" hidden=move || error.with(Option::is_none)>
                    {move || error.get().unwrap_or_default()}
                </p>
            </div>
        }
        .erase()
    }

    /// What an icon alone does not say.
    fn hint(self, compact: bool) -> Option<String> {
        compact.then(|| self.label.with(|label| format!("{} {}", self.text, quoted(label))))
    }

    /// The button that submits.
    fn button(self, class: &'static str, pending: RwSignal<bool>) -> AnyView {
        // Behind a question the button says in words what it does.
        let compact = self.compact && self.ask.is_none();
        let text = self.ask.map_or(self.text, |ask| ask.go);
        view! {
            <button
                type="submit"
                class=button_class(class, compact)
                data-action=self.ask.is_none().then_some(self.text)
                aria-busy=move || pending.get().then_some("true")
                title=move || self.hint(compact)
            >
                <Icon name=Signal::derive(move || if pending.get() { "loader" } else { self.icon }.to_owned())/>
                <span class=if compact { "td-sr-only" } else { "td-button-text" }>{text}</span>
            </button>
        }
        .erase()
    }

    fn asking(self, ask: Ask, popover: String, form: AnyView) -> AnyView {
        let compact = self.compact;
        let opens = popover.clone();
        view! {
            <button
                type="button"
                class=button_class("", compact)
                data-action=self.text
                popovertarget=opens
                title=move || self.hint(compact)
            >
                <Icon name=self.icon/>
                <span class=if compact { "td-sr-only" } else { "td-button-text" }>{self.text}</span>
            </button>
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_what_will_be_lost() {
        let failed = StatusSet::EMPTY.with(Status::Failed).with(Status::Cancelled);
        assert_eq!(
            clean_up_question(failed, Some(1_200)),
            "Delete 1,200 failed and cancelled tasks with their logs, results and files? This cannot be undone."
        );
        let three = failed.with(Status::Interrupted);
        assert!(
            clean_up_question(three, None)
                .starts_with("Delete all failed, cancelled and interrupted tasks with")
        );
        assert!(clean_up_question(StatusSet::ENDED, Some(2)).starts_with("Delete 2 ended tasks with"));
        assert_eq!(
            clean_up_question(StatusSet::EMPTY, Some(1)),
            "Delete the one ended task with its log, result and files? This cannot be undone."
        );
    }
}
