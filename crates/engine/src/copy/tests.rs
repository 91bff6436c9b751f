use std::collections::BTreeSet;

use proptest::prelude::*;
use rusqlite::Connection;

use super::end::Head;
use super::tables;
use super::tasks::{Difference, difference};

fn head(n: u8, version: i64, runs: bool) -> Head {
    Head { id: [n; 16], version, notice_seq: 0, runs }
}

#[test]
fn what_differs_and_what_is_gone_is_found() {
    let here = [head(1, 3, false), head(2, 2, true), head(4, 3, false), head(5, 1, false)];
    let there = [head(1, 3, false), head(2, 2, true), head(3, 3, false), head(4, 2, true), head(9, 3, false)];
    let found = difference(&here, &there);
    // The second is the same, but its log may have grown.
    assert_eq!(found, Difference { differ: vec![[2; 16], [4; 16], [5; 16]], gone: vec![[3; 16], [9; 16]] });
}

proptest! {
    #[test]
    fn after_what_is_found_is_done_both_sides_are_the_same(
        here in prop::collection::btree_map(any::<u8>(), (0..3_i64, any::<bool>()), 0..40),
        there in prop::collection::btree_map(any::<u8>(), (0..3_i64, any::<bool>()), 0..40),
    ) {
        let heads = |of: &std::collections::BTreeMap<u8, (i64, bool)>| -> Vec<Head> {
            of.iter().map(|(n, (version, runs))| head(*n, *version, *runs)).collect()
        };
        let found = difference(&heads(&here), &heads(&there));
        let mut done = there.clone();
        for id in &found.gone {
            done.remove(&id[0]);
        }
        for id in &found.differ {
            done.insert(id[0], here[&id[0]]);
        }
        prop_assert_eq!(done, here);
    }
}

/// What a copy leaves out, and why that is right: see `tables.rs`.
const LEFT_OUT: [&str; 4] = ["sessions", "counts", "batch_counts", "meta"];

#[tokio::test]
async fn every_table_and_column_of_a_store_is_copied_or_left_out_on_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let (conn, _alone) = crate::store::sqlite::open_alone(&path).unwrap();
    let names = |conn: &Connection, sql: &str| -> BTreeSet<String> {
        let mut statement = conn.prepare(sql).unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        found.collect::<rusqlite::Result<_>>().unwrap()
    };
    let all =
        names(&conn, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    let copied = tables::all().map(|table| table.name);
    assert_eq!(all, copied.chain(LEFT_OUT).map(str::to_owned).collect());
    for table in tables::all() {
        let columns = names(&conn, &format!("SELECT name FROM pragma_table_info('{}')", table.name));
        let copied = table.columns.iter().map(|column| column.sqlite.to_owned()).collect();
        assert_eq!(columns, copied, "{}", table.name);
        let keys =
            names(&conn, &format!("SELECT name FROM pragma_table_info('{}') WHERE pk > 0", table.name));
        assert_eq!(keys, table.key().iter().map(|column| column.sqlite.to_owned()).collect());
    }
}

mod postgres;
