//! `<TaskButton/>`: a button that starts a task.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use server_fn::ServerFn;
use taskdeck_core::{Started, Task};

use crate::ask::{ask, focus_soon};
use crate::form::check::CONFIRM;
use crate::start::fields;
use crate::{Confirm, Erase, Icon, StartTask, TaskCallbacks, TaskProgress, api, use_access, use_base};

/// A button that starts a task with these params, and shows how far it is in a bar below. A kind that is a danger asks
/// once before. It is a plain form, so it works without JavaScript too: then it leads to the task's page.
///
/// ```
/// # use leptos::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # use taskdeck_core::{Definition, Task};
/// # #[derive(Clone, Serialize, Deserialize)] struct Backup;
/// # impl Task for Backup {
/// #     const KIND: &'static str = "backup";
/// #     type Output = ();
/// #     fn definition() -> Definition { Definition::new(Self::kind()) }
/// # }
/// use taskdeck_ui::TaskButton;
/// # fn page() -> impl IntoView {
/// view! { <TaskButton params=Backup text="Back up now"/> }
/// # }
/// ```
#[component]
pub fn TaskButton<T>(
    /// What the task is started with.
    params: T,
    /// What the button says; the kind's title when not said.
    #[prop(optional, into)]
    text: Option<String>,
    /// Asks this before it starts; a kind that is a danger asks in any case.
    #[prop(optional, into)]
    confirm: Option<Confirm>,
    /// While a task of the kind with this key is active, the button shows that one instead of starting another.
    #[prop(optional, into)]
    key: Option<String>,
    /// What a person calls the task; the kind's own words when not said.
    #[prop(optional, into)]
    label: Option<String>,
    /// Called with the task that was started.
    #[prop(optional, into)]
    on_started: Option<Callback<Started>>,
    /// What the page wants to be told of the task.
    #[prop(optional)]
    on: TaskCallbacks,
    /// Whether a bar below the button shows how far the task is.
    #[prop(default = true)]
    bar: bool,
) -> impl IntoView
where
    T: Task,
{
    if !use_access().operate {
        return ().erase();
    }
    let definition = T::definition();
    let text = text.unwrap_or(definition.title);
    let confirm = confirm.or_else(|| Some(Confirm::new(definition.danger?).buttons(text.clone(), "Cancel")));
    let mut start = StartTask::<T>::new();
    let mut plain = fields(&params);
    let secrets: Vec<String> =
        definition.params.into_iter().filter(|it| it.kind.is_secret()).map(|it| it.name).collect();
    // Without JavaScript nothing asks here: the server refuses, and shows the form that does.
    plain.retain(|(name, _)| name != CONFIRM);
    // What is in a page can be read in it. Without JavaScript the form asks for a secret.
    plain.retain(|(name, _)| !secrets.contains(name));
    if let Some(key) = key {
        plain.push(("_key".to_owned(), key.clone()));
        start = start.key(key);
    }
    if let Some(label) = label {
        plain.push(("_label".to_owned(), label.clone()));
        start = start.label(label);
    }
    if let Some(on_started) = on_started {
        start = start.on_started(move |started| on_started.run(started));
    }
    let go = move || start.dispatch(&params);
    let answer = start.value();
    let started = Memo::new(move |_| answer.with(|answer| answer.as_ref()?.as_ref().ok().cloned()));
    let below = move || {
        let Started { task, deduplicated } = started.get().filter(|_| bar)?;
        let on = on.clone();
        Some(view! { <TaskProgress task=task.id state=task is_new=!deduplicated on compact=true/> })
    };
    face(plain, text, definition.icon, confirm, start.pending(), start.error(), go, below.erase())
}

/// The button itself, which is the same for every kind.
#[expect(clippy::too_many_arguments, reason = "one call, from the typed shell above")]
fn face(
    fields: Vec<(String, String)>,
    text: String,
    icon: String,
    confirm: Option<Confirm>,
    pending: Signal<bool>,
    error: Signal<Option<String>>,
    go: impl Fn() + Send + Sync + 'static,
    below: AnyView,
) -> AnyView {
    let asks = RwSignal::new(false);
    let is_asked = confirm.is_some();
    let (opener, yes) = (NodeRef::<html::Button>::new(), NodeRef::<html::Button>::new());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        if is_asked && !asks.get_untracked() {
            asks.set(true);
            focus_soon(yes);
            return;
        }
        if asks.get_untracked() {
            asks.set(false);
            focus_soon(opener);
        }
        go();
    };
    let hidden = fields
        .into_iter()
        .map(|(name, text)| view! { <input type="hidden" name=name value=text/> })
        .collect_view();
    // A yes submits the form.
    let declined = Callback::new(move |_| {
        asks.set(false);
        focus_soon(opener);
    });
    let question =
        move || confirm.clone().filter(|_| asks.get()).map(|confirm| ask(confirm, true, yes, declined));
    let shown_icon = Signal::derive(move || if pending.get() { "loader".to_owned() } else { icon.clone() });
    view! {
        <div class="td-start">
            <form
                method="post"
                action=use_base().join(api::StartTask::PATH)
                enctype="multipart/form-data"
                on:submit=on_submit
            >
                {hidden}
                <button
                    type="submit"
                    class="td-button td-button-primary"
                    aria-busy=move || pending.get().then_some("true")
                    hidden=move || asks.get()
                    node_ref=opener
                >
                    <Icon name=shown_icon/>
                    <span class="td-button-text">{text}</span>
                </button>
                {question}
            </form>
            <p class="td-action-error" role="alert" hidden=move || error.with(Option::is_none)>
                {move || error.get().unwrap_or_default()}
            </p>
            {below}
        </div>
    }
    .erase()
}
