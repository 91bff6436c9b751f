//! Options: one of them, or several.

use leptos::prelude::*;
use taskdeck_core::form::choice_name;
use taskdeck_core::{Choice, Param, ParamKind};

use super::field::{Field, title_of};
use crate::Erase;

/// Up to this many options are shown as radio buttons, when one of them must be chosen.
const MOST_RADIOS: usize = 4;

/// Radio buttons cannot be taken back: where "none" is an answer, there is a select.
pub(super) fn uses_radios(param: &Param) -> bool {
    let ParamKind::Choice { options } = &param.kind else { return false };
    options.len() <= MOST_RADIOS && (param.required || param.default.is_some())
}

pub(super) fn radios(
    field: &Field,
    param: &Param,
    options: Vec<Choice>,
    value: &str,
    help: Option<AnyView>,
) -> AnyView {
    let chosen = field.check_typed(param);
    let options = options.into_iter().map(|option| {
        let chosen = chosen.clone();
        let is_chosen = option.value == value;
        view! {
            <label class="td-radio">
                <input
                    type="radio"
                    name=param.name.clone()
                    value=option.value
                    checked=is_chosen
                    required=param.required
                    on:change=move |event| chosen(event_target_value(&event), true)
                />
                {option.title}
            </label>
        }
    });
    let options = options.collect_view();
    group(field, param, help, options.erase())
}

/// A box for each option. `value` has those that are chosen, one a line.
pub(super) fn boxes(
    field: &Field,
    param: &Param,
    options: Vec<Choice>,
    value: &str,
    help: Option<AnyView>,
) -> AnyView {
    let check = field.check_typed(param);
    let is_chosen: Vec<bool> =
        options.iter().map(|option| value.lines().any(|line| line == option.value)).collect();
    let chosen = StoredValue::new(is_chosen.clone());
    let values: StoredValue<Vec<String>> =
        StoredValue::new(options.iter().map(|option| option.value.clone()).collect());
    let changed = move |index: usize, on: bool| {
        chosen.update_value(|chosen| chosen[index] = on);
        let lines = values.with_value(|values| {
            let on = values.iter().zip(chosen.get_value()).filter(|(_, on)| *on);
            on.map(|(value, _)| value.as_str()).collect::<Vec<_>>().join("\n")
        });
        check(lines, true);
    };
    // Where names stand in brackets, the form is read as a map, and no two fields may have the same.
    let is_scoped = param.name.ends_with(']');
    let options = options.into_iter().zip(is_chosen).enumerate().map(|(index, (option, is_chosen))| {
        let changed = changed.clone();
        let (name, value) = match is_scoped {
            true => (choice_name(&param.name, &option.value), "on".to_owned()),
            false => (param.name.clone(), option.value),
        };
        view! {
            <label class="td-check">
                <input
                    type="checkbox"
                    name=name
                    value=value
                    checked=is_chosen
                    on:change=move |event| changed(index, event_target_checked(&event))
                />
                {option.title}
            </label>
        }
    });
    let options = options.collect_view();
    group(field, param, help, options.erase())
}

fn group(field: &Field, param: &Param, help: Option<AnyView>, options: AnyView) -> AnyView {
    view! {
        <fieldset id=field.id.clone() aria-describedby=field.described_by() aria-invalid=field.invalid()>
            <legend class="td-label">{title_of(param)}</legend>
            {help}
            <div class="td-radios">{options}</div>
        </fieldset>
    }
    .erase()
}

pub(super) fn select(field: &Field, param: &Param, options: Vec<Choice>, value: &str) -> AnyView {
    let chosen = field.check_typed(param);
    let none = (param.default.is_none()).then(|| {
        let text = if param.required { "Choose one" } else { "None" };
        view! { <option value="" selected=value.is_empty()>{text}</option> }
    });
    let options = options.into_iter().map(|option| {
        let is_chosen = option.value == value;
        view! { <option value=option.value selected=is_chosen>{option.title}</option> }
    });
    let options = options.collect_view();
    view! {
        <select
            class="td-select"
            id=field.id.clone()
            name=param.name.clone()
            required=param.required
            aria-describedby=field.described_by()
            aria-invalid=field.invalid()
            on:change=move |event| chosen(event_target_value(&event), true)
        >
            {none}
            {options}
        </select>
    }
    .erase()
}
