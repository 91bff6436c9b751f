//! `<TaskForm/>`: the form of a kind, made from its definition.

pub(crate) mod check;
mod choices;
mod field;
mod file;
mod rules;
mod send;
mod state;
mod time;

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::server::ServerActionError;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use server_fn::ServerFn;
use taskdeck_core::form::{bytes, typed};
use taskdeck_core::{Definition, FieldErrors, Param, Started, TaskId};
use web_sys::FormData;

pub use self::field::FieldInput;
pub use self::state::FormState;

pub(crate) use self::send::{Sending, Transfer};
use crate::format::portion;
use crate::go::use_go;
use crate::{ApiError, Erase, FormDraft, Icon, api, browser, use_base, use_live, use_toasts};

/// The form that starts a task of a kind: a field for each param, checked as it is typed by the code that the server
/// checks it with. Files are checked before they are sent, and sent with a bar. It is a plain multipart form, so that
/// it works without JavaScript.
#[component]
pub fn TaskForm(
    /// The kind.
    definition: Definition,
    /// Where the form posts to without JavaScript; the server function when not said.
    #[prop(optional, into)]
    action: Option<String>,
    /// Called with the task that was started, which a toast tells of where the app has [`Toasts`](crate::Toasts); when not
    /// said, the page goes to the task.
    #[prop(optional, into)]
    on_started: Option<Callback<Started>>,
    /// Offers a second button, which starts the task and stays: called with it, for the page to show what becomes of it.
    #[prop(optional_no_strip, into)]
    on_run: Option<Callback<Started>>,
    /// Values to begin with, by param.
    #[prop(optional, into)]
    initial: Vec<(String, String)>,
    /// What is known to be wrong with them, by param.
    #[prop(optional)]
    faults: FieldErrors,
    /// The failed task whose params these are: it is given what was typed, and tried again, and none is started.
    #[prop(optional_no_strip)]
    retries: Option<TaskId>,
) -> impl IntoView {
    let base = use_base();
    let post_to = base.join(if retries.is_some() { api::EditTask::PATH } else { api::StartTask::PATH });
    let draft = use_context::<FormDraft>().filter(|draft| draft.kind == definition.kind);
    let form = FormState::new(definition.kind.as_str());
    let (face, go_word, going) = match retries {
        Some(_) => ("rotate-cw", "Save and retry", "Saving"),
        None => ("play", "Start", "Starting"),
    };
    if let Some(draft) = &draft {
        form.refuse(&definition, &draft.errors, draft.problem.clone());
    } else if let Some(error) = error_in_url() {
        form.refuse_by(&definition, &error);
    }
    // What it begins with may be wrong from the start: who knows that says so, else it is seen once the checks are here.
    let is_checked = draft.is_some() || !faults.is_empty();
    if draft.is_none() {
        faults.0.into_iter().for_each(|(name, fault)| form.fault(&name, fault));
    }
    let unseen: Vec<(Param, String)> = if !is_checked {
        let is_text = |param: &&Param| !param.kind.is_file() && !param.kind.is_secret();
        let texts = definition.params.iter().filter(is_text);
        texts.filter_map(|param| Some((param.clone(), typed(param, &initial)?))).collect()
    } else {
        Vec::new()
    };
    let is_entered = RwSignal::new(false);
    check::later(
        is_entered,
        !unseen.is_empty(),
        Box::new(move |checks| {
            for (param, text) in unseen {
                if let Some(fault) = (checks.text)(&param, &text) {
                    form.fault(&param.name, fault);
                }
            }
        }),
    );
    // A form that was typed has every field that was on; one to begin with, only what was said.
    let was_typed = draft.is_some();
    let values = draft.map_or(initial, |draft| draft.fields);
    let fields = definition.params.iter().map(|param| {
        let value = typed(param, &values).or_else(|| was_typed.then(String::new));
        view! { <FieldInput param=param.clone() form value/> }
    });
    let fields = fields.collect_view();

    let element = NodeRef::<html::Form>::new();
    let summary_ref = NodeRef::<html::Div>::new();
    let summary_view = summary(form, summary_ref);
    let hydrated = RwSignal::new(false);
    // Until then the browser's own checks are all there is.
    Effect::new(move |_| hydrated.set(true));
    let sending = RwSignal::new(Sending::No);
    // On the server, where the view goes from thread to thread, there is never one.
    let transfer = StoredValue::new(None::<SendWrapper<Transfer>>);
    let once = StoredValue::new(None);
    // Whether the button that stays was pressed.
    let stays = StoredValue::new(false);
    let live = use_live();
    let clock = live.clone();
    let go = use_go();
    let toasts = use_toasts();
    let kind = definition.kind.to_string();
    let danger = definition.danger.clone().map(|text| danger(text, form));
    let start_class = match danger {
        Some(_) => "td-button td-button-danger",
        None => "td-button td-button-primary",
    };
    let definition = StoredValue::new(definition);

    let done = move |answer: Result<Started, ApiError>| {
        if sending.try_set(Sending::No).is_some() {
            // The form was left in this very moment.
            return;
        }
        transfer.set_value(None);
        match answer {
            Ok(started) => {
                once.set_value(None);
                live.seed(started.task.clone());
                match on_run.filter(|_| stays.get_value()).or(on_started) {
                    Some(stay) => {
                        if let Some(toasts) = toasts {
                            toasts.started(&started);
                        }
                        stay.run(started);
                    }
                    None => go(&base.task(started.task.id)),
                }
            }
            Err(error) => {
                definition.with_value(|definition| form.refuse_by(definition, &error));
                focus(summary_ref);
            }
        }
    };
    let url = post_to.clone();
    let send = move |data: FormData| {
        let errors =
            check::here().map(|checks| definition.with_value(|definition| (checks.whole)(definition, &data)));
        if let Some(errors) = errors.filter(|errors| !errors.is_empty()) {
            definition.with_value(|definition| form.refuse(definition, &errors, None));
            focus(summary_ref);
            return;
        }
        form.clear();
        // The same id until something is changed: a form that is sent twice, or whose answer is lost, starts one task.
        // A server refuses an id that is not of its own day, so there is none until its clock is known.
        let id = once.get_value().or_else(|| browser::new_task_id(clock.server_clock()?));
        once.set_value(id);
        if let Some(id) = id {
            // It cannot fail: both are text.
            let _ = data.append_with_str("_id", &id.to_string());
        }
        sending.set(Sending::Waiting);
        let on_progress = move |sent, total| {
            sending.try_set(Sending::Uploading { sent, total });
        };
        match Transfer::start(&url, &data, on_progress, done.clone()) {
            Ok(started) => transfer.set_value(Some(SendWrapper::new(started))),
            Err(error) => done(Err(error)),
        }
    };
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        if sending.with_untracked(Sending::is_on) {
            return;
        }
        let pressed = event.submitter().and_then(|button| button.get_attribute("name"));
        stays.set_value(pressed.as_deref() == Some(RUN));
        let Some(data) = element.get_untracked().and_then(|form| FormData::new_with_form(&form).ok()) else {
            return;
        };
        if check::here().is_some() {
            return send(data);
        }
        sending.set(Sending::Waiting);
        let send = send.clone();
        spawn_local(async move {
            // Without them the server checks alone.
            check::load().await;
            if sending.try_set(Sending::No).is_none() {
                send(data);
            }
        });
    };
    let stop = move |_| {
        transfer.set_value(None);
        sending.set(Sending::No);
    };
    view! {
        <form
            class="td-form"
            method="post"
            action=action.unwrap_or(post_to)
            enctype="multipart/form-data"
            novalidate=move || hydrated.get()
            node_ref=element
            on:submit=on_submit
            on:input=move |_| once.set_value(None)
            on:focusin=move |_| is_entered.set(true)
        >
            <input type="hidden" name="_kind" value=kind/>
            {retries.map(|task| view! { <input type="hidden" name="_task" value=task.to_string()/> })}
            {summary_view}
            {fields}
            {danger}
            <div class="td-form-actions">
                <button
                    type="submit"
                    class=start_class
                    aria-busy=move || sending.with(Sending::is_on).then_some("true")
                    // Else the field that is left tells what is wrong with it, which moves the button away from under
                    // the pointer before the click is one.
                    on:mousedown=|event| event.prevent_default()
                >
                    <Icon name=Signal::derive(move || {
                        if sending.with(Sending::is_on) { "loader" } else { face }.to_owned()
                    })/>
                    <span class="td-button-text">
                        {move || if sending.with(Sending::is_on) { going } else { go_word }}
                    </span>
                </button>
                {on_run.is_some().then(|| run_button(sending))}
                <Show when=move || sending.with(Sending::is_uploading)>
                    <button type="button" class="td-button" on:click=stop>"Stop the upload"</button>
                </Show>
            </div>
            {uploading(sending)}
        </form>
    }
    .erase()
}

