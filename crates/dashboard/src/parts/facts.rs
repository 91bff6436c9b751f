//! What is said of a task in more than one place.

use taskdeck_core::{Status, TaskState};
use taskdeck_ui::START_NOW;

/// What a retry of a task is called; none where there is none.
pub(crate) fn retry(task: &TaskState) -> Option<&'static str> {
    match task.status {
        // It goes on from its checkpoint.
        Status::Interrupted => Some("Resume"),
        status if status.can_retry() => Some("Retry"),
        // It does not wait for a time alone.
        Status::Scheduled if task.waits_for > 0 => None,
        Status::Scheduled if task.attempt > 0 => Some("Retry now"),
        Status::Scheduled => Some(START_NOW),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Kind, TaskId, Timestamp};

    use super::*;

    fn new() -> TaskState {
        let at = Timestamp::from_millis(0);
        TaskState::new(TaskId::from_parts(at, [0; 10]), Kind::new("demo").unwrap(), "Demo", at)
    }

    #[test]
    fn a_retry_is_called_what_it_is() {
        let of = |status, attempt, waits_for| retry(&TaskState { status, attempt, waits_for, ..new() });
        assert_eq!(of(Status::Scheduled, 0, 0), Some("Start now"));
        assert_eq!(of(Status::Scheduled, 2, 0), Some("Retry now"));
        assert_eq!(of(Status::Scheduled, 0, 1), None, "it waits for others");
        assert_eq!(of(Status::Failed, 1, 0), Some("Retry"));
        assert_eq!(of(Status::Running, 1, 0), None);
    }
}
