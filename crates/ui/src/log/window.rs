//! Which lines of a log stand in the page: some blocks of them around what the reader looks at. Pure.

/// How many lines come and go together.
const BLOCK: u64 = 100;
/// How many blocks stand before and after the one that is looked at.
const AROUND: u64 = 2;
/// The same where the reader jumps to: what scrolls far brings new rows with each frame, so there are few of them. They are
/// more than are in sight, since a list is at most 26 rem high.
const NEAR_BLOCK: u64 = 30;
const NEAR_AROUND: u64 = 1;

/// The lines from the first up to but without the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Window {
    /// The end of a log, beginning with the first of its lines that the page came with.
    pub(super) const fn tail(first: u64, last: u64) -> Self {
        Self { from: first, to: last + 1 }
    }

    /// The lines around one of a log from `first` to `last`.
    pub(super) fn around(seq: u64, first: u64, last: u64) -> Self {
        Self::blocks(seq, first, last, BLOCK, AROUND)
    }

    /// The few lines around one that was jumped to.
    pub(super) fn near(seq: u64, first: u64, last: u64) -> Self {
        Self::blocks(seq, first, last, NEAR_BLOCK, NEAR_AROUND)
    }

    fn blocks(seq: u64, first: u64, last: u64, size: u64, around: u64) -> Self {
        let block = seq.clamp(first, last.max(first)) / size;
        let from = (block.saturating_sub(around) * size).max(first);
        let to = ((block + around + 1) * size).min(last + 1);
        Self { from, to: to.max(from) }
    }

    /// Whether there are lines enough before and after one of them, so far as the log has them.
    pub(super) fn is_enough(self, seq: u64, first: u64, last: u64) -> bool {
        let (from, to) = (seq.saturating_sub(NEAR_BLOCK).max(first), (seq + 2 * NEAR_BLOCK).min(last + 1));
        self.from <= from && self.to >= to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(seq: u64) -> (u64, u64) {
        let Window { from, to } = Window::around(seq, 1, 100_000);
        (from, to)
    }

    #[test]
    fn it_stays_while_there_are_lines_enough_on_both_sides() {
        let near = Window::near(50_000, 1, 100_000);
        assert_eq!(near, Window { from: 49_950, to: 50_040 });
        assert!(near.is_enough(49_980, 1, 100_000));
        assert!(!near.is_enough(49_979, 1, 100_000) && !near.is_enough(49_981, 1, 100_000));
        let wide = Window::around(50_000, 1, 100_000);
        assert!(wide.is_enough(49_830, 1, 100_000) && wide.is_enough(50_240, 1, 100_000));
        assert!(!wide.is_enough(50_241, 1, 100_000));
    }

    #[test]
    fn it_ends_where_the_log_does() {
        assert_eq!(around(1), (1, 300));
        assert_eq!(around(99_999), (99_700, 100_001));
        assert_eq!(around(1_000_000), (99_800, 100_001));
        assert_eq!(Window::around(5, 1, 3), Window { from: 1, to: 4 });
        assert_eq!(Window::around(1, 1, 0), Window { from: 1, to: 1 });
        assert_eq!(Window::around(10, 500, 900), Window { from: 500, to: 800 });
        assert!(Window::near(1, 1, 50).is_enough(1, 1, 50));
        assert!(Window::near(50, 1, 50).is_enough(50, 1, 50));
    }

    #[test]
    fn what_is_looked_at_is_in_it() {
        for seq in [1, 99, 100, 101, 55_555, 100_000] {
            let (from, to) = around(seq);
            let near = Window::near(seq, 1, 100_000);
            assert!((from..to).contains(&seq) && (near.from..near.to).contains(&seq), "{seq}");
        }
        assert_eq!(Window::tail(7, 10), Window { from: 7, to: 11 });
    }
}
