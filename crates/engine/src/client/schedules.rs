//! Schedules: what there is, and what people do about it.

use std::collections::HashMap;

use taskdeck_core::{
    Action, DeckError, FieldErrors, NextTimes, Schedule, ScheduleName, ScheduleSource, ScheduleSpec, Started,
    Subject, Timestamp, form, keep_secrets, redact,
};

use super::Client;
use crate::schedule::{self, Timetable, check};
use crate::store::{Pace, Pause, StartOutcome, StoreError, StoredSchedule};

/// How many schedules a deck takes from people.
const MOST_SCHEDULES: usize = 1_000;
/// How often a change is decided anew when the schedule changed in between.
const MOST_TRIES: u32 = 20;
const NEXT_TIMES: usize = 5;
const LONGEST_REASON: usize = 200;

impl Client {
    /// The schedules whose kind the actor may see, by name.
    ///
    /// # Errors
    /// [`DeckError::Denied`].
    pub async fn schedules(&self) -> Result<Vec<Schedule>, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        let stored = self.inner.store.schedules().await?;
        let may_see = |stored: &StoredSchedule| self.may_schedule(Action::List, &stored.spec).is_ok();
        let mut schedules =
            stored.into_iter().filter(may_see).map(|stored| self.seen(stored)).collect::<Vec<_>>();
        self.look_at_last(&mut schedules).await?;
        Ok(schedules)
    }

    /// The schedule of this name.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn schedule(&self, name: &str) -> Result<Schedule, DeckError> {
        let mut schedule = self.seen(self.stored(Action::List, name).await?);
        self.look_at_last(std::slice::from_mut(&mut schedule)).await?;
        Ok(schedule)
    }

    /// Says how the last task of each stands.
    async fn look_at_last(&self, schedules: &mut [Schedule]) -> Result<(), DeckError> {
        let ids: Vec<_> = schedules.iter().filter_map(|schedule| schedule.last_task).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let tasks = self.get_many(&ids).await?;
        let status: HashMap<_, _> = tasks.into_iter().map(|task| (task.id, task.status)).collect();
        for schedule in schedules {
            schedule.last_status = schedule.last_task.and_then(|id| status.get(&id).copied());
        }
        Ok(())
    }

    /// What a cron expression says and its next five times in a time zone: what a schedule of them would meet.
    ///
    /// # Errors
    /// [`DeckError::InvalidParams`] with what is wrong with `cron` or `time_zone`, [`DeckError::Denied`].
    pub fn next_times(&self, cron: &str, time_zone: &str) -> Result<NextTimes, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        let timetable = Timetable::read(cron, time_zone).map_err(FieldErrors::from)?;
        Ok(next_times(cron, Some(&timetable), self.inner.clock.now()))
    }

    /// Makes a schedule, or changes the one of this name. It starts its tasks in the name of the actor. Where its params
    /// have the mask of a secret in its place, the secret of the schedule that was there stays.
    ///
    /// # Errors
    /// [`DeckError::InvalidParams`] with what is wrong with each field (a param is named `params.<name>`),
    /// [`DeckError::MadeInCode`] for a schedule of the program, [`DeckError::Denied`].
    pub async fn put_schedule(&self, spec: ScheduleSpec) -> Result<Schedule, DeckError> {
        self.may(Action::ManageSchedules, Subject::Deck)?;
        for _ in 0..MOST_TRIES {
            let before = self.inner.store.schedule(spec.name.clone()).await?;
            let mut spec = spec.clone();
            if let Some(before) = &before {
                keep_secrets(&mut spec.params, &before.spec.params);
            }
            let checked = check(&self.inner.registry, &spec)?;
            self.may(Action::Start, Subject::Kind(&checked.definition))?;
            form::mark_secrets(&checked.definition, &mut spec.params);
            if before.is_none() && self.inner.store.schedules().await?.len() >= MOST_SCHEDULES {
                return Err(DeckError::BadRequest {
                    reason: format!("there are {MOST_SCHEDULES} schedules already: remove some"),
                });
            }
            let changed = self.put(before, &spec, &checked.timetable)?;
            if let Some(stored) = self.save(changed).await? {
                return Ok(self.seen(stored));
            }
        }
        Err(busy())
    }

    /// How a schedule is to be stored that was put over another, or over none.
    fn put(
        &self,
        before: Option<StoredSchedule>,
        spec: &ScheduleSpec,
        timetable: &Timetable,
    ) -> Result<StoredSchedule, DeckError> {
        let now = self.inner.clock.now();
        let pause = || self.pause(now, None);
        let Some(before) = before else {
            return Ok(StoredSchedule {
                spec: spec.clone(),
                source: ScheduleSource::Made,
                actor: self.actor.clone(),
                version: 0,
                pace: if spec.paused { pause() } else { Pace::Goes(timetable.next(now)) },
                last_at: None,
                last_task: None,
                created_at: now,
            });
        };
        not_in_code(&before)?;
        let same_times = (&before.spec.cron, &before.spec.time_zone) == (&spec.cron, &spec.time_zone);
        let pace = match before.pace {
            // What a person paused stays so until it is resumed, whoever puts it anew; a pause at fault was the old rule's.
            Pace::Paused(paused) if !paused.at_fault => Pace::Paused(paused),
            _ if spec.paused => pause(),
            Pace::Goes(next_at) if same_times => Pace::Goes(next_at),
            Pace::Goes(_) | Pace::Paused(_) => Pace::Goes(timetable.next(now)),
        };
        Ok(StoredSchedule { spec: spec.clone(), actor: self.actor.clone(), pace, ..before })
    }

    /// Removes a schedule that was made; its tasks stay.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::MadeInCode`] for a schedule of the program, [`DeckError::Denied`].
    pub async fn delete_schedule(&self, name: &str) -> Result<(), DeckError> {
        let stored = self.stored(Action::ManageSchedules, name).await?;
        not_in_code(&stored)?;
        match self.inner.store.remove_schedule(stored.spec.name).await? {
            true => Ok(()),
            false => Err(not_found()),
        }
    }

    /// Stops a schedule from starting tasks until it is resumed. Asked again, the first pause stays as it was.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`], [`DeckError::BadRequest`] for too long a reason.
    pub async fn pause_schedule(&self, name: &str, reason: Option<String>) -> Result<Schedule, DeckError> {
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        if reason.as_ref().is_some_and(|reason| reason.len() > LONGEST_REASON) {
            return Err(DeckError::BadRequest {
                reason: format!("a reason has at most {LONGEST_REASON} bytes"),
            });
        }
        self.change(name, |stored| {
            let pace = self.pause(self.inner.clock.now(), reason.clone());
            Ok((!stored.is_paused()).then_some(StoredSchedule { pace, ..stored }))
        })
        .await
    }

    /// Lets a paused schedule go on, from its next time on: what passed meanwhile is not missed.
    ///
    /// # Errors
    /// [`DeckError::InvalidParams`] when it still cannot start its task, [`DeckError::NotFound`],
    /// [`DeckError::Denied`].
    pub async fn resume_schedule(&self, name: &str) -> Result<Schedule, DeckError> {
        self.change(name, |stored| {
            let timetable = check(&self.inner.registry, &stored.spec)?.timetable;
            let pace = Pace::Goes(timetable.next(self.inner.clock.now()));
            Ok(stored.is_paused().then_some(StoredSchedule { pace, ..stored }))
        })
        .await
    }

    /// Starts the task of a schedule now, paused or not, in the name of the actor. Its times stay as they are.
    ///
    /// # Errors
    /// [`DeckError::InvalidParams`] when its params do not fit the kind, [`DeckError::NotFound`],
    /// [`DeckError::Denied`].
    pub async fn run_schedule(&self, name: &str) -> Result<Started, DeckError> {
        for _ in 0..MOST_TRIES {
            let stored = self.stored(Action::SteerSchedule, name).await?;
            let checked = check(&self.inner.registry, &stored.spec)?;
            self.may(Action::Start, Subject::Kind(&checked.definition))?;
            let task = schedule::new_task(&stored, &checked, self.actor.user_id(), self.inner.clock.now());
            let Some(started) = self.inner.store.fire_schedule(stored, vec![task]).await? else { continue };
            schedule::tell(&self.inner, &started);
            return match started.into_iter().next().ok_or(StoreError::Closed)? {
                StartOutcome::New(record, _) => Ok(Started { task: record.state(), deduplicated: false }),
                StartOutcome::Existing(record) => {
                    Ok(Started { task: self.inner.current(&record), deduplicated: true })
                }
                // A schedule's task runs after no other.
                StartOutcome::UnknownAfter(_) => Err(DeckError::task_not_found()),
            };
        }
        Err(busy())
    }

    fn pause(&self, now: Timestamp, reason: Option<String>) -> Pace {
        Pace::Paused(Pause { at: now, by: self.actor.user_id().cloned(), reason, at_fault: false })
    }

    /// Changes a schedule by a decision, which is made anew when it changed in between; none leaves it as it is.
    async fn change(
        &self,
        name: &str,
        decide: impl Fn(StoredSchedule) -> Result<Option<StoredSchedule>, DeckError>,
    ) -> Result<Schedule, DeckError> {
        for _ in 0..MOST_TRIES {
            let stored = self.stored(Action::SteerSchedule, name).await?;
            let Some(changed) = decide(stored.clone())? else { return Ok(self.seen(stored)) };
            if let Some(stored) = self.save(changed).await? {
                return Ok(self.seen(stored));
            }
        }
        Err(busy())
    }

    async fn save(&self, changed: StoredSchedule) -> Result<Option<StoredSchedule>, DeckError> {
        let is_saved = self.inner.store.save_schedule(changed.clone()).await?;
        if is_saved {
            self.inner.schedules_changed.notify_one();
        }
        Ok(is_saved.then_some(changed))
    }

    /// The schedule, if there is one and the actor may do this to it.
    async fn stored(&self, action: Action, name: &str) -> Result<StoredSchedule, DeckError> {
        self.may(action, Subject::Deck)?;
        let name: ScheduleName = name.parse().map_err(|_| not_found())?;
        let stored = self.inner.store.schedule(name).await?.ok_or_else(not_found)?;
        self.may_schedule(action, &stored.spec)?;
        Ok(stored)
    }

    fn may_schedule(&self, action: Action, spec: &ScheduleSpec) -> Result<(), DeckError> {
        match self.inner.definition(&spec.kind) {
            Some(definition) => self.may(action, Subject::Kind(definition)),
            None => self.may(action, Subject::Deck),
        }
    }
}

