//! From a request to the task that is stored.

use taskdeck_core::{Definition, Machine, Progress, StartRequest, State, Timestamp, traceparent};

use crate::clock;
use crate::origin::Origin;
use crate::store::{Options, Record};

/// The task that a request asks for, to be started at `now`. Its params, dependencies and followers are kept apart.
pub(crate) fn new_record(
    definition: &Definition,
    request: StartRequest,
    origin: &Origin,
    now: Timestamp,
) -> Record {
    let limits = &definition.limits;
    let after_ms = |wait: u64| now.plus_millis(i64::try_from(wait).unwrap_or(i64::MAX));
    let due = request.at.or_else(|| request.delay.map(after_ms));
    let state = match due {
        Some(at) if at > now => State::Scheduled { until: Some(at) },
        _ => State::Queued { since: now, ahead: false },
    };
    let machine = Machine {
        at_most_once: limits.at_most_once,
        expires_at: request.expires.or(limits.expires_ms).map(after_ms),
        ..Machine::new(state, request.max_tries.unwrap_or(limits.retry.max_tries))
    };
    let parent = request.traceparent.as_deref().and_then(traceparent);
    let (trace_id, span) = match parent {
        Some((trace, span)) => (Some(trace), Some(span)),
        None => (request.trace_id.or_else(|| origin.trace_id.clone()), origin.span.clone()),
    };
    Record {
        id: request.id.unwrap_or_else(|| clock::new_task_id(now)),
        kind: definition.kind.clone(),
        kind_version: definition.version,
        queue: request.queue.unwrap_or_else(|| limits.queue.clone()),
        priority: request.priority,
        label: request.label.unwrap_or_else(|| definition.title.clone()),
        key: request.key,
        tags: request.tags,
        user: origin.user.clone(),
        trace_id: Some(trace_id.unwrap_or_else(clock::new_trace_id)),
        created_at: now,
        machine,
        error: None,
        progress: Progress::default(),
        partition: request.partition,
        parent: origin.child_of.as_ref().map(|(parent, _)| *parent),
        child: origin.child_of.as_ref().map(|(_, name)| name.clone()),
        batch: origin.batch,
        options: Options {
            timeout_ms: request.timeout,
            result_ttl_ms: request.result_ttl,
            permissions: origin.permissions.clone(),
            span,
            due_at: due.filter(|at| *at > now),
            detached: origin.detached,
        },
        notice_seq: 0,
        tick: 0,
    }
}
