//! What happened when: counted by the minute, folded into the points of a chart.

use serde::{Deserialize, Serialize};

use crate::{Histogram, Status, Timestamp};

/// What happened to tasks in a span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were started: asked for, whether or not they began.
    pub started: u64,
    /// How many attempts began.
    pub begun: u64,
    /// How many tasks completed.
    pub completed: u64,
    /// How many ended as failed.
    pub failed: u64,
    /// How many ended as cancelled.
    pub cancelled: u64,
    /// How many ended as interrupted.
    pub interrupted: u64,
    /// How long those that began had been queued.
    pub wait: Histogram,
    /// How long the attempts took that ended. Those of a dead worker are left out: nobody knows when they stopped.
    pub run: Histogram,
}

impl Tally {
    /// Counts an ending. A retried task ends more than once.
    pub const fn ended(&mut self, as_: Status) {
        match as_ {
            Status::Completed => self.completed += 1,
            Status::Failed => self.failed += 1,
            Status::Cancelled => self.cancelled += 1,
            Status::Interrupted => self.interrupted += 1,
            Status::Scheduled | Status::Queued | Status::Running | Status::WaitingConfirmation => {}
        }
    }

    /// Counts an attempt that began, after its task had been queued for so long.
    pub fn begun(&mut self, waited_ms: u64) {
        self.begun += 1;
        self.wait.add(waited_ms);
    }

    /// Adds another span.
    pub fn merge(&mut self, other: &Self) {
        self.started += other.started;
        self.begun += other.begun;
        self.completed += other.completed;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.interrupted += other.interrupted;
        self.wait.merge(&other.wait);
        self.run.merge(&other.run);
    }

    /// As a chart shows it.
    #[must_use]
    pub fn point(&self, at: Timestamp) -> StatsPoint {
        StatsPoint {
            at,
            started: self.started,
            begun: self.begun,
            completed: self.completed,
            failed: self.failed,
            cancelled: self.cancelled,
            interrupted: self.interrupted,
            wait: Percentiles::of(&self.wait),
            run: Percentiles::of(&self.run),
        }
    }
}

/// Half of the times were at most `p50`, and so on; in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Of fifty in a hundred.
    pub p50: u64,
    /// Of ninety-five.
    pub p95: u64,
    /// Of ninety-nine.
    pub p99: u64,
}

impl Percentiles {
    fn of(times: &Histogram) -> Option<Self> {
        let of = |percent| times.percentile(percent);
        Some(Self { p50: of(50)?, p95: of(95)?, p99: of(99)? })
    }
}

/// A step of a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsPoint {
    /// When it begins.
    pub at: Timestamp,
    /// How many tasks were started.
    pub started: u64,
    /// How many attempts began.
    pub begun: u64,
    /// How many tasks completed.
    pub completed: u64,
    /// How many ended as failed.
    pub failed: u64,
    /// How many ended as cancelled.
    pub cancelled: u64,
    /// How many ended as interrupted.
    pub interrupted: u64,
    /// How long those that began had been queued; none when none began.
    pub wait: Option<Percentiles>,
    /// How long the attempts took that ended; none when none did.
    pub run: Option<Percentiles>,
}

/// What happened in a span of time, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// How long a step is, in milliseconds.
    pub step_ms: u64,
    /// All steps in one, beginning where the first does.
    pub total: StatsPoint,
    /// The steps in order, also those in which nothing happened. The last is not over yet.
    pub points: Vec<StatsPoint>,
}

const MINUTE_MS: i64 = 60_000;
/// Steps that a clock has, in minutes.
const STEPS: [i64; 11] = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1_440];

/// The minute of a time, counted from 1970.
#[must_use]
pub const fn minute_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(MINUTE_MS)
}

/// Folds minutes into steps.
#[derive(Debug)]
pub struct StatsFold {
    first: i64,
    step: i64,
    points: Vec<Tally>,
}

impl StatsFold {
    /// The most steps that there are: a finer chart is not readable.
    pub const MAX_POINTS: usize = 500;
    /// About how many there are when nobody says how long one is.
    const USUAL_POINTS: i64 = 100;

