//! For the tests of those who write tasks: a real deck in memory, with a clock that stands still until it is moved.
//!
//! ```
//! # use taskdeck_core::{Definition, Param, Task, TaskError};
//! # use taskdeck_engine::{TaskBody, TaskContext};
//! use taskdeck_engine::testing::run_inline;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Count {
//!     to: u64,
//! }
//! # impl Task for Count {
//! #     const KIND: &'static str = "count";
//! #     type Output = u64;
//! #     fn definition() -> Definition {
//! #         let mut definition = Definition::new(Self::kind());
//! #         definition.params = vec![Param::of::<u64>("to")];
//! #         definition
//! #     }
//! # }
//! impl TaskBody for Count {
//!     async fn run(self, ctx: TaskContext) -> Result<u64, TaskError> {
//!         for n in 1..=self.to {
//!             ctx.progress_of(n, self.to);
//!         }
//!         ctx.info(format!("counted to {}", self.to));
//!         Ok(self.to)
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let run = run_inline(Count { to: 3 }).await;
//! assert_eq!(run.output(), &3);
//! run.assert_logged("counted to 3");
//! run.assert_progress_rises();
//! # });
//! ```

use std::time::Duration;

use taskdeck_core::{
    Actor, Attempt, DeckError, LogLine, Progress, Status, Task, TaskId, TaskState, Timestamp,
};

use crate::client::Client;
use crate::clock::Clock;
use crate::deck::{Deck, DeckBuilder};
use crate::registry::TaskBody;
use crate::settings::Settings;

/// How long, in real time, a task may take before its test fails.
const PATIENCE: Duration = Duration::from_secs(30);
const LOG_PAGE: u32 = 5_000;

/// A deck in memory for tests. Its clock stands still: delays, retries and schedules come when it is moved. Timeouts
/// of attempts are in real time.
#[derive(Debug)]
pub struct TestDeck {
    deck: Deck,
    client: Client,
}

impl TestDeck {
    /// A deck with what `set_up` adds: kinds, resources, settings.
    ///
    /// ```
    /// use taskdeck_engine::testing::TestDeck;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let test = TestDeck::new(|deck| deck.resource("a resource".to_owned())).await;
    /// test.shutdown().await;
    /// # });
    /// ```
    ///
    /// # Panics
    /// When the deck cannot be built: two kinds of one name, say.
    #[expect(clippy::expect_used, reason = "a test ends here")]
    pub async fn new(set_up: impl FnOnce(DeckBuilder) -> DeckBuilder) -> Self {
        let settings =
            Settings { max_concurrent: 4, grace: Duration::from_millis(200), ..Settings::default() };
        let builder = set_up(Deck::builder().memory().settings(settings));
        let now = Clock::default().now();
        let deck = builder.clock(Clock::frozen(now)).build().await.expect("the deck can be built");
        let client = deck.as_actor(Actor::local());
        Self { deck, client }
    }

    /// The deck.
    #[must_use]
    pub fn deck(&self) -> &Deck {
        &self.deck
    }

