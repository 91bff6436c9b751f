//! Any JSON value, as a person reads it: pairs as a list, rows as a table, the rest as a tree. Numbers stay exact.

use leptos::prelude::*;
use serde_json::{Map, Number, Value};
use taskdeck_core::{ParamTitle, TaskId, Upload, form};
use taskdeck_ui::format::thousands;
use taskdeck_ui::small::sort_by_key;
use taskdeck_ui::{Erase, Icon};

use crate::paths;

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
    /// What a person calls the entries of an object, in the order in which they are shown; others come after them.
    #[prop(optional)]
    titles: Vec<ParamTitle>,
) -> impl IntoView {
    match value {
        Value::Object(map) if !map.is_empty() && !titles.is_empty() => titled(map, titles).erase(),
        Value::Object(map) if map.is_empty() => nothing("Nothing").erase(),
        Value::Array(list) if list.is_empty() => nothing("An empty list").erase(),
        Value::Null => nothing("Nothing").erase(),
        other => shown("", other, 0),
    }
}

/// What is within something else can be folded, and is from the start where it is much.
fn fold(count: usize, depth: usize, inner: AnyView) -> AnyView {
    if depth == 0 {
        return inner;
    }
    let entries = u64::try_from(count).unwrap_or(u64::MAX);
    let says = if count == 1 { "1 entry".to_owned() } else { format!("{} entries", thousands(entries)) };
    view! {
        <details class="dash-fold" open=is_open(count, depth)>
            <summary>{says}</summary>
            {inner}
        </details>
    }
    .erase()
}

const fn is_open(count: usize, depth: usize) -> bool {
    count <= 20 && depth <= 2
}

fn nothing(text: &'static str) -> impl IntoView {
    view! { <p class="dash-nothing">{text}</p> }
}

fn shown(name: &str, value: Value, depth: usize) -> AnyView {
    match value {
        Value::Object(map) if map.is_empty() => empty("nothing").erase(),
        Value::Object(map) => match as_upload(&map) {
            Some(upload) => file(&upload).erase(),
            None if depth >= MAX_DEPTH => text(&Value::Object(map).to_string()).erase(),
            None => fold(map.len(), depth, pairs(map, depth).erase()),
        },
        Value::Array(list) if list.is_empty() => empty("an empty list").erase(),
        Value::Array(list) => match columns(&list) {
            Some(columns) => fold(list.len(), depth, table(list, &columns).erase()),
            None if depth >= MAX_DEPTH => text(&Value::Array(list).to_string()).erase(),
            None if list.iter().all(is_scalar) => scalars(name, list).erase(),
            None => fold(list.len(), depth, items(list, depth).erase()),
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

/// The entries of an object by what a person calls them.
fn titled(mut map: Map<String, Value>, titles: Vec<ParamTitle>) -> impl IntoView {
    let known: Vec<_> = titles
        .into_iter()
        .filter_map(|ParamTitle { name, title, choices }| {
            let value = map.remove(&name)?;
            Some((name, title, value, choices))
        })
        .collect();
    let others = map.into_iter().map(|(name, value)| (name.clone(), name, value, Value::Null));
    let entries = known.into_iter().chain(others).map(|(name, title, value, choices)| {
        let nested = !is_short(&value);
        let shown = match value {
            Value::Array(list) if choices.is_object() && !list.is_empty() => {
                let chosen =
                    list.iter().map(|value| view! { <li class="dash-chip">{chosen(value, &choices)}</li> });
                view! { <ul class="dash-chips">{chosen.collect_view()}</ul> }.erase()
            }
            Value::String(_) if choices.is_object() => chosen(&value, &choices),
            value => shown(&name, value, 1),
        };
        view! {
            <div class="dash-pair" class:dash-pair-nested=nested>
                <dt title=name>{title}</dt>
                <dd>{shown}</dd>
            </div>
        }
    });
    view! { <dl class="dash-pairs dash-pairs-titled">{entries.collect_view()}</dl> }
}

/// A value that was chosen, as the form calls it; one that the form does not have any more, as it is.
fn chosen(value: &Value, choices: &Value) -> AnyView {
    let raw = value.as_str().unwrap_or_default().to_owned();
    match choices.get(&raw).and_then(Value::as_str) {
        Some(title) => view! { <span class="dash-text" title=raw>{title.to_owned()}</span> }.erase(),
        None => scalar("", value),
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
    let is_numeric =
        |name: &String| list.iter().all(|row| row.get(name).is_none_or(|v| v.is_number() || v.is_null()));
    // What a row is about stands before its numbers.
    let mut columns = columns.to_vec();
    sort_by_key(&mut columns, is_numeric);
    let numeric: Vec<bool> = columns.iter().map(is_numeric).collect();
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
    (left > 0).then(|| view! { <p class="dash-more">{format!("and {} more: the JSON has all of them", thousands(left))}</p> })
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
        Value::Null => empty("none").erase(),
        Value::Bool(value) => view! { <span class="dash-bool">{value.to_string()}</span> }.erase(),
        Value::Number(value) => {
            let exact = value.to_string();
            view! { <data class="dash-number" value=exact>{number(name, value)}</data> }.erase()
        }
        Value::String(value) if value.is_empty() => empty("an empty text").erase(),
        Value::String(value) if is_task(name, value) => task(value.clone()).erase(),
        Value::String(value) => text(value).erase(),
        other => text(&other.to_string()).erase(),
    }
}

fn text(value: &str) -> impl IntoView + use<> {
    let many_lines = value.contains('\n');
    view! { <span class="dash-text" class:dash-text-block=many_lines>{form::visible(value).into_owned()}</span> }
}

fn empty(words: &'static str) -> impl IntoView {
    view! { <span class="dash-null">{words}</span> }
}

/// Whether a text is the id of a task: it looks like one, and stands under a name that says so.
fn is_task(name: &str, value: &str) -> bool {
    name.to_ascii_lowercase().contains("task") && value.len() == 36 && value.parse::<TaskId>().is_ok()
}

fn task(id: String) -> impl IntoView {
    let href = id.parse().map(paths::task).unwrap_or_default();
    view! { <a class="dash-text-task" href=href><code>{id}</code></a> }
}

/// A number for people: amounts get separators; what only looks like an amount (a year, an id) does not.
fn number(name: &str, value: &Number) -> String {
    const NO_AMOUNTS: [&str; 6] = ["id", "year", "port", "code", "version", "line"];
    let last_word = name.rsplit(['_', '-', ' ', '.']).next().unwrap_or_default().to_ascii_lowercase();
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
    fn an_id_is_of_a_task_where_its_name_says_so() {
        let id = "0198c2e1-aaaa-7bbb-8ccc-0123456789ab";
        assert!(is_task("task", id) && is_task("Child tasks", id));
        assert!(!is_task("order", id) && !is_task("task", "0198c2e1"));
    }

    #[test]
    fn what_is_much_or_deep_is_folded_from_the_start() {
        assert!(is_open(20, 1) && is_open(3, 2));
        assert!(!is_open(21, 1) && !is_open(3, 3));
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
