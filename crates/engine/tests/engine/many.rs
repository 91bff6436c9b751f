//! What is done to many tasks at once.

use std::collections::BTreeSet;

use serde_json::json;
use taskdeck_core::{
    Actor, BulkRequest, BulkVerb, DeckError, ListQuery, QueueName, ResultBody, Role, StartRequest, Status,
    TaskId, User, UserId,
};
use taskdeck_engine::Client;

use crate::support::{Act, Scripted, memory_deck, reaches};

fn filtered(verb: BulkVerb, filter: &str) -> BulkRequest {
    BulkRequest { verb, tasks: Vec::new(), filter: Some(filter.to_owned()) }
}

fn named(verb: BulkVerb, tasks: Vec<TaskId>) -> BulkRequest {
    BulkRequest { verb, tasks, filter: None }
}

async fn bulk(client: &Client, request: BulkRequest) -> ResultBody {
    let id = client.bulk(request).await.expect("is answered").task.id;
    client.result(id, Some(std::time::Duration::from_secs(20))).await.expect("is answered")
}

async fn with_status(client: &Client, status: Status) -> usize {
    let query = ListQuery { status: taskdeck_core::StatusSet::EMPTY.with(status), ..ListQuery::default() };
    let query = ListQuery { kind: Some("scripted".parse().expect("is answered")), limit: Some(200), ..query };
    client.list(&query).await.expect("is answered").tasks.len()
}

/// A client, and tasks of which some have failed and the others wait in a paused queue.
async fn some(failed: usize, queued: usize) -> (taskdeck_engine::Deck, Client, Vec<TaskId>) {
    let (deck, client, _) = memory_deck().await;
    let slow = QueueName::new("slow").expect("is a name");
    client.pause_queue(&slow).await.expect("is answered");
    let mut ids = Vec::new();
    for n in 0..failed + queued {
        let queue = (n >= failed).then(|| slow.clone());
        let request = StartRequest { params: json!({"act": "fail"}), queue, ..StartRequest::default() };
        ids.push(client.start("scripted", request).await.expect("is answered").task.id);
    }
    for id in &ids[..failed] {
        reaches(&client, *id, Status::Failed).await;
    }
    (deck, client, ids)
}

#[tokio::test]
async fn what_fits_a_filter_is_counted_first_and_then_cancelled() {
    let (_deck, client, _) = some(3, 150).await;
    let request = filtered(BulkVerb::Cancel, "kind:scripted");
    let preview = client.bulk_preview(&request).await.unwrap();
    assert_eq!((preview.count, preview.skipped, preview.more), (150, 3, false));
    assert_eq!(preview.first.len(), 10);
    assert!(preview.first.iter().all(|task| task.status == Status::Queued));

    let started = client.bulk(request).await.unwrap().task;
    assert_eq!(started.label, "Cancel 150 tasks: kind:scripted");
    let result = client.result(started.id, Some(std::time::Duration::from_secs(20))).await.unwrap();
    assert_eq!(result.result["done"], 150);
    assert_eq!(with_status(&client, Status::Cancelled).await, 150);
    assert_eq!(with_status(&client, Status::Failed).await, 3);
    let ended = client.get(started.id).await.unwrap();
    assert_eq!((ended.progress.done, ended.progress.total), (Some(150), Some(150)));
    assert_eq!(ended.progress.message.as_deref(), Some("150 tasks cancelled"));
}

#[tokio::test]
async fn it_does_not_wait_for_the_slots_of_those_that_it_cancels() {
    let (_deck, client, gate) = memory_deck().await;
    for _ in 0..2 {
        client.start_task(Scripted { act: Act::WaitForGate }).await.unwrap();
        gate.entered.wait().await;
    }
    let result = bulk(&client, filtered(BulkVerb::Cancel, "status:active kind:scripted")).await;
    assert_eq!(result.result["done"], 2, "{:?}", result.result);
}

