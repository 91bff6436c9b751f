//! The checks of params.

use serde_json::{Map, Value};

use super::decode::time_of;
use super::encode::number;
use super::file::check_file;
use crate::secret::{SECRET_MASK, marked, secret_text};
use crate::{Choice, Definition, FieldErrors, Param, ParamKind, Upload};

/// The params with their defaults filled in, checked against the definition.
///
/// # Errors
/// What is wrong with each param; a name that the kind does not have is wrong too.
pub fn validate(definition: &Definition, params: Value) -> Result<Value, FieldErrors> {
    validate_fields(&definition.params, params)
}

/// The values of these fields, checked, with the defaults of those that are not given. Times are written in UTC, and
/// secrets as they are stored.
///
/// # Errors
/// What is wrong with each field.
pub fn validate_fields(fields: &[Param], values: Value) -> Result<Value, FieldErrors> {
    let mut errors = FieldErrors::default();
    let mut given = match values {
        Value::Object(given) => given,
        Value::Null => Map::new(),
        _ => {
            errors.add("params", "The params must be a JSON object.");
            return Err(errors);
        }
    };
    let mut checked = Map::new();
    for param in fields {
        let value =
            given.remove(&param.name).filter(|value| !value.is_null() || param.kind == ParamKind::Json);
        match value.or_else(|| param.default.clone()) {
            Some(value) => match check_value(param, &value) {
                Ok(()) => {
                    checked.insert(param.name.clone(), as_stored(&param.kind, value));
                }
                Err(message) => errors.add(&param.name, message),
            },
            None if param.required => errors.add(&param.name, missing(param)),
            None => {}
        }
    }
    for name in given.keys() {
        errors.add(name, "There is no such parameter.");
    }
    errors.into_result(Value::Object(checked))
}

/// The fields of a question as they are for who declines: nothing need be filled in. What is filled in has to be right all
/// the same, so that no reason gets lost.
///
/// ```
/// use taskdeck_core::{Param, form};
/// let fields = form::when_declined(&[Param::of::<String>("reason").min_len(3)]);
/// let reason = |given| form::validate_fields(&fields, given);
/// assert_eq!(reason(serde_json::json!({})), Ok(serde_json::json!({})));
/// assert!(reason(serde_json::json!({"reason": "no"})).is_err());
/// ```
#[must_use]
pub fn when_declined(fields: &[Param]) -> Vec<Param> {
    let optional = |field: &Param| Param { required: false, default: None, ..field.clone() };
    fields.iter().map(optional).collect()
}

/// A value that was found right, in the one way in which it is stored.
fn as_stored(kind: &ParamKind, value: Value) -> Value {
    match (kind, value) {
        (ParamKind::Secret { .. }, value) => secret_text(&value).map(marked).unwrap_or(value),
        (ParamKind::DateTime, Value::String(text)) => {
            time_of(&text).map_or(Value::String(text), |at| Value::from(at.to_string()))
        }
        (ParamKind::List { of, .. }, Value::Array(values)) => {
            values.into_iter().map(|value| as_stored(of, value)).collect()
        }
        (_, value) => value,
    }
}

/// Puts the secrets among params under their mark, for those who keep params otherwise than checked, with the defaults
/// left out.
pub fn mark_secrets(definition: &Definition, params: &mut Value) {
    for param in definition.params.iter().filter(|param| param.kind.is_secret()) {
        if let Some(value) = params.get_mut(&param.name)
            && let Some(text) = secret_text(value)
        {
            *value = marked(text);
        }
    }
}

pub(super) fn missing(param: &Param) -> String {
    match param.kind {
        ParamKind::File { .. } => "Choose a file.".to_owned(),
        ParamKind::Choice { .. } => "Choose one.".to_owned(),
        _ => "Enter a value.".to_owned(),
    }
}

/// Whether a value fits a parameter.
///
/// # Errors
/// What is wrong with it.
pub fn check_value(param: &Param, value: &Value) -> Result<(), String> {
    match &param.kind {
        ParamKind::File { .. } => match serde_json::from_value::<Upload>(value.clone()) {
            Ok(file) => check_file(param, &file.name, file.size, &file.media_type).map_or(Ok(()), Err),
            Err(_) => Err("This must be an uploaded file.".to_owned()),
        },
        kind => check_kind(kind, value),
    }
}

