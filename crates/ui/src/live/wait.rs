//! How long to wait: before the socket is tried again, and between two polls. Pure; chance is an argument.

const FIRST_MS: f64 = 500.0;
const MOST_MS: f64 = 15_000.0;
/// A tab that nobody looks at may wait this long.
const HIDDEN_MS: u32 = 30_000;

/// Before the next try after so many that failed in a row: doubling from half a second to 15 seconds, each shortened
/// by chance (0 to 1) by up to a half, so that a thousand pages do not come back in the same instant.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 250 and 15,000")]
pub(crate) fn before_retry(failures: u32, chance: f64) -> u32 {
    let most = (FIRST_MS * 2_f64.powi(failures.min(10).cast_signed())).min(MOST_MS);
    (most * (1.0 - chance.clamp(0.0, 1.0) / 2.0)) as u32
}

/// Between two polls, after so many: a second for the first few, then two, then five; slower when nobody looks or
/// nobody answers.
pub(crate) fn before_poll(polls: u32, hidden: bool, unreachable: bool) -> u32 {
    match (hidden, unreachable) {
        (true, _) => HIDDEN_MS,
        (false, true) => {
            if polls < 10 {
                2_000
            } else {
                5_000
            }
        }
        (false, false) => match polls {
            0..5 => 1_000,
            5..15 => 2_000,
            _ => 5_000,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_later_and_later_and_never_in_step() {
        assert_eq!(before_retry(0, 0.0), 500);
        assert_eq!(before_retry(1, 0.0), 1_000);
        assert_eq!(before_retry(3, 1.0), 2_000);
        assert_eq!(before_retry(u32::MAX, 0.0), 15_000);
        assert_eq!(before_retry(u32::MAX, 1.0), 7_500);
    }

    #[test]
    fn polls_slow_down() {
        assert_eq!(
            [0, 4, 5, 14, 15, 1_000].map(|polls| before_poll(polls, false, false)),
            [1_000, 1_000, 2_000, 2_000, 5_000, 5_000]
        );
        assert_eq!(before_poll(0, true, false), 30_000);
        assert_eq!(before_poll(0, false, true), 2_000);
    }
}
