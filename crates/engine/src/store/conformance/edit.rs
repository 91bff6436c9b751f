//! Params of a failed task that are changed.

use std::sync::Arc;

use taskdeck_core::{AttemptEnd, FileId, TaskId, Upload};
use uuid::Uuid;

use super::{NOW, apply, claim, conformance, ended, id, later, new_task, start};
use crate::store::Store;

fn file(n: u128) -> Upload {
    let id = FileId::from_uuid(Uuid::from_u128(n));
    Upload { id, name: format!("{n}.csv"), size: 3, media_type: "text/csv".to_owned() }
}

async fn uploads(store: &dyn Store, task: TaskId) -> Vec<(String, FileId)> {
    let files = store.task_files(Some(task)).await.unwrap();
    files.into_iter().map(|file| (file.name, file.file.id)).collect()
}

async fn changed_params_bring_their_files_and_let_go_of_the_others(store: Arc<dyn Store>) {
    let (first, second) = (file(1), file(2));
    for file in [&first, &second] {
        store.add_file(file.clone(), NOW).await.unwrap();
    }
    let mut task = new_task(1, "sample");
    task.uploads = vec![("file".to_owned(), first.id)];
    start(&*store, task).await;
    let of = |file: &Upload| vec![("file".to_owned(), file.id)];
    let set = |file: &Upload| store.set_params(id(1), 2, r#"{"n":2}"#.to_owned(), of(file));
    assert!(!set(&second).await.unwrap(), "it has not failed");
    assert_eq!(uploads(&*store, id(1)).await, of(&first));

    let (task, token) = claim(&*store).await;
    apply(&*store, ended(task, token, AttemptEnd::Failed { retry_at: None })).await;
    // The same file once more, then another.
    assert!(set(&first).await.unwrap());
    assert_eq!(uploads(&*store, id(1)).await, of(&first));
    assert!(set(&second).await.unwrap());
    assert_eq!(uploads(&*store, id(1)).await, of(&second));
    assert_eq!(store.payload(id(1)).await.unwrap().unwrap().params, r#"{"n":2}"#);
    assert_eq!(store.remove_loose_files(later(1), None, 10).await.unwrap().removed, [first.id]);
}

conformance!(changed_params_bring_their_files_and_let_go_of_the_others);
