//! What transactions of the program's own hold up while they are open, and what they do not.

use sqlx_postgres::PgConnection;

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn an_open_transaction_holds_up_a_start_of_the_same_key_and_no_other() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    let deck = node(&database, &stage, true).await;
    let mut conn: PgConnection = database.connect().await;
    let mut open = conn.begin().await.unwrap();
    let first = deck.start(Wait { number: 1 }).key("held").start_in(&mut open).await.unwrap().id();
    let mut same = tokio::task::JoinSet::new();
    for number in 0..20 {
        let deck = deck.clone();
        same.spawn(async move { deck.start(Wait { number }).key("held").await.map(|handle| handle.id()) });
    }
    // Beside those that wait: with other keys, and without.
    let mut others = tokio::task::JoinSet::new();
    for number in 0..40 {
        let deck = deck.clone();
        others.spawn(async move {
            let start = deck.start(Wait { number });
            let start = if number % 2 == 0 { start.key(format!("other {number}")) } else { start };
            start.await.map(|handle| handle.id())
        });
    }
    let others = tokio::time::timeout(PATIENCE, others.join_all()).await.expect("nobody waits for it");
    for id in others {
        is(&deck, id.unwrap(), Status::Completed).await;
    }
    assert!(same.try_join_next().is_none(), "there may be one of this key, or not");
    open.commit().await.unwrap();
    for id in tokio::time::timeout(PATIENCE, same.join_all()).await.expect("it is over") {
        // The first of them may have ended already: then the next start of its key is another task.
        is(&deck, id.unwrap(), Status::Completed).await;
    }
    is(&deck, first, Status::Completed).await;
    conn.close().await.unwrap();
    end(database, vec![deck]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn what_a_transaction_starts_something_after_cannot_be_removed_meanwhile() {
    let (database, stage) = (Database::new().await, Arc::new(Stage::default()));
    let deck = node(&database, &stage, true).await;
    let done = deck.start(Wait { number: 1 }).await.unwrap().id();
    let mut conn: PgConnection = database.connect().await;
    let mut open = conn.begin().await.unwrap();
    let after = deck.start(Wait { number: 2 }).after(done).start_in(&mut open).await.unwrap().id();
    is(&deck, done, Status::Completed).await;
    let other = client(&deck);
    let removal = tokio::spawn(async move { other.delete(done).await });
    // It waits for the transaction, which may be taken back.
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert!(!removal.is_finished());
    open.commit().await.unwrap();
    let refused = removal.await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("runs after this one"), "{refused}");
    is(&deck, after, Status::Completed).await;
    conn.close().await.unwrap();
    end(database, vec![deck]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn what_a_transaction_starts_something_after_goes_on_while_it_is_open() {
    let (database, stage) = (Database::new().await, gated(1));
    let web = node(&database, &stage, false).await;
    let [done, failed] = [1, 2].map(|number| web.start(Wait { number }));
    let (done, failed) = (done.await.unwrap().id(), failed.max_tries(1).delay(PATIENCE).await.unwrap().id());
    let mut conn: PgConnection = database.connect().await;
    let mut open = conn.begin().await.unwrap();
    let [after_done, after_failed, after_both] = [3, 4, 5].map(|number| web.start(Wait { number }));
    let after_done = after_done.after(done).start_in(&mut open).await.unwrap().id();
    let after_failed = after_failed.after(failed).start_in(&mut open).await.unwrap().id();
    let after_both = after_both.after(done).after(failed).start_in(&mut open).await.unwrap().id();
    // It is claimed, it writes a log and ends, and the other one is cancelled: all of it while the transaction is open.
    let worker = node(&database, &stage, true).await;
    is(&worker, done, Status::Completed).await;
    client(&web).cancel(failed, None).await.unwrap();
    is(&worker, failed, Status::Cancelled).await;
    open.commit().await.unwrap();
    for id in [after_failed, after_both] {
        let state = is(&worker, id, Status::Failed).await;
        assert_eq!(state.error.unwrap().code, "dependency_failed");
    }
    stage.gate.as_ref().unwrap().add_permits(1);
    is(&worker, after_done, Status::Completed).await;
    let store = &worker.inner().store;
    assert_eq!(store.counts().await.unwrap(), store.recount().await.unwrap());
    conn.close().await.unwrap();
    end(database, vec![web, worker]).await;
}
