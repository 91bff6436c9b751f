//! Lengths of time, counted by how long they were: enough for percentiles, in a few numbers.

/// How many lengths of time there were, by buckets that grow with the length: eight for each doubling, from one
/// millisecond to 99 days (a longer one counts as that long). So a percentile is off by an eighth of itself at the
/// worst, and one that stands alone in its bucket by a sixteenth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram([u64; Histogram::BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; Self::BUCKETS])
    }
}

impl Histogram {
    /// How many buckets there are.
    pub const BUCKETS: usize = 248;

    /// The bucket of a length of time: each of the first sixteen milliseconds has its own, then 16 to 17, 18 to 19, up to
    /// 30 to 31, then 32 to 35, and so on.
    fn bucket_of(millis: u64) -> usize {
        let doublings = millis.checked_ilog2().unwrap_or_default().max(3) - 3;
        // Below eight it is the number itself; from there the three bits after the highest.
        let eighth = (millis >> doublings) as usize;
        (8 * doublings as usize + eighth).min(Self::BUCKETS - 1)
    }

    /// The shortest length of time of a bucket.
    fn least(bucket: usize) -> u64 {
        let doublings = (bucket / 8).saturating_sub(1);
        ((bucket - 8 * doublings) as u64) << doublings
    }

    /// Counts a length of time, in milliseconds.
    pub fn add(&mut self, millis: u64) {
        self.add_many(millis, 1);
    }

    /// Counts `n` times the same length of time, in milliseconds.
    pub fn add_many(&mut self, millis: u64, n: u64) {
        self.add_to(Self::bucket_of(millis), n);
    }

    /// Counts `n` more in the bucket of this number; one that is too high counts in the last.
    pub fn add_to(&mut self, bucket: usize, n: u64) {
        let count = &mut self.0[bucket.min(Self::BUCKETS - 1)];
        *count = count.saturating_add(n);
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, n) in other.filled() {
            self.add_to(bucket, n);
        }
    }

    /// The buckets that are not empty, by number, with their counts.
    pub fn filled(&self) -> impl Iterator<Item = (usize, u64)> {
        self.0.iter().copied().enumerate().filter(|(_, n)| *n > 0)
    }

    /// How many lengths of time were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The length of time, in milliseconds, that so many of a hundred do not exceed; none when nothing was counted.
    /// Within a bucket the lengths are taken to be spread evenly: one alone is in its middle.
    ///
    /// ```
    /// let mut waits = taskdeck_core::Histogram::default();
    /// (1..=100).for_each(|millis| waits.add(millis));
    /// assert_eq!(waits.percentile(50), Some(49));
    /// assert_eq!(waits.percentile(99), Some(100));
    /// ```
    #[must_use]
    pub fn percentile(&self, percent: u8) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        // The rank of the one that is asked for, from 1.
        let rank = (u128::from(count) * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut before = 0;
        for (bucket, n) in self.filled() {
            let n = u128::from(n);
            if before + n >= rank {
                let (least, next) = (Self::least(bucket), Self::least(bucket + 1));
                let into = u128::from(next - 1 - least) * (2 * (rank - before) - 1) / (2 * n);
                return Some(least.saturating_add(u64::try_from(into).unwrap_or(0)));
            }
            before += n;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_buckets_leave_no_gap() {
        for bucket in 0..Histogram::BUCKETS - 1 {
            let (least, next) = (Histogram::least(bucket), Histogram::least(bucket + 1));
            assert!(least < next, "{bucket}");
            assert_eq!((Histogram::bucket_of(least), Histogram::bucket_of(next - 1)), (bucket, bucket));
        }
        assert_eq!(Histogram::bucket_of(u64::MAX), Histogram::BUCKETS - 1);
        assert!(Histogram::least(Histogram::BUCKETS - 1) > 92 * 24 * 3_600_000);
    }

    #[test]
    fn an_empty_one_has_no_percentile_and_a_short_time_is_exact() {
        let mut times = Histogram::default();
        assert_eq!(times.percentile(50), None);
        times.add(0);
        assert_eq!((times.percentile(50), times.percentile(100)), (Some(0), Some(0)));
        times.add(3);
        assert_eq!((times.percentile(50), times.percentile(51), times.count()), (Some(0), Some(3), 2));
    }

    proptest! {
        #[test]
        fn a_percentile_is_off_by_an_eighth_at_most(
            mut times in proptest::collection::vec(0..100_000_000_u64, 1..200),
            percent in 1..=100_u8,
        ) {
            let mut histogram = Histogram::default();
            for time in &times {
                histogram.add(*time);
            }
            times.sort_unstable();
            let exact = times[(times.len() * usize::from(percent)).div_ceil(100) - 1];
            let found = histogram.percentile(percent).unwrap();
            prop_assert!(found.abs_diff(exact) * 8 <= exact, "{found} for {exact}");
        }

        #[test]
        fn two_merged_are_as_one(
            a in proptest::collection::vec(any::<u64>(), 0..50),
            b in proptest::collection::vec(any::<u64>(), 0..50),
        ) {
            let of = |times: &[u64]| {
                let mut histogram = Histogram::default();
                times.iter().for_each(|time| histogram.add(*time));
                histogram
            };
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(merged, of(&[a, b].concat()));
        }
    }
}
