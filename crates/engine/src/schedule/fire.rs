//! The loop that starts the tasks of schedules when they are due.

use std::sync::Arc;
use std::time::Duration;

use taskdeck_core::{Status, Timestamp};

use super::check::{Checked, check_for};
use super::due::{Due, MOST_FIRES, due, nearer};
use super::task::new_task;
use super::timetable::Timetable;
use crate::deck::Inner;
use crate::registry::Registry;
use crate::store::{NewTask, Pace, Pause, StartOutcome, StoreError, StoredSchedule};

/// How many due schedules are read at once.
const BATCH: usize = 100;
/// A longer sleep would not notice that the wall clock was set forward.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Starts the tasks of schedules: one timer for all of them.
pub(crate) async fn fire_loop(inner: Arc<Inner>) {
    let mut seen = inner.clock.now();
    loop {
        let now = inner.clock.now();
        if now >= seen {
            seen = now;
        } else {
            match bring_nearer(&inner, now).await {
                Ok(()) => seen = now,
                Err(error) => tracing::warn!(%error, "the next times of schedules could not be looked at"),
            }
        }
        // Armed before the look, so that a schedule changed after it wakes the loop.
        let changed = inner.schedules_changed.notified();
        let wait = match fire_due(&inner, inner.clock.now()).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, "the tasks of due schedules could not be started; it is tried again");
                Some(RETRY_AFTER)
            }
        };
        let timer = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = timer => {}
            () = changed => {}
            () = inner.stopping.cancelled() => return,
        }
    }
}

/// Gives schedules that wait for a time further away than their rule's next one that one: the clock was set back.
pub(crate) async fn bring_nearer(inner: &Inner, now: Timestamp) -> Result<(), StoreError> {
    for mut schedule in inner.store.schedules().await? {
        let Some(next_at) = schedule.next_at() else { continue };
        // One that is wrong is told when it is due.
        let Ok(timetable) = Timetable::read(&schedule.spec.cron, &schedule.spec.time_zone) else { continue };
        if let Some(next) = nearer(&timetable, next_at, schedule.last_at, now) {
            tracing::warn!(schedule = %schedule.spec.name, %next_at, %next, "the clock was set back");
            schedule.pace = Pace::Goes(Some(next));
            // Refused when somebody changed it meanwhile: then its next time is new anyway.
            inner.store.save_schedule(schedule).await?;
        }
    }
    Ok(())
}

/// Does what is due at `now`; the time until the next look, if there is anything to wait for.
pub(crate) async fn fire_due(inner: &Inner, now: Timestamp) -> Result<Option<Duration>, StoreError> {
    let due = inner.store.due_schedules(now, BATCH).await?;
    // At the same time, so that they share commits; one that fails leaves the others be.
    let fired = futures::future::join_all(due.into_iter().map(|schedule| fire(inner, schedule, now))).await;
    fired.into_iter().collect::<Result<(), _>>()?;
    let next = inner.store.next_schedule_at().await?;
    Ok(next.map(|next| Duration::from_millis(next.millis_since(inner.clock.now())).min(LONGEST_SLEEP)))
}

async fn fire(inner: &Inner, schedule: StoredSchedule, now: Timestamp) -> Result<(), StoreError> {
    let name = schedule.spec.name.clone();
    let Plan { schedule, tasks, note } = plan(&inner.registry, schedule, now);
    let started = inner.store.fire_schedule(schedule, tasks).await?;
    // Somebody else met the time, or the schedule was changed: the next look sees it as it is then.
    let Some(started) = started else { return Ok(()) };
    match note {
        Some(Note::TooMany) => {
            tracing::warn!(schedule = %name, "it missed more than {MOST_FIRES} times; the earliest are skipped");
        }
        Some(Note::Paused(why)) => {
            tracing::error!(schedule = %name, %why, "paused: it cannot start its task");
        }
        None => {}
    }
    tell(inner, &started);
    Ok(())
}

/// Tells everybody of tasks that were started.
pub(crate) fn tell(inner: &Inner, started: &[StartOutcome]) {
    for outcome in started {
        if let StartOutcome::New(record, _) = outcome {
            inner.told(record, None::<Status>);
        }
    }
}

/// What a due schedule does: how it is to be stored, and what it starts.
struct Plan {
    schedule: StoredSchedule,
    tasks: Vec<NewTask>,
    note: Option<Note>,
}

/// What the log should say of it.
#[derive(Debug, PartialEq)]
enum Note {
    TooMany,
    Paused(String),
}

fn plan(registry: &Registry, mut schedule: StoredSchedule, now: Timestamp) -> Plan {
    let next_at = schedule.next_at().unwrap_or(now);
    let checked = match check_for(registry, &schedule.spec, &schedule.actor) {
        Ok(checked) => checked,
        Err(why) => {
            schedule.pace =
                Pace::Paused(Pause { at: now, by: None, reason: Some(why.clone()), at_fault: true });
            return Plan { schedule, tasks: Vec::new(), note: Some(Note::Paused(why)) };
        }
    };
    let Due { fires, too_many, next } = due(&checked.timetable, next_at, now, schedule.spec.missed);
    let tasks = tasks(&schedule, &checked, fires.len(), now);
    schedule.pace = Pace::Goes(next);
    schedule.last_at = fires.last().copied().or(schedule.last_at);
    Plan { schedule, tasks, note: too_many.then_some(Note::TooMany) }
}

fn tasks(schedule: &StoredSchedule, checked: &Checked, many: usize, now: Timestamp) -> Vec<NewTask> {
    (0..many).map(|_| new_task(schedule, checked, schedule.actor.user_id(), now)).collect()
}
