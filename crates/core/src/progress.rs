//! How far a task is.

use serde::Serialize;

use crate::Timestamp;
use crate::read::read;

/// How far a task is, as its body last said. Everything is optional; what is unknown is null on the wire.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Progress {
    /// From 0.0 to 1.0.
    pub fraction: Option<f64>,
    /// How many units are done.
    pub done: Option<u64>,
    /// How many units there are.
    pub total: Option<u64>,
    /// What `done` and `total` count, such as `rows` or `bytes`.
    pub unit: Option<String>,
    /// The named step the task is in.
    pub step: Option<Step>,
    /// What it is doing, in words.
    pub message: Option<String>,
    /// The time left, in milliseconds, as far as it can be guessed.
    pub eta_ms: Option<u64>,
    /// When the body last said anything at all, a line of its log included, by the clock of the server that runs it.
    pub heard_at: Option<Timestamp>,
}

read!(Progress { ; default fraction, done, total, unit, step, message, eta_ms, heard_at });

/// Two that say the same are equal, whenever it was said.
impl PartialEq for Progress {
    fn eq(&self, other: &Self) -> bool {
        let said = |it: &Self| (it.fraction, it.done, it.total, it.eta_ms);
        let same_words = self.unit == other.unit && self.step == other.step && self.message == other.message;
        said(self) == said(other) && same_words
    }
}

/// A named step of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What happens in it.
    pub name: String,
    /// Which step it is, from 1.
    pub number: u32,
    /// How many steps there are.
    pub of: u32,
}

read!(Step { name, number, of });

impl Progress {
    /// Sets the fraction; what is outside 0.0 to 1.0 is brought inside, and NaN is unknown.
    pub fn set_fraction(&mut self, fraction: f64) {
        self.fraction = (!fraction.is_nan()).then(|| fraction.clamp(0.0, 1.0));
    }

    /// Sets `done` of `total`, and the fraction from them. A total of 0 leaves the fraction unknown.
    #[expect(clippy::cast_precision_loss, reason = "a bar does not show the last of 2^52 units")]
    pub fn set_done(&mut self, done: u64, total: u64) {
        self.done = Some(done);
        self.total = Some(total);
        self.fraction = (total > 0).then(|| (done as f64 / total as f64).clamp(0.0, 1.0));
    }

    /// The whole percent of the fraction, rounded down, so that 100 is shown only at the end.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the fraction is within 0..=1"
    )]
    pub fn percent(&self) -> Option<u8> {
        self.fraction.map(|fraction| (fraction.clamp(0.0, 1.0) * 100.0).floor() as u8)
    }
}

/// The time left in milliseconds, from how far the attempt came in `elapsed_ms` since it stood at `from`.
///
/// Unknown in the first second, and when nothing has moved.
///
/// ```
/// use taskdeck_core::eta_ms;
/// assert_eq!(eta_ms(0.0, 0.25, 2_000), Some(6_000));
/// assert_eq!(eta_ms(0.5, 0.5, 2_000), None);
/// ```
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate: finite, not negative, and capped at a year"
)]
pub fn eta_ms(from: f64, fraction: f64, elapsed_ms: u64) -> Option<u64> {
    const YEAR_MS: f64 = 365.0 * 24.0 * 3600.0 * 1000.0;
    let moved = fraction - from;
    if elapsed_ms < 1_000 || moved <= 0.0 || !moved.is_finite() {
        return None;
    }
    let left = elapsed_ms as f64 * (1.0 - fraction).max(0.0) / moved;
    (left <= YEAR_MS).then_some(left as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_kept_within_its_range() {
        let mut progress = Progress::default();
        progress.set_fraction(1.5);
        assert_eq!(progress.fraction, Some(1.0));
        progress.set_fraction(f64::NAN);
        assert_eq!(progress.fraction, None);
    }

    #[test]
    fn percent_shows_100_only_at_the_end() {
        let mut progress = Progress::default();
        progress.set_done(999, 1000);
        assert_eq!(progress.percent(), Some(99));
        progress.set_done(1000, 1000);
        assert_eq!(progress.percent(), Some(100));
    }

    #[test]
    fn a_total_of_zero_is_unknown() {
        let mut progress = Progress::default();
        progress.set_done(0, 0);
        assert_eq!(progress.fraction, None);
    }
}
