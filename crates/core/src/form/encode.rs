//! From params to the text of a form's fields.

use std::borrow::Cow;

use serde_json::Value;

use super::decode::{is_on, time_of};
use crate::secret::{SECRET_MASK, secret_text};
use crate::{Definition, Param, ParamKind, Upload};

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

/// The fields that a form begins with which is to say these params once more: files that the server has it keeps.
/// Secrets are left out: what was given once is not shown.
#[must_use]
pub fn prefill(definition: &Definition, params: &Value) -> Vec<(String, String)> {
    let mut fields = encode(definition, params);
    fields.retain(|(name, _)| definition.param(name).is_some_and(|param| !param.kind.is_secret()));
    for param in definition.params.iter().filter(|param| param.kind.is_file()) {
        let file = params.get(&param.name).filter(|value| !value.is_null());
        fields.extend(file.map(|file| (kept_name(&param.name), file.to_string())));
    }
    fields
}

/// The kind as the form of a task that is there already shows it: a secret that it has is not shown, and need not be
/// entered again ([`keep_typed_secrets`]).
#[must_use]
pub fn with_secrets_kept(mut definition: Definition) -> Definition {
    for param in definition.params.iter_mut().filter(|param| param.kind.is_secret()) {
        param.required = false;
        param.help =
            format!("{} Stays as it is unless you enter another.", param.help).trim_start().to_owned();
    }
    definition
}

/// Puts the mask into `params`, as such a form gave them, where no secret was entered and `before` (as it is shown) has
/// one: whoever stores them keeps that secret.
pub fn keep_typed_secrets(definition: &Definition, params: &mut Value, before: &Value) {
    let Value::Object(given) = params else { return };
    for param in definition.params.iter().filter(|param| param.kind.is_secret()) {
        if before.get(&param.name).is_some_and(|shown| *shown == SECRET_MASK) {
            given.entry(param.name.clone()).or_insert_with(|| Value::from(SECRET_MASK));
        }
    }
}

/// The name of the field that says which file of the server is taken when no other is chosen: its value is the file as
/// JSON.
#[must_use]
pub fn kept_name(field: &str) -> String {
    choice_name(field, "kept")
}

/// The file that a form keeps.
pub(super) fn kept(param: &Param, fields: &[(String, String)]) -> Option<Upload> {
    let name = kept_name(&param.name);
    let (_, text) = fields.iter().rev().find(|(other, _)| *other == name)?;
    // By way of a value, as all JSON is read in the browser.
    serde_json::from_value(serde_json::from_str(text).ok()?).ok()
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

/// A number with a fraction as it is written in a text: `0.5`, `2`.
///
/// By the way of JSON, which is there anyway: `f64`'s own is twenty kilobytes of WASM.
#[must_use]
pub fn number(value: f64) -> String {
    let text = Value::from(value).to_string();
    text.strip_suffix(".0").map_or_else(|| text.clone(), ToOwned::to_owned)
}

/// A text as it can be shown: control characters that are no line breaks or tabs by the pictures that Unicode has for
/// them, `␛` for an escape. (The log reads escapes as colours; params and results are what they are.)
///
/// ```
/// assert_eq!(taskdeck_core::form::visible("\u{1b}[31mred\n"), "␛[31mred\n");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: &char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.chars().any(|c| hidden(&c)) {
        return Cow::Borrowed(text);
    }
    let picture = |c: char| match u32::from(c) {
        0x7f => '␡',
        code @ ..0x20 => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::REPLACEMENT_CHARACTER,
    };
    text.chars().map(|c| if hidden(&c) { picture(c) } else { c }).collect()
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
    if param.kind.is_file() {
        return kept(param, fields).and_then(|file| serde_json::to_string(&file).ok());
    }
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
