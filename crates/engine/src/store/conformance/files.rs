//! Files, and what is noted about the deck.

use std::sync::Arc;

use taskdeck_core::{FileId, Upload};
use uuid::Uuid;

use super::{
    NOW, apply, assert_counts, claim_as, completed, conformance, id, later, lease, new_task, session, start,
};
use crate::store::{FileRole, RemoveWhich, Store};

fn file(n: u128, name: &str) -> Upload {
    Upload {
        id: FileId::from_uuid(Uuid::from_u128(n)),
        name: name.to_owned(),
        size: 3,
        media_type: "text/csv".to_owned(),
    }
}

async fn files_go_with_the_last_task_that_refers_to_them(store: Arc<dyn Store>) {
    let (shared, loose) = (file(1, "a.csv"), file(2, "b.csv"));
    store.add_file(shared.clone(), NOW).await.unwrap();
    store.add_file(loose.clone(), NOW).await.unwrap();
    for n in [1, 2] {
        let mut task = new_task(n, "sample");
        task.uploads = vec![("file".to_owned(), shared.id)];
        start(&*store, task).await;
    }
    assert_eq!(store.add_artifact(id(1), file(3, "out.sql"), NOW).await.unwrap(), None);
    assert_eq!(
        store.add_artifact(id(1), file(4, "out.sql"), NOW).await.unwrap(),
        Some(file(3, "").id),
        "replaced"
    );
    let files = store.task_files(Some(id(1))).await.unwrap();
    let seen: Vec<_> =
        files.iter().map(|file| (file.role, file.name.as_str(), file.file.name.as_str())).collect();
    assert_eq!(seen, [(FileRole::Upload, "file", "a.csv"), (FileRole::Artifact, "out.sql", "out.sql")]);

    for claimed in claim_as(&*store, session(1), 2).await {
        apply(&*store, completed(claimed.record.id, lease(&claimed.record).token)).await;
    }
    let removed = store.remove(RemoveWhich::Tasks(vec![id(1)]), 10).await.unwrap();
    assert_eq!(removed.files, [file(4, "").id], "another task needs the upload");
    let old = vec![id(1), id(2)];
    let removed = store.remove(RemoveWhich::Tasks(old), 10).await.unwrap();
    assert_eq!(removed.files, [shared.id]);
    let walked = store.remove_loose_files(NOW, None, 10).await.unwrap();
    assert_eq!(walked.removed, [], "it is not older than that");
    assert_eq!(store.remove_loose_files(later(1), None, 10).await.unwrap().removed, [loose.id]);
    assert_counts(&*store).await;
}

async fn loose_files_are_walked_some_at_a_time(store: Arc<dyn Store>) {
    let files: Vec<_> = (1..=5).map(|n| file(n, "a.csv")).collect();
    for file in &files {
        store.add_file(file.clone(), NOW).await.unwrap();
    }
    let mut task = new_task(1, "sample");
    task.uploads = vec![("file".to_owned(), files[1].id)];
    start(&*store, task).await;
    let (mut from, mut removed, mut rounds) = (None, Vec::new(), 0);
    loop {
        let walked = store.remove_loose_files(later(1), from, 2).await.unwrap();
        (from, rounds) = (walked.last.or(from), rounds + 1);
        removed.extend(walked.removed);
        if !walked.more {
            break;
        }
    }
    assert_eq!(removed, [0, 2, 3, 4].map(|n: usize| files[n].id));
    assert_eq!((from, rounds), (Some(files[4].id), 3));
    let later_on = store.remove_loose_files(later(1), from, 2).await.unwrap();
    assert_eq!((later_on.last, later_on.more), (None, false));
}

async fn what_is_noted_is_known(store: Arc<dyn Store>) {
    assert_eq!(store.noted("files").await.unwrap(), None);
    store.secret("files", "here".to_owned()).await.unwrap();
    assert_eq!(store.noted("files").await.unwrap().as_deref(), Some("here"));
}

conformance!(
    files_go_with_the_last_task_that_refers_to_them,
    loose_files_are_walked_some_at_a_time,
    what_is_noted_is_known,
);
