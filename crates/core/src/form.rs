//! Forms: from text fields to params, and the checks of params. The browser, the server functions and the REST API
//! use the same code, so that what the form says as you type is what the server says.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{Definition, FieldErrors, Param, ParamKind, Upload};

/// The params that a form's fields say, checked.
///
/// A checkbox that is not among the fields is off. An empty field of a parameter that need not be given is no value.
/// When a name occurs more than once the last one holds (a hidden "off" before a checkbox).
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
                Ok(files.get(&param.name).and_then(|file| serde_json::to_value(file).ok()))
            }
            ParamKind::Boolean => Ok(Some(Value::Bool(text.is_some_and(is_on)))),
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

fn is_on(text: &str) -> bool {
    matches!(text, "on" | "true" | "1" | "yes")
}

/// The value that a field's text says; `None` for no value.
fn parse(param: &Param, text: &str) -> Result<Option<Value>, String> {
    let trimmed = text.trim();
    match &param.kind {
        // A required text may not be empty; one that is not required has no value then.
        ParamKind::Text { .. } if text.is_empty() => Ok(None),
        ParamKind::Text { .. } => Ok(Some(Value::String(text.replace("\r\n", "\n")))),
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
        ParamKind::Choice { .. } => Ok(Some(Value::String(trimmed.to_owned()))),
        ParamKind::Json => serde_json::from_str(trimmed)
            .map(Some)
            .map_err(|error| format!("This is not valid JSON: {error}.")),
        ParamKind::File { .. } => Ok(None),
    }
}

/// The fields that say these params: what [`decode`] makes the same params of. Files are left out, since only a person
/// can choose them in a form.
#[must_use]
pub fn encode(definition: &Definition, params: &Value) -> Vec<(String, String)> {
    let field = |param: &Param| {
        let value = params.get(&param.name)?;
        let text = match &param.kind {
            ParamKind::File { .. } => return None,
            ParamKind::Json => value.to_string(),
            _ if value.is_null() => return None,
            _ => field_text(value),
        };
        Some((param.name.clone(), text))
    };
    definition.params.iter().filter_map(field).collect()
}

/// The text that a form's field shows for a value.
#[must_use]
pub fn field_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
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

/// The params with their defaults filled in, checked against the definition.
///
/// # Errors
/// What is wrong with each param; a name that the kind does not have is wrong too.
pub fn validate(definition: &Definition, params: Value) -> Result<Value, FieldErrors> {
    validate_fields(&definition.params, params)
}

/// The values of these fields, checked, with the defaults of those that are not given.
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
                    checked.insert(param.name.clone(), value);
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

fn missing(param: &Param) -> String {
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
        ParamKind::Text { min_len, max_len, pattern, .. } => {
            let text = value.as_str().ok_or("This must be text.")?;
            check_text(text, *min_len, *max_len, pattern.as_deref())
        }
        ParamKind::Integer { min, max } => check_integer(value, *min, *max),
        ParamKind::Float { min, max } => {
            let number = value.as_f64().ok_or("This must be a number.")?;
            match (min, max) {
                (Some(min), _) if number < *min => Err(format!("The least is {min}.")),
                (_, Some(max)) if number > *max => Err(format!("The greatest is {max}.")),
                _ => Ok(()),
            }
        }
        ParamKind::Boolean => {
            value.as_bool().map(|_| ()).ok_or_else(|| "This must be true or false.".to_owned())
        }
        ParamKind::Choice { options } => match value.as_str() {
            Some(text) if options.iter().any(|option| option.value == text) => Ok(()),
            _ => {
                let names: Vec<_> = options.iter().map(|option| option.value.as_str()).collect();
                Err(format!("Choose one of: {}.", names.join(", ")))
            }
        },
        ParamKind::File { .. } => match serde_json::from_value::<Upload>(value.clone()) {
            Ok(file) => check_file(param, &file.name, file.size, &file.media_type).map_or(Ok(()), Err),
            Err(_) => Err("This must be an uploaded file.".to_owned()),
        },
        ParamKind::Json => Ok(()),
    }
}

fn check_text(text: &str, min: Option<u64>, max: Option<u64>, pattern: Option<&str>) -> Result<(), String> {
    let length = text.chars().count() as u64;
    match (min, max) {
        (Some(min), _) if length < min => return Err(format!("Enter at least {min} characters.")),
        (_, Some(max)) if length > max => {
            return Err(format!("Enter at most {max} characters; these are {length}."));
        }
        _ => {}
    }
    match pattern.map(whole_pattern) {
        Some(Ok(expression)) if !expression.is_match(text) => {
            Err(format!("This must match the pattern {}.", pattern.unwrap_or_default()))
        }
        Some(Err(error)) => Err(format!("The pattern of this parameter is broken: {error}.")),
        _ => Ok(()),
    }
}

