//! Who reads which log, and up to which line. Pure: it says what to hand on and what to ask for.

use std::sync::Arc;

use taskdeck_core::{LogLine, TaskId};

use super::small_map::SmallMap;

/// Takes the lines of a log as they come: in order, each once.
pub(crate) type Sink = Arc<dyn Fn(Vec<LogLine>) + Send + Sync>;

/// One reader of a log.
struct Reader {
    task: TaskId,
    /// The last line it has.
    last: u64,
    /// The last line that is known to be there.
    seen: u64,
    /// Whether the lines between are being fetched.
    filling: bool,
    sink: Sink,
}

/// The readers of the page.
#[derive(Default)]
pub(crate) struct Logs {
    readers: SmallMap<u64, Reader>,
    next: u64,
}

/// Lines to hand to a reader, once nothing is locked.
pub(crate) struct Delivery {
    sink: Sink,
    lines: Vec<LogLine>,
}

impl Delivery {
    pub(crate) fn hand_over(self) {
        (self.sink)(self.lines);
    }
}

/// Lines to fetch for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refill {
    pub(crate) reader: u64,
    pub(crate) task: TaskId,
    pub(crate) since: u64,
}

impl Logs {
    pub(crate) fn add(&mut self, task: TaskId, last: u64, sink: Sink) -> u64 {
        self.next += 1;
        self.readers.insert(self.next, Reader { task, last, seen: last, filling: false, sink });
        self.next
    }

    pub(crate) fn remove(&mut self, reader: u64) {
        self.readers.remove(reader);
    }

    /// Lines came over the line or by a poll: what to hand on, and what is missing before them.
    pub(crate) fn take(&mut self, task: TaskId, lines: &[LogLine]) -> (Vec<Delivery>, Vec<Refill>) {
        let (mut deliveries, mut refills) = (Vec::new(), Vec::new());
        for (id, reader) in self.readers.iter_mut().filter(|(_, reader)| reader.task == task) {
            let Some(newest) = lines.last() else { continue };
            reader.seen = reader.seen.max(newest.seq);
            if reader.filling {
                // They are part of what is being fetched.
                continue;
            }
            let new: Vec<LogLine> = lines.iter().filter(|line| line.seq > reader.last).cloned().collect();
            match new.first() {
                Some(first) if first.seq > reader.last + 1 => {
                    reader.filling = true;
                    refills.push(Refill { reader: id, task, since: reader.last });
                }
                Some(_) => {
                    reader.last = newest.seq;
                    deliveries.push(Delivery { sink: Arc::clone(&reader.sink), lines: new });
                }
                None => {}
            }
        }
        (deliveries, refills)
    }

    /// Lines came for a refill (none when they could not be had): what to hand on, and what is missing still.
    pub(crate) fn refilled(
        &mut self,
        refill: Refill,
        lines: Option<Vec<LogLine>>,
    ) -> (Option<Delivery>, Option<Refill>) {
        let Some(reader) = self.readers.get_mut(refill.reader) else { return (None, None) };
        let Some(lines) = lines else {
            // The next line shows the gap again.
            reader.filling = false;
            return (None, None);
        };
        let new: Vec<LogLine> = lines.into_iter().filter(|line| line.seq > reader.last).collect();
        match new.last() {
            Some(newest) => reader.last = newest.seq,
            // There is nothing where something was seen (it was pruned): go on after it.
            None => reader.last = reader.seen,
        }
        let missing = (reader.last < reader.seen).then_some(Refill { since: reader.last, ..refill });
        reader.filling = missing.is_some();
        let delivery = (!new.is_empty()).then(|| Delivery { sink: Arc::clone(&reader.sink), lines: new });
        (delivery, missing)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use taskdeck_core::{LogLevel, Timestamp};

    use super::*;

    fn task() -> TaskId {
        TaskId::from_parts(Timestamp::from_millis(1), [1; 10])
    }

    fn lines(seqs: impl IntoIterator<Item = u64>) -> Vec<LogLine> {
        let line = |seq| LogLine {
            seq,
            at: Timestamp::from_millis(1),
            level: LogLevel::Info,
            attempt: 1,
            text: format!("line {seq}"),
        };
        seqs.into_iter().map(line).collect()
    }

    fn reader(logs: &mut Logs, last: u64) -> Arc<Mutex<Vec<u64>>> {
        let got = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&got);
        let sink = move |lines: Vec<LogLine>| into.lock().unwrap().extend(lines.iter().map(|line| line.seq));
        logs.add(task(), last, Arc::new(sink));
        got
    }

    fn take(logs: &mut Logs, seqs: impl IntoIterator<Item = u64>) -> Vec<Refill> {
        let (deliveries, refills) = logs.take(task(), &lines(seqs));
        deliveries.into_iter().for_each(Delivery::hand_over);
        refills
    }

    #[test]
    fn each_line_is_handed_over_once_and_in_order() {
        let mut logs = Logs::default();
        let got = reader(&mut logs, 2);
        assert_eq!(take(&mut logs, 1..=4), []);
        assert_eq!(take(&mut logs, 3..=5), []);
        assert_eq!(*got.lock().unwrap(), [3, 4, 5]);
    }

    #[test]
    fn a_gap_is_refilled_to_the_last_line_seen() {
        let mut logs = Logs::default();
        let got = reader(&mut logs, 2);
        let refills = take(&mut logs, 10..=11);
        assert_eq!(refills.iter().map(|refill| refill.since).collect::<Vec<_>>(), [2]);
        assert_eq!(take(&mut logs, 12..=12), [], "one refill at a time");
        let (delivery, missing) = logs.refilled(refills[0], Some(lines(3..=8)));
        delivery.unwrap().hand_over();
        let missing = missing.unwrap();
        assert_eq!(missing.since, 8);
        let (delivery, missing) = logs.refilled(missing, Some(lines(9..=12)));
        delivery.unwrap().hand_over();
        assert_eq!(missing, None);
        assert_eq!(*got.lock().unwrap(), (3..=12).collect::<Vec<_>>());
    }

    #[test]
    fn lines_that_are_no_more_do_not_hold_up_the_rest() {
        let mut logs = Logs::default();
        let got = reader(&mut logs, 0);
        let refills = take(&mut logs, 100..=100);
        assert!(logs.refilled(refills[0], Some(Vec::new())).1.is_none());
        assert_eq!(take(&mut logs, 101..=101), []);
        assert_eq!(*got.lock().unwrap(), [101]);
    }

    #[test]
    fn a_refill_that_failed_is_asked_for_again_by_the_next_line() {
        let mut logs = Logs::default();
        reader(&mut logs, 0);
        let refills = take(&mut logs, 5..=5);
        assert!(logs.refilled(refills[0], None).1.is_none());
        assert_eq!(take(&mut logs, 6..=6), refills);
    }

    #[test]
    fn readers_of_one_log_keep_their_own_place() {
        let mut logs = Logs::default();
        let (early, late) = (reader(&mut logs, 0), reader(&mut logs, 3));
        assert_eq!(take(&mut logs, 4..=5).len(), 1);
        assert_eq!(*late.lock().unwrap(), [4, 5]);
        assert_eq!(*early.lock().unwrap(), [] as [u64; 0]);
    }
}
