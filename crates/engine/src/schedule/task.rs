//! The task that a schedule starts.

use taskdeck_core::{Machine, Progress, State, Timestamp, UserId};

use super::check::Checked;
use crate::clock;
use crate::store::{NewTask, Record, StoredSchedule};

/// A task of the schedule, to be started now in the name of `user`.
pub(crate) fn new_task(
    schedule: &StoredSchedule,
    checked: &Checked,
    user: Option<&UserId>,
    now: Timestamp,
) -> NewTask {
    let (spec, definition) = (&schedule.spec, &checked.definition);
    let limits = &definition.limits;
    let machine = Machine {
        state: State::Queued { since: now, ahead: false },
        version: 1,
        attempt: 0,
        tries: 0,
        max_tries: limits.retry.max_tries,
        at_most_once: limits.at_most_once,
        cancel: None,
        expires_at: None,
        started_at: None,
        questions: 0,
        endings: 0,
    };
    let record = Record {
        id: clock::new_task_id(),
        kind: definition.kind.clone(),
        kind_version: definition.version,
        queue: spec.queue.clone().unwrap_or_else(|| limits.queue.clone()),
        priority: spec.priority,
        label: spec.label.clone().unwrap_or_else(|| definition.title.clone()),
        key: spec.key.clone(),
        tags: spec.tags.iter().cloned().chain([spec.tag()]).collect(),
        user: user.cloned(),
        trace_id: Some(clock::new_trace_id()),
        created_at: now,
        machine,
        error: None,
        progress: Progress::default(),
    };
    NewTask { record, params: checked.params.to_string(), uploads: Vec::new() }
}
