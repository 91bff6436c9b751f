use taskdeck::prelude::*;
use taskdeck::{Actor, BulkRequest, BulkVerb, ListQuery, Status, StatusSet};

use super::{CleanUpSummary, Ending};

/// How many tasks are removed at a time: between two such steps it can be cancelled.
const STEP: u32 = 500;
const HOUR_MS: i64 = 3_600_000;

pub(super) async fn run(
    ctx: TaskContext,
    endings: Vec<Ending>,
    older_than: u32,
) -> Result<CleanUpSummary, TaskError> {
    let deck = ctx.deck().as_actor(Actor::System);
    let created_at = deck.get(ctx.id()).await?.created_at;
    let chosen: StatusSet = endings.iter().map(status).collect();
    let query = ListQuery {
        status: if chosen.is_empty() { StatusSet::ENDED } else { chosen },
        // What ends while it works is not older than the task itself.
        before: Some(created_at.plus_millis(-HOUR_MS * i64::from(older_than))),
        limit: Some(STEP),
        ..ListQuery::default()
    };
    let all = BulkRequest { verb: BulkVerb::Delete, tasks: Vec::new(), filter: Some(query.to_filter()) };
    let found = deck.bulk_preview(&all).await?.count;
    let mut removed = 0;
    loop {
        ctx.progress_of(removed, found.max(removed));
        let page = deck.list(&query).await?.tasks;
        if page.is_empty() {
            break;
        }
        for task in page {
            match deck.delete(task.id).await {
                Ok(()) => removed += 1,
                // Somebody else removed it.
                Err(taskdeck::DeckError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if ctx.is_cancelled() {
            break;
        }
    }
    ctx.message(format!("{removed} tasks removed"));
    Ok(CleanUpSummary { removed, found })
}

fn status(ending: &Ending) -> Status {
    match ending {
        Ending::Completed => Status::Completed,
        Ending::Failed => Status::Failed,
        Ending::Cancelled => Status::Cancelled,
        Ending::Interrupted => Status::Interrupted,
    }
}

#[cfg(test)]
mod tests {
    use taskdeck::{Deck, Status};

    use super::*;
    use crate::tasks::{CleanUpTasks, DemoEnding, DemoSteps};

    #[tokio::test]
    async fn what_ended_as_chosen_is_removed_and_the_rest_stays() {
        let deck = Deck::builder().memory().register::<CleanUpTasks>().register::<DemoSteps>();
        let deck = deck.build().await.unwrap();
        let mut tasks = Vec::new();
        for ending in [DemoEnding::Complete, DemoEnding::Fail, DemoEnding::Fail] {
            let steps = DemoSteps { steps: 1, step_ms: 0, ending, log_lines: 1 };
            let handle = deck.start(steps).max_tries(1).await.unwrap();
            let _ = handle.result(None).await;
            tasks.push(handle.id());
        }
        let run = async |endings, older_than| {
            let handle = deck.start(CleanUpTasks { endings, older_than }).await.unwrap();
            handle.result(None).await.unwrap()
        };
        assert_eq!(run(vec![Ending::Failed], 1).await, CleanUpSummary { removed: 0, found: 0 }, "too young");
        assert_eq!(run(vec![Ending::Failed], 0).await, CleanUpSummary { removed: 2, found: 2 });
        let client = deck.as_actor(Actor::System);
        assert_eq!(client.get(tasks[0]).await.unwrap().status, Status::Completed);
        assert!(client.get(tasks[1]).await.is_err());
        deck.shutdown().await;
    }
}
