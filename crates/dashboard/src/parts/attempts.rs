//! The executions of a task.

use leptos::prelude::*;
use taskdeck_core::{Attempt, Status};
use taskdeck_ui::{Duration, Erase, Icon, TimeAgo, status_icon};

/// The attempts of a task, once there is more than the one that the rest of the page tells of.
#[component]
pub(crate) fn Attempts(
    /// The attempts, the last first.
    #[prop(into)]
    attempts: Signal<Vec<Attempt>>,
) -> impl IntoView {
    move || {
        let attempts = attempts.get();
        (attempts.len() > 1).then(|| {
            let rows = attempts.into_iter().map(|attempt| view! { <AttemptRow attempt/> }).collect_view();
            view! {
                <section class="dash-panel" aria-labelledby="attempts-title">
                    <header class="dash-panel-head"><h2 id="attempts-title">"Attempts"</h2></header>
                    <ol reversed=true>{rows}</ol>
                </section>
            }
        })
    }
}

#[component]
fn AttemptRow(
    /// Which.
    attempt: Attempt,
) -> impl IntoView {
    let Attempt { attempt: number, started_at, ended_at, outcome, error, detail, worker } = attempt;
    // When its process went away is not known: only when that was noticed.
    let was_lost = outcome.as_deref() == Some("interrupted");
    let (status, words) = outcome_of(outcome.as_deref());
    view! {
        <li class="dash-attempt">
            <div class="dash-attempt-head">
                <span class="dash-status-icon" data-status=status.name()><Icon name=status_icon(status)/></span>
                <span class="dash-attempt-number">{format!("Attempt {number}")}</span>
                <span>{words}</span>
                <span class="dash-attempt-facts">
                    {was_lost.then_some("noticed after ")}
                    <Duration from=started_at until=Signal::stored(ended_at)/>
                    <TimeAgo at=started_at/>
                    {worker.map(|worker| view! { <span>"worker " <code>{worker}</code></span> })}
                </span>
            </div>
            {error.map(|error| view! { <p class="dash-attempt-error">{error.message}</p> })}
            {detail
                .map(|detail| {
                    view! {
                        <details class="dash-detail">
                            <summary>"Detail"</summary>
                            <pre>{detail}</pre>
                        </details>
                    }
                })}
        </li>
    }
    .erase()
}

/// The status whose colours an attempt's end has, and the end in words.
fn outcome_of(outcome: Option<&str>) -> (Status, &'static str) {
    match outcome {
        None => (Status::Running, "runs"),
        Some("completed") => (Status::Completed, "completed"),
        Some("failed") => (Status::Failed, "failed"),
        Some("cancelled") => (Status::Cancelled, "was cancelled"),
        Some("interrupted") => (Status::Interrupted, "was interrupted"),
        Some("asked") => (Status::WaitingConfirmation, "asked a question"),
        Some("released") => (Status::Queued, "was given back when the server stopped"),
        Some(_) => (Status::Queued, "ended"),
    }
}
