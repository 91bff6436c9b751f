//! Pauses and limits over nodes.

use super::*;

#[tokio::test]
async fn a_pause_and_a_limit_on_one_node_hold_on_another() {
    let (store, (stage, _unblock)) = (memory(), Stage::new());
    let here = node(&store, &stage, NEVER).await;
    let there = node(&store, &stage, NEVER).await;
    let queue = QueueName::default();
    client(&here).pause_queue(&queue).await.unwrap();
    look_at_own(there.inner()).await.unwrap();
    let held = start(&there, Act::Quick).await;
    let rooms = || there.inner().dispatch.rooms(&there.inner().registry);
    assert_eq!(rooms().queues.get(&queue).map(|queue| queue.room), Some(0));
    assert_eq!(client(&there).get(held).await.unwrap().status, Status::Queued);
    client(&here).resume_queue(&queue).await.unwrap();
    look_at_own(there.inner()).await.unwrap();
    assert_eq!(rooms().queues.get(&queue), None);
    assert_eq!(ended(&there, held).await, Status::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_the_store_does_not_undo_a_change_made_meanwhile() {
    let (store, (stage, _unblock)) = (memory(), Stage::new());
    let deck = node(&store, &stage, NEVER).await;
    let inner = Arc::clone(deck.inner());
    let looks = tokio::spawn(async move {
        loop {
            look_at_own(&inner).await.unwrap();
        }
    });
    let queue = QueueName::default();
    let rooms = || deck.inner().dispatch.rooms(&deck.inner().registry);
    for _ in 0..500 {
        client(&deck).pause_queue(&queue).await.unwrap();
        client(&deck).resume_queue(&queue).await.unwrap();
        for _ in 0..5 {
            assert_eq!(rooms().queues.get(&queue), None, "it is paused again");
            tokio::task::yield_now().await;
        }
    }
    looks.abort();
}
