//! The params of a task, and changing those of a failed one.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::server::ServerActionError;
use leptos::task::spawn_local;
use serde_json::Value;
use server_fn::ServerFn;
use server_fn::error::ServerFnUrlError;
use taskdeck_core::{Kind, Status, TaskId};
use taskdeck_ui::{ApiError, Erase, Icon, api, use_live};

use super::copy::CopyButton;
use super::json::JsonView;
use crate::paths;

/// The params of a task.
#[component]
pub(crate) fn ParamsPanel(
    /// Which task.
    task: TaskId,
    /// Its kind.
    kind: Kind,
    /// They.
    params: Memo<Value>,
    /// How the task stands.
    status: Memo<Status>,
) -> impl IntoView {
    let text = Signal::derive(move || {
        params.with(|params| serde_json::to_string_pretty(params).unwrap_or_default())
    });
    let can_edit = move || status.get() == Status::Failed && kind.as_str() != "bulk_action";
    view! {
        <section class="dash-panel" aria-labelledby="params-title">
            <header class="dash-panel-head">
                <h2 id="params-title">"Params"</h2>
                <CopyButton text label="Copy the params as JSON"/>
            </header>
            <div class="dash-panel-body">
                {move || view! { <JsonView value=params.get()/> }}
                {move || can_edit().then(|| view! { <Edit task text=text.get_untracked()/> })}
            </div>
        </section>
    }
    .erase()
}

/// Changes the params of a failed task, and tries it again with them.
#[component]
fn Edit(
    /// Which task.
    task: TaskId,
    /// The params, as JSON.
    text: String,
) -> impl IntoView {
    let path = api::EditParams::PATH;
    let said = use_context::<ServerActionError>().filter(|error| error.path() == format!("{path}#{task}"));
    let said = said.map(|error| ServerFnUrlError::<ApiError>::decode_err(error.err()));
    let error = RwSignal::new(said.map(|error| explain(&error)));
    let was_refused = error.with_untracked(Option::is_some);
    let typed = RwSignal::new(text.clone());
    let pending = RwSignal::new(false);
    let live = use_live();
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        error.set(None);
        let live = live.clone();
        spawn_local(async move {
            let answer = api::edit_params(task, typed.get_untracked()).await;
            pending.try_set(false);
            match answer {
                Ok(state) => live.seed(state),
                Err(why) => drop(error.try_set(Some(explain(&why)))),
            }
        });
    };
    let lines = text.lines().count().clamp(3, 16);
    view! {
        <details class="dash-edit" open=was_refused>
            <summary>"Edit the params and retry"</summary>
            <form class="td-form" method="post" action=paths::at(path) on:submit=on_submit>
                <input type="hidden" name="id" value=task.to_string()/>
                <textarea
                    class="td-input td-textarea dash-edit-text"
                    name="params"
                    rows=lines.to_string()
                    spellcheck="false"
                    aria-label="Params as JSON"
                    on:input=move |event| typed.set(event_target_value(&event))
                >
                    {text}
                </textarea>
                <p class="dash-edit-error" role="alert" hidden=move || error.with(Option::is_none)>
                    {move || error.get().unwrap_or_default()}
                </p>
                <button class="td-button td-button-primary" aria-busy=move || pending.get().then_some("true")>
                    <Icon name="rotate-cw"/>
                    <span class="td-button-text">"Save and retry"</span>
                </button>
            </form>
        </details>
    }
    .erase()
}

/// What is wrong, field by field where that is known.
fn explain(error: &ApiError) -> String {
    match error.fields() {
        Some(fields) => {
            let fields = fields.0.iter().map(|(name, fault)| format!("{name}: {fault}"));
            fields.collect::<Vec<_>>().join(" ")
        }
        None => error.to_string(),
    }
}