/// The name of the button that starts and stays. Without JavaScript it does what the other does.
const RUN: &str = "_run";

fn run_button(sending: RwSignal<Sending>) -> AnyView {
    view! {
        <button
            type="submit"
            name=RUN
            value="1"
            class="td-button"
            title="Start it, and see here what comes of it"
            aria-disabled=move || sending.with(Sending::is_on).then_some("true")
            on:mousedown=|event| event.prevent_default()
        >
            <Icon name="zap"/>
            <span class="td-button-text">"Run here"</span>
        </button>
    }
    .erase()
}

/// Moves the focus to the summary, once it is on the page.
fn focus(summary: NodeRef<html::Div>) {
    request_animation_frame(move || {
        if let Some(summary) = summary.try_get_untracked().flatten() {
            // An element that cannot take the focus is read out all the same.
            let _ = summary.focus();
        }
    });
}

/// The refusal that a form without JavaScript left in the URL, where nothing renders the form again.
fn error_in_url() -> Option<ApiError> {
    let error = use_context::<ServerActionError>()?;
    (error.path() == api::StartTask::PATH).then(|| crate::error::error_in_url(error.err()))
}

/// What is wrong, in one place, with links to the fields.
fn summary(form: FormState, node_ref: NodeRef<html::Div>) -> impl IntoView {
    let body = move || {
        form.refusal().with(|refusal| {
            let refusal = refusal.as_ref()?;
            let title = refusal.title();
            let fields = refusal.fields.iter().map(|(field, title, message)| {
                let (target, text) = (field.clone(), format!("{title}: {message}"));
                // The router would take the link for a page.
                let jump = move |event: leptos::ev::MouseEvent| {
                    event.prevent_default();
                    state::focus_field(&target);
                };
                view! { <li><a href=format!("#{field}") on:click=jump>{text}</a></li> }
            });
            let fields = fields.collect_view();
            let list = (!refusal.fields.is_empty()).then(|| view! { <ul>{fields}</ul> });
            Some(view! { <p>{title}</p> {list} })
        })
    };
    view! {
        <div
            class="td-form-summary"
            role="alert"
            tabindex="-1"
            node_ref=node_ref
            hidden=move || form.refusal().with(Option::is_none)
        >
            {body}
        </div>
    }
}