fn check_integer(value: &Value, min: i64, max: u64) -> Result<(), String> {
    let too_small = || Err(format!("The least is {min}."));
    let too_great = || Err(format!("The greatest is {max}."));
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

/// What is wrong with a file for this parameter, if anything: checked before it is sent, and again on the server.
#[must_use]
pub fn check_file(param: &Param, name: &str, size: u64, media_type: &str) -> Option<String> {
    let ParamKind::File { accept, max_bytes } = &param.kind else {
        return Some("This parameter takes no file.".to_owned());
    };
    let name = name.to_ascii_lowercase();
    let fits = |what: &String| match what.strip_suffix("/*") {
        Some(family) => media_type.split('/').next() == Some(family),
        None if what.starts_with('.') => name.ends_with(&what.to_ascii_lowercase()),
        None => media_type == what,
    };
    if !accept.is_empty() && !accept.iter().any(fits) {
        return Some(format!("Choose a file of type {}.", accept.join(", ")));
    }
    match max_bytes {
        Some(max) if size > *max => {
            Some(format!("The file is too large: {}; at most {} are taken.", bytes(size), bytes(*max)))
        }
        _ => None,
    }
}

/// A number of bytes for people: `31.1 MB`. Decimal units (1 kB = 1,000 bytes).
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1_000 {
        return format!("{count} B");
    }
    let mut size = count as f64 / 1_000.0;
    let mut unit = 0;
    // 999.95 would be shown as 1000.0.
    while size >= 999.95 && unit + 1 < UNITS.len() {
        size /= 1_000.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

pub(crate) fn whole_pattern(expression: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    regex_lite::Regex::new(&format!("^(?:{expression})$"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{FileId, Kind};

    fn definition(params: Vec<Param>) -> Definition {
        Definition { params, ..Definition::new(Kind::new("sample").unwrap()) }
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn decode_with(params: Vec<Param>, pairs: &[(&str, &str)]) -> Result<Value, FieldErrors> {
        decode(&definition(params), &fields(pairs), &BTreeMap::new())
    }

    #[test]
    fn encoded_params_are_decoded_to_the_same() {
        let mut definition = Definition::new(crate::Kind::new("all").unwrap());
        definition.params = vec![
            Param::of::<String>("text"),
            Param::of::<i64>("number"),
            Param::of::<f64>("ratio"),
            Param::of::<bool>("on"),
            Param::of::<Option<String>>("none"),
            Param::new("json", ParamKind::Json),
        ];
        let params = serde_json::json!(
            {"text": "a\nb", "number": i64::MIN, "ratio": 0.1, "on": false, "none": null, "json": "a text"}
        );
        let fields = encode(&definition, &params);
        let mut expected = params;
        expected.as_object_mut().unwrap().remove("none");
        assert_eq!(decode(&definition, &fields, &BTreeMap::new()).unwrap(), expected);
    }

    #[test]
    fn an_absent_checkbox_is_off_even_when_the_default_is_on() {
        let params = vec![Param::of::<bool>("header").default_of(true)];
        assert_eq!(decode_with(params.clone(), &[]), Ok(json!({"header": false})));
        assert_eq!(
            decode_with(params.clone(), &[("header", "off"), ("header", "on")]),
            Ok(json!({"header": true}))
        );
        assert_eq!(
            validate(&definition(params), json!({})),
            Ok(json!({"header": true})),
            "the API has defaults"
        );
    }

    #[test]
    fn every_fault_is_told_by_its_field() {
        let params = vec![
            Param::of::<String>("name").min_len(3),
            Param::of::<u8>("times"),
            Param::of::<f64>("share").max(1.0),
            Param::of::<Upload>("file"),
        ];
        let errors = decode_with(params, &[("name", "ab"), ("times", "300"), ("share", "2")]).unwrap_err();
        assert_eq!(errors.get("name"), Some("Enter at least 3 characters."));
        assert_eq!(errors.get("times"), Some("The greatest is 255."));
        assert_eq!(errors.get("share"), Some("The greatest is 1."));
        assert_eq!(errors.get("file"), Some("Choose a file."));
    }

    #[test]
    fn big_numbers_stay_intact() {
        let params = vec![Param::of::<u64>("big"), Param::of::<i64>("low")];
        let texts = [("big", "18446744073709551615"), ("low", "-9223372036854775808")];
        assert_eq!(decode_with(params, &texts), Ok(json!({"big": u64::MAX, "low": i64::MIN})));
    }

    #[test]
    fn a_pattern_must_match_the_whole_text() {
        let param = Param::of::<String>("table").pattern("[a-z]+|[0-9]+");
        assert_eq!(check_field(&param, "abc"), None);
        assert!(check_field(&param, "abc1").is_some());
    }

    #[test]
    fn unknown_params_and_choices_are_refused() {
        let options = vec![Choice { value: "sql".to_owned(), title: "SQL".to_owned() }];
        let definition = definition(vec![Param::new("format", ParamKind::Choice { options })]);
        let errors = validate(&definition, json!({"format": "zip", "level": 3})).unwrap_err();
        assert_eq!(errors.get("format"), Some("Choose one of: sql."));
        assert_eq!(errors.get("level"), Some("There is no such parameter."));
    }

    #[test]
    fn a_file_is_checked_by_ending_and_size() {
        let param = Param::of::<Upload>("file").accept(".csv").max_bytes(1_000_000);
        assert_eq!(check_file(&param, "Flights.CSV", 10, ""), None);
        assert_eq!(check_file(&param, "a.txt", 10, ""), Some("Choose a file of type .csv.".to_owned()));
        let too_large = "The file is too large: 31.1 MB; at most 1.0 MB are taken.";
        assert_eq!(check_file(&param, "a.csv", 31_100_000, ""), Some(too_large.to_owned()));
        let upload = Upload {
            id: FileId::from_parts(crate::Timestamp::from_millis(0), [0; 10]),
            name: "a.csv".to_owned(),
            size: 5,
            media_type: String::new(),
        };
        assert!(validate(&definition(vec![param]), json!({"file": upload})).is_ok());
    }

    #[test]
    fn nothing_is_no_value_where_none_is_needed() {
        let params = vec![Param::of::<Option<String>>("note"), Param::of::<Option<u8>>("level")];
        assert_eq!(decode_with(params, &[("note", ""), ("level", " ")]), Ok(json!({})));
    }

    use crate::Choice;
}
