//! A task for tests: those of the modules, and `tests/render.rs`.

use taskdeck_core::{Kind, Status, TaskId, TaskState, Timestamp};

pub(crate) const T0: Timestamp = Timestamp::from_millis(1_767_225_600_000);

pub(crate) fn task(status: Status) -> TaskState {
    let id = TaskId::from_parts(T0, [7; 10]);
    let new = TaskState::new(id, Kind::new("import_csv").unwrap(), "Import flights.csv", T0);
    let started_at = Some(T0.plus_millis(1_500));
    TaskState { status, version: 3, attempt: 1, started_at, starts: 1, ..new }
}
