mod as_task;
mod interrupted;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use taskdeck::{Actor, Deck, DeckError, StartRequest, Task};

use super::error::ImportError;
use super::import::{BATCH_ROWS, Plan, import};
use super::names::quoted;
use super::watch::{Problem, Watch};
use super::{Delimiter, ImportMode, ImportSummary};
use crate::tasks::{DataDatabase, ImportCsv, install};

/// Remembers what it is told, and stops an import after so many looks.
#[derive(Default)]
struct Witness {
    progress: RefCell<Vec<(u64, u64, u64)>>,
    problems: RefCell<Vec<Problem>>,
    lines: RefCell<Vec<String>>,
    looks_left: Cell<Option<u32>>,
}

impl Watch for Witness {
    fn progress(&self, bytes: u64, of: u64, rows: u64) {
        self.progress.borrow_mut().push((bytes, of, rows));
    }

    fn problem(&self, problem: &Problem) {
        self.problems.borrow_mut().push(problem.clone());
    }

    fn info(&self, text: &str) {
        self.lines.borrow_mut().push(text.to_owned());
    }

    fn warn(&self, text: &str) {
        self.lines.borrow_mut().push(text.to_owned());
    }

    fn is_stopped(&self) -> bool {
        match self.looks_left.get() {
            None => false,
            Some(0) => true,
            Some(left) => {
                self.looks_left.set(Some(left - 1));
                false
            }
        }
    }
}