/// What the kind may break, and the box to say that it is meant.
fn danger(danger: String, form: FormState) -> impl IntoView {
    let error = form.error(check::CONFIRM);
    let (field, described) = (form.id(check::CONFIRM), form.id("_danger"));
    view! {
        <div class="td-danger">
            <Icon name="triangle-alert"/>
            <p id=described.clone()>{danger}</p>
            <label class="td-check">
                <input
                    type="checkbox"
                    id=field
                    name=check::CONFIRM
                    required
                    aria-describedby=described
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    on:change=move |event| {
                        let missing = !event_target_checked(&event);
                        form.set(check::CONFIRM, missing.then(|| check::UNCONFIRMED.to_owned()));
                    }
                />
                "I know, and want it."
            </label>
            <p class="td-field-error" hidden=move || error.with(Option::is_none)>
                {move || error.get().unwrap_or_default()}
            </p>
        </div>
    }
}

/// How far the files are.
fn uploading(sending: RwSignal<Sending>) -> impl IntoView {
    let part = Memo::new(move |_| match sending.get() {
        Sending::Uploading { sent, total } => Some((sent, total)),
        Sending::No | Sending::Waiting => None,
    });
    let value = move || part.get().map(|(sent, total)| portion(sent / total.max(1.0)));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of bytes")]
    let text = move || match part.get() {
        Some((sent, total)) if sent < total => {
            format!("Sending {} of {}", bytes(sent as u64), bytes(total as u64))
        }
        Some(_) => "All is sent; the server looks at it.".to_owned(),
        None => String::new(),
    };
    view! {
        <div class="td-upload" hidden=move || part.get().is_none()>
            <progress class="td-bar" max="1" value=value aria-label="Upload"></progress>
            <span class="td-upload-text">{text}</span>
        </div>
    }
}
