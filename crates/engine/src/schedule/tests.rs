//! The loop itself, several at once on one store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskdeck_core::{Definition, Kind, ListQuery, MissedFires, ScheduleName, ScheduleSpec, Task, TaskError};

use super::fire::fire_due;
use crate::store::{Pace, StoredSchedule};
use crate::{Deck, Settings, TaskBody, TaskContext, clock};

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
    // Not on the hour, so that the loops have met all times that are due.
    let now: taskdeck_core::Timestamp = "2026-05-02T12:30:00Z".parse().unwrap();
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
        pace: Pace::Goes(Some(clock::now().plus_millis(1_000_000_000))),
        last_at: None,
        last_task: None,
        created_at: now,
    };
    let name = schedule.spec.name.clone();
    assert!(inner.store.save_schedule(schedule).await.unwrap());
    for hour in 0..HOURS {
        // The deck's own loop does not know of this time: nobody told it.
        let at = now.plus_millis(i64::from(hour) * 3_600_000);
        let due_at = at.plus_millis(-1_800_000);
        let stored = inner.store.schedule(name.clone()).await.unwrap().unwrap();
        assert!(
            inner
                .store
                .save_schedule(StoredSchedule { pace: Pace::Goes(Some(due_at)), ..stored })
                .await
                .unwrap()
        );
        // Ten seconds late, so that the policy to skip meets it too.
        let now = due_at.plus_millis(10_000);
        let mut loops = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let inner = Arc::clone(&inner);
            loops.spawn(async move { fire_due(&inner, now).await.unwrap() });
        }
        loops.join_all().await;
        let stored = inner.store.schedule(name.clone()).await.unwrap().unwrap();
        assert_eq!(stored.last_at, Some(due_at));
        // Far away for the deck's own loop, whose clock is another.
        let pace = Pace::Goes(Some(clock::now().plus_millis(1_000_000_000)));
        assert!(inner.store.save_schedule(StoredSchedule { pace, ..stored }).await.unwrap());
    }
    let client = deck.as_actor(taskdeck_core::Actor::System);
    assert_eq!(client.counts().await.unwrap().total(), u64::from(HOURS));
    let tasks = client.list(&ListQuery::default()).await.unwrap().tasks;
    assert!(tasks.iter().all(|task| task.tags == ["schedule:hourly"]));
    deck.shutdown().await;
}
