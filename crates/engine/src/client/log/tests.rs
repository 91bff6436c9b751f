use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskdeck_core::{Actor, ClientMessage, Definition, LogLine, ServerMessage, Task, TaskError};
use tokio::sync::Semaphore;

use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::{Deck, Durability, TaskBody, TaskContext};

/// Writes three lines, a fourth when the gate opens, and ends when it opens again.
#[derive(Debug, Serialize, Deserialize)]
struct Talks {}

impl Task for Talks {
    const KIND: &'static str = "talks";
    type Output = ();

    fn definition() -> Definition {
        Definition::new(Self::kind())
    }
}

impl TaskBody for Talks {
    async fn run(self, ctx: TaskContext) -> Result<(), TaskError> {
        let gate = ctx.get::<Arc<Semaphore>>()?;
        (1..=3).for_each(|n| ctx.info(format!("line {n}")));
        gate.acquire().await?.forget();
        ctx.info("line 4");
        gate.acquire().await?.forget();
        ctx.info("the last");
        Ok(())
    }
}

#[tokio::test]
async fn what_is_told_of_a_log_is_stored() {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(None, Durability::Normal).unwrap());
    let gate = Arc::new(Semaphore::new(0));
    let deck = Deck::builder()
        .shared_store(Arc::clone(&store))
        .resource(Arc::clone(&gate))
        .register::<Talks>()
        .build()
        .await
        .unwrap();
    let handle = deck.start(Talks {}).await.unwrap();
    let mut feed = deck.as_actor(Actor::System).feed();
    feed.apply(ClientMessage::Log { task: handle.id(), since: 0 }).await;
    let mut told: Vec<LogLine> = Vec::new();
    while told.len() < 5 {
        for message in feed.next().await.unwrap() {
            let ServerMessage::Log { lines, .. } = message else { panic!("{message:?}") };
            let first = lines[0].seq;
            assert_eq!(store.log(handle.id(), first - 1, 10).await.unwrap().lines, lines);
            told.extend(lines);
        }
        if told.len() == 3 || told.len() == 4 {
            gate.add_permits(1);
        }
    }
    let page = deck.as_actor(Actor::System).log(handle.id(), 0, 10).await.unwrap();
    assert_eq!(page.lines, told);
    assert_eq!(told.iter().map(|line| line.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    handle.result(None).await.unwrap();
    deck.shutdown().await;
}
