//! Any JSON value, as a person reads it: pairs as a list, rows as a table, the rest as a tree. Numbers stay exact.

use leptos::prelude::*;
use serde_json::{Map, Number, Value};
use taskdeck_core::{Upload, form};
use taskdeck_ui::format::thousands;
use taskdeck_ui::{Erase, Icon};

/// How many entries of one object or list are shown; the rest is counted.
const MAX_ENTRIES: usize = 200;
/// How many columns a table of rows has at the most; a wider one is a tree.
const MAX_COLUMNS: usize = 12;
/// How deep a value may be nested and still be shown; what is deeper is shown as text.
const MAX_DEPTH: usize = 12;

/// A JSON value.
#[component]
pub(crate) fn JsonView(
    /// Which.
    value: Value,
) -> impl IntoView {
    match value {
        Value::Object(map) if map.is_empty() => nothing("Nothing").erase(),
        Value::Array(list) if list.is_empty() => nothing("An empty list").erase(),
        Value::Null => nothing("Nothing").erase(),
        other => shown("", other, 0),
    }
}

fn nothing(text: &'static str) -> impl IntoView {
    view! { <p class="dash-nothing">{text}</p> }
}

fn shown(name: &str, value: Value, depth: usize) -> AnyView {
    match value {
        Value::Object(map) => match as_upload(&map) {
            Some(upload) => file(&upload).erase(),
            None if depth >= MAX_DEPTH => text(Value::Object(map).to_string()).erase(),
            None => pairs(map, depth).erase(),
        },
        Value::Array(list) => match columns(&list) {
            Some(columns) => table(list, &columns).erase(),
            None if depth >= MAX_DEPTH => text(Value::Array(list).to_string()).erase(),
            None if list.iter().all(is_scalar) => scalars(name, list).erase(),
            None => items(list, depth).erase(),
        },
        other => scalar(name, &other).erase(),
    }
}

/// An uploaded file is shown as one, with the name it had.
fn as_upload(map: &Map<String, Value>) -> Option<Upload> {
    let is_one = map.len() == 4 && map.contains_key("media_type") && map.contains_key("size");
    is_one.then(|| serde_json::from_value(Value::Object(map.clone())).ok()).flatten()
}

fn file(upload: &Upload) -> impl IntoView + use<> {
    view! {
        <span class="dash-file">
            <Icon name="file"/>
            <span class="dash-file-name">{upload.name.clone()}</span>
            <span class="dash-file-size">{form::bytes(upload.size)}</span>
        </span>
    }
}

