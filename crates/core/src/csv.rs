//! Rows as CSV, for taking a result away.

use serde_json::{Map, Value};

/// The rows of a value, when it is a list of objects.
#[must_use]
pub fn rows(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    let rows = value.as_array()?.iter().map(Value::as_object).collect::<Option<Vec<_>>>()?;
    (!rows.is_empty()).then_some(rows)
}

/// A list of objects as CSV (RFC 4180): a column for each name, in the order in which they first come. What is nested
/// is written as JSON. None when the value is no list of objects.
///
/// ```
/// use taskdeck_core::csv;
/// let rows = serde_json::json!([{"name": "Ann, B.", "n": 1}, {"n": 2, "ok": true}]);
/// assert_eq!(csv::write(&rows).unwrap(), "n,name,ok\r\n1,\"Ann, B.\",\r\n2,,true\r\n");
/// ```
#[must_use]
pub fn write(value: &Value) -> Option<String> {
    let rows = rows(value)?;
    let mut columns: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(|row| row.keys()) {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let mut text = String::new();
    let mut line = |cells: Vec<String>| {
        text.push_str(&cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    };
    line(columns.iter().map(ToString::to_string).collect());
    for row in rows {
        line(columns.iter().map(|name| row.get(*name).map(cell).unwrap_or_default()).collect());
    }
    Some(text)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_lists_of_objects_are_rows() {
        for other in [json!(1), json!([]), json!([1]), json!([{"a": 1}, 2]), json!({"a": 1})] {
            assert_eq!(write(&other), None, "{other}");
        }
    }

    #[test]
    fn quotes_and_lines_are_kept() {
        let text = write(&json!([{"a": "say \"hi\"\nthere", "b": [1, {"c": null}]}])).unwrap();
        assert_eq!(text, "a,b\r\n\"say \"\"hi\"\"\nthere\",\"[1,{\"\"c\"\":null}]\"\r\n");
    }

    #[test]
    fn numbers_stay_exact() {
        assert_eq!(write(&json!([{"n": u64::MAX}])).unwrap(), "n\r\n18446744073709551615\r\n");
    }
}
