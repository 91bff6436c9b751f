//! A SQLite database as the SQL that makes it anew, as `.dump` of the sqlite3 shell writes it: for reading, for
//! comparing, and for databases that the file format does not fit.

use std::io::Write;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::error::BackupError;

/// After how many rows the watcher is told, and asked whether to stop.
const ROWS_PER_LOOK: u64 = 1_000;

/// Writes the whole database. `look` is told how many of how many rows are written; its error ends the dump.
pub(crate) fn dump(
    connection: &Connection,
    out: &mut impl Write,
    mut look: impl FnMut(u64, u64) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let objects = objects(connection)?;
    let mut total = 0;
    for table in objects.iter().filter(|object| object.has_rows()) {
        let sql = format!("SELECT count(*) FROM {}", quoted(&table.name));
        total += connection.query_row(&sql, [], |row| row.get::<_, u64>(0))?;
    }
    let mut written = 0;
    writeln!(out, "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;")?;
    for object in &objects {
        object.create(out)?;
        if object.has_rows() {
            rows(connection, object, out, |_| {
                written += 1;
                if written % ROWS_PER_LOOK == 0 { look(written, total) } else { Ok(()) }
            })?;
        }
    }
    if objects.iter().any(Object::is_virtual) {
        writeln!(out, "PRAGMA writable_schema=OFF;")?;
    }
    for pragma in ["user_version", "application_id"] {
        let value: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
        writeln!(out, "PRAGMA {pragma}={value};")?;
    }
    writeln!(out, "COMMIT;")?;
    look(total, total)
}

/// A table, index, view or trigger.
struct Object {
    kind: String,
    name: String,
    sql: String,
}

impl Object {
    fn is_virtual(&self) -> bool {
        self.kind == "table"
            && self.sql.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("CREATE VIRTUAL"))
    }

    /// A virtual table keeps its rows in tables of its own, which are written as tables.
    fn has_rows(&self) -> bool {
        self.kind == "table" && !self.is_virtual()
    }

    fn create(&self, out: &mut impl Write) -> Result<(), BackupError> {
        match self.name.as_str() {
            // SQLite has made it with the first table that counts its rows.
            "sqlite_sequence" => writeln!(out, "DELETE FROM sqlite_sequence;")?,
            name if name.starts_with("sqlite_stat") => {
                writeln!(out, "ANALYZE sqlite_schema;\nDELETE FROM {name};")?;
            }
            name if self.is_virtual() => {
                // Created in the ordinary way, it would make its own tables, which are in the dump already.
                writeln!(out, "PRAGMA writable_schema=ON;")?;
                write!(out, "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',")?;
                for text in [name, name] {
                    write_text(out, text.as_bytes())?;
                    write!(out, ",")?;
                }
                write!(out, "0,")?;
                write_text(out, self.sql.as_bytes())?;
                writeln!(out, ");")?;
            }
            _ => writeln!(out, "{};", self.sql)?,
        }
        Ok(())
    }
}

/// All objects in an order in which they can be made: indexes and triggers after the rows, which they would slow down
/// or act upon.
fn objects(connection: &Connection) -> Result<Vec<Object>, BackupError> {
    let mut select = connection.prepare(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_schema
         WHERE sql IS NOT NULL AND (name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
               OR name = 'sqlite_sequence' OR name LIKE 'sqlite\\_stat_' ESCAPE '\\')
         ORDER BY type <> 'table', name LIKE 'sqlite\\_%' ESCAPE '\\', type, rowid",
    )?;
    let objects =
        select.query_map([], |row| Ok(Object { kind: row.get(0)?, name: row.get(1)?, sql: row.get(2)? }))?;
    Ok(objects.collect::<Result<_, _>>()?)
}

fn rows(
    connection: &Connection,
    table: &Object,
    out: &mut impl Write,
    mut each: impl FnMut(&Row<'_>) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    // Generated columns are left out: no row can be inserted with them.
    let columns: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([&table.name], |row| Ok(quoted(&row.get::<_, String>(0)?)))?
        .collect::<Result<_, _>>()?;
    let all: usize =
        connection
            .query_row("SELECT count(*) FROM pragma_table_xinfo(?1)", [&table.name], |row| row.get(0))?;
    let named = if all == columns.len() { String::new() } else { format!("({})", columns.join(",")) };
    let mut select =
        connection.prepare(&format!("SELECT {} FROM {}", columns.join(","), quoted(&table.name)))?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        write!(out, "INSERT INTO {}{named} VALUES(", quoted(&table.name))?;
        for index in 0..columns.len() {
            if index > 0 {
                write!(out, ",")?;
            }
            write_value(out, row.get_ref(index)?)?;
        }
        writeln!(out, ");")?;
        each(row)?;
    }
    Ok(())
}

fn write_value(out: &mut impl Write, value: ValueRef<'_>) -> std::io::Result<()> {
    match value {
        ValueRef::Null => write!(out, "NULL"),
        ValueRef::Integer(number) => write!(out, "{number}"),
        // What SQL has no name for is a number too large, which it reads as infinity.
        ValueRef::Real(number) if number.is_infinite() => {
            write!(out, "{}", if number > 0.0 { "1e999" } else { "-1e999" })
        }
        // The shortest text that reads as the same number, with a point or an exponent, so that it stays a real.
        ValueRef::Real(number) => write!(out, "{number:?}"),
        ValueRef::Text(text) => write_text(out, text),
        ValueRef::Blob(bytes) => write_blob(out, bytes),
    }
}

