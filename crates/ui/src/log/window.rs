//! Which lines of a log are on the page. Pure.

use std::sync::Arc;

use taskdeck_core::{LogLine, LogPage};

use crate::ansi;

/// How many lines are kept while the newest are followed.
pub(super) const FOLLOWED: usize = 2_000;
/// How many are kept at the most, when the reader went back to earlier ones.
const MOST: usize = 20_000;

/// The lines on the page: a run without gaps, the newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Window {
    pub(super) lines: Vec<Arc<LogLine>>,
}

impl Window {
    pub(super) fn of(page: LogPage) -> Self {
        Self { lines: page.lines.into_iter().map(Arc::new).collect() }
    }

    /// The number of the first line; 1 when there is none.
    pub(super) fn first(&self) -> u64 {
        self.lines.first().map_or(1, |line| line.seq)
    }

    /// The number of the last line, which is how many there are.
    pub(super) fn last(&self) -> u64 {
        self.lines.last().map_or(0, |line| line.seq)
    }

    /// Adds newer lines. While they are followed, the oldest leave the page; else the reader keeps their place, up to
    /// a limit.
    pub(super) fn append(&mut self, lines: impl IntoIterator<Item = LogLine>, following: bool) {
        for line in lines {
            if line.seq > self.last() || self.lines.is_empty() {
                self.lines.push(Arc::new(line));
            }
        }
        self.trim(if following { FOLLOWED } else { MOST });
    }

    pub(super) fn trim(&mut self, most: usize) {
        let surplus = self.lines.len().saturating_sub(most);
        self.lines.drain(..surplus);
    }

    /// Adds earlier lines.
    pub(super) fn prepend(&mut self, lines: impl IntoIterator<Item = LogLine>) {
        let first = self.first();
        let earlier = lines.into_iter().filter(|line| line.seq < first).map(Arc::new);
        self.lines.splice(0..0, earlier);
    }

    pub(super) fn text(&self) -> String {
        text(self.lines.iter().map(AsRef::as_ref))
    }
}

/// Lines as a text to take away: one a line, with its time and level, without colours.
pub(super) fn text<'a>(lines: impl IntoIterator<Item = &'a LogLine>) -> String {
    let mut text = String::new();
    for line in lines {
        let level = line.level.name().to_uppercase();
        text.push_str(&format!("{} {level:<5} {}\n", line.at, ansi::plain(&line.text)));
    }
    text
}

#[cfg(test)]
mod tests {
    use taskdeck_core::LogLevel;

    use super::*;
    use crate::sample::T0;

    fn line(seq: u64) -> LogLine {
        LogLine { seq, at: T0, level: LogLevel::Info, attempt: 1, text: format!("line {seq}") }
    }

    fn seqs(window: &Window) -> (u64, u64, usize) {
        (window.first(), window.last(), window.lines.len())
    }

    #[test]
    fn while_it_follows_the_oldest_lines_leave() {
        let mut window = Window::default();
        window.append((1..=3_000).map(line), true);
        assert_eq!(seqs(&window), (1_001, 3_000, FOLLOWED));
    }

    #[test]
    fn a_reader_who_went_back_keeps_their_place() {
        let mut window = Window::default();
        window.append((1_001..=3_000).map(line), true);
        window.prepend((1..=1_000).map(line));
        window.append((3_001..=3_010).map(line), false);
        assert_eq!(seqs(&window), (1, 3_010, 3_010));
    }

    #[test]
    fn a_line_comes_once() {
        let mut window = Window::of(LogPage { lines: vec![line(5), line(6)], last_seq: 6, more: false });
        window.append([line(6), line(7)], true);
        window.prepend([line(4), line(5)]);
        assert_eq!(seqs(&window), (4, 7, 4));
    }

    #[test]
    fn the_text_has_no_colours() {
        let coloured = LogLine { text: "\u{1b}[31mno\u{1b}[0m".to_owned(), ..line(1) };
        assert_eq!(text([&coloured]), "2026-01-01T00:00:00.000Z INFO  no\n");
    }
}
