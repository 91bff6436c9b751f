//! The client's verbs, the feed, files and logs.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Act, Copy, Scripted, builder, memory_deck, reaches, settings};
use serde_json::json;
use taskdeck_core::{
    Actor, ClientMessage, DeckError, FileId, Known, ListQuery, LogLevel, ServerMessage, StartRequest, Status,
    TaskId, TaskState, Timestamp, Upload,
};
use taskdeck_engine::{Client, Settings, TaskLogLayer};
use tokio::io::AsyncReadExt;
use tracing_subscriber::prelude::*;

fn request(params: serde_json::Value) -> StartRequest {
    StartRequest { params, ..StartRequest::default() }
}

async fn upload(client: &Client, name: &str, bytes: &[u8]) -> Result<Upload, DeckError> {
    let mut writer = client.upload("copy", "file", name, "text/csv").await?;
    writer.write(bytes).await?;
    writer.finish().await
}

#[tokio::test]
async fn params_are_checked_before_anything_starts() {
    let (_deck, client, _) = memory_deck().await;
    let error = client.start("scripted", request(json!({"acts": "x"}))).await.unwrap_err();
    let DeckError::InvalidParams { fields } = error else { panic!("{error}") };
    assert_eq!(fields.0.keys().collect::<Vec<_>>(), ["act", "acts"]);
    let unknown = client.start("nothing", request(json!({}))).await.unwrap_err();
    assert_eq!(unknown, DeckError::NotFound { what: "Kind".to_owned() });
    assert_eq!(client.counts().await.unwrap().total(), 0);
}

#[tokio::test]
async fn stored_params_that_do_not_fit_the_type_fail_with_the_reason() {
    let (_deck, client, _) = memory_deck().await;
    let started = client.start("scripted", request(json!({"act": "dance"}))).await.unwrap();
    let failed = reaches(&client, started.task.id, Status::Failed).await;
    let error = failed.error.unwrap();
    assert_eq!(error.code, "params");
    assert!(error.message.contains("dance"), "{}", error.message);
}

#[tokio::test]
async fn a_key_answers_the_active_task_and_unique_refuses() {
    let (_deck, client, gate) = memory_deck().await;
    let first = client.start_task(Scripted { act: Act::WaitForGate }).key("nightly").await.unwrap();
    let again = client.start_task(Scripted { act: Act::WaitForGate }).key("nightly").await.unwrap();
    assert_eq!(again.id(), first.id());
    let refused =
        client.start_task(Scripted { act: Act::WaitForGate }).key("nightly").unique().await.unwrap_err();
    assert_eq!(refused, DeckError::KeyActive { key: "nightly".to_owned(), task: first.id() });
    gate.open.give();
    reaches(&client, first.id(), Status::Completed).await;
}

#[tokio::test]
async fn an_id_made_by_the_client_starts_one_task() {
    let (deck, client, _) = memory_deck().await;
    let id = TaskId::from_uuid(uuid::Uuid::now_v7());
    let with_id = || StartRequest { id: Some(id), ..request(json!({"act": "complete"})) };
    assert!(!client.start("scripted", with_id()).await.unwrap().deduplicated);
    assert!(client.start("scripted", with_id()).await.unwrap().deduplicated);
    assert_eq!(client.counts().await.unwrap().total(), 1);
    let other = deck.as_actor(Actor::System).start("scripted", with_id()).await;
    assert!(matches!(other, Err(DeckError::IdTaken { task }) if task == id), "{other:?}");
    let old = TaskId::from_parts(Timestamp::from_millis(1), [0; 10]);
    let refused = client.start("scripted", StartRequest { id: Some(old), ..with_id() }).await;
    assert!(matches!(refused, Err(DeckError::BadRequest { .. })));
    let never =
        StartRequest { delay: Some(60_000), expires: Some(60_000), ..request(json!({"act": "complete"})) };
    let refused = client.start("scripted", never).await;
    assert!(matches!(refused, Err(DeckError::BadRequest { .. })), "it would expire before it is due");
}

