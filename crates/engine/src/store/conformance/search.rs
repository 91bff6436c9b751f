//! Lists by what a filter can ask for.

use std::sync::Arc;

use taskdeck_core::{AttemptEnd, BatchId, ErrorInfo, ListQuery, TaskId, UserId};
use uuid::Uuid;

use super::{NOW, apply, claim_as, conformance, ended, id, lease, new_task, session, start};
use crate::store::{NewTask, Store};

async fn found(store: &dyn Store, filter: &str) -> Vec<u128> {
    let query = ListQuery::from_filter(filter).unwrap().at(NOW);
    let (records, next) = store.list(query.clone()).await.unwrap();
    assert_eq!(next, None, "{filter}");
    let tally = store.tally(query).await.unwrap();
    assert_eq!(tally.counts.total(), records.len() as u64, "{filter}");
    records.iter().map(|record| record.id.as_uuid().as_u128()).collect()
}

async fn each_part_of_a_filter_narrows_the_list(store: Arc<dyn Store>) {
    // Made when the tasks were: a list by time looks at no others.
    let base = TaskId::from_parts(NOW.plus_millis(-7_200_000), [0; 10]).as_uuid().as_u128();
    let mut task = new_task(base + 1, "import_csv");
    task.record_mut().label = "Import of Flights.csv".to_owned();
    task.record_mut().tags = vec!["last week".to_owned(), "nightly".to_owned()];
    task.record_mut().user = UserId::new("ann").ok();
    task.record_mut().key = Some("flights-2013".to_owned());
    start(&*store, task).await;
    let mut task = new_task(base + 2, "sample");
    task.record_mut().parent = Some(id(base + 1));
    task.record_mut().child = Some("a".to_owned());
    task.record_mut().trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    task.record_mut().created_at = NOW.plus_millis(-3_600_001);
    start(&*store, task).await;
    start(&*store, new_task(base + 3, "sample")).await;
    let claimed = claim_as(&*store, session(1), 1).await.remove(0).record;
    let mut failed = ended(claimed.id, lease(&claimed).token, AttemptEnd::Failed { retry_at: None });
    failed.extra.error =
        Some(ErrorInfo { code: "empty".to_owned(), message: "The list is empty".to_owned() });
    apply(&*store, failed).await;
    let claimed = claim_as(&*store, session(1), 1).await.remove(0).record;
    let partly = AttemptEnd::Completed { partial: true };
    apply(&*store, ended(claimed.id, lease(&claimed).token, partly)).await;

    let parent = format!("parent:{}", id(base + 1));
    let ended_children = format!("{parent} status:completed");
    for (filter, ids) in [
        ("", vec![3, 2, 1]),
        ("user:ann", vec![1]),
        ("user:bob", vec![]),
        (r#"tag:"last week""#, vec![1]),
        ("tag:week", vec![]),
        ("tag:nightly", vec![3, 2, 1]),
        ("key:flights-2013", vec![1]),
        ("key:flights", vec![]),
        ("since:1h", vec![3, 1]),
        ("since:2h kind:sample", vec![3, 2]),
        ("before:2023-11-14T21:13:20Z", vec![2]),
        ("flights", vec![1]),
        ("FLIGHTS import", vec![1]),
        (r#""of flights""#, vec![1]),
        ("flights nothing", vec![]),
        ("kind:sample flights", vec![]),
        ("2013", vec![1]),
        ("error:empty", vec![2]),
        ("status:failed list", vec![2]),
        ("4bf92f3577b34da6a3ce929d0e0e4736", vec![2]),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", vec![2]),
        ("partial:true", vec![3]),
        ("partial:false", vec![2, 1]),
        (&parent, vec![2]),
        (&ended_children, vec![]),
    ] {
        let ids: Vec<u128> = ids.into_iter().map(|n| base + n).collect();
        assert_eq!(found(&*store, filter).await, ids, "{filter}");
    }
    let none = ListQuery { batch: Some(BatchId::from_uuid(Uuid::from_u128(9))), ..ListQuery::default() };
    assert_eq!(store.list(none).await.unwrap().0.len(), 0);
}

async fn a_task_is_found_by_its_id_and_by_parts_of_it(store: Arc<dyn Store>) {
    let of = |text: &str| text.parse::<TaskId>().unwrap().as_uuid().as_u128();
    let (old, new) = (of("0198c2e1-aaaa-7bbb-8ccc-0123456789ab"), of("ffff0000-0000-7000-8000-000000000001"));
    start(&*store, new_task(old, "sample")).await;
    start(&*store, new_task(new, "sample")).await;
    for part in ["0198c2e1-aaaa-7bbb-8ccc-0123456789ab", "0198C2", "0198c2e1-aa", "456789ab", "cc-0123"] {
        assert_eq!(found(&*store, part).await, [old], "{part}");
    }
    assert_eq!(found(&*store, "ffff0000").await, [new]);
    assert_eq!(found(&*store, "abcdef").await, Vec::<u128>::new());
}

async fn the_params_of_a_page_come_in_its_order(store: Arc<dyn Store>) {
    start(&*store, new_task(1, "sample")).await;
    start(&*store, new_task(2, "sample")).await;
    let large = NewTask { params: format!(r#"{{"text":"{}"}}"#, "x".repeat(9_000)), ..new_task(3, "sample") };
    start(&*store, large).await;
    let params = store.params(vec![id(2), id(7), id(1), id(3)]).await.unwrap();
    assert_eq!(params, [r#"{"n":2}"#, "", r#"{"n":1}"#, ""]);
}

conformance!(
    each_part_of_a_filter_narrows_the_list,
    a_task_is_found_by_its_id_and_by_parts_of_it,
    the_params_of_a_page_come_in_its_order,
);
