//! Nodes whose way to the server fails.

use std::time::Instant;

use super::*;
use crate::store::postgres::testing::{Proxy, Way};

const LEASE: Duration = Duration::from_millis(1_500);
/// How long a slow machine may take beside what is promised.
const SLACK: Duration = Duration::from_secs(5);

/// A node that reaches the database over a proxy.
async fn node_over(proxy: &Proxy, database: &Database, stage: &Arc<Stage>) -> Deck {
    builder(database, stage, true).postgres(database.url_over(proxy)).build().await.unwrap()
}

async fn outcomes(deck: &Deck, id: TaskId) -> Vec<String> {
    let attempts = client(deck).attempts(id).await.unwrap();
    attempts.into_iter().filter_map(|one| one.outcome).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_node_that_reaches_nobody_loses_its_work_and_comes_back_by_itself() {
    let (database, stage) = (Database::new().await, gated(0));
    let proxy = Proxy::to(database.address()).await;
    let lonely = node_over(&proxy, &database, &stage).await;
    let id = lonely.start(Wait { number: 1 }).await.unwrap().id();
    is(&lonely, id, Status::Running).await;
    let other = node(&database, &stage, true).await;
    let cut = other.inner().clock.now();
    proxy.set(Way::Hole);
    let again = sees(&other, id, |state| state.attempt == 2 && state.status == Status::Running).await;
    assert_eq!(again.tries, 1);
    // By the store's clock: when its first attempt ended.
    let attempts = client(&other).attempts(id).await.unwrap();
    let first = attempts.iter().find(|one| one.attempt == 1).and_then(|one| one.ended_at);
    let rescued = Duration::from_millis(first.expect("it is over").millis_since(cut));
    assert!(rescued < LEASE * 2 + SLACK, "{rescued:?}");
    // Both bodies go on. What the lonely one did arrives when somebody else has ended the task.
    stage.gate.as_ref().unwrap().add_permits(2);
    is(&other, id, Status::Completed).await;
    proxy.set(Way::Open);
    // A start of that node says that it reaches the server again, and its running that it has a session again.
    let began = Instant::now();
    stage.gate.as_ref().unwrap().add_permits(1);
    let next = async {
        loop {
            match lonely.start(Wait { number: 2 }).await {
                Ok(handle) => return handle,
                Err(error) => tracing::debug!(%error, "not yet"),
            }
        }
    };
    let next = tokio::time::timeout(Duration::from_secs(40), next).await.expect("it comes back");
    let back = began.elapsed();
    is(&other, next.id(), Status::Completed).await;
    let told = sees(&lonely, id, |state| state.status == Status::Completed).await;
    assert_eq!((told.attempt, told.endings), (2, 1));
    assert_eq!(outcomes(&other, id).await, ["completed", "interrupted"]);
    eprintln!("rescued after {rescued:?} at a lease of {LEASE:?}; back {back:?} after the way was open");
    end(database, vec![lonely, other]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn a_way_that_is_cut_for_less_than_a_lease_costs_no_attempt() {
    let (database, stage) = (Database::new().await, gated(0));
    let proxy = Proxy::to(database.address()).await;
    let settings = Settings { lease: Duration::from_secs(20), worker: true, ..Settings::default() };
    let over = builder(&database, &stage, true).settings(settings.clone());
    let cut = over.postgres(database.url_over(&proxy)).build().await.unwrap();
    let other = builder(&database, &stage, true).settings(settings).build().await.unwrap();
    let id = cut.start(Wait { number: 1 }).await.unwrap().id();
    is(&other, id, Status::Running).await;
    proxy.set(Way::Cut);
    // It ends while nothing can be stored, is kept, and stored when that is possible again.
    stage.gate.as_ref().unwrap().add_permits(1);
    while stage.now.lock().unwrap().0 > 0 {
        tokio::task::yield_now().await;
    }
    proxy.set(Way::Open);
    let done = is(&other, id, Status::Completed).await;
    assert_eq!((done.attempt, done.tries, done.endings), (1, 0, 1));
    assert_eq!(outcomes(&other, id).await, ["completed"]);
    end(database, vec![cut, other]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn work_and_progress_are_found_though_no_message_arrives() {
    let (database, stage) = (Database::new().await, gated(0));
    let proxy = Proxy::to(database.address()).await;
    proxy.set(Way::Deaf);
    let web = builder(&database, &stage, false).postgres(database.url_over(&proxy)).build().await.unwrap();
    let worker = node_over(&proxy, &database, &stage).await;
    let began = Instant::now();
    let id = web.start(Wait { number: 3 }).await.unwrap().id();
    sees(&web, id, |state| state.status == Status::Running).await;
    let found = began.elapsed();
    // The look without a message, every five seconds; and what is watched is looked at every second.
    assert!(found < Duration::from_secs(6) + SLACK, "{found:?}");
    sees(&web, id, |state| state.progress.done == Some(3)).await;
    let began = Instant::now();
    stage.gate.as_ref().unwrap().add_permits(1);
    is(&web, id, Status::Completed).await;
    let told = began.elapsed();
    assert!(told < Duration::from_secs(2) + SLACK, "{told:?}");
    eprintln!("without messages: claimed after {found:?}, told after {told:?}");
    end(database, vec![web, worker]).await;
}
