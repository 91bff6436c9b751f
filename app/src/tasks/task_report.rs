//! A report of what the kinds did.

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

/// What the tasks of a kind did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindReport {
    /// The kind.
    pub kind: String,
    /// How many tasks were started.
    pub started: u64,
    /// How many completed.
    pub completed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were cancelled.
    pub cancelled: u64,
    /// How many were interrupted.
    pub interrupted: u64,
    /// How long half of them waited at most, in milliseconds.
    pub wait_p50_ms: Option<u64>,
    /// How long nearly all of them (19 of 20) waited at most.
    pub wait_p95_ms: Option<u64>,
    /// How long half of the attempts took at most.
    pub run_p50_ms: Option<u64>,
    /// How long nearly all of the attempts took at most.
    pub run_p95_ms: Option<u64>,
}

/// Counts what became of the tasks of each kind, and how long they waited and took: a table, to read or to take away as
/// CSV.
#[task(
    title = "Task report",
    category = "report",
    icon = "table",
    tags("statistics", "csv"),
    timeout = "5m",
    retry(max_tries = 3, base = "2s", max = "1m")
)]
pub async fn task_report(
    ctx: TaskContext,
    /// How many days it looks back. It is known for fourteen.
    #[param(default = 7, min = 1, max = 14)]
    days: u32,
) -> Result<Vec<KindReport>, TaskError> {
    let deck = ctx.deck().as_actor(taskdeck::Actor::System);
    let since = taskdeck::StatsSince::Ago(u64::from(days) * 86_400_000);
    let kinds = deck.kinds()?;
    let mut rows = Vec::new();
    for (done, kind) in kinds.iter().enumerate() {
        ctx.progress_of(done as u64, kinds.len() as u64);
        let query = taskdeck::StatsQuery { since, step_ms: None, kind: Some(kind.kind.clone()) };
        let total = deck.stats(query).await?.total;
        if total.started + total.begun == 0 {
            continue;
        }
        rows.push(KindReport {
            kind: kind.kind.to_string(),
            started: total.started,
            completed: total.completed,
            failed: total.failed,
            cancelled: total.cancelled,
            interrupted: total.interrupted,
            wait_p50_ms: total.wait.map(|wait| wait.p50),
            wait_p95_ms: total.wait.map(|wait| wait.p95),
            run_p50_ms: total.run.map(|run| run.p50),
            run_p95_ms: total.run.map(|run| run.p95),
        });
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.started));
    ctx.progress_of(kinds.len() as u64, kinds.len() as u64);
    ctx.message(match rows.len() {
        1 => "1 kind".to_owned(),
        kinds => format!("{kinds} kinds"),
    });
    Ok(rows)
}

#[cfg(feature = "ssr")]
#[cfg(test)]
mod tests {
    use taskdeck::Deck;

    use super::*;
    use crate::tasks::{DemoEnding, DemoSteps};

    #[tokio::test]
    async fn each_kind_that_did_something_has_a_row() {
        let deck = Deck::builder().memory().register::<TaskReport>().register::<DemoSteps>();
        let deck = deck.build().await.unwrap();
        for ending in [DemoEnding::Complete, DemoEnding::Complete, DemoEnding::Fail] {
            let steps = DemoSteps { steps: 1, step_ms: 0, ending, log_lines: 1 };
            let handle = deck.start(steps).max_tries(1).await.unwrap();
            let _ = handle.result(None).await;
        }
        let rows = deck.start(TaskReport { days: 1 }).await.unwrap().result(None).await.unwrap();
        let steps = rows.iter().find(|row| row.kind == "demo_steps").unwrap();
        assert_eq!((steps.started, steps.completed, steps.failed), (3, 2, 1));
        assert!(steps.run_p50_ms.is_some() && steps.run_p50_ms <= steps.run_p95_ms);
        deck.shutdown().await;
    }
}
