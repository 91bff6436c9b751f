//! The tasks of the program.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

/// What was counted in a text. It is the checkpoint too: what was counted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WordCount {
    /// How many lines there are.
    pub(crate) lines: usize,
    /// How many words there are.
    pub(crate) words: usize,
    /// How many of the lines an attempt before had counted.
    pub(crate) before: usize,
}

/// Counts the words of a text, line by line. Stopped and started again, it goes on at the next line.
#[task(title = "Count words", category = "report")]
pub(crate) async fn count_words(
    ctx: TaskContext,
    #[param(multiline)] text: String,
    /// How long a line takes, in milliseconds.
    #[param(default = 0)]
    line_ms: u64,
) -> Result<WordCount, TaskError> {
    let mut count = ctx.restore::<WordCount>()?.unwrap_or_default();
    count.before = count.lines;
    let all = text.lines().count();
    ctx.unit("lines");
    for line in text.lines().skip(count.lines) {
        // Whoever sleeps listens: a cancel and a shutdown are heard at once.
        if tokio::time::timeout(Duration::from_millis(line_ms), ctx.cancelled()).await.is_ok() {
            return Err(TaskError::transient("stopped"));
        }
        count.lines += 1;
        count.words += line.split_whitespace().count();
        ctx.checkpoint(&count).await?;
        ctx.progress_of(count.lines as u64, all as u64);
    }
    Ok(count)
}

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// Who has it.
    pub(crate) to: String,
    /// Which attempt it was that brought it there.
    pub(crate) attempt: u32,
}

/// Sends a letter, to a mail server of a bad day: first it is busy, then it does not answer.
#[task(title = "Send a letter", retry(max_tries = 3, base = "100ms"))]
pub(crate) async fn send_letter(ctx: TaskContext, to: String) -> Result<Receipt, TaskError> {
    match ctx.attempt() {
        1 => Err(TaskError::transient("the mail server is busy")),
        2 => {
            ctx.message("waiting for the mail server");
            ctx.cancelled().await;
            Err(TaskError::transient("the mail server did not answer"))
        }
        attempt => Ok(Receipt { to, attempt }),
    }
}
