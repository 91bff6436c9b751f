//! Schedules as people and programs use them. The clock is the real one: what should be due is made so by the rule
//! that comes every second, or by setting the next time back in the file while no deck has it open.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{Act, Gate, Scripted, builder, memory_deck, reaches};
use serde_json::json;
use taskdeck_core::{
    Actor, ClientMessage, DeckError, Kind, ListQuery, MissedFires, Role, ScheduleName, ScheduleSource,
    ScheduleSpec, ServerMessage, Status, TaskState, Timestamp, User, UserId,
};
use taskdeck_engine::{BuildError, Client, Deck, DeckBuilder};

const EVERY_SECOND: &str = "* * * * * *";
/// A rule that no test lives to see.
const NEW_YEAR: &str = "0 0 1 1 *";
const HOUR: i64 = 3_600_000;

fn spec(name: &'static str, act: Act, cron: &str) -> ScheduleSpec {
    ScheduleSpec::of(ScheduleName::new(name).unwrap(), &Scripted { act }, cron).unwrap()
}

fn person(role: Role) -> Actor {
    Actor::User(User { id: UserId::new("ann").unwrap(), role, permissions: [].into() })
}

fn fields(error: DeckError) -> Vec<String> {
    let DeckError::InvalidParams { fields } = error else { panic!("{error}") };
    fields.0.into_keys().collect()
}

/// The first task that a list announces from now on.
async fn announced(client: &Client, start: impl Future<Output = ()>) -> TaskState {
    let mut feed = client.feed();
    feed.apply(ClientMessage::List { query: Box::default() }).await;
    start.await;
    let first = async {
        loop {
            for message in feed.next().await.expect("the deck lives") {
                if let ServerMessage::New { tasks } = message
                    && let Some(first) = tasks.first()
                {
                    return *first;
                }
            }
        }
    };
    let id = tokio::time::timeout(Duration::from_secs(20), first).await.expect("a task is announced");
    client.get(id).await.unwrap()
}

/// Makes the time of a schedule lie this many milliseconds before now.
fn set_back(path: &Path, name: &str, millis: i64) -> Timestamp {
    let conn = rusqlite::Connection::open(path).unwrap();
    let now = jiff::Timestamp::now().as_millisecond();
    let sql = "UPDATE schedules SET next_at = ?2 WHERE name = ?1";
    assert_eq!(conn.execute(sql, (name, now - millis)).unwrap(), 1);
    Timestamp::from_millis(now - millis)
}

async fn total(client: &Client) -> u64 {
    client.counts().await.unwrap().total()
}

/// Waits until the loop has met what was due.
async fn met(client: &Client, name: &str, missed: Timestamp) {
    let met =
        async { while client.schedule(name).await.unwrap().next_at.is_none_or(|next| next <= missed) {} };
    tokio::time::timeout(Duration::from_secs(20), met).await.expect("the time is met");
}

#[tokio::test]
async fn a_schedule_starts_its_task_in_the_name_of_who_made_it() {
    let (_deck, client, _) = memory_deck().await;
    let mut often = spec("often", Act::Complete, EVERY_SECOND);
    often.label = Some("Often".to_owned());
    often.priority = 7;
    often.tags = vec!["nightly".to_owned()];
    let task = announced(&client, async { drop(client.put_schedule(often).await.unwrap()) }).await;
    assert_eq!((task.label.as_str(), task.priority), ("Often", 7));
    assert_eq!(task.tags, ["nightly", "schedule:often"]);
    assert_eq!(task.user, Some(UserId::new("local").unwrap()));
    reaches(&client, task.id, Status::Completed).await;
    let schedule = client.schedule("often").await.unwrap();
    assert!(schedule.last_task.is_some() && schedule.last_at.is_some() && schedule.next_at.is_some());
}

#[tokio::test]
async fn a_schedule_tells_its_next_five_times() {
    let (_deck, client, _) = memory_deck().await;
    let made = client
        .put_schedule(ScheduleSpec {
            time_zone: "America/New_York".to_owned(),
            ..spec("yearly", Act::Complete, NEW_YEAR)
        })
        .await
        .unwrap();
    assert_eq!((made.source, made.spec.missed), (ScheduleSource::Made, MissedFires::Once));
    assert_eq!(made.next_five.len(), 5);
    assert_eq!(made.next_at, Some(made.next_five[0]));
    assert!(made.next_five.iter().all(|at| at.to_string().ends_with("-01-01T05:00:00.000Z")), "{made:?}");
    assert_eq!(made.in_words, "On the 1st of January at 00:00");
    assert!(made.next_five_local.iter().all(|local| local.ends_with("-01-01 00:00")), "{made:?}");
    let next = client.next_times(NEW_YEAR, "America/New_York").unwrap();
    assert_eq!((next.next_five, next.next_five_local), (made.next_five, made.next_five_local));
    assert_eq!(next.in_words, made.in_words);
    assert_eq!(client.schedules().await.unwrap(), [client.schedule("yearly").await.unwrap()]);
    assert_eq!(fields(client.next_times("* *", "Mars/Olympus").unwrap_err()), ["cron", "time_zone"]);
}

