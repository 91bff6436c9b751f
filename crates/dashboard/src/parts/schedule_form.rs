//! The form of a schedule: its rule, with what it means and its next times as one types, and the params of its tasks.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use leptos_router::params::ParamsMap;
use serde_json::Value;
use taskdeck_core::{
    Choice, Definition, FieldErrors, MissedFires, Param, ParamKind, Schedule, ScheduleSpec, form,
};
use taskdeck_ui::manage::Explained;
use taskdeck_ui::{ApiError, Erase, FieldInput, FormState, Icon, PostForm, PostState, manage};

use super::fresh::Fresh;
use super::schedule_rule::Rule;
use crate::paths;

/// What the fields of the form begin with: what the address says, else the schedule.
pub(crate) fn typed(
    query: &ParamsMap,
    definition: &Definition,
    spec: Option<&ScheduleSpec>,
) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut add = |name: &str, text: String| fields.push((name.to_owned(), text));
    if let Some(spec) = spec {
        add("name", spec.name.to_string());
        add("cron", spec.cron.clone());
        add("time_zone", spec.time_zone.clone());
        add("missed", spec.missed.name().to_owned());
        add("label", spec.label.clone().unwrap_or_default());
        add("queue", spec.queue.as_ref().map(ToString::to_string).unwrap_or_default());
        add("priority", spec.priority.to_string());
        add("key", spec.key.clone().unwrap_or_default());
        // What came back has all that was said of the params.
        if !came_back(query) {
            for (name, text) in form::prefill(definition, &spec.params) {
                add(&format!("params[{name}]"), text);
            }
        }
    }
    // Of those that are there twice the last holds.
    fields.extend(query.clone().into_iter().map(|(name, text)| (name.into_owned(), text)));
    if came_back(query) {
        let empty = definition.params.iter().map(|param| format!("params[{}]", param.name));
        let empty: Vec<_> = empty.filter(|name| !fields.iter().any(|(other, _)| other == name)).collect();
        fields.extend(empty.into_iter().map(|name| (name, String::new())));
    }
    fields
}

/// Whether the address is that of a form that was refused: it always says this.
fn came_back(query: &ParamsMap) -> bool {
    query.get("missed").is_some()
}

fn value_of(fields: &[(String, String)], name: &str) -> Option<String> {
    fields.iter().rev().find(|(field, _)| field == name).map(|(_, text)| text.clone())
}

/// What the form is about: the kind of the tasks, what the fields begin with, what the rule in it means, and the schedule,
/// if it is there already.
pub(crate) type Schedules = (Definition, Vec<(String, String)>, Explained, Option<Fresh<Schedule>>);

/// The form, as a part of a page.
pub(crate) fn show_form((definition, initial, told, of): Schedules) -> AnyView {
    view! { <ScheduleForm definition initial told of/> }.erase()
}

/// The form that makes a schedule, or changes one.
#[component]
fn ScheduleForm(
    /// Of the tasks.
    definition: Definition,
    /// What the fields begin with.
    initial: Vec<(String, String)>,
    /// What its rule means.
    told: Explained,
    /// The schedule, if it is there already.
    of: Option<Fresh<Schedule>>,
) -> impl IntoView {
    let change = of.is_some();
    let state = PostState::new(manage::PutSchedule::PATH, "");
    let fields = FormState::new("schedule");
    let go = use_navigate();
    let list = paths::schedules();
    let saved = RwSignal::new(false);
    let done = Callback::new(move |answer: Value| {
        if let Some(schedule) = of {
            saved.set(true);
            schedule.ask.run(());
        } else if let Some(name) = answer.as_str() {
            go(&format!("{list}/{name}"), NavigateOptions { resolve: false, ..NavigateOptions::default() });
        }
    });
    let initial = StoredValue::new(initial);
    let value = move |name: &str| initial.with_value(|initial| value_of(initial, name));
    let field = move |param: Param| {
        let value = initial.with_value(|initial| form::typed(&param, initial));
        view! { <FieldInput param form=fields value/> }.erase()
    };
    let name_field = if change {
        view! { <input type="hidden" name="name" value=value("name")/> <input type="hidden" name="change" value="true"/> }
            .erase()
    } else {
        let name = Param::new("name", ParamKind::text())
            .title("Name")
            .help("Such as nightly-backup: lower-case letters, digits, and - _ . between them.")
            .pattern("[a-z][a-z0-9_.-]*")
            .pattern_help(
                "Begin with a lower-case letter, then lower-case letters, digits, and - _ . only: no spaces.",
            )
            .max_len(100);
        field(name)
    };
    let params = definition
        .params
        .iter()
        .filter(|param| !param.kind.is_file())
        .map(|param| field(of_schedule(param, change)));
    let params = params.collect_view();
    let has_params = definition.params.iter().any(|param| !param.kind.is_file());
    let more = [
        missed(),
        optional("label", "Label", "What a person calls the tasks; the kind's title when empty."),
        optional("queue", "Queue", "Another queue than the kind's."),
        optional("priority", "Priority", "Higher goes first; 0 when empty."),
        optional(
            "key",
            "Key",
            "Only one active task has a key: a time that comes while the task before goes on starts none.",
        ),
    ]
    .map(field);
    view! {
        <PostForm state on_done=done class="td-form">
            <input type="hidden" name="kind" value=definition.kind.to_string()/>
            <Problems state definition=definition.clone()/>
            {name_field}
            <Rule state told of cron=value("cron").unwrap_or_default() zone=value("time_zone")/>
            {has_params.then(|| view! { <h2 class="dash-form-title">"Params of its tasks"</h2> })}
            {params}
            <details class="dash-more-fields">
                <summary>"More"</summary>
                <div class="td-form">{more}</div>
            </details>
            <div class="td-form-actions">
                <button
                    type="submit"
                    class="td-button td-button-primary"
                    aria-busy=move || state.pending.get().then_some("true")
                >
                    <Icon name="check"/>
                    <span class="td-button-text">{if change { "Save" } else { "Make the schedule" }}</span>
                </button>
                <p class="dash-said" role="status">
                    {move || (saved.get() && !state.pending.get() && state.error.with(Option::is_none)).then_some("Saved")}
                </p>
            </div>
        </PostForm>
    }
    .erase()
}

