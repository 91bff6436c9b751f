//! How soon a reader sees how far a task is.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use taskdeck_core::{Actor, ClientMessage, Definition, Known, Param, ServerMessage, Task, TaskError, TaskId};
use taskdeck_engine::{Deck, TaskBody, TaskContext};

/// How many tasks run at once, and how many steps each takes.
const TASKS: u64 = 20;
const STEPS: u64 = 50;
/// How long a step takes, in milliseconds: anything between these.
const LEAST: u64 = 100;
const MOST: u64 = 900;

/// When which task said how far it is.
static SAID: LazyLock<Mutex<HashMap<(TaskId, u64), Instant>>> = LazyLock::new(Mutex::default);

/// Says now and then how far it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Steps {
    number: u64,
}

impl Task for Steps {
    const KIND: &'static str = "steps";
    type Output = ();

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.params = vec![Param::of::<u64>("number")];
        definition
    }
}

impl TaskBody for Steps {
    async fn run(self, ctx: TaskContext) -> Result<(), TaskError> {
        for step in 1..=STEPS {
            // Neither in step with the others nor with any beat.
            let ms = LEAST + (self.number * 7_919 + step * 104_729) % (MOST - LEAST);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            let said = (ctx.id(), step);
            SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(said, Instant::now());
            ctx.progress_of(step, STEPS);
        }
        Ok(())
    }
}

/// The median and the 99th percentile, in milliseconds. What was overtaken by the next step before anybody was told is not
/// counted.
pub(crate) async fn progress(deck: &Deck) -> (f64, f64) {
    let mut feed = deck.as_actor(Actor::System).feed();
    let mut open = HashMap::new();
    for number in 0..TASKS {
        let id = deck.start(Steps { number }).await.expect("starts").id();
        feed.apply(ClientMessage::Subscribe { tasks: vec![Known { id, version: 0, tick: 0 }] }).await;
        open.insert(id, 0);
    }
    let mut took = Vec::new();
    while !open.is_empty() {
        for message in feed.next().await.expect("the deck lives") {
            let now = Instant::now();
            let ServerMessage::States { tasks } = message else { continue };
            for state in tasks {
                let done = state.progress.done.unwrap_or(0);
                if let Some(seen) = open.get_mut(&state.id)
                    && done > *seen
                {
                    *seen = done;
                    let said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
                    took.push(now.duration_since(said[&(state.id, done)]).as_secs_f64() * 1_000.0);
                }
                if state.status.has_ended() {
                    open.remove(&state.id);
                }
            }
        }
    }
    took.sort_by(f64::total_cmp);
    (took[took.len() / 2], took[took.len() * 99 / 100])
}
