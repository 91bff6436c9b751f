//! `<TaskConfirmation/>`: what a task asks, the buttons to answer it, and what was answered.

use leptos::prelude::*;
use leptos::server::ServerActionError;
use serde_json::Value;
use server_fn::ServerFn;
use server_fn::error::ServerFnUrlError;
use taskdeck_core::{Answer, OpenQuestion, Param, Question, QuestionOutcome, TaskId};

use crate::api::{self, error_path};
use crate::form::{FieldInput, FormState};
use crate::{ApiError, Erase, TimeAgo, use_base};

/// The questions of a task: the open one with the form that answers it (a plain one, so that it works without
/// JavaScript), and what was answered to the others and by whom.
#[component]
pub fn TaskConfirmation(
    /// Which task.
    task: TaskId,
    /// What it asked.
    #[prop(into)]
    questions: Signal<Vec<OpenQuestion>>,
) -> impl IntoView {
    move || {
        let shown = questions.get().into_iter().map(|asked| match asked.outcome {
            QuestionOutcome::Open => open(task, asked),
            _ => answered(&asked),
        });
        shown.collect_view()
    }
}

fn open(task: TaskId, asked: OpenQuestion) -> AnyView {
    let Question { key, text, confirm_text, decline_text, fields, .. } = asked.question;
    let form = FormState::new("question");
    // Their names keep them apart from what the form itself says.
    let named = |field: Param| Param { name: format!("fields[{}]", field.name), ..field };
    let fields =
        fields.into_iter().map(|field| view! { <FieldInput param=named(field) form/> }).collect_view();
    let until = asked.until.map(|until| {
        view! { <p class="td-help">"Without an answer it fails " <TimeAgo at=until/> "."</p> }
    });
    view! {
        <form class="td-form td-question" method="post" action=use_base().join(api::AnswerTask::PATH)>
            <input type="hidden" name="id" value=task.to_string()/>
            <input type="hidden" name="key" value=key/>
            <p class="td-question-text">{text}</p>
            {until}
            {fields}
            <p class="td-action-error" role="alert">{error_in_url(task)}</p>
            <div class="td-form-actions">
                <button class="td-button td-button-primary" name="approved" value="true">
                    <span class="td-button-text">{confirm_text}</span>
                </button>
                <button class="td-button" name="approved" value="false" formnovalidate=true>
                    <span class="td-button-text">{decline_text}</span>
                </button>
            </div>
        </form>
    }
    .erase()
}

/// Why an answer was refused: left in the URL, as by every form without JavaScript.
fn error_in_url(task: TaskId) -> String {
    use_context::<ServerActionError>()
        .filter(|error| error.path() == error_path(api::AnswerTask::PATH, task))
        .map(|error| ServerFnUrlError::<ApiError>::decode_err(error.err()).to_string())
        .unwrap_or_default()
}

fn answered(asked: &OpenQuestion) -> AnyView {
    let outcome = outcome(asked);
    let at = asked.answer.as_ref().map(|answer| view! { " " <TimeAgo at=answer.at/> });
    let filled = asked.answer.as_ref().map(filled_in).filter(|text| !text.is_empty());
    view! {
        <div class="td-question">
            <p class="td-question-text">{asked.question.text.clone()}</p>
            <p class="td-help">{outcome} {at}</p>
            {filled.map(|text| view! { <p class="td-help">{text}</p> })}
        </div>
    }
    .erase()
}

/// What became of a question, and who said so.
fn outcome(asked: &OpenQuestion) -> String {
    let what = match asked.outcome {
        QuestionOutcome::Open => "Not answered yet",
        QuestionOutcome::Approved => "Approved",
        QuestionOutcome::Declined => "Declined",
        QuestionOutcome::TimedOut => "Nobody answered in time",
    };
    match asked.answer.as_ref().and_then(|answer| answer.by.as_ref()) {
        Some(by) => format!("{what} by {by}"),
        None => what.to_owned(),
    }
}

fn filled_in(answer: &Answer) -> String {
    let Value::Object(fields) = &answer.fields else { return String::new() };
    let shown = fields.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {other}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}
