//! A task that does nothing but tell how far it is: for trying out how much a page can show.

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

/// What the demo did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TickSummary {
    /// How often it told how far it is.
    pub updates: u64,
}

/// Tells how far it is, many times a second. Start a thousand of them at once, and look at the list.
#[task(
    title = "Demo ticks",
    category = "other",
    icon = "activity",
    tags("demo", "example"),
    timeout = "2h",
    retry(max_tries = 1)
)]
pub async fn demo_ticks(
    ctx: TaskContext,
    /// How often it tells how far it is, a second.
    #[param(title = "Updates a second", default = 10, min = 1, max = 100)]
    updates_per_second: u32,
    /// How long it goes on, in seconds.
    #[param(default = 30, min = 1, max = 3_600)]
    seconds: u32,
) -> Result<TickSummary, TaskError> {
    let updates = u64::from(updates_per_second) * u64::from(seconds);
    ctx.unit("updates");
    let pause = std::time::Duration::from_secs(1) / updates_per_second;
    // By the clock, not by pauses one after the other: what an update takes is no delay of the next.
    let mut next = tokio::time::Instant::now();
    for update in 1..=updates {
        next += pause;
        if tokio::time::timeout_at(next, ctx.cancelled()).await.is_ok() {
            return Err(TaskError::transient("stopped").code("stopped"));
        }
        ctx.progress_of(update, updates);
        ctx.message(format!("Update {update}"));
    }
    Ok(TickSummary { updates })
}

#[cfg(feature = "ssr")]
#[cfg(test)]
mod tests {
    use taskdeck::Deck;

    use super::*;

    #[tokio::test]
    async fn it_tells_how_far_it_is_as_often_as_it_was_asked_to() {
        let deck = Deck::builder().memory().register::<DemoTicks>().build().await.unwrap();
        let handle = deck.start(DemoTicks { updates_per_second: 100, seconds: 1 }).await.unwrap();
        assert_eq!(handle.result(None).await.unwrap(), TickSummary { updates: 100 });
        let progress = handle.state().await.unwrap().progress;
        assert_eq!((progress.done, progress.total, progress.fraction), (Some(100), Some(100), Some(1.0)));
        deck.shutdown().await;
    }
}
