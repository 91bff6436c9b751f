//! A kind's parameters as JSON Schema.

use serde_json::{Map, Value, json};
use taskdeck_core::{Definition, Param, ParamKind};

/// The JSON Schema (2020-12) that the params of a kind fit.
///
/// A file has no value in it: it comes as a part of the form, named after its parameter.
#[must_use]
pub fn params_schema(definition: &Definition) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for param in &definition.params {
        properties.insert(param.name.clone(), property(param));
        if param.required {
            required.push(param.name.as_str());
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": definition.title,
        "description": definition.description,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(param: &Param) -> Value {
    let mut schema = Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            schema.insert(name.to_owned(), value);
        }
    };
    set("title", json!(param.title));
    set("description", if param.help.is_empty() { Value::Null } else { json!(param.help) });
    set("default", param.default.clone().unwrap_or_default());
    if let Value::Object(more) = value(&param.kind) {
        schema.extend(more);
    }
    Value::Object(schema)
}

/// What a value of this kind is.
fn value(kind: &ParamKind) -> Value {
    let mut schema = Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            schema.insert(name.to_owned(), value);
        }
    };
    match kind {
        ParamKind::Text { min_len, max_len, pattern, .. } => {
            set("type", json!("string"));
            set("minLength", json!(min_len));
            set("maxLength", json!(max_len));
            // Ours must match the whole text, the schema's any part of it.
            set("pattern", json!(pattern.as_ref().map(|pattern| format!("^(?:{pattern})$"))));
        }
        ParamKind::Integer { min, max } => {
            set("type", json!("integer"));
            set("minimum", json!(min));
            set("maximum", json!(max));
        }
        ParamKind::Float { min, max } => {
            set("type", json!("number"));
            set("minimum", json!(min));
            set("maximum", json!(max));
        }
        ParamKind::Boolean => set("type", json!("boolean")),
        ParamKind::Choice { options } => {
            let each = |title: &str, value: &str| json!({ "const": value, "title": title });
            set("type", json!("string"));
            set("oneOf", options.iter().map(|option| each(&option.title, &option.value)).collect());
        }
        ParamKind::MultiChoice { options, min_items, max_items } => {
            let each = |title: &str, value: &str| json!({ "const": value, "title": title });
            let options: Value = options.iter().map(|option| each(&option.title, &option.value)).collect();
            set("type", json!("array"));
            set("items", json!({ "type": "string", "oneOf": options }));
            set("uniqueItems", json!(true));
            set("minItems", json!(min_items));
            set("maxItems", json!(max_items));
        }
        ParamKind::List { of, min_items, max_items } => {
            set("type", json!("array"));
            set("items", value(of));
            set("minItems", json!(min_items));
            set("maxItems", json!(max_items));
        }
        ParamKind::DateTime => {
            set("type", json!("string"));
            set("format", json!("date-time"));
        }
        ParamKind::Secret { min_len, max_len } => {
            set("type", json!("string"));
            set("format", json!("password"));
            set("writeOnly", json!(true));
            set("minLength", json!(min_len));
            set("maxLength", json!(max_len));
        }
        ParamKind::File { accept, max_bytes } => {
            set("type", json!("object"));
            set("$comment", json!("a file: sent as a part of the multipart body, named after the parameter"));
            set("x-accept", json!(accept));
            set("x-max-bytes", json!(max_bytes));
        }
        // Any value fits.
        ParamKind::Json => {}
    }
    Value::Object(schema)
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Choice, Kind, Upload};

    use super::*;

    #[test]
    fn every_kind_of_param_has_its_schema() {
        let mut definition = Definition::new(Kind::new("import").unwrap());
        let options = vec![Choice { value: "sql".to_owned(), title: "SQL".to_owned() }];
        definition.params = vec![
            Param::of::<String>("table").pattern("[a-z]+").max_len(64).help("Where to"),
            Param::of::<u8>("level").default_of(3),
            Param::of::<Option<f64>>("share").max(1.0),
            Param::of::<bool>("header").default_of(true),
            Param::new("format", ParamKind::Choice { options }),
            Param::of::<Upload>("file").accept(".csv").max_bytes(50),
            Param::of::<Value>("extra"),
            Param::of::<taskdeck_core::Secret>("key").min_len(8),
            Param::of::<Vec<taskdeck_core::Timestamp>>("days").min_items(1),
        ];
        let schema = params_schema(&definition);
        assert_eq!(schema["required"], json!(["table", "format", "file", "extra", "key", "days"]));
        let properties = &schema["properties"];
        assert_eq!(
            properties["table"],
            json!({"title": "Table", "description": "Where to", "type": "string", "maxLength": 64,
                "pattern": "^(?:[a-z]+)$"})
        );
        assert_eq!(
            properties["level"],
            json!({"title": "Level", "default": 3, "type": "integer", "minimum": 0, "maximum": 255})
        );
        assert_eq!(properties["share"], json!({"title": "Share", "type": "number", "maximum": 1.0}));
        assert_eq!(properties["header"], json!({"title": "Header", "default": true, "type": "boolean"}));
        assert_eq!(properties["format"]["oneOf"], json!([{"const": "sql", "title": "SQL"}]));
        assert_eq!(properties["file"]["x-max-bytes"], 50);
        assert_eq!(properties["extra"], json!({"title": "Extra"}));
        assert_eq!(
            properties["key"],
            json!({"title": "Key", "type": "string", "format": "password", "writeOnly": true, "minLength": 8})
        );
        assert_eq!(
            properties["days"],
            json!({"title": "Days", "type": "array", "items": {"type": "string", "format": "date-time"},
                "minItems": 1})
        );
    }
}