fn check_kind(kind: &ParamKind, value: &Value) -> Result<(), String> {
    match kind {
        ParamKind::Text { min_len, max_len, pattern, pattern_help, .. } => {
            let text = value.as_str().ok_or("This must be text.")?;
            check_length(text, *min_len, *max_len)?;
            check_pattern(text, pattern.as_deref(), pattern_help.as_deref())
        }
        ParamKind::Secret { min_len, max_len } => {
            let text = secret_text(value).ok_or("This must be text.")?;
            if text == SECRET_MASK {
                return Err("Enter it again: what was entered before is not shown.".to_owned());
            }
            check_length(text, *min_len, *max_len)
        }
        ParamKind::Integer { min, max } => check_integer(value, *min, *max),
        ParamKind::Float { min, max } => {
            let value = value.as_f64().ok_or("This must be a number.")?;
            match (min, max) {
                (Some(min), _) if value < *min => Err(format!("Enter at least {}.", number(*min))),
                (_, Some(max)) if value > *max => Err(format!("Enter at most {}.", number(*max))),
                _ => Ok(()),
            }
        }
        ParamKind::Boolean => {
            value.as_bool().map(|_| ()).ok_or_else(|| "This must be true or false.".to_owned())
        }
        ParamKind::Choice { options } => match value.as_str() {
            Some(text) if has(options, text) => Ok(()),
            _ => Err(format!("Choose one of: {}.", names(options))),
        },
        ParamKind::DateTime => match value.as_str().and_then(time_of) {
            Some(_) => Ok(()),
            None => Err("Enter a date and time such as 2026-01-31T08:00, in UTC.".to_owned()),
        },
        ParamKind::MultiChoice { options, min_items, max_items } => {
            let chosen = value.as_array().ok_or("This must be a list.")?;
            for (index, one) in chosen.iter().enumerate() {
                if !one.as_str().is_some_and(|text| has(options, text)) {
                    return Err(format!("Choose some of: {}.", names(options)));
                }
                if chosen[..index].contains(one) {
                    return Err("Each can be chosen once.".to_owned());
                }
            }
            check_count("Choose", chosen.len() as u64, *min_items, *max_items)
        }
        ParamKind::List { of, min_items, max_items } => {
            let values = value.as_array().ok_or("This must be a list.")?;
            check_count("Enter", values.len() as u64, *min_items, *max_items)?;
            entries(values.iter().map(|one| check_kind(of, one))).map(drop)
        }
        ParamKind::File { .. } => Err("This must be an uploaded file.".to_owned()),
        ParamKind::Json => Ok(()),
    }
}

/// Of so many entries of a list it is told what is wrong with them, and of the others how many they are.
const MOST_TOLD: usize = 3;

/// The entries of a list, or what is wrong with them.
pub(super) fn entries<T>(read: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, String> {
    let (mut right, mut told, mut wrong) = (Vec::new(), Vec::new(), 0);
    for (index, entry) in read.enumerate() {
        match entry {
            Ok(value) => right.push(value),
            Err(message) => {
                wrong += 1;
                if wrong <= MOST_TOLD {
                    told.push(format!("Entry {}: {message}", index + 1));
                }
            }
        }
    }
    match wrong {
        0 => return Ok(right),
        1..=MOST_TOLD => {}
        more => told.push(format!("{} more are wrong.", more - MOST_TOLD)),
    }
    Err(told.join(" "))
}

fn has(options: &[Choice], text: &str) -> bool {
    options.iter().any(|option| option.value == text)
}

fn names(options: &[Choice]) -> String {
    options.iter().map(|option| option.value.as_str()).collect::<Vec<_>>().join(", ")
}

fn check_count(verb: &str, count: u64, min: u64, max: Option<u64>) -> Result<(), String> {
    match max {
        _ if count < min => Err(format!("{verb} at least {min}.")),
        Some(max) if count > max => Err(format!("{verb} at most {max}; these are {count}.")),
        _ => Ok(()),
    }
}

fn check_length(text: &str, min: Option<u64>, max: Option<u64>) -> Result<(), String> {
    let length = text.chars().count() as u64;
    match (min, max) {
        (Some(min), _) if length < min => Err(format!("Enter at least {min} characters.")),
        (_, Some(max)) if length > max => Err(format!("Enter at most {max} characters; these are {length}.")),
        _ => Ok(()),
    }
}

fn check_pattern(text: &str, pattern: Option<&str>, help: Option<&str>) -> Result<(), String> {
    match pattern.map(whole_pattern) {
        Some(Ok(expression)) if !expression.is_match(text) => Err(help.map_or_else(
            || format!("This must match the pattern {}.", pattern.unwrap_or_default()),
            ToOwned::to_owned,
        )),
        Some(Err(error)) => Err(format!("The pattern of this parameter is broken: {error}.")),
        _ => Ok(()),
    }
}

fn check_integer(value: &Value, min: i64, max: u64) -> Result<(), String> {
    let too_small = || Err(format!("Enter at least {min}."));
    let too_great = || Err(format!("Enter at most {max}."));
    if let Some(number) = value.as_i64() {
        return match number {
            n if n < min => too_small(),
            n if u64::try_from(n).is_ok_and(|n| n > max) => too_great(),
            _ => Ok(()),
        };
    }
    match value.as_u64() {
        Some(number) if number > max => too_great(),
        Some(_) => Ok(()),
        None => Err("This must be a whole number.".to_owned()),
    }
}

pub(crate) fn whole_pattern(expression: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    regex_lite::Regex::new(&format!("^(?:{expression})$"))
}