fn write_text(out: &mut impl Write, text: &[u8]) -> std::io::Result<()> {
    match std::str::from_utf8(text) {
        Ok(text) if !text.contains('\0') => write!(out, "'{}'", text.replace('\'', "''")),
        // A zero would end the SQL, and what is no UTF-8 cannot be in it.
        _ => {
            write!(out, "CAST(")?;
            write_blob(out, text)?;
            write!(out, " AS TEXT)")
        }
    }
}

fn write_blob(out: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    write!(out, "X'")?;
    for byte in bytes {
        write!(out, "{byte:02x}")?;
    }
    write!(out, "'")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;
    use rusqlite::params;
    use rusqlite::types::Value;

    use super::*;

    fn dumped(connection: &Connection) -> String {
        let mut out = Vec::new();
        dump(connection, &mut out, |_, _| Ok(())).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn loaded(sql: &str) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        connection
    }

    fn values(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
        let mut select = connection.prepare(sql).unwrap();
        let width = select.column_count();
        let rows = select.query_map([], |row| (0..width).map(|index| row.get(index)).collect()).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn every_object_and_value_comes_back() {
        let original = Connection::open_in_memory().unwrap();
        original
            .execute_batch(
                "CREATE TABLE \"a \"\"table\" (id INTEGER PRIMARY KEY AUTOINCREMENT, v, twice AS (v || v) STORED);
                 CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
                 CREATE INDEX w_v ON w (v) WHERE v IS NOT NULL;
                 CREATE VIEW seen AS SELECT k FROM w;
                 CREATE TRIGGER t AFTER INSERT ON w BEGIN DELETE FROM w WHERE k = 'gone'; END;
                 INSERT INTO w VALUES ('k', 1), ('l', 'x;y');
                 CREATE VIRTUAL TABLE words USING fts5(body);
                 INSERT INTO words VALUES ('a quick fox');
                 PRAGMA user_version = 7;
                 PRAGMA application_id = -5;
                 ANALYZE;",
            )
            .unwrap();
        let insert = "INSERT INTO \"a \"\"table\" (v) VALUES (?1)";
        for value in [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Integer(i64::MAX),
            Value::Real(0.1),
            Value::Real(-0.0),
            Value::Real(1.0),
            Value::Real(1e300),
            Value::Real(5e-324),
            Value::Real(f64::NEG_INFINITY),
            Value::Text("it's\n\"quoted\"; --".to_owned()),
            Value::Text("zero\0inside".to_owned()),
            Value::Text(String::new()),
            Value::Blob(vec![0, 255, 39]),
            Value::Blob(Vec::new()),
        ] {
            original.execute(insert, params![value]).unwrap();
        }
        original.execute("INSERT INTO w VALUES ('not UTF-8', CAST(X'ff' AS TEXT))", []).unwrap();

        let sql = dumped(&original);
        let copy = loaded(&sql);
        let all = "SELECT id, v, typeof(v) FROM \"a \"\"table\"";
        assert_eq!(values(&copy, all), values(&original, all));
        for check in [
            "SELECT k, hex(v), typeof(v) FROM w",
            "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_auto%' ORDER BY type, name",
            "SELECT name, seq FROM sqlite_sequence",
            "SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY 1, 2",
            "PRAGMA user_version",
            "PRAGMA application_id",
            "PRAGMA integrity_check",
        ] {
            assert_eq!(values(&copy, check), values(&original, check), "{check}");
        }
        // The virtual table was written into the schema directly: it is there from the next connection on.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy.db");
        Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
        let reopened = Connection::open(&path).unwrap();
        assert_eq!(
            values(&reopened, "SELECT count(*) FROM words WHERE words MATCH 'fox'"),
            [[Value::Integer(1)]]
        );
        assert!(
            sql.starts_with("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n") && sql.ends_with("COMMIT;\n")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn numbers_come_back_to_the_last_bit(number in prop_oneof![any::<f64>(), Just(PI), -1e6..1e6]) {
            prop_assume!(number.is_finite());
            let mut sql = b"SELECT ".to_vec();
            write_value(&mut sql, ValueRef::Real(number)).unwrap();
            let connection = Connection::open_in_memory().unwrap();
            let back: f64 = connection.query_row(&String::from_utf8(sql).unwrap(), [], |row| row.get(0)).unwrap();
            prop_assert_eq!(back.to_bits(), number.to_bits());
        }
    }

    #[test]
    fn whoever_watches_can_stop_it() {
        let original = loaded(
            "CREATE TABLE t (v); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) INSERT INTO t SELECT i FROM n;",
        );
        let mut told = Vec::new();
        let stopped = dump(&original, &mut Vec::new(), |written, total| {
            told.push((written, total));
            if written == 3_000 { Err(BackupError::Stopped) } else { Ok(()) }
        });
        assert!(matches!(stopped, Err(BackupError::Stopped)));
        assert_eq!(told, [(1_000, 5_000), (2_000, 5_000), (3_000, 5_000)]);
    }
}
