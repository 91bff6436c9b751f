//! From params to the text of a form's fields.

use serde_json::Value;

use super::decode::{is_on, time_of};
use crate::secret::secret_text;
use crate::{Definition, Param, ParamKind};

/// The fields that say these params: what [`decode`](super::decode) makes the same params of. Files are left out, since
/// only a person can choose them in a form.
#[must_use]
pub fn encode(definition: &Definition, params: &Value) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for param in &definition.params {
        let Some(value) = params.get(&param.name) else { continue };
        let mut add = |text: String| fields.push((param.name.clone(), text));
        match (&param.kind, value) {
            (ParamKind::Json, _) => add(value.to_string()),
            (ParamKind::File { .. }, _) | (_, Value::Null) => {}
            // Each that is chosen is a field of its own.
            (ParamKind::MultiChoice { .. }, Value::Array(chosen)) => {
                chosen.iter().map(field_text).for_each(add);
            }
            _ => add(field_value(param, value)),
        }
    }
    fields
}

/// The fields that a form begins with which is to say these params once more. Secrets are left out besides: what was
/// given once is not shown.
#[must_use]
pub fn prefill(definition: &Definition, params: &Value) -> Vec<(String, String)> {
    let mut fields = encode(definition, params);
    fields.retain(|(name, _)| definition.param(name).is_some_and(|param| !param.kind.is_secret()));
    fields
}

/// The text that stands for a value where its parameter is not known.
#[must_use]
pub fn field_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The text of a parameter's field that says this value; of several values, one a line.
#[must_use]
pub fn field_value(param: &Param, value: &Value) -> String {
    match (&param.kind, value) {
        (ParamKind::Json, Value::Object(_) | Value::Array(_)) => {
            serde_json::to_string_pretty(value).unwrap_or_default()
        }
        (ParamKind::Json, _) => value.to_string(),
        (ParamKind::Secret { .. }, _) => secret_text(value).unwrap_or_default().to_owned(),
        (_, Value::Array(values)) => values.iter().map(field_text).collect::<Vec<_>>().join("\n"),
        _ => field_text(value),
    }
}

/// What was typed into a parameter's field, from the fields of a form; of several values, one a line. The last holds
/// where there is one value; none where the form had no such field.
#[must_use]
pub fn typed(param: &Param, fields: &[(String, String)]) -> Option<String> {
    let own = |(name, text): &(String, String)| match choice_of(&param.name, name) {
        Some("") => Some(text.clone()),
        Some(value) if is_on(text) => Some(value.to_owned()),
        _ => None,
    };
    if !param.kind.is_many() {
        let last = fields.iter().rev().find(|(name, _)| *name == param.name);
        return last.map(|(_, text)| text.clone());
    }
    let values: Vec<_> = fields.iter().filter_map(own).collect();
    (!values.is_empty()).then(|| values.join("\n"))
}

/// The name of the box of an option, in forms where no two fields may have the same: `modes:fast`, `params[modes:fast]`.
/// Its value is `on`.
#[must_use]
pub fn choice_name(field: &str, option: &str) -> String {
    match field.strip_suffix(']') {
        Some(open) => format!("{open}:{option}]"),
        None => format!("{field}:{option}"),
    }
}

/// The option that a name says besides its field: nothing for the field's own name; none for another field's.
pub(super) fn choice_of<'a>(field: &str, name: &'a str) -> Option<&'a str> {
    if name == field {
        return Some("");
    }
    match field.strip_suffix(']') {
        Some(open) => name.strip_prefix(open)?.strip_prefix(':')?.strip_suffix(']'),
        None => name.strip_prefix(field)?.strip_prefix(':'),
    }
}

/// A point in time as a browser's field for date and time takes it: in UTC, without what is nought. What is no time
/// stays as it is.
///
/// ```
/// use taskdeck_core::form::clock_text;
/// assert_eq!(clock_text("2026-01-31T09:00:00+01:00"), "2026-01-31T08:00");
/// assert_eq!(clock_text("2026-01-31T08:00:05.000Z"), "2026-01-31T08:00:05");
/// ```
#[must_use]
pub fn clock_text(text: &str) -> String {
    let Some(at) = time_of(text) else { return text.to_owned() };
    let whole = at.to_string();
    let whole = whole.trim_end_matches('Z').trim_end_matches(".000");
    whole.strip_suffix(":00").unwrap_or(whole).to_owned()
}
