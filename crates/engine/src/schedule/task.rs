//! The task that a schedule starts.

use taskdeck_core::{Machine, Progress, State, Timestamp, UserId};

use super::check::Checked;
use crate::clock;
use crate::origin::Origin;
use crate::store::{NewTask, Options, Record, StoredSchedule};

/// A task of the schedule, to be started now in the name of `user`.
pub(crate) fn new_task(
    schedule: &StoredSchedule,
    checked: &Checked,
    user: Option<&UserId>,
    now: Timestamp,
) -> NewTask {
    let (spec, definition) = (&schedule.spec, &checked.definition);
    let limits = &definition.limits;
    let after = |wait: u64| now.plus_millis(i64::try_from(wait).unwrap_or(i64::MAX));
    let machine = Machine {
        at_most_once: limits.at_most_once,
        expires_at: limits.expires_ms.map(after),
        ..Machine::new(State::Queued { since: now, ahead: false }, limits.retry.max_tries)
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
        partition: None,
        parent: None,
        child: None,
        batch: None,
        options: Options { permissions: Origin::actor(&schedule.actor).permissions, ..Options::default() },
    };
    NewTask::new(record, checked.params.to_string())
}