    /// The deck as the local user sees it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What time it is on the deck.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.deck.inner().clock.now()
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.deck.inner().clock.advance(by);
    }

    /// Starts a task and runs it to its end, or to a question. Where it waits for a time (a delay, a retry), the clock
    /// is moved to it.
    ///
    /// # Panics
    /// When the start is refused, and when the task does not end within 30 seconds of real time.
    #[expect(clippy::expect_used, reason = "a test ends here")]
    pub async fn run<T: Task>(&self, task: T) -> TestRun<T::Output> {
        let id = self.client.start_task(task).await.expect("the task is started").id();
        self.finish(id).await
    }

    /// Runs a task that was started to its end, or to a question.
    ///
    /// # Panics
    /// As [`TestDeck::run`].
    #[expect(clippy::expect_used, reason = "a test ends here")]
    pub async fn finish<O: serde::de::DeserializeOwned>(&self, id: TaskId) -> TestRun<O> {
        let mut states: Vec<TaskState> = Vec::new();
        let follow = async {
            let mut watch = self.client.watch(id).await;
            while let Some(state) = watch.next().await {
                let (status, at) = (state.status, state.scheduled_at);
                states.push(state);
                match (status, at) {
                    (Status::WaitingConfirmation, _) => break,
                    (Status::Scheduled, Some(at)) => {
                        let wait = at.millis_since(self.now());
                        self.advance(Duration::from_millis(wait));
                    }
                    _ => {}
                }
            }
        };
        let ended = tokio::time::timeout(PATIENCE, follow).await;
        let last = states.last().map(|state| state.status);
        assert!(ended.is_ok(), "the task did not end in {PATIENCE:?}: it is {last:?}");
        let state = self.client.get(id).await.expect("the task is there");
        let output = match self.client.result(id, None).await {
            Ok(body) => Ok(serde_json::from_value(body.result).expect("the output is of its type")),
            Err(error) => Err(error),
        };
        let log = self.client.log(id, 0, LOG_PAGE).await.expect("the log is there").lines;
        let attempts = self.client.attempts(id).await.expect("the attempts are there");
        TestRun { state, output, states, log, attempts }
    }

    /// Ends the deck.
    pub async fn shutdown(self) {
        self.deck.shutdown().await;
    }
}

/// How a task ran.
#[derive(Debug)]
pub struct TestRun<O> {
    /// Where it stands.
    pub state: TaskState,
    /// What it returned, or why there is nothing.
    pub output: Result<O, DeckError>,
    /// The states that were seen on the way: as pages see them, a quick one may be passed over.
    pub states: Vec<TaskState>,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// Its attempts, the last first.
    pub attempts: Vec<Attempt>,
}

impl<O> TestRun<O> {
    /// The output.
    ///
    /// # Panics
    /// When the task did not complete; the message says why.
    #[must_use]
    pub fn output(&self) -> &O {
        match &self.output {
            Ok(output) => output,
            Err(error) => panic!("the task is {}: {error}", self.state.status),
        }
    }

    /// The message of the error that the task failed with.
    ///
    /// # Panics
    /// When it did not fail.
    #[must_use]
    pub fn error(&self) -> &str {
        match (&self.state.error, self.state.status) {
            (Some(error), Status::Failed) => &error.message,
            (_, status) => panic!("the task has not failed: it is {status}"),
        }
    }

    /// Its progress as it was seen.
    pub fn progress(&self) -> impl Iterator<Item = &Progress> {
        self.states.iter().map(|state| &state.progress)
    }

    /// Asserts that the bar never went back within an attempt.
    ///
    /// # Panics
    /// When it did.
    pub fn assert_progress_rises(&self) {
        for pair in self.states.windows(2) {
            let (before, after) = (pair[0].progress.fraction, pair[1].progress.fraction);
            let same = pair[0].attempt == pair[1].attempt;
            assert!(!same || after >= before, "the bar went back from {before:?} to {after:?}");
        }
    }

    /// Asserts that a line of the log holds this text.
    ///
    /// # Panics
    /// When none does; the message shows the log.
    pub fn assert_logged(&self, text: &str) {
        let lines: Vec<_> = self.log.iter().map(|line| line.text.as_str()).collect();
        assert!(lines.iter().any(|line| line.contains(text)), "no line holds {text:?}: {lines:#?}");
    }
}

/// Runs one task to its end in a deck of its own. For resources and several kinds see [`TestDeck`].
///
/// # Panics
/// As [`TestDeck::run`].
pub async fn run_inline<T: TaskBody>(task: T) -> TestRun<T::Output> {
    let test = TestDeck::new(DeckBuilder::register::<T>).await;
    let run = test.run(task).await;
    test.shutdown().await;
    run
}