fn pairs(map: Map<String, Value>, depth: usize) -> impl IntoView {
    let left = map.len().saturating_sub(MAX_ENTRIES);
    // What is read at a glance comes before what is opened out.
    let (short, long): (Vec<_>, Vec<_>) = map.into_iter().partition(|(_, value)| is_short(value));
    let entries = short
        .into_iter()
        .chain(long)
        .take(MAX_ENTRIES)
        .map(|(name, value)| {
            let nested = !is_short(&value);
            let shown = shown(&name, value, depth + 1);
            view! {
                <div class="dash-pair" class:dash-pair-nested=nested>
                    <dt>{name}</dt>
                    <dd>{shown}</dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <dl class="dash-pairs">{entries}</dl>
        {more(left)}
    }
}

fn items(list: Vec<Value>, depth: usize) -> impl IntoView {
    let left = list.len().saturating_sub(MAX_ENTRIES);
    let entries = list
        .into_iter()
        .take(MAX_ENTRIES)
        .map(|value| view! { <li>{shown("", value, depth + 1)}</li> })
        .collect_view();
    view! {
        <ol class="dash-items">{entries}</ol>
        {more(left)}
    }
}

fn scalars(name: &str, list: Vec<Value>) -> impl IntoView + use<> {
    let left = list.len().saturating_sub(MAX_ENTRIES);
    let name = name.to_owned();
    let entries = list
        .into_iter()
        .take(MAX_ENTRIES)
        .map(|value| view! { <li class="dash-chip">{scalar(&name, &value)}</li> })
        .collect_view();
    view! {
        <ul class="dash-chips">{entries}</ul>
        {more(left)}
    }
}

/// The columns of a list whose entries are all rows: objects of plain values, with about the same names.
fn columns(list: &[Value]) -> Option<Vec<String>> {
    let mut columns: Vec<String> = Vec::new();
    for value in list {
        let row = value.as_object()?;
        if !row.values().all(is_scalar) {
            return None;
        }
        for name in row.keys() {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        if columns.len() > MAX_COLUMNS {
            return None;
        }
    }
    (!columns.is_empty()).then_some(columns)
}

fn table(list: Vec<Value>, columns: &[String]) -> impl IntoView + use<> {
    let left = list.len().saturating_sub(MAX_ENTRIES);
    let numeric: Vec<bool> = columns
        .iter()
        .map(|name| list.iter().all(|row| row.get(name).is_none_or(|v| v.is_number() || v.is_null())))
        .collect();
    let head = columns
        .iter()
        .zip(&numeric)
        .map(|(name, numeric)| {
            view! { <th scope="col" class:dash-cell-number=*numeric>{name.clone()}</th> }
        })
        .collect_view();
    let rows = list
        .into_iter()
        .take(MAX_ENTRIES)
        .map(|row| {
            let cells = columns
                .iter()
                .zip(&numeric)
                .map(|(name, numeric)| {
                    let cell = row.get(name).map(|value| scalar(name, value));
                    view! { <td class:dash-cell-number=*numeric>{cell}</td> }
                })
                .collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view();
    view! {
        <div class="dash-table-frame" tabindex="0" role="region" aria-label="Rows">
            <table class="dash-table">
                <thead><tr>{head}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {more(left)}
    }
}

fn more(left: usize) -> Option<impl IntoView> {
    let left = u64::try_from(left).unwrap_or(u64::MAX);
    (left > 0).then(|| view! { <p class="dash-more">{format!("and {} more", thousands(left))}</p> })
}

/// Whether a value fits on the line of its name.
fn is_short(value: &Value) -> bool {
    is_scalar(value) || value.as_object().is_some_and(|map| as_upload(map).is_some())
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

fn scalar(name: &str, value: &Value) -> AnyView {
    match value {
        Value::Null => view! { <span class="dash-null">"none"</span> }.erase(),
        Value::Bool(value) => view! { <span class="dash-bool">{value.to_string()}</span> }.erase(),
        Value::Number(value) => {
            let exact = value.to_string();
            view! { <data class="dash-number" value=exact>{number(name, value)}</data> }.erase()
        }
        Value::String(value) => text(value.clone()).erase(),
        other => text(other.to_string()).erase(),
    }
}

fn text(value: String) -> impl IntoView {
    let many_lines = value.contains('\n');
    view! { <span class="dash-text" class:dash-text-block=many_lines>{value}</span> }
}

/// A number for people: amounts get separators; what only looks like an amount (a year, an id) does not.
fn number(name: &str, value: &Number) -> String {
    const NO_AMOUNTS: [&str; 6] = ["id", "year", "port", "code", "version", "line"];
    let last_word = name.rsplit(['_', '-', ' ', '.']).next().unwrap_or_default().to_lowercase();
    if NO_AMOUNTS.contains(&last_word.as_str()) {
        return value.to_string();
    }
    match (value.as_u64(), value.as_i64()) {
        (Some(whole), _) => thousands(whole),
        (None, Some(negative)) => format!("-{}", thousands(negative.unsigned_abs())),
        (None, None) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn as_number(name: &str, value: &Value) -> String {
        value.as_number().map(|value| number(name, value)).unwrap_or_default()
    }

    #[test]
    fn numbers_stay_exact_and_amounts_get_separators() {
        assert_eq!(as_number("rows", &json!(336_776)), "336,776");
        assert_eq!(as_number("rows", &json!(u64::MAX)), "18,446,744,073,709,551,615");
        assert_eq!(as_number("delta", &json!(-12_345)), "-12,345");
        assert_eq!(as_number("share", &json!(0.25)), "0.25");
        assert_eq!(as_number("year", &json!(2013)), "2013");
        assert_eq!(as_number("order_id", &json!(123_456)), "123456");
    }

    #[test]
    fn rows_are_objects_of_plain_values() {
        let rows = json!([{"a": 1, "b": "x"}, {"a": 2, "c": null}]);
        let list = rows.as_array().map(|list| columns(list)).unwrap_or_default();
        assert_eq!(list, Some(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
        assert_eq!(columns(&[json!({"a": [1]})]), None);
        assert_eq!(columns(&[json!(1)]), None);
        assert_eq!(columns(&[]), None);
    }
}
