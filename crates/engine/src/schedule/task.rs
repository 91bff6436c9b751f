//! The task that a schedule starts.

use taskdeck_core::{StartRequest, Timestamp, UserId};

use super::check::Checked;
use crate::new_record::new_record;
use crate::origin::Origin;
use crate::store::{NewTask, StoredSchedule};

/// A task of the schedule, to be started now in the name of `user`.
pub(crate) fn new_task(
    schedule: &StoredSchedule,
    checked: &Checked,
    user: Option<&UserId>,
    now: Timestamp,
) -> NewTask {
    let spec = &schedule.spec;
    let request = StartRequest {
        queue: spec.queue.clone(),
        priority: spec.priority,
        label: spec.label.clone(),
        key: spec.key.clone(),
        tags: spec.tags.iter().cloned().chain([spec.tag()]).collect(),
        ..StartRequest::default()
    };
    let origin = Origin { user: user.cloned(), ..Origin::actor(&schedule.actor) };
    NewTask::new(new_record(&checked.definition, request, &origin, now), checked.params.to_string())
}
