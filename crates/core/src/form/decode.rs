//! From the text of a form's fields to params.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::check::{check_value, entries, missing, validate};
use super::encode::{choice_of, kept};
use crate::{Definition, FieldErrors, Param, ParamKind, Timestamp, Upload};

/// The params that a form's fields say, checked.
///
/// A checkbox that is not among the fields is off, and choices of which none is there are none. An empty field of a
/// parameter that need not be given is no value. When a name occurs more than once the last one holds (a hidden "off"
/// before a checkbox); where several can be chosen each one does, as `name=value`, or `name:value=on` in forms whose
/// names must differ.
///
/// # Errors
/// What is wrong with each field.
///
/// ```
/// use std::collections::BTreeMap;
/// use taskdeck_core::{Definition, Kind, Param, ParamKind, form};
/// let mut definition = Definition::new(Kind::new("greet").unwrap());
/// definition.params = vec![Param::of::<String>("name"), Param::of::<u8>("times").default_of(1)];
/// let fields = [("name".to_owned(), "Ann".to_owned()), ("times".to_owned(), "3".to_owned())];
/// let params = form::decode(&definition, &fields, &BTreeMap::new()).unwrap();
/// assert_eq!(params, serde_json::json!({"name": "Ann", "times": 3}));
/// ```
pub fn decode(
    definition: &Definition,
    fields: &[(String, String)],
    files: &BTreeMap<String, Upload>,
) -> Result<Value, FieldErrors> {
    let mut params = Map::new();
    let mut errors = FieldErrors::default();
    for param in &definition.params {
        let text = fields.iter().rev().find(|(name, _)| *name == param.name).map(|(_, text)| text.as_str());
        let value = match &param.kind {
            ParamKind::File { .. } => {
                let file = files.get(&param.name).cloned().or_else(|| kept(param, fields));
                Ok(file.and_then(|file| serde_json::to_value(file).ok()))
            }
            ParamKind::Boolean => Ok(Some(Value::Bool(text.is_some_and(is_on)))),
            ParamKind::MultiChoice { .. } => Ok(unless_nothing(param, chosen(param, fields))),
            _ => text.map_or(Ok(None), |text| parse(param, text)),
        };
        match value {
            Ok(Some(value)) => {
                params.insert(param.name.clone(), value);
            }
            // An emptied field means "nothing", even where the default is something.
            Ok(None)
                if text.is_some() && !param.required && !param.kind.is_file() && param.default.is_some() =>
            {
                errors.add(&param.name, "Enter a value.");
            }
            Ok(None) => {}
            Err(message) => errors.add(&param.name, message),
        }
    }
    match validate(definition, Value::Object(params)) {
        Ok(params) => errors.into_result(params),
        Err(more) => {
            for (name, message) in more.0 {
                errors.add(&name, message);
            }
            Err(errors)
        }
    }
}

/// What is wrong with one field as it is typed, if anything.
#[must_use]
pub fn check_field(param: &Param, text: &str) -> Option<String> {
    match parse(param, text) {
        Err(message) => Some(message),
        Ok(Some(value)) => check_value(param, &value).err(),
        Ok(None) if param.required && !matches!(param.kind, ParamKind::Boolean) => Some(missing(param)),
        Ok(None) => None,
    }
}

pub(super) fn is_on(text: &str) -> bool {
    matches!(text, "on" | "true" | "1" | "yes")
}

/// The options that the fields of this name say, each once.
fn chosen(param: &Param, fields: &[(String, String)]) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for (name, text) in fields {
        let value = match choice_of(&param.name, name) {
            Some("") => text.as_str(),
            Some(option) if is_on(text) => option,
            _ => continue,
        };
        if !value.is_empty() && values.iter().all(|known| known != value) {
            values.push(Value::from(value));
        }
    }
    values
}

/// Several values; none at all where nothing was said and nothing need be.
fn unless_nothing(param: &Param, values: Vec<Value>) -> Option<Value> {
    let is_value = !values.is_empty() || param.required || param.default.is_some();
    is_value.then_some(Value::Array(values))
}

/// The value that a field's text says; `None` for no value.
fn parse(param: &Param, text: &str) -> Result<Option<Value>, String> {
    match &param.kind {
        ParamKind::List { of, .. } => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let values = entries(lines.map(|line| parse_one(of, line).map(Option::unwrap_or_default)))?;
            Ok(unless_nothing(param, values))
        }
        ParamKind::MultiChoice { .. } => {
            let lines: Vec<_> = text.lines().map(|line| (param.name.clone(), line.to_owned())).collect();
            Ok(unless_nothing(param, chosen(param, &lines)))
        }
        kind => parse_one(kind, text),
    }
}

fn parse_one(kind: &ParamKind, text: &str) -> Result<Option<Value>, String> {
    let trimmed = text.trim();
    match kind {
        // A required text may not be empty; one that is not required has no value then.
        ParamKind::Text { .. } | ParamKind::Secret { .. } if text.is_empty() => Ok(None),
        ParamKind::Text { .. } => Ok(Some(Value::String(text.replace("\r\n", "\n")))),
        // As it is: a blank may belong to it.
        ParamKind::Secret { .. } => Ok(Some(Value::from(text))),
        _ if trimmed.is_empty() => Ok(None),
        ParamKind::Integer { .. } => trimmed
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| trimmed.parse::<u64>().map(Value::from))
            .map(Some)
            .map_err(|_| "Enter a whole number.".to_owned()),
        ParamKind::Float { .. } => match trimmed.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(Value::from(number))),
            _ => Err("Enter a number.".to_owned()),
        },
        ParamKind::Boolean => Ok(Some(Value::Bool(is_on(trimmed)))),
        ParamKind::Choice { .. } | ParamKind::DateTime => Ok(Some(Value::String(trimmed.to_owned()))),
        ParamKind::Json => serde_json::from_str(trimmed)
            .map(Some)
            .map_err(|error| format!("This is not valid JSON: {error}.")),
        // These are read otherwise.
        ParamKind::File { .. } | ParamKind::MultiChoice { .. } | ParamKind::List { .. } => Ok(None),
    }
}

/// The time that a text says: RFC 3339, or what a field for date and time sends (`2026-01-31T08:00`), which is UTC.
///
/// ```
/// use taskdeck_core::form::time_of;
/// assert_eq!(time_of("2026-01-31T08:00"), time_of("2026-01-31 09:00:00+01:00"));
/// assert_eq!(time_of("tomorrow"), None);
/// ```
#[must_use]
pub fn time_of(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let as_it_is = || text.parse().ok();
    let without_zone = || format!("{text}Z").parse().ok();
    let without_seconds = || format!("{text}:00Z").parse().ok();
    as_it_is().or_else(without_zone).or_else(without_seconds)
}