/// A param of the tasks as a field of the schedule's form. A secret that is stored is not shown, and need not be entered
/// again.
fn of_schedule(param: &Param, change: bool) -> Param {
    let name = format!("params[{}]", param.name);
    if !(change && param.kind.is_secret()) {
        return Param { name, ..param.clone() };
    }
    let help = format!("{} Stays as it is unless you enter another.", param.help);
    Param { name, help: help.trim_start().to_owned(), required: false, ..param.clone() }
}

fn optional(name: &str, title: &str, help: &str) -> Param {
    Param { required: false, ..Param::new(name, ParamKind::text()).title(title).help(help) }
}

fn missed() -> Param {
    let title = |missed: MissedFires| match missed {
        MissedFires::Skip => "Leave it out",
        MissedFires::Once => "One task for all that was missed",
        MissedFires::All => "A task for each",
    };
    let options = MissedFires::ALL
        .into_iter()
        .map(|missed| Choice { value: missed.name().to_owned(), title: title(missed).to_owned() })
        .collect();
    Param::new("missed", ParamKind::Choice { options })
        .title("When a time was missed")
        .help("Because the server was down.")
        .default_value(MissedFires::default().name().into())
}

/// What is wrong with the form as a whole, and with fields that do not show it themselves.
#[component]
fn Problems(
    /// Of the form.
    state: PostState,
    /// Of the tasks.
    definition: Definition,
) -> impl IntoView {
    let problems = Memo::new(move |_| {
        state.error.with(|error| error.as_ref().map(|error| problems(error, &definition)).unwrap_or_default())
    });
    view! {
        <div class="td-form-summary" role="alert" hidden=move || problems.with(Vec::is_empty)>
            <p>"Not saved."</p>
            <ul>{move || problems.get().into_iter().map(|text| view! { <li>{text}</li> }).collect_view()}</ul>
        </div>
    }
    .erase()
}

fn problems(error: &ApiError, definition: &Definition) -> Vec<String> {
    let Some(FieldErrors(fields)) = error.fields() else { return vec![error.to_string()] };
    let title = |field: &str| match field {
        "cron" => "When".to_owned(),
        "time_zone" => "Time zone".to_owned(),
        other => match other.strip_prefix("params.") {
            Some(param) => {
                definition.param(param).map_or_else(|| param.to_owned(), |param| param.title.clone())
            }
            None => {
                let mut letters = other.chars();
                letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
            }
        },
    };
    fields.iter().map(|(field, why)| format!("{}: {why}", title(field))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskdeck_core::{Kind, ScheduleName};

    use super::*;

    #[test]
    fn what_the_address_says_goes_before_the_schedule() {
        let spec = ScheduleSpec {
            params: json!({"steps": 3, "fast": true}),
            ..ScheduleSpec::new(ScheduleName::new("a").unwrap(), Kind::new("demo").unwrap(), "@daily")
        };
        let mut definition = Definition::new(spec.kind.clone());
        definition.params = vec![Param::of::<u8>("steps"), Param::of::<bool>("fast")];
        let fields = typed(&ParamsMap::new(), &definition, Some(&spec));
        assert_eq!(value_of(&fields, "params[fast]").as_deref(), Some("true"));
        let mut query = ParamsMap::new();
        query.insert("cron", "@hourly".to_owned());
        query.insert("missed", "skip".to_owned());
        query.insert("params[steps]", "many".to_owned());
        let fields = typed(&query, &definition, Some(&spec));
        let value = |name: &str| value_of(&fields, name);
        assert_eq!((value("name").as_deref(), value("cron").as_deref()), (Some("a"), Some("@hourly")));
        assert_eq!(value("params[steps]").as_deref(), Some("many"));
        assert_eq!(value("params[fast]").as_deref(), Some(""), "a box that is off is not sent");
    }

    #[test]
    fn what_is_wrong_is_told_by_the_titles_of_the_fields() {
        let mut definition = Definition::new(Kind::new("demo").unwrap());
        definition.params = vec![Param::of::<u8>("steps").title("Number of steps")];
        let mut fields = FieldErrors::default();
        for (name, why) in [("params.steps", "Too many."), ("cron", "No."), ("queue", "Bad.")] {
            fields.add(name, why);
        }
        let error = ApiError(taskdeck_core::DeckError::InvalidParams { fields });
        assert_eq!(problems(&error, &definition), ["When: No.", "Number of steps: Too many.", "Queue: Bad."]);
    }
}
