//! The loop itself, several at once on one store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskdeck_core::{
    Definition, Kind, ListQuery, MissedFires, ScheduleName, ScheduleSpec, Task, TaskError, Timestamp,
};

use super::fire::{bring_nearer, fire_due};
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

fn hourly(next_at: Timestamp) -> StoredSchedule {
    let kind = Kind::new("tick").unwrap();
    let spec = ScheduleSpec {
        missed: MissedFires::Skip,
        ..ScheduleSpec::new(ScheduleName::new("hourly").unwrap(), kind, "@hourly")
    };
    StoredSchedule {
        spec,
        source: taskdeck_core::ScheduleSource::Code,
        actor: taskdeck_core::Actor::System,
        version: 0,
        pace: Pace::Goes(Some(next_at)),
        last_at: None,
        last_task: None,
        created_at: next_at,
    }
}

#[tokio::test]
async fn a_schedule_does_not_wait_for_a_clock_that_was_set_back() {
    let settings = Settings { worker: false, ..Settings::default() };
    let deck = Deck::builder().memory().settings(settings).register::<Tick>().build().await.unwrap();
    let inner = deck.inner();
    let far = hourly("2100-05-02T12:00:00Z".parse().unwrap());
    let name = far.spec.name.clone();
    assert!(inner.store.save_schedule(far).await.unwrap());
    let next_at = || async { inner.store.schedule(name.clone()).await.unwrap().unwrap().next_at().unwrap() };
    bring_nearer(inner, "2100-05-02T11:30:00Z".parse().unwrap()).await.unwrap();
    assert_eq!(next_at().await, "2100-05-02T12:00:00Z".parse().unwrap(), "it waits rightly");
    bring_nearer(inner, "2099-01-01T00:30:00Z".parse().unwrap()).await.unwrap();
    assert_eq!(next_at().await, "2099-01-01T01:00:00Z".parse().unwrap());
    deck.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_loops_on_one_store_start_one_task_a_time() {
    const HOURS: u32 = 30;
    let settings = Settings { worker: false, ..Settings::default() };
    let deck = Deck::builder().memory().settings(settings).register::<Tick>().build().await.unwrap();
    let inner = deck.inner();
    // So far away that the deck's own loop, which has the real clock, finds none of it due.
    let now: Timestamp = "2100-05-02T12:00:00Z".parse().unwrap();
    let schedule = hourly(now);
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
