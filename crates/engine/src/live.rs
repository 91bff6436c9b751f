//! The tasks that run on this node, as they are right now: progress in memory, written behind; log lines on their way to
//! the store, which are told when they are stored.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use taskdeck_core::{
    Definition, Lease, LeaseToken, LogLevel, LogLine, LogPage, Machine, PartProblem, Progress, Question, Rev,
    SessionId, TaskId, TaskState, Timestamp, eta_ms,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::pulse::Pulse;
use crate::store::{ProgressWrite, Record};

/// How many lines and bytes of log a task may write in all.
const LOG_LINES: u64 = 100_000;
const LOG_BYTES: usize = 16 * 1024 * 1024;
/// How many bytes may wait to be stored: when the disk is slower than the task talks, lines are dropped and counted.
const LOG_WAITING_BYTES: usize = 4 * 1024 * 1024;
/// A longer line is cut.
const LINE_BYTES: usize = 8 * 1024;
/// How often lines of the log alone are told to be signs of life.
const HEARD_EVERY_MS: u64 = 10_000;
/// How many parts that were left out are kept by name; the others are counted.
const PROBLEMS: usize = 100;

/// A running task.
pub(crate) struct LiveTask {
    pub(crate) id: TaskId,
    pub(crate) session: SessionId,
    pub(crate) token: LeaseToken,
    pub(crate) attempt: u32,
    /// How long an attempt may take, if the start said so.
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) definition: Arc<Definition>,
    /// Fires when the body should stop: a cancel, a timeout, a shutdown.
    pub(crate) stop: CancellationToken,
    /// Fires when the lease is lost: the body is aborted at once, and nothing of it is stored.
    pub(crate) lost: CancellationToken,
    /// Fires when the attempt is over: what it left behind must not wait for anything any more.
    pub(crate) over: CancellationToken,
    /// The question that the body asks; the executor waits for it.
    pub(crate) asked: Mutex<Option<Question>>,
    pub(crate) asks: Notify,
    /// Held while log lines are on their way to the store, so that an ending comes after them.
    pub(crate) log_lane: Arc<tokio::sync::Mutex<()>>,
    level: LogLevel,
    tail_lines: usize,
    pulse: Arc<Pulse>,
    clock: Arc<Clock>,
    /// Whether the pulse knows already that something changed.
    pub(crate) announced: AtomicBool,
    now: Mutex<Now>,
}

struct Now {
    /// Shared with the change that ends the attempt, while that is on its way.
    record: Arc<Record>,
    tick: u32,
    progress_changed: bool,
    progress_unsaved: bool,
    /// When progress and log were last given to the store.
    saved_at: Option<Instant>,
    /// Where the bar stood when this attempt first said how far it is.
    from: Option<(f64, Timestamp)>,
    log: LogBuffer,
    problems: Vec<PartProblem>,
    problem_count: u64,
    waiting: Option<String>,
    /// Parts of the work: their share of the whole, and how far each is.
    scopes: Vec<(f64, f64)>,
}

impl Now {
    fn record_mut(&mut self) -> &mut Record {
        Arc::make_mut(&mut self.record)
    }

    fn state(&self) -> TaskState {
        TaskState { waiting: self.waiting.clone(), tick: self.tick, ..self.record.state() }
    }
}

#[derive(Default)]
struct LogBuffer {
    /// The last line that was written.
    last_seq: u64,
    /// The last line that was given to the store, and the last that the store has.
    sent: u64,
    stored: u64,
    written: u64,
    bytes: usize,
    unsaved: Vec<LogLine>,
    unsaved_bytes: usize,
    tail: VecDeque<LogLine>,
    dropped: u64,
}

pub(crate) struct NewLive {
    pub(crate) record: Arc<Record>,
    pub(crate) lease: Lease,
    pub(crate) definition: Arc<Definition>,
    pub(crate) last_log_seq: u64,
    pub(crate) level: LogLevel,
    pub(crate) tail_lines: usize,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) clock: Arc<Clock>,
}

