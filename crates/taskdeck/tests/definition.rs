//! What `#[task]` makes on both sides: the struct, its serde, the definition. The same with and without an engine.
#![deny(warnings, unsafe_code, missing_docs, clippy::allow_attributes, clippy::unused_async)]

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
// Imported one by one: without an engine the signature alone must use them.
use taskdeck::{Choices, Task, TaskContext, TaskError, Upload, task};

/// How the rows go in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Choices)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// Keep what is there
    Append,
    /// Empty the table first.
    ReplaceAll,
}

/// What was imported.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportSummary {
    /// How many rows.
    pub rows: u64,
}

/// Where the columns are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Their names.
    pub columns: Vec<String>,
}

const ALL: u32 = 1_000_000;

/// Imports the rows
/// of a CSV file.
///
/// Bad rows are left out.
///
/// # Errors
/// For programmers.
#[task(
    title = "Import CSV",
    category = "data",
    icon = "table",
    tags("csv", "table"),
    danger = "Replaces the table",
    expensive,
    requires("data.write"),
    timeout = "10m",
    grace = "5s",
    retry(max_tries = 5, base = "500ms", max = "1h"),
    queue = "imports",
    concurrency = 4,
    partition_concurrency = 1,
    rate = "10/1m",
    expires = "1h",
    retention = "7d",
    at_most_once,
    version = 2
)]
pub async fn import_csv(
    _ctx: TaskContext,
    /// The file to import
    #[param(accept(".csv", "text/csv"), max_bytes = "50MB")]
    file: Upload,
    #[param(title = "First line is a header", default = true)] header: bool,
    #[param(default = ImportMode::Append)] mode: ImportMode,
    #[param(default = "flights", min_len = 1, max_len = 63, pattern = "[a-z_]+")] table: String,
    #[param(default = ALL, min = 1, max = 2_000_000)] max_rows: u32,
    #[param(default, min = -0.5, max = 1)] share: f64,
    #[param(multiline)] note: Option<String>,
    #[param(choices)] fallback: Option<ImportMode>,
    #[param(json)] layout: Option<Layout>,
    #[param(json, default)] extra: Layout,
    r#type: i8,
) -> Result<ImportSummary, TaskError> {
    let _ = (file, header, mode, table, share, note, fallback, layout, extra, r#type);
    Ok(ImportSummary { rows: u64::from(max_rows) })
}

#[test]
fn the_definition_says_all_that_the_attribute_and_the_signature_say() {
    let options = json!([
        {"value": "append", "title": "Keep what is there"},
        {"value": "replace_all", "title": "Empty the table first"},
    ]);
    let text = json!({"type": "text", "multiline": false, "min_len": null, "max_len": null, "pattern": null,
        "pattern_help": null});
    let param = |own: Value, kind: Value| {
        let mut all = json!({"help": "", "required": false, "default": null});
        for part in [kind, own] {
            all.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        }
        all
    };
    let expected = json!({
        "kind": "import_csv",
        "version": 2,
        "title": "Import CSV",
        "description": "Imports the rows of a CSV file.\n\nBad rows are left out.",
        "category": "data",
        "icon": "table",
        "tags": ["csv", "table"],
        "danger": "Replaces the table",
        "expensive": true,
        "requires": ["data.write"],
        "params": [
            param(
                json!({"name": "file", "title": "File", "help": "The file to import", "required": true}),
                json!({"type": "file", "accept": [".csv", "text/csv"], "max_bytes": 50_000_000}),
            ),
            param(
                json!({"name": "header", "title": "First line is a header", "default": true}),
                json!({"type": "boolean"}),
            ),
            param(
                json!({"name": "mode", "title": "Mode", "default": "append"}),
                json!({"type": "choice", "options": options}),
            ),
            param(
                json!({"name": "table", "title": "Table", "default": "flights", "min_len": 1, "max_len": 63,
                    "pattern": "[a-z_]+"}),
                text.clone(),
            ),
            param(
                json!({"name": "max_rows", "title": "Max rows", "default": 1_000_000}),
                json!({"type": "integer", "min": 1, "max": 2_000_000}),
            ),
            param(
                json!({"name": "share", "title": "Share", "default": 0.0}),
                json!({"type": "float", "min": -0.5, "max": 1.0}),
            ),
            param(json!({"name": "note", "title": "Note", "multiline": true}), text),
            param(
                json!({"name": "fallback", "title": "Fallback"}),
                json!({"type": "choice", "options": options}),
            ),
            param(json!({"name": "layout", "title": "Layout"}), json!({"type": "json"})),
            param(
                json!({"name": "extra", "title": "Extra", "default": {"columns": []}}),
                json!({"type": "json"}),
            ),
            param(
                json!({"name": "type", "title": "Type", "required": true}),
                json!({"type": "integer", "min": -128, "max": 127}),
            ),
        ],
        "limits": {
            "timeout_ms": 600_000,
            "grace_ms": 5_000,
            "retry": {"max_tries": 5, "base_ms": 500, "max_ms": 3_600_000},
            "queue": "imports",
            "at_most_once": true,
            "concurrency": 4,
            "partition_concurrency": 1,
            "rate": {"count": 10, "per_ms": 60_000},
            "expires_ms": 3_600_000,
            "retention_ms": 604_800_000,
        },
    });
    let definition = ImportCsv::definition();
    assert_eq!(serde_json::to_value(&definition).unwrap(), expected);
    let faults: Vec<_> = definition.params.iter().flat_map(|param| &param.faults).collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn params_that_are_not_given_have_the_defaults_of_the_definition() {
    let file = json!({"id": "01890a5d-ac96-774b-bcce-b302099a8057", "name": "a.csv", "size": 1});
    let task: ImportCsv = serde_json::from_value(json!({"file": file, "type": -3})).unwrap();
    assert!(task.header);
    assert_eq!(task.mode, ImportMode::Append);
    assert_eq!(task.table, "flights");
    assert_eq!(task.max_rows, ALL);
    assert!(task.share.abs() < f64::EPSILON);
    assert_eq!((task.note, task.fallback, task.layout), (None, None, None));
    assert_eq!(task.extra, Layout::default());
    assert_eq!(task.r#type, -3);

    let without_file = serde_json::from_value::<ImportCsv>(json!({"type": 1})).unwrap_err();
    assert!(without_file.to_string().contains("missing field `file`"), "{without_file}");
}

#[test]
fn what_a_struct_is_written_as_passes_the_check_of_its_definition() {
    let file = json!({"id": "01890a5d-ac96-774b-bcce-b302099a8057", "name": "a.csv", "size": 1});
    let mut task: ImportCsv = serde_json::from_value(json!({"file": file, "type": 0})).unwrap();
    task.mode = ImportMode::ReplaceAll;
    task.fallback = Some(ImportMode::Append);
    let written = serde_json::to_value(task.clone()).unwrap();
    let checked = taskdeck::form::validate(&ImportCsv::definition(), written).unwrap();
    let read: ImportCsv = serde_json::from_value(checked).unwrap();
    assert_eq!(format!("{read:?}"), format!("{task:?}"));
}

#[task]
async fn tidy_up() -> Result<(), TaskError> {
    Ok(())
}

#[test]
fn a_task_without_anything_has_the_defaults_of_core() {
    let kind = taskdeck::Kind::new("tidy_up").unwrap();
    assert_eq!(TidyUp::definition(), taskdeck::Definition::new(kind));
    assert_eq!(serde_json::to_value(TidyUp {}).unwrap(), json!({}));
    serde_json::from_value::<TidyUp>(json!({})).unwrap();
}

mod elsewhere {
    pub(crate) use taskdeck as tasks;
}

/// Not shown.
#[task(kind = "old_name", description = "Shown.", crate = crate::elsewhere::tasks)]
pub(crate) async fn new_name(
    #[param(json, default)] layout: Layout,
    #[param(choices)] mode: ImportMode,
) -> std::result::Result<Layout, taskdeck::TaskError> {
    let _ = mode;
    Ok(layout)
}

#[test]
fn the_kind_and_the_crate_can_have_other_names() {
    let definition = NewName::definition();
    assert_eq!(definition.kind.as_str(), "old_name");
    assert_eq!(definition.title, "Old name");
    assert_eq!(definition.description, "Shown.");
    let task = NewName { layout: Layout::default(), mode: ImportMode::Append };
    assert_eq!(serde_json::to_value(task).unwrap(), json!({"layout": {"columns": []}, "mode": "append"}));
}

#[task]
#[cfg(not(test))]
async fn not_compiled_at_all(layout: NoSuchType) -> Result<(), TaskError> {
    Ok(())
}

macro_rules! pinging {
    ($name:ident, $title:expr, $least:expr, $of:ty) => {
        #[task(title = $title)]
        pub(crate) async fn $name(
            #[param(default = $least, min = $least)] mut count: $of,
        ) -> Result<$of, TaskError> {
            count += 1;
            Ok(count)
        }
    };
}
pinging!(ping, "Ping!", 7, u8);

#[test]
fn a_task_can_be_written_by_a_macro() {
    let definition = Ping::definition();
    assert_eq!(definition.title, "Ping!");
    assert_eq!(definition.params[0].default, Some(json!(7)));
    assert_eq!(definition.params[0].kind, taskdeck::ParamKind::Integer { min: 7, max: 255 });
}

#[test]
fn a_task_can_stand_in_a_function() {
    /// Here only.
    #[task]
    async fn local(#[param(default = 3)] count: i64) -> Result<i64, TaskError> {
        Ok(count)
    }
    assert_eq!(serde_json::from_value::<Local>(json!({})).unwrap().count, 3);
}

#[test]
fn what_does_not_fit_the_type_is_a_fault_of_the_definition() {
    #[task]
    async fn misfit(#[param(accept = ".csv")] name: String) -> Result<(), TaskError> {
        let _ = name;
        Ok(())
    }
    assert_eq!(Misfit::definition().params[0].faults, ["name: `accept` does not fit text"]);
}

taskdeck::server! {
    use std::fmt::Write;

    fn only_for_bodies(text: &mut String) -> std::fmt::Result {
        write!(text, "!")
    }
}

#[task]
async fn shout(mut text: String) -> Result<String, TaskError> {
    only_for_bodies(&mut text)?;
    Ok(text)
}

#[test]
fn helpers_of_bodies_stand_in_server() {
    assert_eq!(Shout::KIND, "shout");
}

#[task]
async fn every_field(
    #[param(min_len = 8)] token: taskdeck::Secret,
    at: Option<taskdeck::Timestamp>,
    #[param(min_items = 1)] modes: Vec<ImportMode>,
    #[param(choices)] more: Option<Vec<ImportMode>>,
    #[param(min = 1, max_items = 9, default)] ports: Vec<u16>,
    #[param(pattern = "[a-z]+", pattern_help = "Enter a word.")] words: Vec<String>,
) -> Result<(), TaskError> {
    let _ = (token.expose(), at, modes, more, ports, words);
    Ok(())
}

#[test]
fn secrets_times_and_lists_are_params() {
    use taskdeck::ParamKind;
    let definition = EveryField::definition();
    let [token, at, modes, more, ports, words] = &definition.params[..] else { panic!("six") };
    assert!(definition.params.iter().all(|param| param.faults.is_empty()));
    assert_eq!(token.kind, ParamKind::Secret { min_len: Some(8), max_len: None });
    assert_eq!((at.required, &at.kind), (false, &ParamKind::DateTime));
    let options = ImportMode::choices();
    let several = |min_items| ParamKind::MultiChoice { options: options.clone(), min_items, max_items: None };
    assert_eq!((&modes.kind, &more.kind), (&several(1), &several(0)));
    assert!(modes.required && !more.required);
    let port = ParamKind::Integer { min: 1, max: 65_535 };
    assert_eq!(ports.kind, ParamKind::List { of: Box::new(port), min_items: 0, max_items: Some(9) });
    assert_eq!(ports.default, Some(json!([])));
    let ParamKind::List { of, .. } = &words.kind else { panic!("a list") };
    assert!(matches!(&**of, ParamKind::Text { pattern_help: Some(help), .. } if help == "Enter a word."));
    let params = json!({"token": "12345678", "modes": ["append"], "words": ["a"]});
    let checked = taskdeck::form::validate(&definition, params).unwrap();
    let task: EveryField = serde_json::from_value(checked).unwrap();
    assert_eq!(task.token.expose(), "12345678");
    assert!(!format!("{task:?}").contains("12345678"));
}
