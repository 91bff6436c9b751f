//! A task that has others do its work, and returns a table: for trying out children and exports.

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

/// What became of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoPart {
    /// Its number, from 1.
    pub part: u32,
    /// The task that did it.
    pub task: TaskId,
    /// How many steps it processed.
    pub processed: u32,
}

/// Starts a task for each part, all at once, and waits for them without holding its slot. Its bar is made of theirs, and
/// its result is a table.
#[task(
    title = "Demo parts",
    category = "other",
    icon = "layers",
    tags("demo", "example"),
    timeout = "2h",
    retry(max_tries = 1)
)]
pub async fn demo_parts(
    ctx: TaskContext,
    /// How many parts there are.
    #[param(default = 3, min = 1, max = 20)]
    parts: u32,
    /// How many steps each of them has.
    #[param(title = "Steps of a part", default = 5, min = 1, max = 100)]
    steps: u32,
    /// How long each step takes, in milliseconds.
    #[param(title = "Time for a step (ms)", default = 400, max = 60_000)]
    step_ms: u64,
) -> Result<Vec<DemoPart>, TaskError> {
    let mut children = Vec::new();
    for part in 1..=parts {
        let ending = super::DemoEnding::Complete;
        let steps = super::DemoSteps { steps, step_ms, ending, log_lines: 1 };
        let child = ctx.child(format!("part {part}"), steps).label(format!("Part {part} of {parts}"));
        children.push((part, child.share(1.0 / f64::from(parts)).await?));
    }
    let mut done = Vec::new();
    for (part, child) in children {
        ctx.message(format!("Waiting for part {part}"));
        let processed = child.result().await?.processed;
        done.push(DemoPart { part, task: child.id(), processed });
    }
    ctx.message(format!("{parts} parts done"));
    Ok(done)
}

#[cfg(feature = "ssr")]
#[cfg(test)]
mod tests {
    use taskdeck::{Actor, Deck, ListQuery, Settings};

    use super::*;
    use crate::tasks::DemoSteps;

    #[tokio::test]
    async fn each_part_is_a_task_of_its_own_and_a_row_of_the_result() {
        let deck = Deck::builder().memory().register::<DemoParts>().register::<DemoSteps>();
        let settings = Settings { max_concurrent: 1, ..Settings::default() };
        let deck = deck.settings(settings).build().await.unwrap();
        let handle = deck.start(DemoParts { parts: 3, steps: 2, step_ms: 0 }).await.unwrap();
        let rows = handle.result(None).await.unwrap();
        assert_eq!(
            rows.iter().map(|row| (row.part, row.processed)).collect::<Vec<_>>(),
            [(1, 2), (2, 2), (3, 2)]
        );
        let query = ListQuery { parent: Some(handle.id()), ..ListQuery::default() };
        let children = deck.as_actor(Actor::local()).list(&query).await.unwrap().tasks;
        let labels: Vec<_> = children.iter().map(|child| child.label.as_str()).collect();
        assert_eq!(labels, ["Part 3 of 3", "Part 2 of 3", "Part 1 of 3"]);
        deck.shutdown().await;
    }
}
