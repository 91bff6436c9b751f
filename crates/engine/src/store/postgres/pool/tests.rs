//! What a dead way to the server costs, and what it does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use sqlx_core::query::query;
use sqlx_core::row::Row;

use super::*;
use crate::store::postgres::testing::{Database, Proxy, Way};

/// Shorter than in life, so that the test is.
const WITHIN: Duration = Duration::from_secs(2);

fn pool_over(database: &Database, proxy: &Proxy, most: u32) -> Pool {
    Pool::new(database.url_over(proxy).parse().unwrap(), most, WITHIN, Distrust::default(), false)
}

async fn session(pool: &Pool) -> Result<i32, Fault> {
    let ask = query("SELECT pg_backend_pid()");
    pool.with(|conn| async move { Ok(ask.fetch_one(conn).await?.try_get(0)?) }.boxed()).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn one_silent_connection_is_the_end_of_all_that_went_the_same_way() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.address()).await;
    let pool = pool_over(&database, &proxy, 5);
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(pool.take().await.unwrap());
    }
    drop(all);
    let before = session(&pool).await.unwrap();
    // Each says that it is well when it is given back.
    while pool.pool.num_idle() < 5 {
        tokio::task::yield_now().await;
    }
    proxy.set(Way::Hole);
    let fault = session(&pool).await.unwrap_err();
    assert!(fault.is_lost(), "{fault:?}");
    proxy.set(Way::Open);
    // The other four are silent for ever, and nobody waits for them.
    let began = Instant::now();
    let after = session(&pool).await.unwrap();
    assert!(began.elapsed() < WITHIN, "{:?}", began.elapsed());
    assert_ne!(before, after);
    database.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_pool_whose_connections_all_went_silent_in_use_has_room_again() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.address()).await;
    let pool = pool_over(&database, &proxy, 2);
    let mut held = vec![pool.take().await.unwrap(), pool.take().await.unwrap()];
    proxy.set(Way::Hole);
    for mut conn in held.drain(..) {
        let began = Instant::now();
        let done = tokio::time::timeout(WITHIN, async {
            query("SELECT 1").execute(&mut *conn).await?;
            Ok(())
        });
        let done = done.await;
        assert!(conn.used(done, began).unwrap_err().is_lost());
    }
    proxy.set(Way::Open);
    session(&pool).await.unwrap();
    database.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn callers_wait_for_a_small_pool_and_are_told_when_they_waited_in_vain() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.address()).await;
    let pool = Arc::new(pool_over(&database, &proxy, 2));
    // Many more than there are connections: they take turns.
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let pool = Arc::clone(&pool);
        callers.spawn(async move { session(&pool).await });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap().unwrap();
    }
    // All are taken, and stay so.
    let held = (pool.take().await.unwrap(), pool.take().await.unwrap());
    let began = Instant::now();
    let fault = session(&pool).await.unwrap_err();
    assert!(!fault.is_lost() && !fault.is_of_one(), "{fault:?}");
    let error = taskdeck_core::DeckError::from(crate::store::StoreError::from(fault));
    assert!(matches!(error, taskdeck_core::DeckError::Unavailable { .. }), "{error:?}");
    assert!((WITHIN..WITHIN * 3).contains(&began.elapsed()), "{:?}", began.elapsed());
    drop(held);
    session(&pool).await.unwrap();
    database.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn what_a_transaction_that_went_silent_holds_is_let_go_by_the_server() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.address()).await;
    let store = database.store().await;
    let pool = pool_over(&database, &proxy, 1);
    let mut conn = pool.take().await.unwrap();
    let mut tx = crate::store::postgres::begin(&mut conn).await.unwrap();
    query("INSERT INTO taskdeck.meta VALUES ('held', '1')").execute(&mut *tx).await.unwrap();
    proxy.set(Way::Hole);
    // The same row: waits for the one above.
    let began = Instant::now();
    crate::store::Store::secret(&*store, "held", "2".to_owned()).await.unwrap();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(14), "{took:?}");
    drop(tx);
    database.drop(store).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_statement_that_takes_too_long_is_ended_by_the_server_and_costs_no_other_connection() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.address()).await;
    let pool = pool_over(&database, &proxy, 2);
    let other = pool.take().await.unwrap();
    let long = query("SELECT pg_sleep(60)");
    let fault = pool.with(|conn| async move { Ok(long.execute(conn).await.map(drop)?) }.boxed()).await;
    let fault = fault.unwrap_err();
    assert!(!fault.is_lost() && !fault.is_of_one(), "it is not asked again: {fault:?}");
    let mut conn = database.connect().await;
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'";
    let busy: i64 = query(sql).fetch_one(&mut conn).await.unwrap().try_get(0).unwrap();
    assert_eq!(busy, 0, "nobody works on it any more");
    // And where each statement is short, but all of them take too long.
    let mut slow = pool.take().await.unwrap();
    let asked = crate::store::postgres::work::Asked::now();
    let done = tokio::time::timeout(WITHIN, async {
        loop {
            asked.again();
            query("SELECT pg_sleep(0.2)").execute(&mut *slow).await?;
        }
    });
    let done: Result<Result<(), Fault>, _> = done.await;
    let fault = slow.used(done, asked.at()).unwrap_err();
    assert!(!fault.is_lost() && !fault.is_of_one(), "{fault:?}");
    drop(other);
    assert!(!pool.distrust.is_of(Duration::from_secs(60)), "the others are as good as they were");
    session(&pool).await.unwrap();
    database.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_server_that_takes_no_writes_any_more_is_left_for_the_one_that_does() {
    let database = Database::new().await;
    let proxy = Proxy::to(database.address()).await;
    let store = database.store().await;
    let pool = pool_over(&database, &proxy, 1);
    // As the sessions of a primary are that has become a standby.
    let demote = query("SET default_transaction_read_only = on");
    pool.with(|conn| async move { Ok(demote.execute(conn).await.map(drop)?) }.boxed()).await.unwrap();
    let before = session(&pool).await.unwrap();
    let write = || {
        let write = query("INSERT INTO taskdeck.meta VALUES ('written', '1')");
        pool.with(|conn| async move { Ok(write.execute(conn).await.map(drop)?) }.boxed())
    };
    let fault = write().await.unwrap_err();
    assert!(fault.is_lost(), "it is run again: {fault:?}");
    write().await.unwrap();
    assert_ne!(before, session(&pool).await.unwrap());
    database.drop(store).await;
}