impl LiveTask {
    pub(crate) fn new(new: NewLive) -> Arc<Self> {
        let last = new.last_log_seq;
        let log =
            LogBuffer { last_seq: last, sent: last, stored: last, written: last, ..LogBuffer::default() };
        Arc::new(Self {
            id: new.record.id,
            session: new.lease.session,
            token: new.lease.token,
            attempt: new.record.machine.attempt,
            timeout_ms: new.record.options.timeout_ms,
            definition: new.definition,
            stop: CancellationToken::new(),
            lost: CancellationToken::new(),
            over: CancellationToken::new(),
            asked: Mutex::default(),
            asks: Notify::new(),
            log_lane: Arc::default(),
            level: new.level,
            tail_lines: new.tail_lines,
            pulse: new.pulse,
            clock: new.clock,
            announced: AtomicBool::new(false),
            now: Mutex::new(Now {
                record: new.record,
                tick: 0,
                progress_changed: false,
                progress_unsaved: false,
                saved_at: None,
                from: None,
                log,
                problems: Vec::new(),
                problem_count: 0,
                waiting: None,
                scopes: Vec::new(),
            }),
        })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(self: &Arc<Self>) {
        if !self.announced.swap(true, Ordering::AcqRel) {
            self.pulse.changed(Arc::clone(self));
        }
    }

    /// The task as everybody sees it, progress included.
    pub(crate) fn state(&self) -> TaskState {
        self.now().state()
    }

    pub(crate) fn machine(&self) -> Machine {
        self.now().record.machine.clone()
    }

    /// The task as this node knows it.
    pub(crate) fn record(&self) -> Arc<Record> {
        Arc::clone(&self.now().record)
    }

    pub(crate) fn cancel_requested(&self) -> bool {
        self.now().record.machine.cancel.is_some()
    }

    /// Takes over what the store now says of the task; progress and label of this attempt stay.
    pub(crate) fn set_machine(&self, machine: Machine) -> TaskState {
        let mut now = self.now();
        if machine.version > now.record.machine.version {
            now.record_mut().machine = machine;
            now.tick = 0;
        }
        now.state()
    }

    /// Says what the task waits for while others use its slot.
    pub(crate) fn waiting(self: &Arc<Self>, what: Option<String>) {
        self.now().waiting = what;
        self.progress(|_| {});
    }

    /// Whether it waits for something while others use its slot.
    pub(crate) fn is_waiting(&self) -> bool {
        self.now().waiting.is_some()
    }

    /// Changes the progress.
    pub(crate) fn progress(self: &Arc<Self>, change: impl FnOnce(&mut Progress)) {
        {
            let mut now = self.now();
            let at = self.clock.now();
            let before = now.record.progress.fraction;
            change(&mut now.record_mut().progress);
            if let Some(fraction) = now.record.progress.fraction {
                let (from, since) = match now.from {
                    // A bar that went back is a new piece of work.
                    Some((from, since)) if before.is_none_or(|before| fraction >= before) => (from, since),
                    _ => (fraction, at),
                };
                now.from = Some((from, since));
                now.record_mut().progress.eta_ms = eta_ms(from, fraction, at.millis_since(since));
            }
            now.record_mut().progress.heard_at = Some(at);
            now.tick = now.tick.saturating_add(1);
            now.progress_changed = true;
            now.progress_unsaved = true;
        }
        self.announce();
    }

    /// A new part of the work, with its share of the whole.
    pub(crate) fn add_scope(&self, share: f64) -> usize {
        let mut now = self.now();
        now.scopes.push((share.clamp(0.0, 1.0), 0.0));
        now.scopes.len() - 1
    }

    /// Says how far a part is; the whole is the sum of its parts.
    pub(crate) fn scope_progress(self: &Arc<Self>, scope: usize, fraction: f64) {
        let whole = {
            let mut now = self.now();
            if let Some((_, done)) = now.scopes.get_mut(scope) {
                *done = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
            }
            now.scopes.iter().map(|(share, done)| share * done).sum::<f64>()
        };
        self.progress(|progress| progress.set_fraction(whole.min(1.0)));
    }

    /// Changes the label.
    pub(crate) fn label(self: &Arc<Self>, label: String) {
        self.now().record_mut().label = label;
        self.progress(|_| {});
    }

    /// Takes in the `seq` of a notice that is stored.
    pub(crate) fn noticed(self: &Arc<Self>, seq: u64) {
        {
            let mut now = self.now();
            let known = now.record.notice_seq;
            now.record_mut().notice_seq = known.max(seq);
        }
        self.progress(|_| {});
    }

    /// How many notices the task has left.
    pub(crate) fn notices(&self) -> u64 {
        self.now().record.notice_seq
    }

    /// Notes a part that was left out.
    pub(crate) fn problem(self: &Arc<Self>, part: String, message: String) {
        let mut now = self.now();
        now.problem_count += 1;
        if now.problems.len() < PROBLEMS {
            now.problems.push(PartProblem { part, message });
        }
    }

    pub(crate) fn problems(&self) -> (Vec<PartProblem>, u64) {
        let now = self.now();
        (now.problems.clone(), now.problem_count)
    }

    pub(crate) fn progress_and_label(&self) -> (Progress, String) {
        let now = self.now();
        (now.record.progress.clone(), now.record.label.clone())
    }

    /// Adds a line to the log, if the level is kept.
    pub(crate) fn log(self: &Arc<Self>, level: LogLevel, text: &str) {
        if level < self.level {
            return;
        }
        {
            let mut now = self.now();
            if now.log.written >= LOG_LINES
                || now.log.bytes >= LOG_BYTES
                || now.log.unsaved_bytes >= LOG_WAITING_BYTES
            {
                now.log.dropped += 1;
                return;
            }
            let at = self.clock.now();
            now.log.push(at, level, self.attempt, cut(text), self.tail_lines);
            // A body that only writes lines is not silent. Who looks at a list reads none, and is told now and then.
            let heard = now.record.progress.heard_at.or(now.record.machine.started_at);
            if heard.is_none_or(|heard| at.millis_since(heard) >= HEARD_EVERY_MS) {
                now.record_mut().progress.heard_at = Some(at);
                now.tick = now.tick.saturating_add(1);
                now.progress_changed = true;
                now.progress_unsaved = true;
            }
        }
        self.announce();
    }

    /// The state, if the progress is new since the last call.
    pub(crate) fn take_changed(&self) -> Option<TaskState> {
        // Before the look: what changes after it is announced again.
        self.announced.store(false, Ordering::Release);
        let mut now = self.now();
        std::mem::take(&mut now.progress_changed).then(|| now.state())
    }

    /// Notes that it is given to the store now, if that was not done in the time before; else, how long until it may be.
    pub(crate) fn saves(&self, at: Instant, every: Duration) -> Result<(), Duration> {
        let mut now = self.now();
        let wait = now.saved_at.map_or(Duration::ZERO, |saved| every.saturating_sub(at - saved));
        if wait.is_zero() {
            now.saved_at = Some(at);
            Ok(())
        } else {
            Err(wait)
        }
    }

    /// The progress to be stored, if it is not.
    pub(crate) fn take_unsaved_progress(&self) -> Option<ProgressWrite> {
        let mut now = self.now();
        std::mem::take(&mut now.progress_unsaved).then(|| ProgressWrite {
            id: self.id,
            token: self.token,
            progress: now.record.progress.clone(),
            label: now.record.label.clone(),
            rev: Rev { version: now.record.machine.version, tick: now.tick },
        })
    }

    /// The log lines to be stored; the caller holds the log lane.
    pub(crate) fn take_unsaved_log(&self) -> Vec<LogLine> {
        let mut now = self.now();
        now.log.unsaved_bytes = 0;
        now.log.sent = now.log.last_seq;
        std::mem::take(&mut now.log.unsaved)
    }

    /// The lines that were taken are stored, and may be told.
    pub(crate) fn log_stored(&self) {
        let mut now = self.now();
        now.log.stored = now.log.sent;
    }

    /// The last lines to be stored, with one that says how many were dropped.
    pub(crate) fn take_last_log(&self) -> Vec<LogLine> {
        {
            let mut now = self.now();
            let dropped = std::mem::take(&mut now.log.dropped);
            if dropped > 0 {
                let text =
                    format!("{dropped} lines dropped: the log of a task holds 100,000 lines and 16 MB");
                now.log.push(self.clock.now(), LogLevel::Warn, self.attempt, text, self.tail_lines);
            }
        }
        self.take_unsaved_log()
    }

    /// Puts back lines that could not be stored.
    pub(crate) fn put_back_log(&self, mut lines: Vec<LogLine>) {
        let mut now = self.now();
        lines.append(&mut now.log.unsaved);
        now.log.unsaved_bytes = lines.iter().map(|line| line.text.len()).sum();
        now.log.unsaved = lines;
        now.log.sent = now.log.stored;
    }

    /// The stored lines after `since`, if all of them are still in memory, and none is on its way to the store: then
    /// only the store knows which it has.
    pub(crate) fn log_since(&self, since: u64, limit: usize) -> Option<LogPage> {
        let now = self.now();
        let log = &now.log;
        let covered = since >= log.stored || log.tail.front().is_some_and(|first| first.seq <= since + 1);
        (covered && log.sent == log.stored).then(|| {
            let stored = |line: &&LogLine| line.seq > since && line.seq <= log.stored;
            let lines: Vec<_> = log.tail.iter().filter(stored).take(limit).cloned().collect();
            let last_seq = lines.last().map_or(since, |line| line.seq);
            LogPage { lines, last_seq, more: last_seq < log.stored }
        })
    }

    /// The last stored line, if none is on its way to the store.
    pub(crate) fn last_log_seq(&self) -> Option<u64> {
        let now = self.now();
        (now.log.sent == now.log.stored).then_some(now.log.stored)
    }
}

impl LogBuffer {
    fn push(&mut self, at: Timestamp, level: LogLevel, attempt: u32, text: String, tail_lines: usize) {
        self.last_seq += 1;
        self.written += 1;
        self.bytes += text.len();
        self.unsaved_bytes += text.len();
        let line = LogLine { seq: self.last_seq, at, level, attempt, text };
        if self.tail.len() >= tail_lines.max(1) {
            self.tail.pop_front();
        }
        self.tail.push_back(line.clone());
        self.unsaved.push(line);
    }
}

fn cut(text: &str) -> String {
    let text = text.trim_end_matches(['\n', '\r']);
    if text.len() <= LINE_BYTES {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LINE_BYTES);
    format!("{} … [{} bytes cut]", &text[..end], text.len() - end)
}
