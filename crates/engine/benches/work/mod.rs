//! What both benchmarks have done: tasks that do nothing, by many callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use taskdeck_core::{Definition, ListQuery, Param, Status, StatusSet, Task, TaskError};
use taskdeck_engine::{Deck, TaskBody, TaskContext};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Noop {
    pub(crate) number: u64,
}

impl Task for Noop {
    const KIND: &'static str = "noop";
    type Output = ();

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<u64>("number")];
        definition
    }
}

impl TaskBody for Noop {
    async fn run(self, _: TaskContext) -> Result<(), TaskError> {
        Ok(())
    }
}

/// Tells when it begins.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Begins {}

impl Task for Begins {
    const KIND: &'static str = "begins";
    type Output = ();

    fn definition() -> Definition {
        Definition::new(Self::kind())
    }
}

impl TaskBody for Begins {
    async fn run(self, ctx: TaskContext) -> Result<(), TaskError> {
        let now = Instant::now();
        ctx.get::<tokio::sync::mpsc::UnboundedSender<Instant>>()?.send(now)?;
        Ok(())
    }
}

/// How much is measured: `--tasks N` and `--callers N`.
pub(crate) struct Arguments {
    pub(crate) tasks: u64,
    pub(crate) callers: u64,
}

impl Arguments {
    /// Those of the process.
    pub(crate) fn read(tasks: u64) -> Self {
        let mut arguments = Self { tasks, callers: 64 };
        let mut given = std::env::args().skip(1);
        while let Some(name) = given.next() {
            let mut number =
                || given.next().and_then(|text| text.parse().ok()).expect("a number after the option");
            match name.as_str() {
                "--tasks" => arguments.tasks = number(),
                "--callers" => arguments.callers = number(),
                "--bench" => {}
                other => panic!("unknown argument {other}"),
            }
        }
        arguments
    }
}

pub(crate) fn rate(tasks: u64, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
    let tasks = tasks as f64;
    tasks / took.as_secs_f64()
}

/// `callers` start tasks, each awaiting its start before the next.
pub(crate) async fn start_all(deck: &Deck, tasks: u64, callers: u64) {
    let next = Arc::new(AtomicU64::new(0));
    let mut started = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (deck, next) = (deck.clone(), Arc::clone(&next));
        started.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= tasks {
                    return;
                }
                deck.start(Noop { number }).await.expect("starts");
            }
        });
    }
    started.join_all().await;
}

/// Until every task is recorded as completed.
pub(crate) async fn all_completed(deck: &Deck, tasks: u64) {
    let client = deck.as_actor(taskdeck_core::Actor::System);
    while client.counts().await.expect("counts").of(Status::Completed) < tasks {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let active = ListQuery { status: StatusSet::ACTIVE, ..ListQuery::default() };
    assert!(client.list(&active).await.expect("lists").tasks.is_empty());
}

/// How long it takes from the call of start until the body begins, with nothing else to do: the median and the 99th
/// percentile, in milliseconds. `begun` is told by the bodies, wherever they run.
pub(crate) async fn start_to_handler(
    deck: &Deck,
    samples: usize,
    begun: &mut tokio::sync::mpsc::UnboundedReceiver<Instant>,
) -> (f64, f64) {
    let mut took = Vec::with_capacity(samples);
    for sample in 0..samples + 20 {
        let called = Instant::now();
        let handle = deck.start(Begins {}).await.expect("starts");
        let began = begun.recv().await.expect("it begins");
        // The first ones make the file and fill the caches.
        if sample >= 20 {
            took.push(began.duration_since(called).as_secs_f64() * 1_000.0);
        }
        handle.result(None).await.expect("completes");
    }
    took.sort_by(f64::total_cmp);
    (took[samples / 2], took[samples * 99 / 100])
}
