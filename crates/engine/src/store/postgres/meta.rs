//! What is noted about the deck itself.

use std::time::Duration;

use sqlx_core::row::Row;
use sqlx_postgres::PgConnection;

use super::fault::Fault;
use super::query::query;

/// The secret of this name: `fresh` when there is none yet.
pub(super) async fn secret(conn: &mut PgConnection, name: &str, fresh: &str) -> Result<String, Fault> {
    query("INSERT INTO taskdeck.meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(name)
        .bind(fresh)
        .execute(&mut *conn)
        .await?;
    let row = query("SELECT value FROM taskdeck.meta WHERE name = $1").bind(name).fetch_one(conn).await?;
    Ok(row.try_get(0)?)
}

pub(super) async fn noted(conn: &mut PgConnection, name: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT value FROM taskdeck.meta WHERE name = $1";
    let found = query(sql).bind(name).fetch_optional(conn).await?;
    Ok(found.map(|row| row.try_get(0)).transpose()?)
}

/// Takes the turn, by the server's clock, if nobody has had it for so long.
pub(super) async fn has_turn(conn: &mut PgConnection, at: &str, every: Duration) -> Result<bool, Fault> {
    let taken = query(
        "INSERT INTO taskdeck.meta AS m (name, value)
             VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value
             WHERE m.value::bigint NOT BETWEEN excluded.value::bigint - $2 AND excluded.value::bigint",
    );
    let every = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
    Ok(taken.bind(at).bind(every).execute(conn).await?.rows_affected() == 1)
}

/// Leaves the turn to whoever comes next.
pub(super) async fn end_turn(conn: &mut PgConnection, at: &str) -> Result<(), Fault> {
    query("DELETE FROM taskdeck.meta WHERE name = $1").bind(at).execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::store::Store;
    use crate::store::postgres::testing::Database;

    #[tokio::test]
    #[ignore = "needs a PostgreSQL server: cargo xtask test"]
    async fn of_several_nodes_one_has_the_turn_until_it_leaves_it() {
        let database = Database::new().await;
        let (one, other) = (database.store().await, database.store().await);
        let hour = Duration::from_secs(60 * 60);
        assert!(one.has_turn("pruned_at", hour).await.unwrap());
        assert!(!other.has_turn("pruned_at", hour).await.unwrap());
        assert!(!one.has_turn("pruned_at", hour).await.unwrap(), "it has had it");
        assert!(other.has_turn("swept_at", hour).await.unwrap(), "another one");
        one.end_turn("pruned_at").await.unwrap();
        assert!(other.has_turn("pruned_at", hour).await.unwrap());
        // As after so long.
        let mut conn = database.connect().await;
        let past =
            "UPDATE taskdeck.meta SET value = (value::bigint - 3600001)::text WHERE name = 'pruned_at'";
        sqlx_core::query::query(past).execute(&mut conn).await.unwrap();
        drop(conn);
        assert!(one.has_turn("pruned_at", hour).await.unwrap());
        one.close().await;
        database.drop(other).await;
    }
}