#[tokio::test]
async fn a_delayed_task_is_scheduled_and_runs_when_it_is_due() {
    let (_deck, client, _) = memory_deck().await;
    let handle =
        client.start_task(Scripted { act: Act::Complete }).delay(Duration::from_millis(30)).await.unwrap();
    assert!(handle.result(None).await.is_ok());
    let state = handle.state().await.unwrap();
    assert!(state.started_at.unwrap().millis_since(state.created_at) >= 30);
    let never =
        client.start_task(Scripted { act: Act::Complete }).delay(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(never.state().await.unwrap().status, Status::Scheduled);
}

#[tokio::test]
async fn an_upload_is_read_by_the_task_and_its_artifact_is_downloaded() {
    let (_deck, client, _) = memory_deck().await;
    let file = upload(&client, "C:\\data\\a.csv", b"a,b\n1,2\n").await.unwrap();
    assert_eq!((file.name.as_str(), file.size), ("a.csv", 8));
    // What the client says of the file is not believed.
    let lie = Upload { size: 1, name: "b.csv".to_owned(), ..file.clone() };
    let handle = client.start_task(Copy { file: lie }).await.unwrap();
    assert_eq!(handle.result(None).await.unwrap(), 8);
    let detail = client.detail(handle.id()).await.unwrap();
    assert_eq!(detail.params["file"]["name"], "a.csv");
    let artifact = &detail.result.unwrap().artifacts[0];
    assert_eq!(artifact.url, format!("/api/tasks/{}/artifacts/copy%20%26%20more.csv", handle.id()));
    let (_, mut bytes) = client.artifact(handle.id(), "copy & more.csv").await.unwrap();
    let mut text = String::new();
    bytes.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "a,b\n1,2\n");
    client.delete(handle.id()).await.unwrap();
    assert!(client.start_task(Copy { file }).await.is_err(), "the upload went with the task");
}

#[tokio::test]
async fn an_upload_is_refused_by_name_size_and_parameter() {
    let (_deck, client, _) = memory_deck().await;
    for (name, bytes) in [("a.txt", 1), ("a.csv", 101)] {
        let error = upload(&client, name, &vec![b'x'; bytes]).await.unwrap_err();
        assert!(
            matches!(error, DeckError::InvalidParams { fields } if fields.get("file").is_some()),
            "{name}"
        );
    }
    let id = FileId::from_uuid(uuid::Uuid::now_v7());
    let invented = Upload { id, name: "a.csv".to_owned(), size: 1, media_type: String::new() };
    let error = client.start_task(Copy { file: invented }).await.unwrap_err();
    assert!(matches!(error, DeckError::InvalidParams { fields } if fields.get("file").is_some()));
}

#[tokio::test]
async fn the_log_keeps_the_tasks_own_lines_and_its_tracing_events() {
    let _default = tracing_subscriber::registry().with(TaskLogLayer).set_default();
    let (_deck, client, _) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::Talk }).await.unwrap();
    handle.result(None).await.unwrap();
    let page = client.log(handle.id(), 0, 100).await.unwrap();
    let lines: Vec<_> = page.lines.iter().map(|line| (line.seq, line.level, line.text.as_str())).collect();
    assert_eq!(
        lines,
        [(1, LogLevel::Warn, "odd row row=3"), (2, LogLevel::Info, "from a future of its own")]
    );
    assert_eq!(client.log_tail(handle.id(), 1).await.unwrap().lines[0].seq, 2);
}

#[tokio::test]
async fn the_feed_tells_every_step_of_a_watched_task_and_its_log() {
    let (_deck, client, gate) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::WaitForGate }).await.unwrap();
    gate.entered.wait().await;
    let mut feed = client.feed();
    feed.apply(ClientMessage::Subscribe { tasks: vec![Known { id: handle.id(), version: 0, tick: 0 }] })
        .await;
    feed.apply(ClientMessage::Counts { on: true }).await;
    let mut seen = Vec::new();
    let mut last = (0, 0);
    while !seen.contains(&Status::Completed) {
        for message in feed.next().await.unwrap() {
            if let ServerMessage::States { tasks } = message {
                assert!((tasks[0].version, tasks[0].tick) > last, "never goes back");
                last = (tasks[0].version, tasks[0].tick);
                if tasks[0].status == Status::Running && !seen.contains(&Status::Running) {
                    assert_eq!(tasks[0].progress.fraction, Some(0.25));
                    gate.open.give();
                }
                seen.push(tasks[0].status);
            }
        }
    }
    client.delete(handle.id()).await.unwrap();
    let gone = feed.next().await.unwrap();
    assert!(
        gone.iter().any(|message| matches!(message, ServerMessage::Gone { id, .. } if *id == handle.id())),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_reader_who_keeps_states_is_told_only_how_far_a_task_is_while_nothing_else_changes() {
    let (_deck, client, gate) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::Steps }).await.unwrap();
    gate.entered.wait().await;
    let mut feed = client.feed().with_ticks();
    feed.apply(ClientMessage::Subscribe { tasks: vec![Known { id: handle.id(), version: 0, tick: 0 }] })
        .await;
    let (mut kept, mut ticks) = (None::<TaskState>, 0);
    while kept.as_ref().is_none_or(|task| !task.status.has_ended()) {
        for message in feed.next().await.unwrap() {
            match message {
                ServerMessage::States { tasks } => kept = tasks.into_iter().next(),
                ServerMessage::Ticks { ticks: new } => {
                    let known = kept.take().expect("a state comes first");
                    kept = new.into_iter().next().and_then(|tick| tick.applied_to(&known));
                    ticks += 1;
                    assert_eq!(kept.as_ref().unwrap().progress.done, Some(ticks));
                }
                other => panic!("{other:?} was not asked for"),
            }
        }
        gate.open.give();
    }
    assert_eq!(ticks, 3);
    assert_eq!(kept, Some(handle.state().await.unwrap()));
}