#[tokio::test]
async fn what_is_passed_over_is_counted_and_says_why() {
    let (_deck, client, ids) = some(2, 1).await;
    let gone = TaskId::from_uuid(uuid::Uuid::now_v7());
    let request = named(BulkVerb::Delete, [ids.as_slice(), &[gone]].concat());
    let preview = client.bulk_preview(&request).await.unwrap();
    assert_eq!((preview.count, preview.skipped), (2, 2));
    let result = bulk(&client, request).await;
    assert_eq!((&result.result["done"], &result.result["skipped"]), (&json!(2), &json!(2)));
    assert!(result.partial);
    assert_eq!(result.result["reasons"], json!({"wrong_status": 1, "not_found": 1}));
    let why = result.problems.iter().find(|problem| problem.part == ids[2].to_string()).unwrap();
    assert!(why.message.contains("cancel it first"), "{}", why.message);
    assert!(matches!(client.get(ids[0]).await, Err(DeckError::NotFound { .. })));
    assert_eq!(client.get(ids[2]).await.unwrap().status, Status::Queued);
}

#[tokio::test]
async fn a_retry_of_many_passes_over_those_whose_key_is_taken() {
    let (_deck, client, gate) = memory_deck().await;
    let failed = client.start_task(Scripted { act: Act::Fail }).key("nightly").await.unwrap();
    let other = client.start_task(Scripted { act: Act::Fail }).await.unwrap();
    for id in [failed.id(), other.id()] {
        reaches(&client, id, Status::Failed).await;
    }
    client.start_task(Scripted { act: Act::WaitForGate }).key("nightly").await.unwrap();
    gate.entered.wait().await;
    let result = bulk(&client, filtered(BulkVerb::Retry, "status:failed")).await;
    assert_eq!((&result.result["done"], &result.result["reasons"]), (&json!(1), &json!({"key_active": 1})));
    gate.open.give();
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_does_nothing() {
    let (_deck, client, _) = some(1, 0).await;
    for filter in ["stauts:failed", "status:faild"] {
        let error = client.bulk(filtered(BulkVerb::Delete, filter)).await.unwrap_err();
        let DeckError::BadRequest { reason } = error else { panic!("{error}") };
        assert!(reason.contains("did you mean"), "{reason}");
    }
    let nothing = BulkRequest { verb: BulkVerb::Delete, tasks: Vec::new(), filter: None };
    assert!(matches!(client.bulk(nothing).await, Err(DeckError::BadRequest { .. })));
    assert_eq!(with_status(&client, Status::Failed).await, 1);
}

#[tokio::test]
async fn nobody_does_to_many_what_they_may_not_do_to_one() {
    let (deck, client, ids) = some(1, 0).await;
    let who = |role| {
        let permissions = BTreeSet::new();
        Actor::User(User { id: UserId::new("ann").unwrap(), role, permissions })
    };
    let viewer = deck.as_actor(who(Role::Viewer));
    let request = || named(BulkVerb::Delete, ids.clone());
    assert!(matches!(viewer.bulk_preview(&request()).await, Err(DeckError::Denied { .. })));
    assert!(matches!(viewer.bulk(request()).await, Err(DeckError::Denied { .. })));
    // Its params say what its actor may do, so it is started in no other way, and not changed.
    let forged = json!({"verb": "delete", "filter": "", "before": "2030-01-01T00:00:00Z", "total": 1, "role": "admin"});
    let forged = StartRequest { params: forged, ..StartRequest::default() };
    let refused = client.start("bulk_action", forged).await;
    assert!(matches!(refused, Err(DeckError::BadRequest { .. })), "{refused:?}");
    assert!(client.kinds().unwrap().iter().all(|kind| kind.kind.as_str() != "bulk_action"));
    let operator = deck.as_actor(who(Role::Operator));
    let result = bulk(&operator, request()).await;
    assert_eq!(result.result["done"], 1);
    let done = client.list(&ListQuery::from_filter("kind:bulk_action").unwrap()).await.unwrap();
    assert_eq!(done.tasks[0].user, UserId::new("ann").ok());
}
