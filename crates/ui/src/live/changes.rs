//! What happened to a task between two states that were seen of it.

use taskdeck_core::TaskState;

/// Something that happened to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// An attempt began.
    Started,
    /// It came on.
    Progressed,
    /// It ended.
    Finished,
}

/// What happened from `before` to `after`, in order. Each start and each ending is told exactly once, however many
/// states lie between that were never seen: the counters in the states say how many there were.
#[must_use]
pub fn changes(before: &TaskState, after: &TaskState) -> Vec<Change> {
    if after.rev() <= before.rev() {
        return Vec::new();
    }
    let mut starts = after.starts.saturating_sub(before.starts);
    let mut endings = after.endings.saturating_sub(before.endings);
    let mut changes = Vec::new();
    if starts == 0 && endings == 0 {
        if after.progress != before.progress {
            changes.push(Change::Progressed);
        }
        return changes;
    }
    // An attempt that was running ends before the next begins.
    let mut running = before.starts > 0 && !before.status.has_ended() && before.started_at.is_some();
    while starts > 0 || endings > 0 {
        if endings > 0 && (running || starts == 0) {
            endings -= 1;
            running = false;
            changes.push(Change::Finished);
        } else {
            starts -= 1;
            running = endings > 0;
            changes.push(Change::Started);
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Status, Timestamp};

    use super::super::plan::tests::state;
    use super::*;

    fn with(status: Status, version: u32, starts: u32, endings: u32) -> TaskState {
        TaskState {
            starts,
            endings,
            started_at: (starts > 0).then_some(Timestamp::from_millis(5)),
            ..state(1, status, version)
        }
    }

    #[test]
    fn each_start_and_ending_is_told_once() {
        let queued = with(Status::Queued, 1, 0, 0);
        let running = with(Status::Running, 2, 1, 0);
        let ended = with(Status::Completed, 3, 1, 1);
        assert_eq!(changes(&queued, &running), [Change::Started]);
        assert_eq!(changes(&running, &ended), [Change::Finished]);
        assert_eq!(changes(&ended, &ended), []);
        assert_eq!(changes(&ended, &running), [], "an older state is no news");
    }

    #[test]
    fn what_happened_while_nobody_listened_is_told_too() {
        let queued = with(Status::Queued, 1, 0, 0);
        let ended = with(Status::Completed, 9, 1, 1);
        assert_eq!(changes(&queued, &ended), [Change::Started, Change::Finished]);
        let running = with(Status::Running, 2, 1, 0);
        let failed_again = with(Status::Failed, 9, 2, 2);
        assert_eq!(changes(&running, &failed_again), [Change::Finished, Change::Started, Change::Finished]);
    }

    #[test]
    fn a_task_that_never_ran_ends_without_a_start() {
        let queued = with(Status::Queued, 1, 0, 0);
        assert_eq!(changes(&queued, &with(Status::Cancelled, 2, 0, 1)), [Change::Finished]);
    }

    #[test]
    fn progress_is_told_when_it_moves() {
        let running = with(Status::Running, 2, 1, 0);
        let mut further = TaskState { tick: 4, ..running.clone() };
        assert_eq!(changes(&running, &further), []);
        further.progress.set_fraction(0.5);
        assert_eq!(changes(&running, &further), [Change::Progressed]);
    }
}
