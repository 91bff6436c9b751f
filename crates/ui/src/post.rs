//! Plain forms that a script sends without leaving the page. What they send is what a browser without scripts sends, so
//! a form needs no code of its own for it.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::server::ServerActionError;
use leptos::task::spawn_local;
use serde_json::Value;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlElement, HtmlFormElement, UrlSearchParams};

use crate::call::post;
use crate::{ApiError, Erase, use_base};

/// What a form knows about its sending.
#[derive(Clone, Copy, Debug)]
pub struct PostState {
    path: &'static str,
    /// Whether an answer is waited for.
    pub pending: RwSignal<bool>,
    /// Why it was refused.
    pub error: RwSignal<Option<ApiError>>,
}

impl PostState {
    /// The state of a form that posts to the server function of this path; `about` tells the form from others that post
    /// there. A refusal that a form without JavaScript left in the URL is shown.
    #[must_use]
    pub fn new(path: &'static str, about: &str) -> Self {
        let refused = use_context::<ServerActionError>()
            .filter(|error| error.path() == error_key(path, about))
            .map(|error| crate::error::error_in_url(error.err()));
        Self { path, pending: RwSignal::new(false), error: RwSignal::new(refused) }
    }

    /// Why it was refused, in words: what is wrong with each field, or with the whole.
    #[must_use]
    pub fn problem(self) -> Option<String> {
        self.error.with(|error| error.as_ref().map(ApiError::told))
    }

    /// Whether it was refused with a question: then it is sent once more with a field `confirm`.
    #[must_use]
    pub fn is_question(self) -> bool {
        self.error.with(|error| error.as_ref().is_some_and(ApiError::is_question))
    }
}

/// Under which name the refusal of a form is kept in the URL, without JavaScript.
pub(crate) fn error_key(path: &str, about: &str) -> String {
    format!("{path}#{about}")
}

/// A form that posts to a server function, which takes plain forms.
#[component]
pub fn PostForm(
    /// What it knows about itself.
    state: PostState,
    /// Called with the answer.
    on_done: Callback<Value>,
    /// Its class.
    #[prop(optional)]
    class: &'static str,
    /// Whether the browser's own checks are left out.
    #[prop(optional)]
    novalidate: bool,
    /// Its fields and buttons.
    children: Children,
) -> impl IntoView {
    let action = use_base().join(state.path);
    let url = action.clone();
    let element = NodeRef::<html::Form>::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(form) = element.get_untracked() else { return };
        if state.pending.get_untracked() {
            return;
        }
        state.pending.set(true);
        // Before the answer to a question leaves the form together with it.
        let sent = send(&url, &form, &event);
        state.error.set(None);
        spawn_local(async move {
            let answer = sent.await;
            // The form may be gone by now, and nobody waits for the answer.
            if state.pending.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(answer) => {
                    on_done.try_run(answer);
                }
                Err(error) => {
                    state.error.try_set(Some(error));
                }
            }
        });
    };
    view! {
        <form class=class method="post" action=action node_ref=element novalidate=novalidate on:submit=submit>
            {children()}
        </form>
    }
    // Its fields may wait for what they show.
    .erase_waiting()
}

/// Sends what the form holds, as the browser would.
pub(crate) fn send(
    url: &str,
    form: &HtmlFormElement,
    event: &SubmitEvent,
) -> impl Future<Output = Result<Value, ApiError>> + use<> {
    let fields = (|| {
        let data = FormData::new_with_form(form)?;
        // The button that was pressed is part of what is sent.
        if let Some(button) = event.submitter().and_then(|it| it.dyn_into::<HtmlElement>().ok())
            && let Some(name) = button.get_attribute("name")
        {
            data.append_with_str(&name, &button.get_attribute("value").unwrap_or_default())?;
        }
        UrlSearchParams::new_with_str_sequence_sequence(&data)
    })();
    let url = url.to_owned();
    async move {
        let fields = fields.map_err(|_| ApiError::unreachable())?;
        post(&url, &fields, None).await
    }
}
