//! Logs: lines in order, each once.

use std::ops::RangeInclusive;
use std::sync::Arc;

use taskdeck_core::{LeaseToken, TaskId};

use super::{apply, claim, completed, conformance, id, line, new_task, start, status};
use crate::store::{Applied, LogWrite, Store};

fn log(id: TaskId, token: LeaseToken, seqs: RangeInclusive<u64>) -> LogWrite {
    LogWrite { id, token, lines: seqs.map(line).collect() }
}

async fn stored(store: &dyn Store, task: TaskId) -> Vec<u64> {
    let page = store.log(task, 0, 1_000).await.unwrap();
    page.lines.iter().map(|line| line.seq).collect()
}

async fn log_lines_come_back_in_order_from_where_one_was(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    let (task, token) = claim(&*store).await;
    assert_eq!(store.append_logs(vec![log(task, token, 1..=10)]).await.unwrap(), [true]);
    let some = vec![log(task, token, 11..=12), log(id(99), token, 1..=1)];
    assert_eq!(store.append_logs(some).await.unwrap(), [true, false]);
    let stale = LeaseToken(token.0.wrapping_add(1));
    assert_eq!(store.append_logs(vec![log(task, stale, 13..=14)]).await.unwrap(), [false]);
    let page = store.log(id(1), 3, 5).await.unwrap();
    assert_eq!(page.lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [4, 5, 6, 7, 8]);
    assert!(page.more && page.last_seq == 8);
    let rest = store.log(id(1), 8, 100).await.unwrap();
    assert_eq!((rest.lines.len(), rest.last_seq, rest.more), (4, 12, false));
    let none = store.log(id(1), 12, 100).await.unwrap();
    assert_eq!((none.lines.len(), none.last_seq), (0, 12));
    assert_eq!(store.last_log_seq(id(99)).await.unwrap(), 0, "a task that is not there has no log");
}

async fn lines_that_are_stored_though_nobody_heard_of_it_are_sent_again_and_stored_once(
    store: Arc<dyn Store>,
) {
    start(&*store, new_task(1, "sample")).await;
    let (task, token) = claim(&*store).await;
    // Its answer is lost; then they are sent with those that were written meanwhile.
    store.append_logs(vec![log(task, token, 1..=4)]).await.unwrap();
    assert_eq!(store.append_logs(vec![log(task, token, 1..=6)]).await.unwrap(), [true]);
    // What was under way for long comes last.
    assert_eq!(store.append_logs(vec![log(task, token, 1..=4)]).await.unwrap(), [true]);
    assert_eq!(stored(&*store, task).await, Vec::from_iter(1..=6));
    store.append_logs(vec![log(task, token, 7..=8)]).await.unwrap();
    let mut ending = completed(task, token);
    ending.extra.log = (7..=9).map(line).collect();
    assert!(matches!(apply(&*store, ending).await, Applied::Changed(..)), "the ending is stored with them");
    assert_eq!(status(&*store, task).await, taskdeck_core::Status::Completed);
    assert_eq!(stored(&*store, task).await, Vec::from_iter(1..=9));
    assert_eq!(store.last_log_seq(task).await.unwrap(), 9);
}

conformance!(
    log_lines_come_back_in_order_from_where_one_was,
    lines_that_are_stored_though_nobody_heard_of_it_are_sent_again_and_stored_once,
);
