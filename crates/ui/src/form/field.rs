//! One field.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use taskdeck_core::form::{field_value, number};
use taskdeck_core::{Param, ParamKind};

use super::choices::{boxes, radios, select, uses_radios};
use super::file::file_field;
use super::state::FormState;
use super::time::date_time;
use crate::Erase;

/// The field of a param: its label, its help, the control that fits its type, and what is wrong with it.
#[component]
pub fn FieldInput(
    /// The param.
    param: Param,
    /// The form that it belongs to; one of its own when not said.
    #[prop(optional, into)]
    form: Option<FormState>,
    /// The text to begin with (of several values, one a line); the param's default when not said.
    #[prop(optional_no_strip, into)]
    value: Option<String>,
) -> impl IntoView {
    let form = form.unwrap_or_else(|| FormState::new("field"));
    let default = || param.default.as_ref().map(|value| field_value(&param, value));
    let value = value.or_else(default).unwrap_or_default();
    let field = Field::new(form, &param);
    let error = form.error(&param.name);
    let kind = param.kind.type_name();
    let is_group = uses_radios(&param) || matches!(param.kind, ParamKind::MultiChoice { .. });
    // Else the title stands behind the box, or in the group's legend.
    let is_labelled = !is_group && param.kind != ParamKind::Boolean;
    let label = is_labelled.then(|| {
        view! { <label class="td-label" for=field.id.clone()>{title_of(&param)}</label> }
    });
    let help = field
        .has_help
        .then(|| view! { <p class="td-help" id=field.help_id.clone()>{help_of(&param)}</p> }.erase());
    let (above, within, below) = match (is_labelled, is_group) {
        (true, _) => (help, None, None),
        (_, true) => (None, help, None),
        _ => (None, None, help),
    };
    let error_id = field.error_id.clone();
    let leave = {
        let name = param.name.clone();
        move |_| form.touch(&name)
    };
    let control = match param.kind.clone() {
        ParamKind::Boolean => checkbox(&field, &param, &value),
        ParamKind::Choice { options } if is_group => radios(&field, &param, options, &value, within),
        ParamKind::Choice { options } => select(&field, &param, options, &value),
        ParamKind::MultiChoice { options, .. } => boxes(&field, &param, options, &value, within),
        ParamKind::DateTime => date_time(&field, &param, &value),
        ParamKind::Secret { .. } => secret(&field, &param, value),
        ParamKind::File { .. } => file_field(field, param, value).erase(),
        ParamKind::Text { multiline: true, .. } => textarea(&field, &param, value, None),
        ParamKind::Json | ParamKind::List { .. } => textarea(&field, &param, value, Some("false")),
        ParamKind::Text { .. } => line(&field, &param, value, None),
        // As text, so that what is typed stays as it is: a number field drops what it cannot read, and rounds what is
        // large.
        ParamKind::Integer { .. } => line(&field, &param, value, Some("numeric")),
        ParamKind::Float { .. } => line(&field, &param, value, Some("decimal")),
    };
    view! {
        <div
            class=move || if error.with(Option::is_some) { "td-field td-field-invalid" } else { "td-field" }
            data-type=kind
            on:focusout=leave
        >
            {label}
            {above}
            {control}
            {below}
            <p class="td-field-error" id=error_id hidden=move || error.with(Option::is_none)>
                {move || error.get().unwrap_or_default()}
            </p>
        </div>
    }
    .erase()
}

/// Who has not typed for so long pauses.
const PAUSE: Duration = Duration::from_millis(700);

/// What the controls share.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) form: FormState,
    pub(super) id: String,
    pub(super) error: Memo<Option<String>>,
    help_id: String,
    error_id: String,
    has_help: bool,
}

impl Field {
    fn new(form: FormState, param: &Param) -> Self {
        Self {
            form,
            id: form.id(&param.name),
            error: form.error(&param.name),
            help_id: form.id(&format!("{}-help", param.name)),
            error_id: form.id(&format!("{}-error", param.name)),
            has_help: !help_of(param).is_empty(),
        }
    }

    /// The ids of the texts that describe the control.
    pub(super) fn described_by(&self) -> impl Fn() -> Option<String> + Clone + Send + Sync + use<> {
        let (error, has_help) = (self.error, self.has_help);
        let (help_id, error_id) = (self.help_id.clone(), self.error_id.clone());
        move || match (has_help, error.with(Option::is_some)) {
            (true, true) => Some(format!("{error_id} {help_id}")),
            (true, false) => Some(help_id.clone()),
            (false, true) => Some(error_id.clone()),
            (false, false) => None,
        }
    }

    pub(super) fn invalid(&self) -> impl Fn() -> Option<&'static str> + Clone + Send + Sync + use<> {
        let error = self.error;
        move || error.with(Option::is_some).then_some("true")
    }

    /// Checks what was typed: with every letter once the reader has been through the field, else when they pause or leave
    /// it, so that nobody is told of a fault in the middle of a word.
    pub(super) fn check_typed(&self, param: &Param) -> impl Fn(String, bool) + Clone + Send + Sync + use<> {
        let (form, param) = (self.form, Arc::new(param.clone()));
        let turn = StoredValue::new(0_u32);
        move |text, left| {
            let this = turn.try_update_value(|turn| {
                *turn = turn.wrapping_add(1);
                *turn
            });
            if left || form.is_touched(&param.name) {
                form.look(&param, &text);
            } else if !text.is_empty() {
                let param = Arc::clone(&param);
                let look = move || {
                    if turn.try_get_value() == this && this.is_some() {
                        form.touch(&param.name);
                        form.look(&param, &text);
                    }
                };
                set_timeout(look, PAUSE);
            }
        }
    }
}