/// A folder with a data database and a file.
struct Desk {
    folder: TempDir,
    database: DataDatabase,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = DataDatabase::open(&folder.path().join("data.db")).unwrap();
        Self { folder, database }
    }

    fn file(&self, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join("file.csv");
        fs::write(&path, content).unwrap();
        path
    }

    fn import(&self, task: &str, plan: &Plan<'_>) -> Result<ImportSummary, ImportError> {
        import(&self.database, task, plan, &Witness::default())
    }

    /// Imports a file of this content into the table `t`.
    fn import_text(&self, content: impl AsRef<[u8]>) -> Result<ImportSummary, ImportError> {
        self.import("task", &plan(&self.file(content)))
    }

    fn connection(&self) -> Connection {
        self.database.connect().unwrap()
    }

    fn number(&self, sql: &str) -> i64 {
        self.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn table(&self, table: &str) -> Vec<Vec<Value>> {
        let connection = self.connection();
        let mut select =
            connection.prepare(&format!("SELECT * FROM {} ORDER BY rowid", quoted(table))).unwrap();
        let width = select.column_count();
        let rows = select.query_map([], |row| (0..width).map(|index| row.get(index)).collect()).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    fn schema(&self, table: &str) -> String {
        let sql = "SELECT sql FROM sqlite_schema WHERE name = ?1";
        self.connection().query_row(sql, [table], |row| row.get(0)).unwrap()
    }
}

fn plan(file: &Path) -> Plan<'_> {
    Plan {
        file,
        source: "source",
        table: "t",
        delimiter: Delimiter::Comma,
        header: true,
        mode: ImportMode::Replace,
        batch_rows: BATCH_ROWS,
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end/fixtures")).join(name)
}

fn unpacked_flights(folder: &Path) -> PathBuf {
    let path = folder.join("flights.csv");
    let packed = File::open(fixture("flights.csv.gz")).unwrap();
    let mut file = File::create(&path).unwrap();
    io::copy(&mut flate2::read::GzDecoder::new(BufReader::new(packed)), &mut file).unwrap();
    path
}

fn refusal(outcome: Result<ImportSummary, ImportError>) -> (&'static str, String) {
    match outcome {
        Err(ImportError::Refused { code, message }) => (code, message),
        other => panic!("not refused: {other:?}"),
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[test]
fn every_flight_is_imported_and_the_bar_moves() {
    let desk = Desk::new();
    let file = unpacked_flights(desk.folder.path());
    let witness = Witness::default();
    let summary =
        import(&desk.database, "task", &Plan { table: "flights", ..plan(&file) }, &witness).unwrap();

    assert_eq!((summary.rows, summary.skipped, summary.columns), (336_776, 0, 19));
    let missing = |column: &str| summary.missing[column];
    assert_eq!((missing("dep_time"), missing("arr_time"), missing("arr_delay")), (8_255, 8_713, 9_430));
    assert_eq!((missing("year"), missing("time_hour")), (0, 0));
    assert_eq!(desk.number("SELECT count(*) FROM flights"), 336_776);
    assert_eq!(desk.number("SELECT count(*) FROM flights WHERE dep_time IS NULL"), 8_255);
    assert_eq!(desk.number("SELECT count(*) FROM flights WHERE typeof(distance) <> 'integer'"), 0);
    assert_eq!(desk.number("SELECT max(distance) FROM flights"), 4_983);

    let progress = witness.progress.borrow();
    assert!(progress.len() > 3, "told {} times", progress.len());
    assert!(progress.is_sorted(), "{progress:?}");
    assert_eq!(*progress.last().unwrap(), (31_053_850, 31_053_850, 336_776));
}

#[test]
fn quoted_commas_and_strange_column_names_are_imported_as_they_are() {
    let desk = Desk::new();
    let summary = desk.import("task", &plan(&fixture("penguins-raw.csv"))).unwrap();
    assert_eq!((summary.rows, summary.skipped, summary.columns), (344, 0, 17));
    let adults = r#"SELECT count(*) FROM t WHERE "Stage" = 'Adult, 1 Egg Stage'"#;
    assert_eq!(desk.number(adults), 344);
    assert_eq!(desk.number(r#"SELECT max("Body Mass (g)") FROM t"#), 6_300);
    assert!(desk.schema("t").contains(r#""Culmen Length (mm)" REAL"#), "{}", desk.schema("t"));
}

#[test]
fn columns_have_the_types_of_their_values() {
    let desk = Desk::new();
    let airports =
        desk.import("airports", &Plan { table: "airports", ..plan(&fixture("airports.csv")) }).unwrap();
    assert_eq!(airports.rows, 1_458);
    let schema = desk.schema("airports");
    for column in [r#""faa" TEXT"#, r#""lat" REAL"#, r#""alt" INTEGER"#] {
        assert!(schema.contains(column), "{schema}");
    }
    let planes = desk.import("planes", &Plan { table: "planes", ..plan(&fixture("planes.csv")) }).unwrap();
    assert_eq!((planes.rows, planes.columns), (3_322, 9));
    assert!(
        desk.schema("planes").contains(r#""speed" INTEGER"#),
        "few planes have a speed, and it is a number"
    );
}

#[test]
fn a_value_that_is_not_of_its_columns_type_stays_as_it_is() {
    let desk = Desk::new();
    let mut content = "id,code\n".to_owned();
    for number in 0..20_000 {
        content += &format!("{number},007\n");
    }
    desk.import_text(content + "twelve,7\n").unwrap();
    let last = desk.table("t").pop().unwrap();
    assert_eq!(last, [text("twelve"), text("7")]);
    assert_eq!(desk.table("t")[0], [Value::Integer(0), text("007")]);
}

#[test]
fn rows_that_do_not_fit_are_told_by_line_and_the_rest_lands() {
    let desk = Desk::new();
    let file = desk.file(b"a,b\n1,2\n\n3\n\"4\n5\",6,7\n8,\xFF\n9,10\n11");
    let witness = Witness::default();
    let summary = import(&desk.database, "task", &plan(&file), &witness).unwrap();
    assert_eq!((summary.rows, summary.skipped), (2, 4));
    assert_eq!(
        desk.table("t"),
        [[Value::Integer(1), Value::Integer(2)], [Value::Integer(9), Value::Integer(10)]]
    );
    let told: Vec<_> = witness
        .problems
        .borrow()
        .iter()
        .map(|problem| format!("{}: {}", problem.part, problem.message))
        .collect();
    assert_eq!(
        told,
        [
            "line 4: 1 field instead of 2",
            "lines 5 to 6: 3 fields instead of 2",
            "line 7: the text in column b is not valid UTF-8",
            "line 9: 1 field instead of 2; the file ends in this line, so it may be cut off",
        ]
    );
}

#[test]
fn a_thousand_rows_that_do_not_fit_are_counted_and_a_hundred_named() {
    let desk = Desk::new();
    let file = desk.file("a,b\n1,2\n".to_owned() + &"1\n".repeat(1_000));
    let witness = Witness::default();
    let summary = import(&desk.database, "task", &plan(&file), &witness).unwrap();
    assert_eq!((summary.rows, summary.skipped), (1, 1_000));
    assert_eq!(witness.problems.borrow().len(), 1_000);
    assert_eq!(witness.lines.borrow().iter().filter(|line| line.starts_with("Line ")).count(), 100);
}

#[test]
fn a_file_that_cannot_be_imported_is_refused_with_what_to_do() {
    let latin_header = b"id,caf\xE9\n1,2\n";
    let utf16: Vec<u8> = "id,name\n1,x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_marked = [b"\xFF\xFE".as_slice(), &utf16].concat();
    let cases: [(&[u8], &str, &str); 16] = [
        (b"", "empty_file", "is empty"),
        (b"\n\r\n\n", "empty_file", "only blank lines"),
        (b"\xEF\xBB\xBF", "empty_file", "only blank lines"),
        (b"a;b;c\n1;2;3\n", "wrong_delimiter", "with Semicolon it has 3. Choose Semicolon"),
        (b"a\tb\n", "wrong_delimiter", "Choose Tab"),
        (b"a|b\n1|2,5\n", "wrong_delimiter", "Choose Pipe"),
        (b"a,b\n1;2\n3;4\n", "no_row_fits", "Line 2: 1 field instead of 2"),
        (b"a\n\xE9\n", "no_row_fits", "not valid UTF-8"),
        (latin_header, "not_utf8", "Save the file as UTF-8"),
        (&utf16, "not_text", "saved as UTF-16"),
        (&utf16_marked, "not_text", "saved as UTF-16"),
        (b"a,b\n1,\0\0\0\0\0\n", "not_text", "zero bytes"),
        (b"\x1F\x8B\x08\x00", "not_text", "Unpack it"),
        (b"PK\x03\x04xl/workbook.xml", "not_text", "Save the sheet as CSV"),
        (b"a,\"b\n1,2\n", "cut_off", "begins in line 1 never ends. Nothing was imported"),
        (b"a,b\n1,2\n3,\"4\n5,6\n", "cut_off", "begins in line 3 never ends. The row before it"),
    ];
    for (content, code, part) in cases {
        let (found, message) = refusal(Desk::new().import_text(content));
        assert_eq!(found, code, "{message}");
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn a_refused_file_leaves_the_table_as_it_was() {
    let desk = Desk::new();
    desk.import_text("a,b\n1,2\n").unwrap();
    for content in ["", "a;b\n1;2\n", "a,b\n1\n2\n", "a,\"b\n"] {
        refusal(desk.import("other", &plan(&desk.file(content))));
        assert_eq!(desk.table("t").len(), 1, "after {content:?}");
    }
}

#[test]
fn a_header_alone_makes_a_table_without_rows() {
    for content in ["a,b", "a,b\r\n", "\u{feff}a,b\n"] {
        let desk = Desk::new();
        let summary = desk.import_text(content).unwrap();
        assert_eq!((summary.rows, summary.columns), (0, 2), "{content:?}");
        assert_eq!(desk.schema("t"), r#"CREATE TABLE "t" ("a" NUMERIC, "b" NUMERIC)"#);
    }
}

#[test]
fn a_file_without_a_header_gets_numbered_columns() {
    let desk = Desk::new();
    let file = desk.file("1,x\n2,y\n");
    let summary = desk.import("task", &Plan { header: false, ..plan(&file) }).unwrap();
    assert_eq!(summary.missing, BTreeMap::from([("c1".to_owned(), 0), ("c2".to_owned(), 0)]));
    assert_eq!(desk.table("t"), [[Value::Integer(1), text("x")], [Value::Integer(2), text("y")]]);
}

#[test]
fn one_column_of_text_with_commas_is_no_wrong_delimiter() {
    let desk = Desk::new();
    let file = desk.file("\"said, by whom\"\n\"yes, I\"\n\"no\"\n");
    let summary = desk.import("task", &Plan { delimiter: Delimiter::Tab, ..plan(&file) }).unwrap();
    assert_eq!((summary.rows, summary.columns), (2, 1));
}

#[test]
fn every_delimiter_is_understood() {
    for delimiter in Delimiter::ALL {
        let desk = Desk::new();
        let content =
            ["a,b", "1,\"x,y\"", "NA,"].join("\n").replace(',', &char::from(delimiter.byte()).to_string());
        let file = desk.file(content);
        let summary = desk.import("task", &Plan { delimiter, ..plan(&file) }).unwrap();
        assert_eq!((summary.rows, summary.columns), (2, 2));
        assert_eq!(summary.missing, BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 1)]));
        assert_eq!(desk.table("t")[1], [Value::Null, Value::Null]);
    }
}

#[test]
fn names_with_quotes_are_no_sql() {
    let desk = Desk::new();
    let file = desk.file("\"a\"\"); DROP TABLE t; --\",b\n1,2\n");
    desk.import("task", &plan(&file)).unwrap();
    assert_eq!(desk.number(r#"SELECT "a""); DROP TABLE t; --" FROM t"#), 1);
}

#[test]
fn the_mode_says_what_becomes_of_a_table_that_is_there() {
    let desk = Desk::new();
    desk.import_text("a,b\n1,2\n").unwrap();
    let file = desk.file("B,a\n4,3\n");
    let with = |mode| Plan { mode, ..plan(&file) };

    let (code, _) = refusal(desk.import("create", &with(ImportMode::Create)));
    assert_eq!(code, "table_exists");
    desk.import("append", &with(ImportMode::Append)).unwrap();
    assert_eq!(desk.table("t")[1], [Value::Integer(3), Value::Integer(4)], "columns go by their names");
    desk.import("replace", &with(ImportMode::Replace)).unwrap();
    assert_eq!(desk.table("t"), [[Value::Integer(4), Value::Integer(3)]]);

    let other = desk.file("a,c\n1,2\n");
    let (code, message) =
        refusal(desk.import("append 2", &Plan { mode: ImportMode::Append, ..plan(&other) }));
    assert_eq!(code, "columns_differ");
    assert_eq!(message, "The table t has no column c. It has: B, a.");
    let no_header = Plan { mode: ImportMode::Append, header: false, ..plan(&file) };
    assert_eq!(
        desk.import("append 3", &no_header).unwrap().rows,
        2,
        "without a header they go by their order"
    );
}

#[test]
fn what_is_not_ours_to_replace_is_refused() {
    let desk = Desk::new();
    desk.connection().execute_batch("CREATE VIEW v AS SELECT 1").unwrap();
    let file = desk.file("a\n1\n");
    for (table, expected) in
        [("v", "not_a_table"), ("_taskdeck_imports", "reserved_name"), ("SQLite_x", "reserved_name")]
    {
        let (code, _) = refusal(desk.import("task", &Plan { table, ..plan(&file) }));
        assert_eq!(code, expected);
    }
}

#[test]
fn a_row_that_the_table_refuses_is_left_out() {
    let desk = Desk::new();
    desk.connection().execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL)").unwrap();
    let file = desk.file("id,name\n1,x\n1,y\n2,NA\n3,z\n");
    let summary = desk.import("task", &Plan { mode: ImportMode::Append, ..plan(&file) }).unwrap();
    assert_eq!((summary.rows, summary.skipped), (2, 2));
}

#[test]
fn a_done_import_that_is_asked_again_answers_and_does_nothing() {
    for mode in [ImportMode::Append, ImportMode::Create, ImportMode::Replace] {
        let desk = Desk::new();
        let file = desk.file("a,b\n1,2\n3\n");
        let asked = Plan { mode, ..plan(&file) };
        let first = desk.import("task", &asked).unwrap();
        let witness = Witness::default();
        assert_eq!(import(&desk.database, "task", &asked, &witness).unwrap(), first);
        assert_eq!(desk.table("t").len(), 1);
        assert_eq!(witness.problems.borrow().len(), 1, "what was left out is told again");
    }
}
