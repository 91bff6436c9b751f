//! What a task that does nothing writes: a trigger on each table counts the rows.

use std::collections::BTreeMap;

use sqlx_core::raw_sql::raw_sql;
use sqlx_core::row::Row;

use super::testing::Database;
use crate::store::conformance::live;

/// Notes each row that is written from now on. Counters and rollups are left out: they are written once a commit, however
/// many tasks it has.
const COUNT: &str = "
    CREATE TABLE public.written (of text);
    CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO public.written VALUES (TG_TABLE_NAME); RETURN NULL; END';
    DO $$ DECLARE t record; BEGIN
        FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'taskdeck'
            AND tablename NOT IN ('count_deltas', 'counts', 'rollup_deltas', 'rollups')
        LOOP
            EXECUTE format('CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON taskdeck.%I
                FOR EACH ROW EXECUTE FUNCTION public.note()', t.tablename);
        END LOOP;
    END $$";

/// The rows that the life of a task writes, by their tables.
async fn written(waits: bool) -> BTreeMap<String, i64> {
    let database = Database::new().await;
    let store = database.store().await;
    let mut conn = database.connect().await;
    raw_sql(COUNT).execute(&mut conn).await.unwrap();
    live(&*store, waits).await;
    let rows =
        raw_sql("SELECT of, count(*) FROM public.written GROUP BY of").fetch_all(&mut conn).await.unwrap();
    let rows = rows.iter().map(|row| (row.try_get(0).unwrap(), row.try_get(1).unwrap())).collect();
    drop(conn);
    database.drop(store).await;
    rows
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_life_that_does_nothing_writes_four_rows_on_postgres_and_five_if_it_waits() {
    let life = |tasks| {
        let rows = [("attempts", 1), ("payloads", 1), ("tasks", tasks)];
        BTreeMap::from(rows.map(|(of, rows)| (of.to_owned(), rows)))
    };
    assert_eq!(written(false).await, life(2));
    assert_eq!(written(true).await, life(3));
}
