//! What every store must do for schedules, run on every store.

use std::sync::Arc;

use taskdeck_core::{
    Actor, Kind, MissedFires, ScheduleName, ScheduleSource, ScheduleSpec, TaskId, Timestamp, UserId,
};
use uuid::Uuid;

use super::conformance::conformance;
use super::{NewTask, Pace, Pause, StartOutcome, Store, StoredSchedule};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn name(text: &'static str) -> ScheduleName {
    ScheduleName::new(text).unwrap()
}

fn schedule(named: &'static str, next_at: Option<i64>) -> StoredSchedule {
    let kind = Kind::new("sample").unwrap();
    StoredSchedule {
        spec: ScheduleSpec {
            params: serde_json::json!({"n": 1}),
            tags: vec!["nightly".to_owned()],
            missed: MissedFires::All,
            ..ScheduleSpec::new(name(named), kind, "0 3 * * *")
        },
        source: ScheduleSource::Made,
        actor: Actor::local(),
        version: 0,
        pace: Pace::Goes(next_at.map(|millis| NOW.plus_millis(millis))),
        last_at: None,
        last_task: None,
        created_at: NOW,
    }
}

fn task(n: u128, key: Option<&str>) -> NewTask {
    let mut record = super::conformance::record(n);
    record.key = key.map(str::to_owned);
    NewTask::new(record, "{}".to_owned())
}

async fn saved(store: &dyn Store, schedule: StoredSchedule) -> StoredSchedule {
    let name = schedule.spec.name.clone();
    assert!(store.save_schedule(schedule).await.unwrap());
    store.schedule(name).await.unwrap().unwrap()
}

async fn a_schedule_comes_back_as_it_was_stored(store: Arc<dyn Store>) {
    let first = saved(&*store, schedule("b", Some(5))).await;
    assert_eq!(first, StoredSchedule { version: 1, ..schedule("b", Some(5)) });
    let pause = Pause {
        at: NOW,
        by: Some(UserId::new("ann").unwrap()),
        reason: Some("too loud".to_owned()),
        at_fault: true,
    };
    let paused = StoredSchedule {
        pace: Pace::Paused(pause),
        last_at: Some(NOW),
        last_task: Some(TaskId::from_uuid(Uuid::from_u128(7))),
        source: ScheduleSource::Code,
        actor: Actor::System,
        ..first
    };
    assert_eq!(saved(&*store, paused.clone()).await, StoredSchedule { version: 2, ..paused });
    saved(&*store, schedule("a", None)).await;
    let names: Vec<_> = store.schedules().await.unwrap().into_iter().map(|found| found.spec.name).collect();
    assert_eq!(names, [name("a"), name("b")]);
    assert!(store.remove_schedule(name("a")).await.unwrap());
    assert!(!store.remove_schedule(name("a")).await.unwrap());
    assert_eq!(store.schedule(name("a")).await.unwrap(), None);
}

async fn a_write_that_was_decided_from_an_older_state_is_refused(store: Arc<dyn Store>) {
    let first = saved(&*store, schedule("a", Some(5))).await;
    assert!(!store.save_schedule(schedule("a", Some(6))).await.unwrap(), "there is one already");
    assert!(store.save_schedule(first.clone()).await.unwrap());
    assert!(!store.save_schedule(first.clone()).await.unwrap());
    store.remove_schedule(name("a")).await.unwrap();
    assert!(!store.save_schedule(first.clone()).await.unwrap(), "it is not there any more");
    saved(&*store, StoredSchedule { created_at: NOW.plus_millis(1), ..schedule("a", None) }).await;
    assert!(!store.save_schedule(first.clone()).await.unwrap(), "it is another of the same name");
    assert!(store.fire_schedule(first, vec![task(1, None)]).await.unwrap().is_none());
    assert_eq!(store.counts().await.unwrap().total(), 0);
}

async fn what_is_due_comes_first_and_what_is_paused_never(store: Arc<dyn Store>) {
    assert_eq!(store.next_schedule_at().await.unwrap(), None);
    let pause = Pause { at: NOW, by: None, reason: None, at_fault: false };
    saved(&*store, schedule("later", Some(10))).await;
    saved(&*store, schedule("now", Some(0))).await;
    saved(&*store, schedule("before", Some(-10))).await;
    saved(&*store, schedule("never", None)).await;
    saved(&*store, StoredSchedule { pace: Pace::Paused(pause), ..schedule("paused", None) }).await;
    assert_eq!(store.next_schedule_at().await.unwrap(), Some(NOW.plus_millis(-10)));
    let due = |max| {
        let store = Arc::clone(&store);
        async move {
            let due = store.due_schedules(NOW, max).await.unwrap();
            due.into_iter().map(|found| found.spec.name).collect::<Vec<_>>()
        }
    };
    assert_eq!(due(9).await, [name("before"), name("now")]);
    assert_eq!(due(1).await, [name("before")]);
}

async fn of_many_that_meet_the_same_time_one_wins(store: Arc<dyn Store>) {
    let due = saved(&*store, schedule("a", Some(0))).await;
    let mut callers = tokio::task::JoinSet::new();
    for n in 1..=20 {
        let (store, mut next) = (Arc::clone(&store), due.clone());
        next.pace = Pace::Goes(Some(NOW.plus_millis(1_000)));
        callers.spawn(async move { store.fire_schedule(next, vec![task(n, None)]).await.unwrap() });
    }
    let won: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    let [StartOutcome::New(started, _)] = &won[0][..] else { panic!("{won:?}") };
    assert_eq!(store.counts().await.unwrap().total(), 1);
    let after = store.schedule(name("a")).await.unwrap().unwrap();
    assert_eq!((after.version, after.next_at()), (2, Some(NOW.plus_millis(1_000))));
    assert_eq!(after.last_task, Some(started.id));
}

async fn a_fire_whose_key_is_active_starts_none(store: Arc<dyn Store>) {
    store.start(vec![task(1, Some("only"))]).await.unwrap();
    let due = saved(&*store, schedule("a", Some(0))).await;
    let fired = store.fire_schedule(due, vec![task(2, Some("only"))]).await.unwrap().unwrap();
    assert!(matches!(&fired[..], [StartOutcome::Existing(task)] if task.id.as_uuid().as_u128() == 1));
    let after = store.schedule(name("a")).await.unwrap().unwrap();
    assert_eq!(after.last_task.unwrap().as_uuid().as_u128(), 1);
    assert_eq!(store.counts().await.unwrap().total(), 1);
    // A fire without a task leaves the last one.
    store.fire_schedule(after.clone(), Vec::new()).await.unwrap().unwrap();
    assert_eq!(store.schedule(name("a")).await.unwrap().unwrap().last_task, after.last_task);
}

conformance!(
    a_schedule_comes_back_as_it_was_stored,
    a_write_that_was_decided_from_an_older_state_is_refused,
    what_is_due_comes_first_and_what_is_paused_never,
    of_many_that_meet_the_same_time_one_wins,
    a_fire_whose_key_is_active_starts_none,
);