/// The help, then what the value must be like, and how several are typed.
fn help_of(param: &Param) -> String {
    let how = if let ParamKind::List { .. } = param.kind { "One a line." } else { "" };
    let bounds = bounds(&param.kind);
    let parts = [param.help.as_str(), bounds.as_str(), how];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The bounds of a type (65,535 of a port, say) and of a text that nobody writes so long are no help.
const MOST_TOLD: u64 = 10_000;

/// What the value must be like, where that is not what anybody would take for granted.
fn bounds(kind: &ParamKind) -> String {
    let (least, most, of) = match kind {
        ParamKind::Text { min_len, max_len, .. } => {
            let told = |length: &u64| *length < MOST_TOLD;
            let least = min_len.filter(|min| *min > 1 && told(min));
            (least.map(|min| min.to_string()), max_len.filter(told).map(|max| max.to_string()), " characters")
        }
        ParamKind::Integer { min, max } => {
            let least = (*min != 0 && min.unsigned_abs() < MOST_TOLD).then(|| min.to_string());
            // What begins at nothing and ends somewhere is told whole.
            let least = least.or_else(|| (*min == 0 && *max < MOST_TOLD).then(|| "0".to_owned()));
            (least, (*max < MOST_TOLD).then(|| max.to_string()), "")
        }
        ParamKind::Float { min, max } => (min.map(number), max.map(number), ""),
        _ => return String::new(),
    };
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}{of}."),
        (Some(least), None) => format!("At least {least}{of}."),
        (None, Some(most)) => format!("At most {most}{of}."),
        (None, None) => String::new(),
    }
}

pub(super) fn title_of(param: &Param) -> impl IntoView + use<> {
    let must_be_given = match param.kind {
        ParamKind::MultiChoice { min_items, .. } | ParamKind::List { min_items, .. } => min_items > 0,
        _ => param.required,
    };
    let mark = must_be_given.then(|| view! { <span class="td-required" aria-hidden="true">"*"</span> });
    view! { {param.title.clone()} {mark} }
}

fn line(field: &Field, param: &Param, value: String, mode: Option<&'static str>) -> AnyView {
    let typed = field.check_typed(param);
    let left = typed.clone();
    view! {
        <input
            class="td-input"
            type="text"
            inputmode=mode
            autocomplete="off"
            id=field.id.clone()
            name=param.name.clone()
            value=value
            required=param.required
            aria-describedby=field.described_by()
            aria-invalid=field.invalid()
            on:input=move |event| typed(event_target_value(&event), false)
            on:blur=move |event| left(event_target_value(&event), true)
        />
    }
    .erase()
}

fn textarea(field: &Field, param: &Param, value: String, spellcheck: Option<&'static str>) -> AnyView {
    let typed = field.check_typed(param);
    let left = typed.clone();
    view! {
        <textarea
            class="td-textarea"
            rows="4"
            spellcheck=spellcheck
            id=field.id.clone()
            name=param.name.clone()
            required=param.required && !param.kind.is_many()
            aria-describedby=field.described_by()
            aria-invalid=field.invalid()
            on:input=move |event| typed(event_target_value(&event), false)
            on:blur=move |event| left(event_target_value(&event), true)
        >
            {value}
        </textarea>
    }
    .erase()
}

fn checkbox(field: &Field, param: &Param, value: &str) -> AnyView {
    // The texts that core takes for "on".
    let on = matches!(value, "on" | "true" | "1" | "yes");
    view! {
        <label class="td-check">
            <input
                type="checkbox"
                id=field.id.clone()
                name=param.name.clone()
                checked=on
                aria-describedby=field.described_by()
                aria-invalid=field.invalid()
            />
            {param.title.clone()}
        </label>
    }
    .erase()
}

/// A secret is typed unseen, and a form that comes back does not have it.
fn secret(field: &Field, param: &Param, value: String) -> AnyView {
    let typed = field.check_typed(param);
    let left = typed.clone();
    view! {
        <input
            class="td-input"
            type="password"
            autocomplete="new-password"
            spellcheck="false"
            id=field.id.clone()
            name=param.name.clone()
            value=value
            required=param.required
            aria-describedby=field.described_by()
            aria-invalid=field.invalid()
            on:input=move |event| typed(event_target_value(&event), false)
            on:blur=move |event| left(event_target_value(&event), true)
        />
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_told_where_they_help() {
        let of = |param: Param| help_of(&param);
        assert_eq!(of(Param::of::<u32>("copies").min(1.0).max(10.0).help("How many.")), "How many. 1 to 10.");
        assert_eq!(of(Param::of::<u8>("level")), "0 to 255.");
        assert_eq!(of(Param::of::<u16>("port")), "", "the bounds of its type");
        assert_eq!(of(Param::of::<i64>("shift")), "");
        assert_eq!(of(Param::of::<f64>("share").min(0.0).max(1.0)), "0 to 1.");
        assert_eq!(of(Param::of::<String>("name").min_len(2).max_len(60)), "2 to 60 characters.");
        assert_eq!(of(Param::of::<String>("name").min_len(1).max_len(500)), "At most 500 characters.");
        assert_eq!(of(Param::of::<Vec<u16>>("ports")), "One a line.");
    }
}
