//! A task that does nothing for a while, for trying out what tasks do.

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

/// How the demo ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Choices)]
#[serde(rename_all = "snake_case")]
pub enum DemoEnding {
    /// It completes
    Complete,
    /// It fails with an error
    Fail,
    /// It panics
    Panic,
    /// It asks a person
    Ask,
}

/// What the demo did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoSummary {
    /// How many steps were processed.
    pub processed: u32,
}

/// Processes some steps, each with a pause and a checkpoint: stopped and retried, it goes on at the next step. Also
/// shows what an error and a panic look like.
#[task(
    title = "Demo steps",
    category = "other",
    icon = "footprints",
    tags("demo", "example"),
    timeout = "17h",
    retry(max_tries = 1)
)]
pub async fn demo_steps(
    ctx: TaskContext,
    /// How many steps to process.
    #[param(default = 8, min = 1, max = 1_000)]
    steps: u32,
    /// How long each step takes, in milliseconds.
    #[param(title = "Time for a step (ms)", default = 800, max = 60_000)]
    step_ms: u64,
    /// What happens after the last step.
    #[param(default = DemoEnding::Complete)]
    ending: DemoEnding,
    /// How many lines each step writes to the log.
    #[param(title = "Log lines of a step", default = 1, min = 1, max = 1_000)]
    log_lines: u32,
) -> Result<DemoSummary, TaskError> {
    let done = ctx.restore::<u32>()?.unwrap_or(0).min(steps);
    if done > 0 {
        ctx.info(format!("Goes on after step {done} of {steps}."));
    }
    ctx.progress_of(u64::from(done), u64::from(steps));
    ctx.unit("steps");
    for step in done + 1..=steps {
        let text = format!("Processing step {step}/{steps}");
        ctx.info(&text);
        for line in 2..=log_lines {
            ctx.info(format!("Step {step}, line {line} of {log_lines}"));
        }
        ctx.message(text);
        let pause = std::time::Duration::from_millis(step_ms);
        if tokio::time::timeout(pause, ctx.cancelled()).await.is_ok() {
            return Err(TaskError::transient(format!("stopped in step {step} of {steps}")).code("stopped"));
        }
        ctx.checkpoint(&step).await?;
        ctx.progress_of(u64::from(step), u64::from(steps));
    }
    match ending {
        DemoEnding::Ask if !asked(&ctx).await? => {
            let message = "The demo was told not to complete.";
            Err(TaskError::permanent(message).code("declined"))
        }
        DemoEnding::Complete | DemoEnding::Ask => {
            let plural = if steps == 1 { "" } else { "s" };
            ctx.message(format!("{steps} step{plural} processed"));
            Ok(DemoSummary { processed: steps })
        }
        DemoEnding::Fail => {
            let message = format!("The demo failed after step {steps}, as it was asked to.");
            Err(TaskError::permanent(message).code("demo_failed"))
        }
        DemoEnding::Panic => panic!("The demo panicked after step {steps}, as it was asked to."),
    }
}

#[cfg(feature = "ssr")]
async fn asked(ctx: &TaskContext) -> Result<bool, TaskError> {
    use taskdeck::{Param, Question};
    let question = Question::new("complete", "All steps are processed. Complete the task?")
        .buttons("Complete it", "Let it fail")
        .field(Param::of::<String>("reason").title("Why").help("It is written to the log.").min_len(3));
    let answer = ctx.confirm(question).await?;
    let reason = answer.fields["reason"].as_str().unwrap_or("none given");
    ctx.info(format!("Answered: {}, because: {reason}", if answer.approved { "yes" } else { "no" }));
    Ok(answer.approved)
}

#[cfg(feature = "ssr")]
#[cfg(test)]
mod tests {
    use taskdeck::{Deck, DeckError, Status};

    use super::*;

    async fn deck() -> Deck {
        Deck::builder().memory().register::<DemoSteps>().build().await.unwrap()
    }

    fn demo(steps: u32, step_ms: u64, ending: DemoEnding) -> DemoSteps {
        DemoSteps { steps, step_ms, ending, log_lines: 1 }
    }

    #[tokio::test]
    async fn eight_steps_are_processed() {
        let deck = deck().await;
        let handle = deck.start(demo(8, 1, DemoEnding::Complete)).await.unwrap();
        assert_eq!(handle.result(None).await.unwrap(), DemoSummary { processed: 8 });
        let progress = handle.state().await.unwrap().progress;
        assert_eq!((progress.done, progress.total), (Some(8), Some(8)));
        assert_eq!(progress.message.as_deref(), Some("8 steps processed"));
        deck.shutdown().await;
    }

    #[tokio::test]
    async fn an_error_and_a_panic_end_at_the_first_try_and_the_next_task_completes() {
        let deck = deck().await;
        for (ending, code) in [(DemoEnding::Fail, "demo_failed"), (DemoEnding::Panic, "panic")] {
            let handle = deck.start(demo(1, 0, ending)).await.unwrap();
            let Err(DeckError::TaskFailed { error, message }) = handle.result(None).await else {
                panic!("it must fail");
            };
            assert_eq!(error, code);
            assert!(message.contains("after step 1, as it was asked to"), "{message}");
            assert_eq!(handle.state().await.unwrap().attempt, 1);
        }
        let handle = deck.start(demo(1, 0, DemoEnding::Complete)).await.unwrap();
        assert_eq!(handle.result(None).await.unwrap().processed, 1);
        deck.shutdown().await;
    }

    #[tokio::test]
    async fn a_cancelled_demo_goes_on_at_the_next_step_when_it_is_retried() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deck.db");
        let deck = Deck::builder().sqlite(path).register::<DemoSteps>().build().await.unwrap();
        let client = deck.as_actor(taskdeck::Actor::System);
        let handle = deck.start(demo(3, 200, DemoEnding::Complete)).await.unwrap();
        let mut feed = client.feed();
        feed.apply(taskdeck::ClientMessage::Subscribe {
            tasks: vec![taskdeck::Known { id: handle.id(), version: 0, tick: 0 }],
        })
        .await;
        while handle.state().await.unwrap().progress.done != Some(1) {
            feed.next().await.unwrap();
        }
        handle.cancel(None).await.unwrap();
        assert!(handle.result(None).await.is_err());
        assert_eq!(handle.state().await.unwrap().status, Status::Cancelled);

        client.retry(handle.id()).await.unwrap();
        assert_eq!(handle.result(None).await.unwrap().processed, 3);
        let log = client.log(handle.id(), 0, 100).await.unwrap();
        let steps = log.lines.iter().filter(|line| line.text == "Processing step 1/3").count();
        assert_eq!(steps, 1, "{log:?}");
        assert!(log.lines.iter().any(|line| line.text.starts_with("Goes on after step ")), "{log:?}");
        deck.shutdown().await;
    }
}
