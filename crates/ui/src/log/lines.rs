//! The lines of a log that the page has. Pure.

use std::sync::Arc;

use taskdeck_core::{LogLine, LogPage};

use crate::ansi;
use crate::small::folded;

/// The lines of a log by their number, as far as they were loaded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lines {
    /// The number of the first line that there is: earlier ones may have been dropped.
    first: u64,
    /// From the first line on.
    known: Vec<Option<Arc<LogLine>>>,
}

impl Lines {
    pub(super) fn of(page: LogPage) -> Self {
        let mut lines = Self { first: 1, known: Vec::new() };
        lines.add(page.lines);
        lines
    }

    /// The number of the first line that there is.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// The number of the last line that is known of; one less than the first when there is none.
    pub(super) fn last(&self) -> u64 {
        self.first + self.known.len() as u64 - 1
    }

    pub(super) fn count(&self) -> u64 {
        self.known.len() as u64
    }

    /// How many lines are loaded.
    pub(super) fn loaded(&self) -> u64 {
        self.known.iter().flatten().count() as u64
    }

    fn place(&self, seq: u64) -> Option<usize> {
        usize::try_from(seq.checked_sub(self.first)?).ok()
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Arc<LogLine>> {
        self.known.get(self.place(seq)?)?.as_ref()
    }

    pub(super) fn add(&mut self, lines: impl IntoIterator<Item = LogLine>) {
        for line in lines {
            let Some(place) = self.place(line.seq) else { continue };
            if place >= self.known.len() {
                self.known.resize(place + 1, None);
            }
            self.known[place] = Some(Arc::new(line));
        }
    }

    /// What was asked for after `since`. Where it begins at a later line, those between are there no more; an answer without
    /// a line says nothing of any.
    pub(super) fn answered(&mut self, since: u64, lines: Vec<LogLine>) {
        let Some(begins) = lines.first().map(|line| line.seq) else { return };
        let nothing_before = (self.first..=since).all(|seq| self.get(seq).is_none());
        if begins > since + 1 && nothing_before {
            let dropped = usize::try_from(begins - self.first).unwrap_or(usize::MAX);
            self.known.drain(..dropped.min(self.known.len()));
            self.first = begins;
        }
        self.add(lines);
    }

    /// The first run of lines from `from` up to and with `to` that is not loaded: after which line, and how many.
    pub(super) fn missing(&self, from: u64, to: u64, most: u64) -> Option<(u64, u64)> {
        let to = to.min(self.last());
        let start = (from.max(self.first)..=to).find(|seq| self.get(*seq).is_none())?;
        let end = (start..=to.min(start + most - 1)).take_while(|seq| self.get(*seq).is_none()).last()?;
        Some((start - 1, end - start + 1))
    }

    /// The lines in which a text occurs, whatever its case.
    pub(super) fn find(&self, needle: &str) -> Vec<u64> {
        let needle = folded(needle);
        let has = |line: &&Arc<LogLine>| folded(&ansi::plain(&line.text)).contains(&needle);
        self.known.iter().flatten().filter(has).map(|line| line.seq).collect()
    }

    /// The lines as a text to take away.
    pub(super) fn text(&self) -> String {
        self.known.iter().flatten().map(|line| line.plain()).collect()
    }
}

#[cfg(test)]
mod tests {
    use taskdeck_core::LogLevel;

    use super::*;
    use crate::sample::T0;

    fn line(seq: u64) -> LogLine {
        LogLine { seq, at: T0, level: LogLevel::Info, attempt: 1, text: format!("Line {seq}") }
    }

    fn lines(from: u64, to: u64) -> Lines {
        Lines::of(LogPage { lines: (from..=to).map(line).collect(), last_seq: to, more: false })
    }

    #[test]
    fn lines_stand_at_their_numbers() {
        let mut log = lines(90, 100);
        assert_eq!((log.first(), log.last(), log.count()), (1, 100, 100));
        assert_eq!(log.get(90).map(|line| line.seq), Some(90));
        assert_eq!(log.get(89), None);
        log.add([line(101), line(50)]);
        assert_eq!(log.last(), 101);
        assert!(log.get(50).is_some());
    }

    #[test]
    fn what_is_missing_is_named_run_by_run() {
        let mut log = lines(90, 100);
        log.add((40..=50).map(line));
        assert_eq!(log.missing(1, 100, 1_000), Some((0, 39)));
        assert_eq!(log.missing(45, 100, 1_000), Some((50, 39)));
        assert_eq!(log.missing(45, 100, 10), Some((50, 10)));
        assert_eq!(log.missing(90, 200, 1_000), None);
        assert_eq!(lines(1, 0).missing(1, 9, 9), None);
    }

    #[test]
    fn what_was_dropped_is_not_missing() {
        let mut log = lines(90, 100);
        log.answered(0, (31..=60).map(line).collect());
        assert_eq!((log.first(), log.last(), log.count()), (31, 100, 70));
        assert_eq!(log.missing(1, 100, 1_000), Some((60, 29)));
        log.answered(60, (61..=89).map(line).collect());
        assert_eq!(log.missing(1, 100, 1_000), None);
        assert_eq!(log.get(31).map(|line| line.seq), Some(31));
        let mut log = lines(90, 100);
        log.answered(70, Vec::new());
        assert_eq!((log.first(), log.count()), (1, 100), "an empty answer takes nothing away");
    }

    #[test]
    fn a_text_is_found_whatever_its_case() {
        assert_eq!(lines(1, 30).find("LINE 2").len(), 11);
        assert_eq!(lines(1, 30).find("line 30"), [30]);
        assert!(lines(1, 30).find("nothing").is_empty());
    }

    #[test]
    fn the_text_has_no_colours() {
        let mut coloured = line(1);
        coloured.text = "\u{1b}[31mred\u{1b}[0m".to_owned();
        let log = Lines::of(LogPage { lines: vec![coloured], last_seq: 1, more: false });
        assert_eq!(log.text(), format!("{T0} INFO  red\n"));
    }
}