#[tokio::test]
async fn how_far_a_task_is_that_nobody_sees_is_told_late_and_all_else_at_once() {
    let (_deck, client, gate) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::Steps }).await.unwrap();
    gate.entered.wait().await;
    let mut feed = client.feed().with_ticks();
    let known = Known { id: handle.id(), version: 0, tick: 0 };
    feed.apply(ClientMessage::Subscribe { tasks: vec![known] }).await;
    let first = feed.next().await.unwrap();
    assert!(matches!(&first[..], [ServerMessage::States { .. }]), "{first:?}");
    let tick = |told: Vec<ServerMessage>| match &told[..] {
        [ServerMessage::Ticks { ticks }] => ticks[0].progress.done,
        other => panic!("{other:?} is no tick"),
    };
    let tasks = vec![handle.id()];

    feed.apply(ClientMessage::OutOfSight { tasks: tasks.clone() }).await;
    gate.open.give();
    // Nothing was kept back before, so the first is told at once; the next one only when its time has come.
    assert_eq!(tick(feed.next().await.unwrap()), Some(1));
    let since = std::time::Instant::now();
    gate.open.give();
    assert_eq!(tick(feed.next().await.unwrap()), Some(2));
    assert!(since.elapsed() > std::time::Duration::from_secs(1));

    feed.apply(ClientMessage::InSight { tasks }).await;
    gate.open.give();
    assert_eq!(tick(feed.next().await.unwrap()), Some(3));
    feed.apply(ClientMessage::OutOfSight { tasks: vec![handle.id()] }).await;
    gate.open.give();
    let since = std::time::Instant::now();
    let ended = feed.next().await.unwrap();
    assert!(
        matches!(&ended[..], [ServerMessage::States { tasks }] if tasks[0].status == Status::Completed),
        "{ended:?}"
    );
    assert!(since.elapsed() < std::time::Duration::from_secs(1));
}

