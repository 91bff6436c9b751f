//! What a store is kept in order by: once a minute, by one of its nodes, in steps of some thousand rows.

use std::time::Duration;

use futures::FutureExt as _;
use sqlx_postgres::PgConnection;
use uuid::Uuid;

use super::control::OF_USERS;
use super::fault::Fault;
use super::pool::Pool;
use super::query::query;
use super::{meta, notices};

/// How often, and by how much earlier a node may come than the last one.
pub(super) const EVERY: Duration = Duration::from_secs(60);
const LENIENCE: Duration = Duration::from_secs(5);
/// How many rows are looked at in one go.
const ROWS: usize = 5_000;

/// Forgets the progress of attempts that are over, and the rates of users who have all of them again; if no other node
/// has done so lately.
pub(super) async fn care(pool: &Pool) -> Result<(), Fault> {
    if pool.with(|conn| meta::has_turn(conn, "cared_at", EVERY - LENIENCE).boxed()).await? {
        remove_progress(pool).await?;
        pool.with(|conn| remove_rates(conn).boxed()).await?;
    }
    Ok(())
}

pub(super) async fn remove_progress(pool: &Pool) -> Result<(), Fault> {
    let mut from = Some((Uuid::nil(), i64::MIN));
    while let Some(at) = from {
        from = pool.with(move |conn| notices::remove_progress(conn, at, ROWS).boxed()).await?;
    }
    Ok(())
}

/// What a user has earned again is as if there had been nothing. There are as many as users that started something lately.
async fn remove_rates(conn: &mut PgConnection) -> Result<(), Fault> {
    query(
        "DELETE FROM taskdeck.rates
         WHERE scope = $1 AND earned_at < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
    )
    .bind(OF_USERS)
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx_core::query::query;
    use sqlx_core::row::Row;
    use sqlx_postgres::PgConnection;
    use taskdeck_core::{Rate, UserId};

    use crate::Durability;
    use crate::store::Store;
    use crate::store::postgres::PostgresStore;
    use crate::store::postgres::testing::Database;

    async fn rows(conn: &mut PgConnection, of: &'static str) -> i64 {
        query(of).fetch_one(conn).await.unwrap().get(0)
    }

    #[tokio::test]
    #[ignore = "needs a PostgreSQL server: cargo xtask test"]
    async fn what_nobody_reads_is_forgotten_in_steps() {
        let database = Database::new().await;
        let store = database.store().await;
        let mut conn = database.connect().await;
        let rows_of_nobody = "INSERT INTO taskdeck.live (task, token, progress, label, version, tick)
            SELECT gen_random_uuid(), n, '{}', 'Nobody', 1, 1 FROM generate_series(1, 12000) AS n";
        query(rows_of_nobody).execute(&mut conn).await.unwrap();
        let (rate, ann) = ("1/1ms".parse::<Rate>().unwrap(), UserId::new("ann").unwrap());
        assert_eq!(store.take_starts(&ann, 1, rate).await.unwrap(), Some(Ok(())));
        store
            .take_starts(&UserId::new("bob").unwrap(), 1, Rate { count: 1, per_ms: 3_600_000 })
            .await
            .unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        super::care(&store.shared.pool).await.unwrap();
        assert_eq!(rows(&mut conn, "SELECT count(*) FROM taskdeck.live").await, 0);
        assert_eq!(rows(&mut conn, "SELECT count(*) FROM taskdeck.rates").await, 1, "what bob owes is known");
        drop(conn);
        database.drop(store).await;
    }

    #[tokio::test]
    #[ignore = "needs a PostgreSQL server: cargo xtask test"]
    async fn a_commit_is_on_the_disk_unless_a_power_cut_may_lose_it() {
        let database = Database::new().await;
        for (durability, expected) in [(Durability::Full, "on"), (Durability::Normal, "off")] {
            let url = database.url();
            let opened = tokio::task::spawn_blocking(move || PostgresStore::open(&url, 3, durability)).await;
            let store = opened.unwrap().unwrap();
            let mut conn = store.shared.pool.take().await.unwrap();
            let row = query("SHOW synchronous_commit").fetch_one(&mut *conn).await.unwrap();
            assert_eq!(row.get::<&str, _>(0), expected);
            drop(conn);
            store.close().await;
        }
        let store = database.store().await;
        database.drop(store).await;
    }
}
