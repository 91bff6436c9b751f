//! The loop itself, several at once on one store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskdeck_core::{Definition, Kind, ListQuery, MissedFires, ScheduleName, ScheduleSpec, Task, TaskError};

use super::fire::fire_due;
use crate::store::{Pace, StoredSchedule};
use crate::{Deck, Settings, TaskBody, TaskContext};

#[derive(Serialize, Deserialize)]
struct Tick {}

impl Task for Tick {
    const KIND: &'static str = "tick";
    type Output = ();

    fn definition() -> Definition {
        Definition::new(Self::kind())
    }
}

impl TaskBody for Tick {
    async fn run(self, _: TaskContext) -> Result<(), TaskError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_loops_on_one_store_start_one_task_a_time() {
    const HOURS: u32 = 30;
    let settings = Settings { worker: false, ..Settings::default() };
    let deck = Deck::builder().memory().settings(settings).register::<Tick>().build().await.unwrap();
    let inner = deck.inner();
    // So far away that the deck's own loop, which has the real clock, finds none of it due.
    let now: taskdeck_core::Timestamp = "2100-05-02T12:00:00Z".parse().unwrap();
    let kind = Kind::new("tick").unwrap();
    let spec = ScheduleSpec {
        missed: MissedFires::Skip,
        ..ScheduleSpec::new(ScheduleName::new("hourly").unwrap(), kind, "@hourly")
    };
    let schedule = StoredSchedule {
        spec,
        source: taskdeck_core::ScheduleSource::Code,
        actor: taskdeck_core::Actor::System,
        version: 0,
        pace: Pace::Goes(Some(now)),
        last_at: None,
        last_task: None,
        created_at: now,
    };
    let name = schedule.spec.name.clone();
    assert!(inner.store.save_schedule(schedule).await.unwrap());
    for hour in 0..HOURS {
        let due_at = now.plus_millis(i64::from(hour) * 3_600_000);
        let mut loops = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let inner = Arc::clone(inner);
            // Ten seconds late, so that the policy to skip meets it too.
            let late = due_at.plus_millis(10_000);
            loops.spawn(async move { fire_due(&inner, late).await.unwrap() });
        }
        loops.join_all().await;
        let stored = inner.store.schedule(name.clone()).await.unwrap().unwrap();
        assert_eq!(stored.last_at, Some(due_at));
        assert_eq!(stored.next_at(), Some(due_at.plus_millis(3_600_000)));
    }
    let client = deck.as_actor(taskdeck_core::Actor::System);
    assert_eq!(client.counts().await.unwrap().total(), u64::from(HOURS));
    let tasks = client.list(&ListQuery::default()).await.unwrap().tasks;
    assert!(tasks.iter().all(|task| task.tags == ["schedule:hourly"]));
    deck.shutdown().await;
}
