//! Why a task failed. (That it will be tried again is said beside its progress.)

use leptos::prelude::*;
use taskdeck_core::{Attempt, ErrorInfo, Status, TaskState};
use taskdeck_ui::Icon;

use super::copy::CopyButton;

/// The error that a task ended with.
#[component]
pub(crate) fn Failure(
    /// The task, live.
    task: Signal<TaskState>,
    /// Its attempts, the last first, for the detail.
    #[prop(into)]
    attempts: Signal<Vec<Attempt>>,
) -> impl IntoView {
    let error = Memo::new(move |_| {
        task.with(|task| {
            let stands = task.status.has_ended() && task.status != Status::Completed;
            task.error.clone().filter(|_| stands).map(|error| (error, task.status))
        })
    });
    let detail = Memo::new(move |_| {
        attempts.with(|attempts| attempts.iter().find(|attempt| attempt.error.is_some())?.detail.clone())
    });
    move || {
        error.get().map(|(error, status)| {
            let ErrorInfo { code, message } = error;
            let (title, failed) = match status {
                Status::Failed => ("Failed", true),
                Status::Interrupted => ("Interrupted", true),
                _ => ("The last error before it was cancelled", false),
            };
            let copied = match detail.get() {
                Some(detail) => format!("{message} ({code})\n{detail}"),
                None => format!("{message} ({code})"),
            };
            view! {
                <section class="dash-panel" class:dash-failure=failed data-status=status.name() aria-labelledby="error-title">
                    <header class="dash-panel-head">
                        <Icon name="circle-alert"/>
                        <h2 id="error-title">{title}</h2>
                        <CopyButton text=copied label="Copy the error"/>
                    </header>
                    <div class="dash-panel-body">
                        <p class="dash-failure-message">{message}</p>
                        <p class="dash-failure-code">"Code " <code>{code}</code></p>
                        {detail
                            .get()
                            .map(|detail| {
                                view! {
                                    <details class="dash-detail">
                                        <summary>"Detail"</summary>
                                        <pre>{detail}</pre>
                                    </details>
                                }
                            })}
                    </div>
                </section>
            }
        })
    }
}
