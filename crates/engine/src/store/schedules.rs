//! What schedules need of a store.

use async_trait::async_trait;
use taskdeck_core::{
    Actor, NextTimes, Schedule, ScheduleName, ScheduleSource, ScheduleSpec, TaskId, Timestamp, UserId,
};

use super::{NewTask, StartOutcome, StoreError};

/// Since when a schedule is paused, by whom, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pause {
    pub(crate) at: Timestamp,
    /// None when the program did.
    pub(crate) by: Option<UserId>,
    pub(crate) reason: Option<String>,
    /// Whether it was paused because it cannot start its task.
    pub(crate) at_fault: bool,
}

/// When a schedule starts a task next. A paused one has no next time, so what passes meanwhile is not missed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pace {
    /// None when the rule never comes again.
    Goes(Option<Timestamp>),
    Paused(Pause),
}

/// A schedule as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredSchedule {
    /// Its `paused` is what was asked for; `pace` is how it is.
    pub(crate) spec: ScheduleSpec,
    pub(crate) source: ScheduleSource,
    /// On whose behalf it starts tasks.
    pub(crate) actor: Actor,
    /// Counts every write, so that whoever decided from an older state is refused.
    pub(crate) version: u32,
    pub(crate) pace: Pace,
    pub(crate) last_at: Option<Timestamp>,
    pub(crate) last_task: Option<TaskId>,
    pub(crate) created_at: Timestamp,
}

impl StoredSchedule {
    pub(crate) fn is_paused(&self) -> bool {
        matches!(self.pace, Pace::Paused(_))
    }

    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        match self.pace {
            Pace::Goes(next_at) => next_at,
            Pace::Paused(_) => None,
        }
    }

    /// The schedule as everybody sees it.
    pub(crate) fn seen(self, next: NextTimes) -> Schedule {
        let (next_at, is_paused) = (self.next_at(), self.is_paused());
        let pause = match self.pace {
            Pace::Paused(pause) => Some(pause),
            Pace::Goes(_) => None,
        };
        Schedule {
            spec: ScheduleSpec { paused: is_paused, ..self.spec },
            source: self.source,
            next_at,
            in_words: next.in_words,
            next_five: next.next_five,
            next_five_local: next.next_five_local,
            last_at: self.last_at,
            last_task: self.last_task,
            last_status: None,
            created_at: self.created_at,
            made_by: self.actor.user_id().cloned(),
            paused_at: pause.as_ref().map(|pause| pause.at),
            paused_by: pause.as_ref().and_then(|pause| pause.by.clone()),
            pause_reason: pause.and_then(|pause| pause.reason),
        }
    }
}

/// The part of a store that keeps schedules.
#[async_trait]
pub(crate) trait ScheduleStore: Send + Sync + 'static {
    /// All schedules, by name.
    async fn schedules(&self) -> Result<Vec<StoredSchedule>, StoreError>;

    /// The schedule of this name.
    async fn schedule(&self, name: ScheduleName) -> Result<Option<StoredSchedule>, StoreError>;

    /// Schedules that go and whose next time is not after `now`, the earliest first.
    async fn due_schedules(&self, now: Timestamp, max: usize) -> Result<Vec<StoredSchedule>, StoreError>;

    /// The earliest next time of all schedules that go.
    async fn next_schedule_at(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Stores a schedule, under the version that follows, if it still has the version given; version 0 stands for one
    /// that is not there yet. Whether it was stored.
    async fn save_schedule(&self, schedule: StoredSchedule) -> Result<bool, StoreError>;

    /// As [`ScheduleStore::save_schedule`], and in the same transaction starts the tasks, the last of which becomes
    /// `last_task`. None, and nothing is started, when the schedule has another version: of several that met the same
    /// time, one wins.
    async fn fire_schedule(
        &self,
        schedule: StoredSchedule,
        tasks: Vec<NewTask>,
    ) -> Result<Option<Vec<StartOutcome>>, StoreError>;

    /// Removes a schedule; its tasks stay. Whether it was there.
    async fn remove_schedule(&self, name: ScheduleName) -> Result<bool, StoreError>;
}
