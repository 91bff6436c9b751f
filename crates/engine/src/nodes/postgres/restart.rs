//! A server that is killed and started again under its nodes.

use super::*;
use crate::store::postgres::testing::Cluster;

const EACH: u64 = 200;

/// Starts so many; whoever is told that a start failed asks again with the same id.
async fn start_all(deck: Deck) -> Vec<TaskId> {
    let mut ids = Vec::new();
    for number in 0..EACH {
        let request = taskdeck_core::StartRequest {
            id: Some(clock::new_task_id(clock::system())),
            params: serde_json::json!({ "number": number }),
            ..taskdeck_core::StartRequest::default()
        };
        loop {
            match client(&deck).start("wait", request.clone()).await {
                Ok(started) => break ids.push(started.task.id),
                Err(error) => tracing::debug!(%error, "asked again"),
            }
        }
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn nodes_go_on_by_themselves_when_the_server_was_killed_and_is_there_again() {
    let mut cluster = Cluster::new().await;
    let (database, stage) = (Database::on(cluster.url()).await, Arc::new(Stage::default()));
    let mut decks = Vec::new();
    for _ in 0..3 {
        decks.push(node(&database, &stage, true).await);
    }
    let mut ids = Vec::new();
    for _ in 0..3 {
        let mut starting = tokio::task::JoinSet::new();
        for deck in &decks {
            starting.spawn(start_all(deck.clone()));
        }
        // In the middle of them, wherever that is.
        let some = decks[0].start(Wait { number: 0 }).await.unwrap().id();
        is(&decks[1], some, Status::Completed).await;
        cluster.crash();
        cluster.start().await;
        ids.extend(starting.join_all().await.into_iter().flatten());
    }
    for id in &ids {
        let done = is(&decks[2], *id, Status::Completed).await;
        assert_eq!(done.endings, 1, "each ends once");
    }
    let store = &decks[0].inner().store;
    assert_eq!(store.counts().await.unwrap(), store.recount().await.unwrap());
    end(database, decks).await;
}
