//! Prints step names with the time since the start.
//!
//! On a terminal the steps under way are one line that ticks, with the last thing their commands said;
//! elsewhere (a file, a CI log) each step is a plain line when it begins and one when it ends.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process;

/// How often the line of the step under way is drawn again.
const TICK: Duration = Duration::from_millis(100);
/// A line longer than this would wrap, and a wrapped line cannot be drawn over.
const WIDTH: usize = 96;

/// The voice of xtask. Cheap to clone; all clones write to the same stderr.
#[derive(Clone)]
pub(crate) struct Progress {
    shared: Arc<Shared>,
}

struct Shared {
    started: Instant,
    live: bool,
    /// The steps under way: one a thread.
    current: Mutex<Vec<Step>>,
}

struct Step {
    of: ThreadId,
    name: String,
    since: Instant,
    note: String,
}

impl Progress {
    /// Starts the clock.
    pub(crate) fn new() -> Self {
        let live = std::io::stderr().is_terminal();
        let shared = Arc::new(Shared { started: Instant::now(), live, current: Mutex::new(Vec::new()) });
        if live {
            tick(Arc::downgrade(&shared));
        }
        Self { shared }
    }

    /// Whether a person watches; then commands are asked for colours.
    pub(crate) fn live(&self) -> bool {
        self.shared.live
    }

    /// Does `work` as a named step. Steps do not nest, but threads have each their own. After Ctrl-C no further step begins.
    pub(crate) fn step<T>(&self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        if process::stopped() {
            bail!(process::Interrupted);
        }
        let since = Instant::now();
        let of = thread::current().id();
        self.lock().push(Step { of, name: name.to_owned(), since, note: String::new() });
        if !self.shared.live {
            self.line(name);
        }
        let outcome = work();
        self.lock().retain(|step| step.of != of);
        let took = seconds(since.elapsed());
        self.line(&match &outcome {
            Ok(_) => format!("{name}: done in {took}"),
            Err(_) if process::stopped() => format!("{name}: stopped after {took}"),
            Err(_) => format!("{name}: FAILED after {took}"),
        });
        outcome
    }

    /// What this thread's step is at; only the ticking line shows it.
    pub(crate) fn note(&self, text: &str) {
        let of = thread::current().id();
        if let Some(step) = self.lock().iter_mut().find(|step| step.of == of) {
            text.trim().clone_into(&mut step.note);
        }
    }

    /// Prints a line that stays, with the time before it.
    pub(crate) fn line(&self, text: &str) {
        self.raw(&format!("{} {text}", self.shared.stamp()));
    }

    /// Prints a line that stays as it is: what a command said.
    pub(crate) fn raw(&self, text: &str) {
        let current = self.lock();
        let mut err = std::io::stderr().lock();
        // A closed stderr is nothing to fail over: the exit code still tells.
        let _ = if self.shared.live { writeln!(err, "\r\x1b[2K{text}") } else { writeln!(err, "{text}") };
        drop(err);
        self.shared.draw(&current);
    }

    /// Time since the start, for the last line.
    pub(crate) fn total(&self) -> String {
        seconds(self.shared.started.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Step>> {
        self.shared.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn stamp(&self) -> String {
        format!("[{:>6}]", seconds(self.started.elapsed()))
    }

    fn draw(&self, current: &[Step]) {
        if !self.live || current.is_empty() {
            return;
        }
        let steps = current.iter().map(|step| {
            let text = format!("{} {}", step.name, seconds(step.since.elapsed()));
            if step.note.is_empty() { text } else { format!("{text} · {}", step.note) }
        });
        let text = format!("{} {}", self.stamp(), steps.collect::<Vec<_>>().join(" | "));
        let text: String = text.chars().take(WIDTH).collect();
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "\r\x1b[2K{text}").and_then(|()| err.flush());
    }
}

/// Draws the step under way until the last `Progress` is gone.
fn tick(shared: Weak<Shared>) {
    thread::spawn(move || {
        while let Some(shared) = shared.upgrade() {
            shared.draw(&shared.current.lock().unwrap_or_else(PoisonError::into_inner));
            drop(shared);
            thread::sleep(TICK);
        }
    });
}

/// `12.3s` below a minute hundred, whole seconds above: the digits that mean something.
fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1000.0 { format!("{seconds:.1}s") } else { format!("{seconds:.0}s") }
}

/// A size as a person reads it: `512 B`, `178.1 KB`, `31.0 MB` (powers of 1000).
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} KB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_powers_of_a_thousand() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(178_122), "178.1 KB");
        assert_eq!(size(31_053_850), "31.0 MB");
    }

    #[test]
    fn long_times_lose_their_fraction() {
        assert_eq!(seconds(Duration::from_millis(12_340)), "12.3s");
        assert_eq!(seconds(Duration::from_secs(1_234)), "1234s");
    }

    #[test]
    fn a_step_hands_on_what_its_work_returns() {
        let progress = Progress::new();
        assert_eq!(progress.step("adding", || Ok(2 + 2)).expect("the work succeeds"), 4);
        assert!(progress.step("failing", || -> Result<()> { bail!("no") }).is_err());
    }
}
