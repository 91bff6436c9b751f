//! What happened to users' tasks while they were away, and when they last looked.

use std::sync::Arc;

use taskdeck_core::{AttemptEnd, UserId};

use super::{claim, conformance, ended, later, new_task, start};
use crate::store::{NewTask, RemoveWhich, Store};

async fn the_last_look_of_each_user_is_kept(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new("ann").unwrap(), UserId::new("bob").unwrap());
    assert_eq!(store.last_look(ann.clone()).await.unwrap(), None);
    for at in [5, 9, 7] {
        store.note_look(ann.clone(), later(at)).await.unwrap();
    }
    assert_eq!(store.last_look(ann).await.unwrap(), Some(later(9)), "a look that comes late changes nothing");
    assert_eq!(store.last_look(bob).await.unwrap(), None);
}

async fn news_are_of_the_user_and_the_last_come_first(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new("ann").unwrap(), UserId::new("bob").unwrap());
    let of = |user: &UserId, mut task: NewTask| {
        task.record_mut().user = Some(user.clone());
        task
    };
    let mut child = of(&ann, new_task(3, "sample"));
    (child.record_mut().parent, child.record_mut().child) =
        (Some(new_task(1, "sample").record.id), Some("a".into()));
    let tasks =
        [of(&ann, new_task(1, "sample")), of(&bob, new_task(2, "sample")), child, new_task(4, "sample")];
    for task in tasks {
        start(&*store, task).await;
    }
    let mut held = Vec::new();
    for n in 1..=4 {
        let (task, token) = claim(&*store).await;
        let text = format!("told {n}");
        store.notify(task, token, later(n), text).await.unwrap();
        held.push((task, token));
    }
    let told = |store: &Arc<dyn Store>, user: &UserId| {
        let (store, user) = (Arc::clone(store), user.clone());
        async move {
            let news = store.news(user, 10).await.unwrap();
            let ended: Vec<_> = news.ended.iter().map(|record| record.id).collect();
            (ended, news.notices.into_iter().map(|notice| (notice.task, notice.text)).collect::<Vec<_>>())
        }
    };
    assert!(told(&store, &ann).await.0.is_empty(), "nothing has ended yet");
    for (task, token) in &held {
        let change = ended(*task, *token, AttemptEnd::Completed { partial: false });
        store.apply(vec![change]).await.unwrap();
    }
    let [first, second, child, _] = [0, 1, 2, 3].map(|n| held[n].0);
    let said = |n: usize| format!("told {n}");
    assert_eq!(told(&store, &ann).await, (vec![first], vec![(child, said(3)), (first, said(1))]));
    assert_eq!(told(&store, &bob).await, (vec![second], vec![(second, said(2))]));
    let one = store.news(ann.clone(), 1).await.unwrap();
    assert_eq!(
        (one.notices.len(), one.notices[0].label.as_str(), one.notices[0].at),
        (1, "task 3", later(3))
    );

    store.remove(RemoveWhich::Tasks(vec![first]), 10).await.unwrap();
    assert!(told(&store, &ann).await.0.is_empty(), "what was removed is told of no more");
}

conformance!(the_last_look_of_each_user_is_kept, news_are_of_the_user_and_the_last_come_first);
