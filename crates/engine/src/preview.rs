//! The params of a task in one line, for lists.

use serde_json::Value;
use taskdeck_core::{Definition, form, redact};

/// How long the line and one value in it may be, in characters.
const LONGEST: usize = 160;
const LONGEST_VALUE: usize = 40;

/// The params in the order of the kind's form: `table=flights header=true`. Secrets are masked, also those of a kind
/// that is not known any more.
pub(crate) fn preview(definition: Option<&Definition>, params: &str) -> String {
    let Ok(mut params) = serde_json::from_str(params) else { return String::new() };
    redact(&mut params);
    let Value::Object(params) = params else { return String::new() };
    let named: Vec<(&str, &Value)> = match definition {
        // What is as always, and what the kind does not know any more, is not worth a place in the line.
        Some(definition) => definition
            .params
            .iter()
            .filter_map(|param| Some((param, params.get(&param.name)?)))
            .filter(|(param, value)| !param.kind.is_secret() && param.default.as_ref() != Some(*value))
            .map(|(param, value)| (param.name.as_str(), value))
            .collect(),
        None => params.iter().map(|(name, value)| (name.as_str(), value)).collect(),
    };
    let mut line = String::new();
    for (name, value) in named {
        let Some(text) = short(value) else { continue };
        if line.chars().count() + name.len() + text.chars().count() > LONGEST {
            line.push('…');
            break;
        }
        line.push_str(name);
        line.push('=');
        line.push_str(&text);
        line.push(' ');
    }
    line.truncate(line.trim_end().len());
    line
}

fn short(value: &Value) -> Option<String> {
    // A file is known by its name.
    let name = value.as_object().filter(|map| map.contains_key("media_type")).and_then(|map| map.get("name"));
    let text = match name.unwrap_or(value) {
        Value::Null => return None,
        Value::String(text) if text.is_empty() => return None,
        Value::Array(values) if values.is_empty() => return None,
        Value::Array(values) if values.iter().all(|value| !value.is_object() && !value.is_array()) => {
            values.iter().map(form::field_text).collect::<Vec<_>>().join(",")
        }
        other => form::field_text(other),
    };
    let text = form::visible(&text);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_VALUE {
        return Some(line);
    }
    Some(line.chars().take(LONGEST_VALUE - 1).chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Kind, Param};

    use super::*;

    #[test]
    fn params_stand_in_the_order_of_the_form() {
        let mut definition = Definition::new(Kind::new("import").unwrap());
        definition.params = vec![Param::of::<String>("table"), Param::of::<bool>("header")];
        let params = r#"{"header":true,"old":1,"table":"flights"}"#;
        assert_eq!(preview(Some(&definition), params), "table=flights header=true");
        assert_eq!(preview(None, params), "header=true old=1 table=flights");
        assert_eq!(preview(None, "null"), "");
    }

    #[test]
    fn what_is_long_is_cut_and_what_is_nothing_left_out() {
        let params =
            serde_json::json!({"a": "x".repeat(100), "b": null, "c": "", "d": "two\nlines"}).to_string();
        let line = preview(None, &params);
        assert!(
            line.starts_with(&format!("a={}…", "x".repeat(39))) && line.ends_with(" d=two lines"),
            "{line}"
        );
        let many: serde_json::Map<_, _> = (0..50).map(|n| (format!("name_{n}"), Value::from(n))).collect();
        assert!(preview(None, &Value::Object(many).to_string()).chars().count() <= LONGEST + 1);
    }

    #[test]
    fn a_file_is_shown_by_its_name() {
        let params = r#"{"file":{"id":"x","name":"a.csv","size":1,"media_type":"text/csv"}}"#;
        assert_eq!(preview(None, params), "file=a.csv");
    }

    #[test]
    fn a_secret_is_shown_nowhere() {
        let mut definition = Definition::new(Kind::new("fetch").unwrap());
        definition.params = vec![Param::of::<taskdeck_core::Secret>("key"), Param::of::<Vec<u8>>("pages")];
        let params = r#"{"key":{"$secret":"sk-1"},"pages":[1,2]}"#;
        assert_eq!(preview(Some(&definition), params), "pages=1,2");
        assert_eq!(preview(None, params), "key=•••••••• pages=1,2");
    }
}
