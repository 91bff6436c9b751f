//! When a failed attempt is tried again: a pure function of the policy, the tries and a random number.

use serde::Serialize;

use crate::read::read;

/// How often and how soon a kind is tried again.
///
/// The wait before try `n + 1` is `base * 2^(n-1)`, at most `max`, of which the upper half is random, so that many
/// tasks that failed together do not come back together ("equal jitter").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RetryPolicy {
    /// How many attempts may cost a try (error, timeout, panic, crash) before the task fails; at least 1.
    pub max_tries: u32,
    /// The wait after the first failed try, in milliseconds.
    pub base_ms: u64,
    /// The longest wait, in milliseconds.
    pub max_ms: u64,
}

read!(RetryPolicy { max_tries, base_ms, max_ms });

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_tries: 3, base_ms: 2_000, max_ms: 300_000 }
    }
}

impl RetryPolicy {
    /// The wait in milliseconds after `tries` failed tries; `random` is in `0.0..1.0`.
    ///
    /// ```
    /// use taskdeck_core::RetryPolicy;
    /// let policy = RetryPolicy { max_tries: 5, base_ms: 1_000, max_ms: 60_000 };
    /// assert_eq!(policy.delay_ms(1, 0.0), 500);
    /// assert_eq!(policy.delay_ms(3, 0.5), 3_000);
    /// assert_eq!(policy.delay_ms(60, 1.0), 60_000);
    /// ```
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a wait of more than 2^52 ms is capped long before"
    )]
    pub fn delay_ms(&self, tries: u32, random: f64) -> u64 {
        let doubled = 1_u64.checked_shl(tries.saturating_sub(1)).unwrap_or(u64::MAX);
        let full = self.base_ms.saturating_mul(doubled).min(self.max_ms);
        let half = full / 2;
        half + ((full - half) as f64 * random.clamp(0.0, 1.0)) as u64
    }
}
