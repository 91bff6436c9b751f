//! Which of the times that have come are met: decided here, from arguments alone.

use taskdeck_core::{MissedFires, Timestamp};

use super::timetable::Timetable;

/// A time that is less than this ago is met late, and not missed.
const LATE_MS: i64 = 60_000;
/// How many times are met at once at the most.
pub(crate) const MOST_FIRES: usize = 1_000;

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// The times to be met, the earliest first: a task for each.
    pub(crate) fires: Vec<Timestamp>,
    /// Whether there were more than are met at once; the earliest are left out then.
    pub(crate) too_many: bool,
    /// The next time to wait for; none when the rule never comes again.
    pub(crate) next: Option<Timestamp>,
}

/// Decides what a schedule whose next time was `next_at` does at `now`.
pub(crate) fn due(timetable: &Timetable, next_at: Timestamp, now: Timestamp, missed: MissedFires) -> Due {
    if next_at > now {
        return Due { fires: Vec::new(), too_many: false, next: Some(next_at) };
    }
    let next = timetable.next(now);
    if missed == MissedFires::All {
        let fires = between(timetable, next_at, now, MOST_FIRES + 1);
        let too_many = fires.len() > MOST_FIRES;
        let fires = if too_many { last_ones(timetable, next_at, now) } else { fires };
        return Due { fires, too_many, next };
    }
    // However fast the rule, at most a minute of it is looked through.
    let recent = between(timetable, next_at.max(now.plus_millis(-LATE_MS)), now, usize::MAX).pop();
    let fire = match missed {
        MissedFires::Skip => recent,
        MissedFires::Once | MissedFires::All => Some(recent.unwrap_or(next_at)),
    };
    Due { fires: fire.into_iter().collect(), too_many: false, next }
}

/// A clock that was set back by less than this has not been wrong: what it met before is not met again.
const SMALL_STEP_MS: i64 = 60 * 60_000;

/// The next time of a schedule that waits for one which its rule would not name at `now`: the clock was ahead when it
/// was found, and a schedule must not be silent until the clock is there again. None when it waits rightly.
pub(crate) fn nearer(
    timetable: &Timetable,
    next_at: Timestamp,
    last_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let met = last_at.filter(|last| *last <= now.plus_millis(SMALL_STEP_MS));
    let next = timetable.next(met.map_or(now, |last| last.max(now)))?;
    (next < next_at).then_some(next)
}

/// The times from `from` to `to`, both included, at most `most`.
fn between(timetable: &Timetable, from: Timestamp, to: Timestamp, most: usize) -> Vec<Timestamp> {
    timetable.times(from.plus_millis(-1)).take_while(|time| *time <= to).take(most).collect()
}

