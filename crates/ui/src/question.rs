//! `<TaskConfirmation/>`: what a task asks, the buttons to answer it, and what was answered.

use std::collections::BTreeMap;

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::server::ServerActionError;
use leptos::task::spawn_local;
use serde_json::Value;
use server_fn::ServerFn;
use taskdeck_core::form::{choice_name, typed};
use taskdeck_core::{
    Answer, DeckError, Definition, FieldErrors, Kind, OpenQuestion, Param, ParamKind, Question,
    QuestionOutcome, TaskId,
};
use web_sys::FormData;

use crate::api::{self, error_path};
use crate::form::{FieldInput, FormState, check};
use crate::{AnswerDraft, ApiError, Erase, TimeAgo, use_base, use_live};

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

/// A field of the form; its name keeps it apart from what the form itself says.
fn named(field: &Param) -> Param {
    Param { name: format!("fields[{}]", field.name), ..field.clone() }
}

fn open(task: TaskId, asked: OpenQuestion) -> AnyView {
    let Question { key, text, confirm_text, decline_text, fields, .. } = asked.question;
    let draft = use_context::<AnswerDraft>().filter(|draft| draft.task == task);
    let state = FormState::new("question");
    let error = RwSignal::new(error_in_url(task));
    // Only to name the fields where they are refused.
    let params = fields.iter().map(named).collect();
    let definition = Kind::new("question").ok().map(|kind| Definition { params, ..Definition::new(kind) });
    if let Some(draft) = &draft {
        refuse(definition.as_ref(), state, error, &draft.error);
    }
    let inputs = fields.iter().map(|field| {
        let value = draft.as_ref().and_then(|draft| typed(field, &draft.fields));
        let value = value.or_else(|| draft.is_some().then(String::new));
        view! { <FieldInput param=named(field) form=state value/> }
    });
    let inputs = inputs.collect_view();
    let until = asked.until.map(|until| {
        view! { <p class="td-help">"Without an answer it fails " <TimeAgo at=until/> "."</p> }
    });
    let element = NodeRef::<html::Form>::new();
    let pending = RwSignal::new(None::<bool>);
    // Until then the browser's own checks are all there is.
    let hydrated = RwSignal::new(false);
    Effect::new(move |_| hydrated.set(true));
    let live = use_live();
    let names: Vec<String> = fields.iter().flat_map(names_of).collect();
    let of = key.clone();
    let definition = StoredValue::new(definition);
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(form) = element.get_untracked() else { return };
        if pending.get_untracked().is_some() {
            return;
        }
        let approved = event.submitter().and_then(|button| button.get_attribute("value"));
        let approved = approved.as_deref() == Some("true");
        let Ok(data) = FormData::new_with_form(&form) else { return };
        let texts = names.iter().filter_map(|name| {
            let text = data.get(&format!("fields[{name}]")).as_string()?;
            Some((name.clone(), text))
        });
        // One after the other: what is collected is sorted before, which is much code.
        let mut sent = BTreeMap::new();
        sent.extend(texts);
        pending.set(Some(approved));
        error.set(String::new());
        state.clear();
        let (live, key) = (live.clone(), of.clone());
        spawn_local(async move {
            // Who declines need fill in nothing.
            if approved {
                check::wait().await;
                let is_refused =
                    definition.try_with_value(|of| refuse_here(of.as_ref(), state, error, &data));
                if is_refused == Some(true) {
                    pending.try_set(None);
                    return;
                }
            }
            let answer = api::answer_task(task, Some(key), approved, Some(sent)).await;
            pending.try_set(None);
            match answer {
                Ok(task) => live.seed(task),
                // What was typed is still in the form.
                Err(why) => drop(definition.try_with_value(|of| refuse(of.as_ref(), state, error, &why))),
            }
        });
    };
    let button = move |approved: bool, class: &'static str, text: String| {
        view! {
            <button
                class=class
                name="approved"
                value=approved.to_string()
                formnovalidate=!approved
                aria-busy=move || (pending.get() == Some(approved)).then_some("true")
                // Else the field that is left tells what is wrong with it, which moves the button away from under the
                // pointer before the click is one.
                on:mousedown=|event| event.prevent_default()
            >
                <span class="td-button-text">{text}</span>
            </button>
        }
        .erase()
    };
    view! {
        <form
            class="td-form td-question td-question-open"
            method="post"
            action=use_base().join(api::AnswerTask::PATH)
            novalidate=move || hydrated.get()
            node_ref=element
            on:submit=on_submit
        >
            <input type="hidden" name="id" value=task.to_string()/>
            <input type="hidden" name="key" value=key/>
            <p class="td-question-text">{text}</p>
            {until}
            {inputs}
            <p class="td-action-error" role="alert" hidden=move || error.with(String::is_empty)>
                {move || error.get()}
            </p>
            <div class="td-form-actions">
                {button(true, "td-button td-button-primary", confirm_text)}
                {button(false, "td-button", decline_text)}
            </div>
        </form>
    }
    .erase()
}

/// The names under which a field is sent: where several can be chosen, one for each option.
fn names_of(field: &Param) -> Vec<String> {
    match &field.kind {
        ParamKind::MultiChoice { options, .. } => {
            options.iter().map(|option| choice_name(&field.name, &option.value)).collect()
        }
        _ => vec![field.name.clone()],
    }
}

/// Whether an answer is not to be sent, and shows why.
fn refuse_here(
    definition: Option<&Definition>,
    form: FormState,
    said: RwSignal<String>,
    data: &FormData,
) -> bool {
    let Some(definition) = definition else { return false };
    let Some(why) = check::faults(definition, data) else { return false };
    // They have the names of the form's fields already.
    form.refuse_by(definition, &why);
    said.set(NOT_ANSWERED.to_owned());
    true
}

/// What is said below a form whose fields say what is wrong.
const NOT_ANSWERED: &str = "Not answered: see what is wrong above.";

/// Shows why an answer was refused: beside its fields, and what is no field's below them.
fn refuse(definition: Option<&Definition>, form: FormState, said: RwSignal<String>, why: &ApiError) {
    match (why.fields(), definition) {
        (Some(fields), Some(definition)) => {
            let fields = fields.0.iter().map(|(name, fault)| (format!("fields[{name}]"), fault.clone()));
            let mut faults = FieldErrors::default();
            faults.0.extend(fields);
            form.refuse_by(definition, &ApiError(DeckError::InvalidParams { fields: faults }));
            said.try_set(NOT_ANSWERED.to_owned());
        }
        _ => drop(said.try_set(why.to_string())),
    }
}

/// Why an answer was refused: left in the URL, as by every form without JavaScript.
fn error_in_url(task: TaskId) -> String {
    use_context::<ServerActionError>()
        .filter(|error| error.path() == error_path(api::AnswerTask::PATH, task))
        .map(|error| crate::error::error_in_url(error.err()).to_string())
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
