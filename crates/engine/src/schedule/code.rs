//! Schedules that the program brings: at the start the store is made to agree with them.

use taskdeck_core::{Actor, ScheduleSource, ScheduleSpec, Timestamp, form};

use super::check::{Checked, check};
use crate::BuildError;
use crate::deck::Inner;
use crate::registry::Registry;
use crate::store::{Pace, Pause, StoreError, StoredSchedule};

/// A schedule of the program, and what it was checked to be.
pub(crate) struct InCode {
    spec: ScheduleSpec,
    checked: Checked,
}

/// Checks the schedules of a program before its store is opened.
pub(crate) fn read(registry: &Registry, specs: Vec<ScheduleSpec>) -> Result<Vec<InCode>, BuildError> {
    let wrong = |spec: &ScheduleSpec, why: String| BuildError::Schedule { name: spec.name.clone(), why };
    let mut read: Vec<InCode> = Vec::with_capacity(specs.len());
    for mut spec in specs {
        if read.iter().any(|other| other.spec.name == spec.name) {
            return Err(wrong(&spec, "there are two of this name".to_owned()));
        }
        let checked = check(registry, &spec).map_err(|errors| wrong(&spec, errors.to_string()))?;
        form::mark_secrets(&checked.definition, &mut spec.params);
        read.push(InCode { spec, checked });
    }
    Ok(read)
}

/// Stores what is new or changed in the program, and removes what it has no more; the tasks stay.
pub(crate) async fn settle(inner: &Inner, in_code: Vec<InCode>) -> Result<(), StoreError> {
    let stored = inner.store.schedules().await?;
    for gone in stored.iter().filter(|stored| stored.source == ScheduleSource::Code) {
        if !in_code.iter().any(|own| own.spec.name == gone.spec.name) {
            tracing::info!(schedule = %gone.spec.name, "removed: the program has it no more");
            inner.store.remove_schedule(gone.spec.name.clone()).await?;
        }
    }
    for own in in_code {
        let before = stored.iter().find(|stored| stored.spec.name == own.spec.name);
        if before.is_some_and(|before| before.source == ScheduleSource::Made) {
            tracing::warn!(schedule = %own.spec.name, "the program's own takes the place of one that was made");
        }
        if let Some(changed) = settled(before, own, inner.clock.now()) {
            // Nobody else writes schedules yet.
            inner.store.save_schedule(changed).await?;
        }
    }
    Ok(())
}

/// The schedule as it should be stored; none when it is so already.
fn settled(before: Option<&StoredSchedule>, own: InCode, now: Timestamp) -> Option<StoredSchedule> {
    let InCode { spec, checked } = own;
    let from_now = || Pace::Goes(checked.timetable.next(now));
    let Some(before) = before else {
        let pace = if spec.paused {
            Pace::Paused(Pause { at: now, by: None, reason: None, at_fault: false })
        } else {
            from_now()
        };
        return Some(StoredSchedule {
            spec,
            source: ScheduleSource::Code,
            actor: Actor::System,
            version: 0,
            pace,
            last_at: None,
            last_task: None,
            created_at: now,
        });
    };
    let same_times = (&before.spec.cron, &before.spec.time_zone) == (&spec.cron, &spec.time_zone);
    let pace = match &before.pace {
        // There is no fault any more.
        Pace::Paused(Pause { at_fault: true, .. }) => from_now(),
        Pace::Paused(pause) => Pace::Paused(pause.clone()),
        // What passed while the program did not run is missed, and not forgotten.
        Pace::Goes(Some(next_at)) if same_times => Pace::Goes(Some(*next_at)),
        Pace::Goes(_) => from_now(),
    };
    let (source, actor) = (ScheduleSource::Code, Actor::System);
    let after = StoredSchedule { spec, source, actor, pace, ..before.clone() };
    (after != *before).then_some(after)
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Kind, ScheduleName, UserId};

    use super::*;
    use crate::schedule::timetable::Timetable;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn own(cron: &str) -> InCode {
        let kind = Kind::new("tidy").unwrap();
        let spec = ScheduleSpec::new(ScheduleName::new("nightly").unwrap(), kind.clone(), cron);
        let checked = Checked {
            timetable: Timetable::read(cron, "UTC").unwrap(),
            definition: taskdeck_core::Definition::new(kind).into(),
            params: serde_json::json!({}),
        };
        InCode { spec, checked }
    }

    fn stored(cron: &str, pace: Pace) -> StoredSchedule {
        let new = settled(None, own(cron), NOW).unwrap();
        StoredSchedule { version: 4, pace, ..new }
    }

    #[test]
    fn a_new_one_waits_for_its_next_time_and_a_known_one_is_left_alone() {
        let new = settled(None, own("0 * * * *"), NOW).unwrap();
        assert_eq!((new.version, new.next_at()), (0, Some("2023-11-14T23:00:00Z".parse().unwrap())));
        assert_eq!(settled(Some(&new), own("0 * * * *"), NOW.plus_millis(9_999_999)), None);
    }

    #[test]
    fn a_missed_time_stays_missed_unless_the_rule_has_changed() {
        let missed = stored("0 * * * *", Pace::Goes(Some(NOW.plus_millis(-86_400_000))));
        assert_eq!(settled(Some(&missed), own("0 * * * *"), NOW), None);
        let changed = settled(Some(&missed), own("30 * * * *"), NOW).unwrap();
        assert_eq!((changed.version, changed.next_at()), (4, Some("2023-11-14T22:30:00Z".parse().unwrap())));
    }

    #[test]
    fn a_pause_by_a_person_stays_and_one_for_a_fault_ends() {
        let pause =
            |by, at_fault| Pace::Paused(Pause { at: NOW, by, reason: Some("too loud".to_owned()), at_fault });
        let by_ann = stored("0 * * * *", pause(Some(UserId::new("ann").unwrap()), false));
        assert!(settled(Some(&by_ann), own("30 * * * *"), NOW).unwrap().is_paused());
        let at_fault = stored("0 * * * *", pause(None, true));
        assert!(!settled(Some(&at_fault), own("0 * * * *"), NOW).unwrap().is_paused());
    }

    #[test]
    fn one_that_was_made_becomes_the_programs_own() {
        let made = StoredSchedule {
            source: ScheduleSource::Made,
            actor: Actor::local(),
            ..stored("0 * * * *", Pace::Goes(Some(NOW)))
        };
        let taken = settled(Some(&made), own("0 * * * *"), NOW).unwrap();
        assert_eq!((taken.source, taken.actor), (ScheduleSource::Code, Actor::System));
    }
}
