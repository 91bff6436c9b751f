//! The params of a task, and changing those of a failed one.

use leptos::prelude::*;
use serde_json::Value;
use taskdeck_core::{Kind, ParamTitle, Status, TaskId};
use taskdeck_ui::{Erase, Icon};

use super::copy::CopyButton;
use super::json::JsonView;
use crate::paths;

/// The params of a task.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns its props")]
pub(crate) fn ParamsPanel(
    /// Which task.
    task: TaskId,
    /// Its kind.
    kind: Kind,
    /// They.
    params: Memo<Value>,
    /// What its form calls them.
    titles: Vec<ParamTitle>,
    /// How the task stands.
    status: Memo<Status>,
) -> impl IntoView {
    let text = Signal::derive(move || {
        params.with(|params| serde_json::to_string_pretty(params).unwrap_or_default())
    });
    // What the server does not know has no form, and the server could not tell whether it is right.
    let has_form = !titles.is_empty() && kind.as_str() != "bulk_action";
    let edit = paths::edit(&kind, task);
    let edit = move || (has_form && status.get() == Status::Failed).then(|| edit.clone());
    view! {
        <section class="dash-panel" aria-labelledby="params-title">
            <header class="dash-panel-head">
                <h2 id="params-title">"Params"</h2>
                <CopyButton text label="Copy the params as JSON"/>
            </header>
            <div class="dash-panel-body">
                {move || view! { <JsonView value=params.get() titles=titles.clone()/> }}
                {move || {
                    edit()
                        .map(|href| {
                            view! {
                                <a class="td-button dash-edit" href=href>
                                    <Icon name="rotate-cw"/>
                                    "Edit the params and retry…"
                                </a>
                            }
                        })
                }}
            </div>
        </section>
    }
    .erase()
}
