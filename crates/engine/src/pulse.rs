//! Two beats for all running tasks together, instead of a timer for each: every 50 ms progress is told to those who
//! watch, every 250 ms it is written behind, with the log lines, which are told then. Nothing beats while nothing
//! changes. Where other nodes read what is written, the first change of a task that was quiet is written at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use taskdeck_core::TaskId;
use tokio::sync::Notify;

use crate::deck::Inner;
use crate::live::LiveTask;
use crate::store::LogWrite;

const TELL_EVERY: Duration = Duration::from_millis(50);
const SAVE_EVERY: Duration = Duration::from_millis(250);

/// The running tasks that have something new.
#[derive(Default)]
pub(crate) struct Pulse {
    changed: Mutex<Vec<Arc<LiveTask>>>,
    unsaved: Mutex<HashMap<TaskId, Arc<LiveTask>>>,
    to_tell: Notify,
    to_save: Notify,
}

impl Pulse {
    /// Notes a task; each is noted once until it is looked at, so the list is bounded by what runs.
    pub(crate) fn changed(&self, task: Arc<LiveTask>) {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        self.to_tell.notify_one();
    }

    /// What is to be written now, and how long until more is: all of it, or each task so often at the most.
    fn take_due(&self, each: bool) -> (Vec<Arc<LiveTask>>, Option<Duration>) {
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        if !each {
            return (std::mem::take(&mut *unsaved).into_values().collect(), None);
        }
        let (now, mut next, mut due) = (Instant::now(), None::<Duration>, Vec::new());
        unsaved.retain(|_, task| match task.saves(now, SAVE_EVERY) {
            Ok(()) => {
                due.push(Arc::clone(task));
                false
            }
            Err(wait) => {
                next = Some(next.map_or(wait, |next| next.min(wait)));
                true
            }
        });
        (due, next)
    }
}

/// Tells those who watch.
pub(crate) async fn tell(inner: Arc<Inner>) {
    let pulse = &inner.pulse;
    loop {
        tokio::select! {
            () = pulse.to_tell.notified() => {}
            () = inner.stopped.cancelled() => return,
        }
        let changed = std::mem::take(&mut *pulse.changed.lock().unwrap_or_else(PoisonError::into_inner));
        for task in changed {
            if let Some(state) = task.take_changed() {
                let status = state.status;
                inner.hub.publish(state, Some(status));
            }
            pulse.unsaved.lock().unwrap_or_else(PoisonError::into_inner).insert(task.id, task);
        }
        pulse.to_save.notify_one();
        tokio::time::sleep(TELL_EVERY).await;
    }
}

/// Writes behind.
pub(crate) async fn save(inner: Arc<Inner>) {
    let pulse = &inner.pulse;
    let (before, after) =
        if inner.store.is_shared() { (Duration::ZERO, TELL_EVERY) } else { (SAVE_EVERY, Duration::ZERO) };
    let mut wait: Option<Duration> = None;
    loop {
        let due = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pulse.to_save.notified() => {}
            () = due => {}
            () = inner.stopped.cancelled() => return,
        }
        tokio::time::sleep(before).await;
        let tasks;
        (tasks, wait) = pulse.take_due(inner.store.is_shared());
        save_progress(&inner, &tasks).await;
        save_logs(&inner, tasks).await;
        tokio::time::sleep(after).await;
    }
}

async fn save_progress(inner: &Inner, tasks: &[Arc<LiveTask>]) {
    let writes: Vec<_> = tasks.iter().filter_map(|task| task.take_unsaved_progress()).collect();
    if writes.is_empty() {
        return;
    }
    if let Err(error) = inner.store.save_progress(writes).await {
        // The next change writes the newest state again; the ending writes the last.
        tracing::warn!(%error, "progress could not be written behind");
    }
}

async fn save_logs(inner: &Inner, tasks: Vec<Arc<LiveTask>>) {
    let mut lanes = Vec::new();
    let mut logs = Vec::new();
    for task in tasks {
        // An attempt that is just ending holds the lane, and stores its last lines itself.
        let Ok(lane) = Arc::clone(&task.log_lane).try_lock_owned() else { continue };
        let lines = task.take_unsaved_log();
        if !lines.is_empty() {
            logs.push(LogWrite { id: task.id, token: task.token, lines });
            lanes.push((lane, task));
        }
    }
    if logs.is_empty() {
        return;
    }
    match inner.store.append_logs(logs.clone()).await {
        Ok(stored) => {
            // The others have lost their lease: what they write is nobody's.
            for ((_, task), _) in lanes.iter().zip(stored).filter(|(_, stored)| *stored) {
                task.log_stored();
                inner.hub.log_grew(task.id);
            }
        }
        Err(error) => {
            tracing::warn!(%error, "log lines could not be stored; they are tried again");
            for ((_, task), log) in lanes.iter().zip(logs) {
                task.put_back_log(log.lines);
                let mut unsaved = inner.pulse.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
                unsaved.insert(task.id, Arc::clone(task));
            }
            inner.pulse.to_save.notify_one();
        }
    }
}
