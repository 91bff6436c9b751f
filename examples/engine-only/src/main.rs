//! Taskdeck without the web: tasks that a program starts, follows, cancels and tries again, on a SQLite file.
//!
//! `cargo run -p example-engine-only [FILE]`, and once more: what the first run left is done by the second.

mod tasks;

use anyhow::{Result, bail};
use taskdeck::{Actor, Deck, DeckError, ListQuery, Status, StatusSet, TaskId};

use crate::tasks::{CountWords, SendLetter};

const TEXT: &str = "What is begun and not yet done\nis not forgotten with the sun:\n\
                    the deck is kept, the lease runs out,\nand somebody will come about.\n";

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args_os().nth(1).unwrap_or_else(|| "engine-only.db".into());
    let deck = Deck::builder().sqlite(file).register_linked().build().await?;
    let done = all(&deck).await;
    // In any case: what still runs is asked to stop, and goes back into its queue at no cost of a try.
    deck.shutdown().await;
    println!("shut down");
    done
}

async fn all(deck: &Deck) -> Result<()> {
    go_on(deck).await?;
    follow(deck).await?;
    cancel_and_retry(deck).await?;
    leave(deck).await
}

/// What the run before left: it runs by itself, and is found by its key.
async fn go_on(deck: &Deck) -> Result<()> {
    let Some(left) = left_over(deck).await? else {
        println!("nothing was left to do");
        return Ok(());
    };
    let count = deck.handle::<CountWords>(left).result(None).await?;
    println!("left over: {} words, counted on after {} lines", count.words, count.before);
    Ok(())
}

async fn left_over(deck: &Deck) -> Result<Option<TaskId>, DeckError> {
    let query = ListQuery { status: StatusSet::ACTIVE, key: Some("left".to_owned()), ..ListQuery::default() };
    let page = deck.as_actor(Actor::System).list(&query).await?;
    Ok(page.tasks.first().map(|task| task.id))
}

/// Starts a task, follows its progress, and waits for what it returns.
async fn follow(deck: &Deck) -> Result<()> {
    let handle = deck.start(CountWords { text: TEXT.to_owned(), line_ms: 100 }).await?;
    let mut states = handle.watch().await;
    while let Some(state) = states.next().await {
        let percent = state.progress.percent().unwrap_or(0);
        println!("counting: {}, {percent} %", state.status);
    }
    let count = handle.result(None).await?;
    println!("counted: {} words in {} lines", count.words, count.lines);
    Ok(())
}

/// A task that fails is tried again by itself; one that was cancelled, when somebody says so.
async fn cancel_and_retry(deck: &Deck) -> Result<()> {
    let handle = deck.start(SendLetter { to: "ann@example.org".to_owned() }).await?;
    let mut states = handle.watch().await;
    loop {
        let Some(state) = states.next().await else { bail!("the letter's task has ended by itself") };
        if state.status == Status::Running && state.attempt == 2 {
            println!("letter: attempt 1 failed, attempt 2 runs");
            break;
        }
    }
    handle.cancel(Some("it does not answer".to_owned())).await?;
    match handle.result(None).await {
        Err(DeckError::NoResult { status }) => println!("letter: {status}"),
        other => bail!("the letter was cancelled, and its result is {other:?}"),
    }
    handle.retry().await?;
    let receipt = handle.result(None).await?;
    println!("letter: attempt {} brought it to {}", receipt.attempt, receipt.to);
    Ok(())
}

/// Begins what the next run will end. The key finds it again.
async fn leave(deck: &Deck) -> Result<()> {
    let handle = deck.start(CountWords { text: TEXT.to_owned(), line_ms: 500 }).key("left").await?;
    let mut states = handle.watch().await;
    while states.next().await.is_some_and(|state| state.progress.done.is_none()) {}
    println!("left to the next run, with a line counted");
    Ok(())
}