#[tokio::test]
async fn what_is_wrong_is_told_field_by_field_and_nothing_is_made() {
    let (_deck, client, _) = memory_deck().await;
    let wrong = ScheduleSpec {
        params: json!({"acts": "x"}),
        time_zone: "Europe/Berln".to_owned(),
        label: Some(String::new()),
        tags: vec![String::new()],
        ..spec("wrong", Act::Complete, "0 25 * * *")
    };
    let faults = fields(client.put_schedule(wrong).await.unwrap_err());
    assert_eq!(faults, ["cron", "label", "params.act", "params.acts", "tags", "time_zone"]);
    let unknown = ScheduleSpec { kind: Kind::new("nothing").unwrap(), ..spec("wrong", Act::Fail, NEW_YEAR) };
    assert_eq!(fields(client.put_schedule(unknown).await.unwrap_err()), ["kind"]);
    let file = json!({"file": {"id": uuid::Uuid::now_v7(), "name": "a.csv", "size": 1, "media_type": ""}});
    let kind = Kind::new("copy").unwrap();
    let with_file = ScheduleSpec { kind, params: file, ..spec("wrong", Act::Fail, NEW_YEAR) };
    assert_eq!(fields(client.put_schedule(with_file).await.unwrap_err()), ["params.file"]);
    assert!(client.schedules().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_paused_schedule_starts_nothing_until_it_is_resumed() {
    let (_deck, client, _) = memory_deck().await;
    let paused = ScheduleSpec { paused: true, ..spec("often", Act::Complete, EVERY_SECOND) };
    let made = client.put_schedule(paused.clone()).await.unwrap();
    assert_eq!((made.next_at, made.paused_by.as_ref()), (None, Some(&UserId::new("local").unwrap())));
    assert_eq!(made.next_five.len(), 5);
    let again = client.pause_schedule("often", Some("too loud".to_owned())).await.unwrap();
    assert_eq!((again.paused_at, again.pause_reason), (made.paused_at, None), "the first pause stays");
    let task = announced(&client, async { drop(client.resume_schedule("often").await.unwrap()) }).await;
    assert_eq!(task.tags, ["schedule:often"]);
    let stopped = client.pause_schedule("often", Some("too loud".to_owned())).await.unwrap();
    assert!(stopped.spec.paused && stopped.next_at.is_none());
    assert_eq!(stopped.pause_reason.as_deref(), Some("too loud"));
    // What is put while it is paused leaves it so, with who paused it and why: a deploy that puts its schedules
    // undoes no pause.
    for paused in [paused.clone(), taskdeck_core::ScheduleSpec { paused: false, ..paused }] {
        let put = client.put_schedule(paused).await.unwrap();
        assert_eq!((put.paused_at, put.pause_reason.as_deref()), (stopped.paused_at, Some("too loud")));
    }
    let missing = client.pause_schedule("seldom", None).await.unwrap_err();
    assert_eq!(missing, DeckError::NotFound { what: "Schedule".to_owned() });
}

#[tokio::test]
async fn run_now_starts_a_task_and_leaves_the_times_as_they_are() {
    let (deck, client, gate) = memory_deck().await;
    let yearly = ScheduleSpec {
        key: Some("only".to_owned()),
        paused: true,
        ..spec("yearly", Act::WaitForGate, NEW_YEAR)
    };
    client.put_schedule(yearly).await.unwrap();
    let operator = deck.as_actor(person(Role::Operator));
    let started = operator.run_schedule("yearly").await.unwrap();
    assert_eq!(started.task.user, Some(UserId::new("ann").unwrap()));
    assert_eq!(started.task.tags, ["schedule:yearly"]);
    let schedule = client.schedule("yearly").await.unwrap();
    assert_eq!((schedule.last_task, schedule.last_at), (Some(started.task.id), None));
    assert!(schedule.spec.paused);
    let again = operator.run_schedule("yearly").await.unwrap();
    assert!(again.deduplicated && again.task.id == started.task.id, "its key is active");
    gate.open.give();
    reaches(&client, started.task.id, Status::Completed).await;
    client.resume_schedule("yearly").await.unwrap();
    let next_at = client.schedule("yearly").await.unwrap().next_at;
    gate.open.give();
    client.run_schedule("yearly").await.unwrap();
    assert_eq!(client.schedule("yearly").await.unwrap().next_at, next_at);
}

#[tokio::test]
async fn who_looks_may_not_steer_and_who_steers_may_not_make() {
    let (deck, client, _) = memory_deck().await;
    client.put_schedule(spec("yearly", Act::Complete, NEW_YEAR)).await.unwrap();
    let viewer = deck.as_actor(person(Role::Viewer));
    assert_eq!(viewer.schedules().await.unwrap().len(), 1);
    let denied = |result: Result<(), DeckError>| matches!(result, Err(DeckError::Denied { .. }));
    assert!(denied(viewer.pause_schedule("yearly", None).await.map(drop)));
    assert!(denied(viewer.run_schedule("yearly").await.map(drop)));
    let operator = deck.as_actor(person(Role::Operator));
    operator.pause_schedule("yearly", None).await.unwrap();
    operator.resume_schedule("yearly").await.unwrap();
    assert!(denied(operator.put_schedule(spec("mine", Act::Complete, NEW_YEAR)).await.map(drop)));
    assert!(denied(operator.delete_schedule("yearly").await));
    assert!(denied(deck.as_actor(Actor::Anonymous).schedules().await.map(drop)));
    client.delete_schedule("yearly").await.unwrap();
    let gone = client.delete_schedule("yearly").await.unwrap_err();
    assert_eq!(gone, DeckError::NotFound { what: "Schedule".to_owned() });
    assert!(client.schedule("../yearly").await.is_err());
}

/// Builds a deck on a file with these schedules, whose times begin to lie back, and gives what it started.
async fn after_downtime(missed: MissedFires, cron: &str, millis: i64) -> (u64, Vec<TaskState>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let gate = Arc::<Gate>::default();
    let own = ScheduleSpec { missed, ..spec("own", Act::Complete, cron) };
    let build = || async { builder(&gate).schedule(own.clone()).sqlite(&path).build().await.unwrap() };
    build().await.shutdown().await;
    let missed = set_back(&path, "own", millis);
    let deck: Deck = build().await;
    let client = deck.as_actor(Actor::local());
    met(&client, "own", missed).await;
    let started = (total(&client).await, client.list(&ListQuery::default()).await.unwrap().tasks);
    deck.shutdown().await;
    // Once more: nothing is met twice.
    let deck: Deck = build().await;
    assert_eq!(total(&deck.as_actor(Actor::local())).await, started.0);
    deck.shutdown().await;
    started
}

/// Every hour, at the minute that is half an hour away, so that no time is just coming or just gone.
fn hourly() -> String {
    let minute = jiff::Timestamp::now().as_second() / 60 % 60;
    format!("{} * * * *", (minute + 30) % 60)
}

#[tokio::test]
async fn times_missed_while_the_deck_was_down_are_skipped() {
    assert_eq!(after_downtime(MissedFires::Skip, &hourly(), 3 * HOUR).await.0, 0);
}

#[tokio::test]
async fn times_missed_while_the_deck_was_down_are_met_once() {
    let (total, tasks) = after_downtime(MissedFires::Once, &hourly(), 3 * HOUR).await;
    assert_eq!(total, 1);
    assert_eq!((tasks[0].user.as_ref(), &tasks[0].tags[0][..]), (None, "schedule:own"));
}

#[tokio::test]
async fn times_missed_while_the_deck_was_down_are_all_met() {
    assert_eq!(after_downtime(MissedFires::All, &hourly(), 3 * HOUR).await.0, 3);
}

#[tokio::test]
async fn of_very_many_missed_times_a_thousand_are_met() {
    let every_minute_but_now = {
        let minute = jiff::Timestamp::now().as_second() / 60 % 60;
        let minutes = (0..60).filter(|other| (other - minute).rem_euclid(60) > 5);
        let minutes: Vec<_> = minutes.map(|minute| minute.to_string()).collect();
        format!("{} * * * *", minutes.join(","))
    };
    assert_eq!(after_downtime(MissedFires::All, &every_minute_but_now, 48 * HOUR).await.0, 1_000);
}

#[tokio::test]
async fn the_store_agrees_with_the_schedules_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let gate = Arc::<Gate>::default();
    let build = |specs: Vec<ScheduleSpec>| {
        let of = specs.into_iter().fold(builder(&gate), DeckBuilder::schedule);
        let path = path.clone();
        async move { of.sqlite(path).build().await.unwrap() }
    };
    let (kept, gone) = (spec("kept", Act::Complete, NEW_YEAR), spec("gone", Act::Complete, NEW_YEAR));
    let deck = build(vec![kept.clone(), gone]).await;
    let client = deck.as_actor(Actor::local());
    let made_in_code = DeckError::MadeInCode { name: ScheduleName::new("kept").unwrap() };
    assert_eq!(client.delete_schedule("kept").await.unwrap_err(), made_in_code);
    assert_eq!(client.put_schedule(kept.clone()).await.unwrap_err(), made_in_code);
    assert_eq!(client.schedule("kept").await.unwrap().made_by, None);
    client.pause_schedule("kept", Some("holidays".to_owned())).await.unwrap();
    let of_gone = client.run_schedule("gone").await.unwrap().task.id;
    reaches(&client, of_gone, Status::Completed).await;
    client.put_schedule(spec("made", Act::Complete, NEW_YEAR)).await.unwrap();
    deck.shutdown().await;

    let deck = build(vec![ScheduleSpec { cron: "@daily".to_owned(), ..kept.clone() }]).await;
    let client = deck.as_actor(Actor::local());
    let names: Vec<_> =
        client.schedules().await.unwrap().into_iter().map(|found| found.spec.name.to_string()).collect();
    assert_eq!(names, ["kept", "made"]);
    assert!(client.get(of_gone).await.is_ok(), "its tasks stay");
    let paused = client.schedule("kept").await.unwrap();
    assert_eq!((paused.spec.cron.as_str(), paused.pause_reason.as_deref()), ("@daily", Some("holidays")));
    let resumed = client.resume_schedule("kept").await.unwrap();
    assert!(resumed.next_at.unwrap().to_string().ends_with("T00:00:00.000Z"));
    deck.shutdown().await;

    let deck = build(vec![ScheduleSpec { cron: "@monthly".to_owned(), ..kept }]).await;
    let client = deck.as_actor(Actor::local());
    let changed = client.schedule("kept").await.unwrap();
    assert!(changed.next_at.unwrap().to_string().ends_with("-01T00:00:00.000Z"), "{changed:?}");
    deck.shutdown().await;
}

#[tokio::test]
async fn a_schedule_of_the_program_that_is_wrong_stops_the_start() {
    let gate = Arc::<Gate>::default();
    let wrong = spec("nightly", Act::Complete, "0 25 * * *");
    let error = builder(&gate).schedule(wrong).memory().build().await.unwrap_err();
    let said = "the schedule nightly is wrong: cron: The hours cannot be `25`: they go from 0 to 23";
    assert_eq!(error.to_string(), said);
    let twice = || spec("nightly", Act::Complete, NEW_YEAR);
    let error = builder(&gate).schedule(twice()).schedule(twice()).memory().build().await.unwrap_err();
    assert!(matches!(error, BuildError::Schedule { why, .. } if why.contains("two")));
}

#[tokio::test]
async fn a_schedule_whose_params_do_not_fit_any_more_is_paused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let gate = Arc::<Gate>::default();
    let deck = builder(&gate).sqlite(&path).build().await.unwrap();
    let client = deck.as_actor(Actor::local());
    client.put_schedule(spec("yearly", Act::Complete, NEW_YEAR)).await.unwrap();
    deck.shutdown().await;
    {
        // The kind of an older program had a parameter of another name.
        let conn = rusqlite::Connection::open(&path).unwrap();
        let sql = "UPDATE schedules SET spec = replace(spec, '\"act\"', '\"deed\"')";
        assert_eq!(conn.execute(sql, []).unwrap(), 1);
    }
    set_back(&path, "yearly", 1_000);
    let deck = builder(&gate).sqlite(&path).build().await.unwrap();
    let client = deck.as_actor(Actor::local());
    let paused = async {
        loop {
            let schedule = client.schedule("yearly").await.unwrap();
            if schedule.spec.paused {
                return schedule;
            }
        }
    };
    let paused = tokio::time::timeout(Duration::from_secs(20), paused).await.expect("it is paused");
    assert_eq!(
        (paused.pause_reason.as_deref(), paused.paused_by),
        (Some("params.act: Enter a value; params.deed: There is no such parameter"), None)
    );
    assert_eq!(total(&client).await, 0);
    assert_eq!(fields(client.resume_schedule("yearly").await.unwrap_err()), ["params.act", "params.deed"]);
    let put = client.put_schedule(spec("yearly", Act::Complete, NEW_YEAR)).await.unwrap();
    assert!(!put.spec.paused && put.next_at.is_some() && put.pause_reason.is_none());
    deck.shutdown().await;
}