#[tokio::test]
async fn the_feed_names_new_tasks_of_a_list_and_refuses_what_may_not_be_seen() {
    let (deck, client, gate) = memory_deck().await;
    let mut feed = client.feed();
    let failed =
        ListQuery { status: taskdeck_core::StatusSet::EMPTY.with(Status::Failed), ..ListQuery::default() };
    feed.apply(ClientMessage::List { query: Box::new(failed) }).await;
    assert_eq!(
        feed.next().await.unwrap(),
        [ServerMessage::New { tasks: Vec::new() }],
        "it is told of from now on"
    );
    client.start_task(Scripted { act: Act::Complete }).await.unwrap().result(None).await.unwrap();
    let fails = client.start_task(Scripted { act: Act::Fail }).await.unwrap();
    assert_eq!(feed.next().await.unwrap(), [ServerMessage::New { tasks: vec![fails.id()] }]);

    // What an attempt leaves makes a task new to a list that it was not in, whatever its status.
    let code = client.get(fails.id()).await.unwrap().error.expect("it failed").code;
    let by_error = ListQuery { error: Some(code), ..ListQuery::default() };
    feed.apply(ClientMessage::List { query: Box::new(by_error) }).await;
    assert_eq!(feed.next().await.unwrap(), [ServerMessage::New { tasks: Vec::new() }]);
    client.start_task(Scripted { act: Act::Complete }).await.unwrap().result(None).await.unwrap();
    let fails_too = client.start_task(Scripted { act: Act::Fail }).await.unwrap();
    assert_eq!(feed.next().await.unwrap(), [ServerMessage::New { tasks: vec![fails_too.id()] }]);
    feed.apply(ClientMessage::Unlist).await;

    let hidden = client.start_task(Scripted { act: Act::WaitForGate }).await.unwrap();
    gate.entered.wait().await;
    let mut embed = deck.as_actor(Actor::Embed(fails.id())).feed();
    let both = [fails.id(), hidden.id()].map(|id| Known { id, version: 0, tick: 0 });
    embed.apply(ClientMessage::Subscribe { tasks: both.to_vec() }).await;
    embed.apply(ClientMessage::Counts { on: true }).await;
    let told = embed.next().await.unwrap();
    let states = told.iter().filter_map(|message| match message {
        ServerMessage::States { tasks } => Some(tasks.iter().map(|task| task.id).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(states.collect::<Vec<_>>(), [vec![fails.id()]]);
    let refused = told.iter().filter(|message| matches!(message, ServerMessage::Refused { .. })).count();
    assert_eq!(refused, 2, "the other task, and the counts");
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_only_what_is_newer() {
    let (_deck, client, _) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::Complete }).await.unwrap();
    handle.result(None).await.unwrap();
    let state = reaches(&client, handle.id(), Status::Completed).await;
    let mut feed = client.feed();
    let known = Known { id: state.id, version: state.version, tick: state.tick };
    feed.apply(ClientMessage::Subscribe { tasks: vec![known] }).await;
    feed.apply(ClientMessage::Log { task: state.id, since: 0 }).await;
    let told = feed.next().await.unwrap();
    assert!(matches!(&told[..], [ServerMessage::Log { lines, .. }] if lines[0].text == "hello"), "{told:?}");
}

#[tokio::test]
async fn an_active_task_is_cancelled_and_then_deleted() {
    let (_deck, client, gate) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::WaitForGate }).await.unwrap();
    gate.entered.wait().await;
    client.delete(handle.id()).await.unwrap();
    assert_eq!(client.get(handle.id()).await.unwrap_err(), DeckError::task_not_found());
    assert_eq!(client.delete(handle.id()).await.unwrap_err(), DeckError::task_not_found());
}

#[tokio::test]
async fn cleaning_up_removes_what_has_ended_and_leaves_what_has_not() {
    let (_deck, client, gate) = memory_deck().await;
    for act in [Act::Complete, Act::Fail, Act::Complete] {
        drop(client.start_task(Scripted { act }).await.unwrap().result(None).await);
    }
    client.start_task(Scripted { act: Act::WaitForGate }).await.unwrap();
    gate.entered.wait().await;
    assert_eq!(client.clean_up(&ListQuery::default()).await.unwrap(), 3);
    assert_eq!(client.counts().await.unwrap().of(Status::Running), 1);
}

#[tokio::test]
async fn ended_tasks_are_pruned_after_the_retention_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.db");
    let gate = Arc::default();
    let deck = builder(&gate).sqlite(&path).build().await.unwrap();
    let handle = deck.start(Scripted { act: Act::Complete }).await.unwrap();
    handle.result(None).await.unwrap();
    deck.shutdown().await;
    // The time of the end lies before the next deck's start, which prunes at once.
    let forgetful = Settings { retention: Duration::ZERO, ..settings() };
    let deck = builder(&gate).settings(forgetful).sqlite(&path).build().await.unwrap();
    let client = deck.as_actor(Actor::local());
    let pruned = async { while client.get(handle.id()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), pruned).await.expect("is pruned");
    deck.shutdown().await;
}

#[tokio::test]
async fn many_tasks_on_few_slots_all_complete_and_the_counters_are_right() {
    let (_deck, client, _) = memory_deck().await;
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let client = client.clone();
        starts.spawn(async move {
            client.start_task(Scripted { act: Act::Complete }).await.unwrap().result(None).await
        });
    }
    assert!(starts.join_all().await.iter().all(Result::is_ok));
    let counts = client.counts().await.unwrap();
    assert_eq!((counts.of(Status::Completed), counts.total()), (200, 200));
}
