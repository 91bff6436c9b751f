//! Why a task does not run, as the deck says it.

use std::time::Duration;

use taskdeck_core::{LaneLimits, QueueName, Status};

use crate::support::{Act, Scripted, memory_deck};

#[tokio::test]
async fn what_holds_a_task_back_is_said() {
    let (_deck, client, gate) = memory_deck().await;
    let why = async |id| client.why_not_running(id).await.unwrap().map(|why| (why.reason, why.text));

    let slow = QueueName::new("slow").unwrap();
    client.pause_queue(&slow).await.unwrap();
    let paused =
        client.start_task(Scripted { act: Act::WaitForGate }).queue(slow.clone()).await.unwrap().id();
    let (reason, text) = why(paused).await.unwrap();
    assert_eq!((reason.as_str(), text.as_str()), ("queue_paused", "The queue slow is paused by local."));

    let one = LaneLimits { concurrency: Some(1), ..LaneLimits::default() };
    client.limit_queue(&slow, Some(one)).await.unwrap();
    client.resume_queue(&slow).await.unwrap();
    gate.entered.wait().await;
    assert_eq!(why(paused).await, None);
    let second = client.start_task(Scripted { act: Act::WaitForGate }).queue(slow).await.unwrap().id();
    let (reason, text) = why(second).await.unwrap();
    assert_eq!(reason, "queue_limit");
    assert_eq!(text, "The queue slow runs at most 1 task at the same time.");

    let other = client.start_task(Scripted { act: Act::WaitForGate }).await.unwrap().id();
    gate.entered.wait().await;
    assert_eq!(client.get(other).await.unwrap().status, Status::Running);
    let third = client.start_task(Scripted { act: Act::WaitForGate }).await.unwrap().id();
    let (reason, text) = why(third).await.unwrap();
    assert_eq!((reason.as_str(), text.as_str()), ("slots", "All 2 slots are busy, with 2 tasks queued."));

    let later =
        client.start_task(Scripted { act: Act::Complete }).delay(Duration::from_secs(60)).await.unwrap();
    assert_eq!(why(later.id()).await.unwrap().0, "scheduled");
    assert_eq!(client.retry(later.id()).await.unwrap().status, Status::Queued);
    assert_eq!(why(later.id()).await.unwrap().0, "slots");
    let after = client.start_task(Scripted { act: Act::Complete }).after(other).await.unwrap();
    let refused = client.retry(after.id()).await.unwrap_err();
    assert_eq!(refused.code(), "wrong_status");
    assert_eq!(why(after.id()).await.unwrap().1, "It runs after 1 task that has not completed.");
    let detail = client.detail(after.id()).await.unwrap();
    assert_eq!(detail.not_running.unwrap().reason, "dependencies");
    for _ in 0..4 {
        gate.open.give();
    }
}
