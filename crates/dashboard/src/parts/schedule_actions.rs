//! What can be done to a schedule.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_navigate;
use serde_json::Value;
use taskdeck_ui::manage::{ScheduleDeed, SteerSchedule, about_schedule};
use taskdeck_ui::{Erase, manage, use_toasts};

use crate::parts::press::{Ask, Press};
use crate::paths;

/// Starting its task now, and pausing it or letting it go on.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns its props")]
pub(crate) fn Steer(
    /// Which.
    name: String,
    /// Whether it is paused.
    is_paused: bool,
    /// Asks for it again.
    ask: Callback<()>,
) -> impl IntoView {
    let pause = match is_paused {
        true => deed(&name, ScheduleDeed::Resume, "play", "Resume", Callback::new(move |_| ask.run(()))),
        false => deed(&name, ScheduleDeed::Pause, "pause", "Pause", Callback::new(move |_| ask.run(()))),
    };
    let toasts = use_toasts();
    let base = paths::tasks("");
    let said = format!("Started by the schedule {name}");
    let started = Callback::new(move |answer: Value| {
        if let (Some(id), Some(toasts)) = (answer.as_str(), toasts) {
            toasts.show(said.clone(), format!("{base}/{id}"), "Open the task");
        }
        ask.run(());
    });
    let run = deed(&name, ScheduleDeed::Run, "zap", "Run now", started);
    view! {
        {run}
        {pause}
    }
    .erase()
}

/// Removing it, after a question.
#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component owns its props")]
pub(crate) fn Remove(
    /// Which.
    name: String,
) -> impl IntoView {
    let go = use_navigate();
    let list = paths::schedules();
    let on_done = Callback::new(move |_: Value| {
        go(&list, leptos_router::NavigateOptions { resolve: false, ..Default::default() });
    });
    let ask = Ask {
        question: format!(
            "Delete the schedule “{name}”? It starts no more tasks; those that it started stay."
        ),
        keep: "Keep it",
        go: "Delete the schedule",
    };
    view! {
        <Press
            path=SteerSchedule::PATH
            about=about_schedule(&name, ScheduleDeed::Delete)
            fields=vec![("name", name.clone()), ("deed", ScheduleDeed::Delete.name().to_owned())]
            icon="trash-2"
            text="Delete"
            subject=name.clone()
            class="td-button-danger"
            ask
            on_done
        />
    }
    .erase()
}

fn deed(
    name: &str,
    deed: ScheduleDeed,
    icon: &'static str,
    text: &'static str,
    on_done: Callback<Value>,
) -> AnyView {
    view! {
        <Press
            path=manage::SteerSchedule::PATH
            about=about_schedule(name, deed)
            fields=vec![("name", name.to_owned()), ("deed", deed.name().to_owned())]
            icon
            text
            subject=name
            on_done
        />
    }
    .erase()
}
