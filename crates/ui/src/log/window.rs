//! Which lines of a log stand in the page: some blocks of them around what the reader looks at. Pure.

/// How many lines come and go together.
const BLOCK: u64 = 100;
/// How many blocks stand before and after the one that is looked at.
const AROUND: u64 = 2;

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

    /// The blocks around a line of a log from `first` to `last`.
    pub(super) fn around(seq: u64, first: u64, last: u64) -> Self {
        let block = seq.clamp(first, last.max(first)) / BLOCK;
        let from = (block.saturating_sub(AROUND) * BLOCK).max(first);
        let to = ((block + AROUND + 1) * BLOCK).min(last + 1);
        Self { from, to: to.max(from) }
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
    fn it_stays_while_the_reader_is_within_a_block() {
        assert_eq!(around(50_000), (49_800, 50_300));
        assert_eq!(around(50_099), (49_800, 50_300));
        assert_eq!(around(50_100), (49_900, 50_400));
    }

    #[test]
    fn it_ends_where_the_log_does() {
        assert_eq!(around(1), (1, 300));
        assert_eq!(around(99_999), (99_700, 100_001));
        assert_eq!(around(1_000_000), (99_800, 100_001));
        assert_eq!(Window::around(5, 1, 3), Window { from: 1, to: 4 });
        assert_eq!(Window::around(1, 1, 0), Window { from: 1, to: 1 });
        assert_eq!(Window::around(10, 500, 900), Window { from: 500, to: 800 });
    }

    #[test]
    fn what_is_looked_at_is_in_it() {
        for seq in [1, 99, 100, 101, 55_555, 100_000] {
            let (from, to) = around(seq);
            assert!((from..to).contains(&seq), "{seq}");
        }
        assert_eq!(Window::tail(7, 10), Window { from: 7, to: 11 });
    }
}
