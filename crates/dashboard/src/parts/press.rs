//! Buttons that change something other than a task: a plain form each, and a question before something is lost.

use leptos::prelude::*;
use serde_json::Value;
use taskdeck_ui::{Erase, Icon, PostForm, PostState};

use crate::browser;

/// What a button asks before it does what cannot be undone.
#[derive(Clone)]
pub(crate) struct Ask {
    /// The question.
    pub(crate) question: String,
    /// What the button says that does nothing.
    pub(crate) keep: &'static str,
    /// What the button says that does it.
    pub(crate) go: &'static str,
}

/// A button that posts to a server function.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns its props")]
pub(crate) fn Press(
    /// The path of the server function.
    path: &'static str,
    /// What tells this button from others that post there.
    about: String,
    /// What is sent.
    fields: Vec<(&'static str, String)>,
    /// Its icon.
    icon: &'static str,
    /// Its text.
    text: &'static str,
    /// What it is about, for those who hear the button and not what stands around it.
    #[prop(into)]
    subject: String,
    /// `td-button-primary` or `td-button-danger`.
    #[prop(optional)]
    class: &'static str,
    /// What is asked before.
    #[prop(optional)]
    ask: Option<Ask>,
    /// Called with the answer.
    on_done: Callback<Value>,
) -> impl IntoView {
    let state = PostState::new(path, &about);
    let popover = format!("ask-{}-{about}", text.to_ascii_lowercase().replace(' ', "-"));
    let hide = popover.clone();
    let done = Callback::new(move |answer| {
        browser::close_popover(&hide);
        on_done.run(answer);
    });
    let hidden =
        fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    let hidden = hidden.collect_view();
    let busy = move || state.pending.get().then_some("true");
    let shown = Signal::derive(move || if state.pending.get() { "loader" } else { icon }.to_owned());
    let go = ask.as_ref().map_or(text, |ask| ask.go);
    let named = format!("{text}: {subject}");
    let keep = ask.as_ref().map(|ask| {
        view! {
            <button type="button" class="td-button" popovertarget=popover.clone() popovertargetaction="hide">
                {ask.keep}
            </button>
        }
    });
    // What is a danger is asked about by the server, and done once it was said that it is meant.
    let is_question = Memo::new(move |_| state.is_question());
    let go =
        move || if is_question.get() { format!("Yes, {}", go.to_ascii_lowercase()) } else { go.to_owned() };
    let is_opened = ask.is_some();
    let own_name = move || (!is_opened).then(|| format!("{}: {subject}", go()));
    let form = view! {
        <PostForm state on_done=done>
            {hidden}
            <input type="hidden" name="confirm" value="on" disabled=move || !is_question.get()/>
            {keep}
            <button
                type="submit"
                class=format!("td-button {class}")
                aria-busy=busy
                aria-label=own_name
            >
                <Icon name=shown/>
                <span class="td-button-text">{go}</span>
            </button>
        </PostForm>
    }
    .erase();
    let inner = match ask {
        None => form,
        Some(ask) => {
            let opens = popover.clone();
            view! {
                <button type="button" class="td-button" popovertarget=opens aria-label=named>
                    <Icon name=icon/>
                    <span class="td-button-text">{text}</span>
                </button>
                <div class="td-ask" id=popover popover="auto" role="dialog" aria-label=text>
                    <p class="td-ask-text">{ask.question}</p>
                    {form}
                </div>
            }
            .erase()
        }
    };
    view! {
        <div class="td-action">
            {inner}
            <Refusal state/>
        </div>
    }
    .erase()
}

/// Why it was not done.
#[component]
pub(crate) fn Refusal(
    /// Of which form.
    state: PostState,
) -> impl IntoView {
    let problem = Memo::new(move |_| state.problem());
    view! {
        <p class="td-action-error" role="alert" hidden=move || problem.with(Option::is_none)>
            {move || problem.get().unwrap_or_default()}
        </p>
    }
    .erase()
}