/// The last of very many times: the beginning from which there are not too many is searched by halves.
fn last_ones(timetable: &Timetable, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let (mut too_early, mut enough) = (from.as_millis(), to.as_millis().saturating_add(1));
    while enough - too_early > 1 {
        let middle = too_early + (enough - too_early) / 2;
        let found = between(timetable, Timestamp::from_millis(middle), to, MOST_FIRES + 1);
        if found.len() > MOST_FIRES {
            too_early = middle;
        } else {
            enough = middle;
        }
    }
    between(timetable, Timestamp::from_millis(enough), to, MOST_FIRES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn daily(next_at: &str, now: &str, missed: MissedFires) -> Due {
        let timetable = Timetable::read("0 3 * * *", "UTC").unwrap();
        due(&timetable, at(next_at), at(now), missed)
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        for missed in MissedFires::ALL {
            let due = daily("2026-05-02T03:00:00Z", "2026-05-02T02:59:59.999Z", missed);
            assert_eq!(due.fires, []);
            assert_eq!(due.next, Some(at("2026-05-02T03:00:00Z")));
        }
    }

    #[test]
    fn a_time_that_has_just_come_is_met_by_every_policy() {
        for missed in MissedFires::ALL {
            for now in ["2026-05-02T03:00:00Z", "2026-05-02T03:00:59Z"] {
                let due = daily("2026-05-02T03:00:00Z", now, missed);
                assert_eq!(due.fires, [at("2026-05-02T03:00:00Z")], "{missed:?}");
                assert_eq!(due.next, Some(at("2026-05-03T03:00:00Z")));
            }
        }
    }

    #[test]
    fn missed_times_are_skipped_met_once_or_met_all() {
        let three_days = |missed| daily("2026-05-02T03:00:00Z", "2026-05-04T12:00:00Z", missed);
        assert_eq!(three_days(MissedFires::Skip).fires, []);
        assert_eq!(three_days(MissedFires::Once).fires, [at("2026-05-02T03:00:00Z")]);
        let all = ["2026-05-02T03:00:00Z", "2026-05-03T03:00:00Z", "2026-05-04T03:00:00Z"].map(at);
        assert_eq!(three_days(MissedFires::All).fires, all);
        for missed in MissedFires::ALL {
            assert_eq!(three_days(missed).next, Some(at("2026-05-05T03:00:00Z")));
            assert!(!three_days(missed).too_many);
        }
    }

    #[test]
    fn after_the_clock_was_set_back_it_waits_for_the_nearest_time_and_meets_none_twice() {
        let hourly = Timetable::read("0 * * * *", "UTC").unwrap();
        let nearer =
            |next_at, last_at: Option<&str>, now| nearer(&hourly, at(next_at), last_at.map(at), at(now));
        let next = "2026-05-02T13:00:00Z";
        assert_eq!(nearer(next, Some("2026-05-02T12:00:00Z"), "2026-05-02T12:10:00Z"), None, "all is well");
        assert_eq!(nearer(next, Some("2026-05-02T12:00:00Z"), "2026-05-02T13:10:00Z"), None, "it is due");
        assert_eq!(nearer(next, Some("2026-05-02T12:00:00Z"), "2026-05-02T11:40:00Z"), None, "it met noon");
        let noon = Some(at("2026-05-02T12:00:00Z"));
        assert_eq!(nearer(next, Some("2026-05-02T11:00:00Z"), "2026-05-02T11:40:00Z"), noon, "it did not");
        assert_eq!(nearer(next, None, "2026-05-02T11:40:00Z"), noon);
        // A clock that was a year ahead met times that are still to come.
        assert_eq!(
            nearer("2027-05-02T13:00:00Z", Some("2027-05-02T12:00:00Z"), "2026-05-02T11:40:00Z"),
            noon
        );
    }

    #[test]
    fn of_a_fast_rule_one_late_time_is_met_and_not_a_minute_of_them() {
        let timetable = Timetable::read("* * * * * *", "UTC").unwrap();
        let (next_at, now) = (at("2026-05-02T00:00:00Z"), at("2026-05-02T00:00:05.500Z"));
        for missed in [MissedFires::Skip, MissedFires::Once] {
            assert_eq!(due(&timetable, next_at, now, missed).fires, [at("2026-05-02T00:00:05Z")]);
        }
        assert_eq!(due(&timetable, next_at, now, MissedFires::All).fires.len(), 6);
    }

    #[test]
    fn of_a_year_of_seconds_the_last_thousand_are_met() {
        let timetable = Timetable::read("* * * * * *", "UTC").unwrap();
        let now = at("2027-05-02T00:00:00Z");
        let due = due(&timetable, at("2026-05-02T00:00:00Z"), now, MissedFires::All);
        assert!(due.too_many);
        assert_eq!(due.fires.len(), MOST_FIRES);
        assert_eq!((due.fires[0], due.fires[999]), (at("2027-05-01T23:43:21Z"), now));
    }

    #[test]
    fn the_hour_that_comes_twice_starts_one_task() {
        let timetable = Timetable::read("30 2 * * *", "Europe/Berlin").unwrap();
        let (first, second) = (at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"));
        let met = due(&timetable, first, first, MissedFires::All);
        assert_eq!((met.fires, met.next), (vec![first], Some(at("2026-10-26T01:30:00Z"))));
        assert_eq!(due(&timetable, first, second, MissedFires::All).fires, [first]);
    }
}
