//! Names of tables and columns, from what a file calls itself and its columns.

/// The longest name of a table, as the parameter's pattern has it.
const MAX_TABLE_NAME: usize = 63;

/// A table's name made from a file's: `penguins-raw.csv` becomes `penguins_raw`.
pub(crate) fn table_of_file(file: &str) -> String {
    let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = match base.rfind('.') {
        Some(dot) if dot > 0 => &base[..dot],
        _ => base,
    };
    let mut name = String::new();
    for letter in stem.chars() {
        match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' => name.push(letter),
            _ if name.ends_with('_') || name.is_empty() => {}
            _ => name.push('_'),
        }
    }
    let mut name = name.trim_end_matches('_').to_owned();
    if name.is_empty() {
        return "data".to_owned();
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) || is_reserved(&name) {
        name.insert_str(0, "t_");
    }
    name.truncate(MAX_TABLE_NAME);
    name
}

/// Whether a table may not have this name: SQLite keeps `sqlite_` for itself, and we `_taskdeck_`.
pub(crate) fn is_reserved(table: &str) -> bool {
    let lower = table.to_ascii_lowercase();
    lower.starts_with("sqlite_") || lower.starts_with("_taskdeck_")
}

/// A name as SQL takes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names that a table can have for its columns, and in words what had to be changed.
///
/// An empty name becomes `c3` (the third column), and one that is there already, in whatever case, gets a number.
pub(crate) fn columns_of_header<'a>(header: impl IntoIterator<Item = &'a str>) -> (Vec<String>, Vec<String>) {
    let mut names: Vec<String> = Vec::new();
    let mut changes = Vec::new();
    let mut taken = std::collections::HashSet::new();
    for (index, text) in header.into_iter().enumerate() {
        // A line break in a header is legal and of no use; a NUL would end the SQL.
        let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let clean = clean.trim();
        let base = if clean.is_empty() { format!("c{}", index + 1) } else { clean.to_owned() };
        let mut name = base.clone();
        let mut number = 2;
        while !taken.insert(name.to_ascii_lowercase()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        if clean.is_empty() {
            changes.push(format!("Column {} has no name in the header and is called {name}.", index + 1));
        } else if name != base {
            changes.push(format!("Column {} is called {base} like another and becomes {name}.", index + 1));
        }
        names.push(name);
    }
    (names, changes)
}

/// The names of columns without a header: `c1`, `c2` and so on.
pub(crate) fn numbered_columns(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("c{number}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_called_after_its_file() {
        for (file, table) in [
            ("flights.csv", "flights"),
            ("penguins-raw.csv", "penguins_raw"),
            ("C:\\data\\My Flights (2013).csv", "My_Flights_2013"),
            ("../../etc/passwd", "passwd"),
            ("2013.csv", "t_2013"),
            ("sqlite_master.csv", "t_sqlite_master"),
            ("flights.2013.csv", "flights_2013"),
            (".csv", "csv"),
            ("…", "data"),
            ("", "data"),
        ] {
            assert_eq!(table_of_file(file), table, "{file:?}");
        }
        assert_eq!(table_of_file(&"x".repeat(200)).len(), MAX_TABLE_NAME);
    }

    #[test]
    fn columns_get_names_that_are_there_once() {
        let (names, changes) = columns_of_header(["id", "ID", "", "id_2", " a\nb ", "c3"]);
        assert_eq!(names, ["id", "ID_2", "c3", "id_2_2", "a b", "c3_2"]);
        assert_eq!(changes.len(), 4);
        assert_eq!(changes[0], "Column 2 is called ID like another and becomes ID_2.");
        assert_eq!(changes[1], "Column 3 has no name in the header and is called c3.");
    }

    #[test]
    fn a_quote_in_a_name_is_doubled() {
        assert_eq!(quoted("a\"b; drop"), "\"a\"\"b; drop\"");
    }
}
