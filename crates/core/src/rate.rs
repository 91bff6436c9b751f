//! Rate limits: how many may begin in a time, as a pure function.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// At most `count` in any stretch of `per_ms` milliseconds begin in the long run, and at most `count` at once.
///
/// ```
/// use taskdeck_core::Rate;
/// assert_eq!("10/1m".parse::<Rate>(), Ok(Rate { count: 10, per_ms: 60_000 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many; at least 1.
    pub count: u32,
    /// In how many milliseconds; at least 1.
    pub per_ms: u64,
}

impl Rate {
    /// The microseconds in which one is earned.
    #[must_use]
    pub fn each_us(self) -> u64 {
        (self.span_us() / u64::from(self.count.max(1))).max(1)
    }

    /// The microseconds in which all of them are earned.
    #[must_use]
    pub const fn span_us(self) -> u64 {
        self.per_ms.saturating_mul(1_000)
    }
}

/// A text is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number and a time, such as 10/1s or 100/5m")]
pub struct RateError;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, time) = text.split_once('/').ok_or(RateError)?;
        let count = count.trim().parse().map_err(|_| RateError)?;
        let time = time.trim();
        let digits = time.len() - time.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = if digits == 0 { 1 } else { time[..digits].parse().map_err(|_| RateError)? };
        let unit = match &time[digits..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(RateError),
        };
        let per_ms = number.checked_mul(unit).filter(|per| *per > 0).ok_or(RateError)?;
        if count == 0 { Err(RateError) } else { Ok(Self { count, per_ms }) }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = self.per_ms;
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
        let (size, unit) = units.into_iter().find(|(size, _)| per.is_multiple_of(*size)).unwrap_or((1, "ms"));
        write!(f, "{}/{}{unit}", self.count, per / size)
    }
}

/// How much of a rate is used: the time at which all that was taken will have been earned (the "theoretical arrival
/// time" of the generic cell rate algorithm, GCRA), in microseconds on the caller's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    earned_at_us: u64,
}

impl Bucket {
    /// The bucket that was kept as [`Bucket::earned_at_us`].
    #[must_use]
    pub const fn of(earned_at_us: u64) -> Self {
        Self { earned_at_us }
    }

    /// All that there is to keep of it.
    #[must_use]
    pub const fn earned_at_us(self) -> u64 {
        self.earned_at_us
    }

    /// Takes one at `now_us`, a time that never goes back.
    ///
    /// # Errors
    /// The microseconds until one may be taken.
    pub fn take(&mut self, rate: Rate, now_us: u64) -> Result<(), u64> {
        let wait = self.wait(rate, now_us);
        if wait > 0 {
            return Err(wait);
        }
        self.owe(rate, now_us);
        Ok(())
    }

    /// Takes one even if there is none: those who come later wait for it too.
    pub fn owe(&mut self, rate: Rate, now_us: u64) {
        self.earned_at_us = self.earned_at_us.max(now_us).saturating_add(rate.each_us());
    }

    /// How many may be taken at once at `now_us`.
    #[must_use]
    pub fn room(&self, rate: Rate, now_us: u64) -> u32 {
        let span = rate.span_us();
        let used = self.earned_at_us.saturating_sub(now_us);
        let room = span.saturating_sub(used) / rate.each_us();
        u32::try_from(room).unwrap_or(u32::MAX).min(rate.count)
    }

    /// The microseconds until one may be taken.
    #[must_use]
    pub fn wait(&self, rate: Rate, now_us: u64) -> u64 {
        let span = rate.span_us();
        let after = self.earned_at_us.max(now_us).saturating_add(rate.each_us());
        after.saturating_sub(now_us.saturating_add(span))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_are_read_and_written() {
        for text in ["10/1s", "100/5m", "1/1d", "3/250ms", "2/90s"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        assert_eq!("5/s".parse(), Ok(Rate { count: 5, per_ms: 1_000 }));
        for wrong in ["", "10", "0/1s", "10/0s", "10/1y", "ten/1s", "1/99999999999999999999s"] {
            assert_eq!(wrong.parse::<Rate>(), Err(RateError), "{wrong}");
        }
    }

    #[test]
    fn a_burst_is_let_through_and_then_one_at_a_time() {
        let rate = Rate { count: 4, per_ms: 1_000 };
        let mut bucket = Bucket::default();
        assert_eq!(bucket.room(rate, 5_000_000), 4);
        for _ in 0..4 {
            assert_eq!(bucket.take(rate, 5_000_000), Ok(()));
        }
        assert_eq!(bucket.take(rate, 5_000_000), Err(250_000));
        assert_eq!(bucket.room(rate, 5_250_000), 1);
        assert_eq!(bucket.take(rate, 5_250_000), Ok(()));
        assert_eq!(bucket.room(rate, 7_000_000), 4);
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_one_burst(
            count in 1_u32..20, per_ms in 1_u64..5_000, steps in prop::collection::vec(0_u64..400_000, 1..200),
        ) {
            let rate = Rate { count, per_ms };
            let mut bucket = Bucket::default();
            let (mut now, mut taken) = (0, 0_u64);
            for step in steps {
                now += step;
                let (room, wait) = (bucket.room(rate, now), bucket.wait(rate, now));
                prop_assert_eq!(room > 0, wait == 0);
                if bucket.take(rate, now).is_ok() {
                    taken += 1;
                }
                let each = (per_ms * 1_000 / u64::from(count)).max(1);
                prop_assert!(taken <= u64::from(count) + 1 + now / each);
            }
        }
    }
}