    /// Steps from `since` until `now`, each so long; longer ones where there would be too many. They begin at
    /// multiples of their length, so that the same chart a moment later has the same steps.
    #[must_use]
    pub fn new(since: Timestamp, now: Timestamp, step_ms: Option<u64>) -> Self {
        let (first, last) = (minute_of(since).min(minute_of(now)), minute_of(now));
        let minutes = last - first + 1;
        let max = i64::try_from(Self::MAX_POINTS).unwrap_or(i64::MAX);
        let fits = |most: i64| {
            let fitting = STEPS.into_iter().find(|step| minutes / step < most);
            fitting.unwrap_or(minutes / most + 1)
        };
        let step = match step_ms {
            None => fits(Self::USUAL_POINTS),
            Some(ms) => {
                let wanted = i64::try_from(ms).unwrap_or(i64::MAX).saturating_add(MINUTE_MS - 1) / MINUTE_MS;
                let wanted = wanted.clamp(1, minutes);
                if minutes / wanted + 1 < max { wanted } else { fits(max - 1) }
            }
        };
        let first = first.div_euclid(step) * step;
        let count = usize::try_from((last - first) / step + 1).unwrap_or(1);
        Self { first, step, points: vec![Tally::default(); count.min(Self::MAX_POINTS)] }
    }

    /// The first minute, and the one after the last.
    #[must_use]
    pub fn minutes(&self) -> (i64, i64) {
        let steps = i64::try_from(self.points.len()).unwrap_or(i64::MAX);
        (self.first, self.first.saturating_add(self.step.saturating_mul(steps)))
    }

    /// The step of a minute; none for one that is not in the span.
    pub fn step_of(&mut self, minute: i64) -> Option<&mut Tally> {
        let index = usize::try_from((minute - self.first).div_euclid(self.step)).ok()?;
        self.points.get_mut(index)
    }

    /// The chart.
    #[must_use]
    pub fn end(self) -> Stats {
        let at = |minute: i64| Timestamp::from_millis(minute.saturating_mul(MINUTE_MS));
        let mut total = Tally::default();
        let mut points = Vec::with_capacity(self.points.len());
        for (tally, index) in self.points.iter().zip(0_i64..) {
            total.merge(tally);
            points.push(tally.point(at(self.first + index * self.step)));
        }
        Stats {
            step_ms: u64::try_from(self.step * MINUTE_MS).unwrap_or(u64::MAX),
            total: total.point(at(self.first)),
            points,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_millis(n * MINUTE_MS)
    }

    #[test]
    fn an_hour_is_told_by_the_minute_and_a_day_by_the_quarter() {
        for (minutes, step_ms, points) in [(59, 60_000, 60), (60, 60_000, 61), (1_439, 900_000, 96)] {
            let now = minute(28_800_000 + minutes);
            let stats = StatsFold::new(minute(28_800_000), now, None).end();
            assert_eq!((stats.step_ms, stats.points.len()), (step_ms, points), "{minutes}");
            assert_eq!(stats.total.at, stats.points[0].at);
        }
    }

    #[test]
    fn a_minute_is_counted_in_its_step_and_in_the_total() {
        let mut fold = StatsFold::new(minute(60), minute(119), Some(600_000));
        for at in [60, 69, 70, 119] {
            let tally = fold.step_of(at).unwrap();
            tally.started += 1;
            tally.begun(7);
            tally.ended(Status::Failed);
        }
        assert!(fold.step_of(59).is_none() && fold.step_of(120).is_none());
        let stats = fold.end();
        let started: Vec<_> = stats.points.iter().map(|point| (point.started, point.failed)).collect();
        assert_eq!(started, [(2, 2), (1, 1), (0, 0), (0, 0), (0, 0), (1, 1)]);
        assert_eq!((stats.total.started, stats.total.begun, stats.total.completed), (4, 4, 0));
        assert_eq!(stats.total.wait, Some(Percentiles { p50: 7, p95: 7, p99: 7 }));
        assert_eq!((stats.points[2].wait, stats.total.run), (None, None));
    }

    proptest! {
        #[test]
        fn there_are_never_too_many_points_and_both_ends_are_in(
            since in 0..30_000_000_i64,
            minutes in 0..100_000_i64,
            step_ms in proptest::option::of(0..10_000_000_u64),
        ) {
            let mut fold = StatsFold::new(minute(since), minute(since + minutes), step_ms);
            prop_assert!(fold.points.len() <= StatsFold::MAX_POINTS);
            prop_assert!(fold.step_of(since).is_some() && fold.step_of(since + minutes).is_some());
            let (first, end) = fold.minutes();
            prop_assert!(first <= since && since + minutes < end);
        }
    }
}