impl Client {
    fn seen(&self, stored: StoredSchedule) -> Schedule {
        seen(stored, self.inner.clock.now())
    }
}

/// The schedule as everybody sees it, with the times to come.
fn seen(mut stored: StoredSchedule, now: Timestamp) -> Schedule {
    redact(&mut stored.spec.params);
    let timetable = Timetable::read(&stored.spec.cron, &stored.spec.time_zone);
    // A time zone that this machine does not know any more has no times: the loop pauses the schedule and says so.
    let next = next_times(&stored.spec.cron, timetable.as_ref().ok(), now);
    stored.seen(next)
}

fn next_times(cron: &str, timetable: Option<&Timetable>, now: Timestamp) -> NextTimes {
    let in_words = schedule::in_words(cron).unwrap_or_default();
    let Some(timetable) = timetable else { return NextTimes { in_words, ..NextTimes::default() } };
    let next_five: Vec<_> = timetable.times(now).take(NEXT_TIMES).collect();
    let next_five_local = next_five.iter().map(|at| timetable.local(*at)).collect();
    NextTimes { in_words, next_five, next_five_local }
}

fn not_in_code(stored: &StoredSchedule) -> Result<(), DeckError> {
    match stored.source {
        ScheduleSource::Code => Err(DeckError::MadeInCode { name: stored.spec.name.clone() }),
        ScheduleSource::Made => Ok(()),
    }
}

fn not_found() -> DeckError {
    DeckError::NotFound { what: "Schedule".to_owned() }
}

fn busy() -> DeckError {
    DeckError::Unavailable { reason: "the schedule changes all the time: try again".to_owned() }
}
