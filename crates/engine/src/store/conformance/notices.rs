//! Notices and secrets: what is kept beside a task's states.

use std::sync::Arc;

use taskdeck_core::AttemptEnd;

use super::{claim, conformance, ended, later, new_task, start};
use crate::store::{RemoveWhich, Store};

async fn notices_come_back_in_order_and_take_the_lease(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    let (task, first) = claim(&*store).await;
    for (seq, text) in [(1, "one"), (2, "two")] {
        assert_eq!(store.notify(task, first, later(1), text.to_owned()).await.unwrap(), Some(seq));
    }
    let before = store.get(task).await.unwrap().unwrap();
    assert_eq!((before.notice_seq, before.machine.version), (2, 2), "a notice is no change of the task");
    let rest = store.notices(task, 1, 10).await.unwrap();
    assert_eq!(
        rest.iter().map(|notice| (notice.seq, notice.text.as_str())).collect::<Vec<_>>(),
        [(2, "two")]
    );
    assert_eq!(store.notices(task, 0, 1).await.unwrap().len(), 1);

    store.apply(vec![ended(task, first, AttemptEnd::Completed { partial: false })]).await.unwrap();
    assert_eq!(store.notify(task, first, later(3), "late".to_owned()).await.unwrap(), None);
    assert_eq!(store.get(task).await.unwrap().unwrap().notice_seq, 2, "the ending keeps it");
    store.remove(RemoveWhich::Tasks(vec![task]), 10).await.unwrap();
    assert!(store.notices(task, 0, 10).await.unwrap().is_empty());
}

async fn a_secret_is_made_once(store: Arc<dyn Store>) {
    assert_eq!(store.secret("embed_key", "first".to_owned()).await.unwrap(), "first");
    assert_eq!(store.secret("embed_key", "second".to_owned()).await.unwrap(), "first");
    assert_eq!(store.secret("other_key", "third".to_owned()).await.unwrap(), "third");
}

conformance!(notices_come_back_in_order_and_take_the_lease, a_secret_is_made_once);
