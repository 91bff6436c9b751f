//! A task for tests: those of the modules, and `tests/render.rs`.

use taskdeck_core::{Kind, Progress, QueueName, Status, TaskId, TaskState, Timestamp};

pub(crate) const T0: Timestamp = Timestamp::from_millis(1_767_225_600_000);

pub(crate) fn task(status: Status) -> TaskState {
    TaskState {
        id: TaskId::from_parts(T0, [7; 10]),
        kind: Kind::new("import_csv").unwrap(),
        label: "Import flights.csv".to_owned(),
        status,
        version: 3,
        tick: 0,
        queue: QueueName::default(),
        priority: 0,
        attempt: 1,
        tries: 0,
        max_tries: 3,
        progress: Progress::default(),
        cancel: None,
        error: None,
        partial: false,
        key: None,
        tags: Vec::new(),
        user: None,
        trace_id: None,
        parent: None,
        batch: None,
        partition: None,
        waits_for: 0,
        waiting: None,
        created_at: T0,
        scheduled_at: None,
        started_at: Some(T0.plus_millis(1_500)),
        ended_at: None,
        starts: 1,
        questions: 0,
        endings: 0,
        notice_seq: 0,
    }
}
