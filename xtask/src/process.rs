//! Runs other programs: tells what they say, bounds their time, ends them when we are told to end.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::guard::{Guard, Kind};
use crate::progress::Progress;

/// How often a wait looks for the end of the program and for Ctrl-C.
pub(crate) const POLL: Duration = Duration::from_millis(50);
/// How long output is awaited from a program's own children once it has ended.
const DRAIN: Duration = Duration::from_secs(2);

static STOP: AtomicBool = AtomicBool::new(false);

/// The error of a command that ended because we were told to end.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Whose output is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// All of it, line by line as it comes.
    Always,
    /// All of it, but only when the program fails.
    OnFailure,
    /// None of it: failing is an answer too.
    Never,
}

/// Makes Ctrl-C, SIGTERM and SIGHUP end the wait under way, so that guards can end what they started.
/// A second one ends us at once.
pub(crate) fn stop_on_signals() -> Result<()> {
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })
    .context("cannot listen for Ctrl-C")
}

/// Ends what runs, as Ctrl-C does: for when another part of the work has failed.
pub(crate) fn stop() {
    STOP.store(true, Ordering::SeqCst);
}

/// Whether we were told to end.
pub(crate) fn stopped() -> bool {
    STOP.load(Ordering::SeqCst)
}

/// Runs a program to its end and returns what it said on both streams, without colours.
///
/// # Errors
/// When it cannot be started, ends with anything but 0, or we are told to end.
pub(crate) fn run(progress: &Progress, command: &mut Command, show: Show) -> Result<String> {
    run_until(progress, command, show, None)
}

/// As [`run`], but the program and all that it started are killed after `limit`.
pub(crate) fn run_within(
    progress: &Progress,
    command: &mut Command,
    show: Show,
    limit: Duration,
) -> Result<String> {
    // A group of its own, so that a download it forked ends with it.
    command.process_group(0);
    run_until(progress, command, show, Some(limit))
}

fn run_until(
    progress: &Progress,
    command: &mut Command,
    show: Show,
    limit: Option<Duration>,
) -> Result<String> {
    if progress.live() && std::env::var_os("NO_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always").env("FORCE_COLOR", "1");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Guard::new(spawn(command)?, if limit.is_some() { Kind::Group } else { Kind::Command });
    let lines = lines_of(&mut child.child);

    let deadline = limit.map(|limit| (Instant::now() + limit, limit));
    let mut said = String::new();
    let mut ended: Option<(ExitStatus, Instant)> = None;
    let mut open = true;
    loop {
        match if open { lines.recv_timeout(POLL) } else { Err(RecvTimeoutError::Disconnected) } {
            Ok(line) => {
                let plain = strip_ansi(&line);
                match show {
                    Show::Always => progress.raw(&line),
                    Show::OnFailure | Show::Never => progress.note(&plain),
                }
                said.push_str(&plain);
                said.push('\n');
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if open => open = false,
            Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL),
        }
        if ended.is_none() {
            ended = child.child.try_wait()?.map(|status| (status, Instant::now()));
        }
        if let Some((status, at)) = ended
            && (!open || at.elapsed() > DRAIN)
        {
            return conclude(progress, command, show, status, said);
        }
        if stopped() {
            bail!(Interrupted);
        }
        if let Some((at, limit)) = deadline
            && Instant::now() > at
        {
            bail!("`{}` took longer than {} s", name_of(command), limit.as_secs());
        }
    }
}

fn conclude(
    progress: &Progress,
    command: &Command,
    show: Show,
    status: ExitStatus,
    said: String,
) -> Result<String> {
    if status.success() {
        return Ok(said);
    }
    // Ctrl-C reaches the program too, and it may have ended before we looked.
    if stopped() {
        bail!(Interrupted);
    }
    if show == Show::OnFailure {
        for line in said.lines().filter(|line| !is_chatter(line)) {
            progress.raw(line);
        }
    }
    bail!("`{}` failed ({status})", name_of(command))
}

/// Cargo's account of what it does: of no use once it failed.
fn is_chatter(line: &str) -> bool {
    ["Compiling ", "Checking ", "Downloading ", "Downloaded ", "Fresh ", "Locking ", "Updating "]
        .iter()
        .any(|word| line.trim_start().starts_with(word))
}

/// Runs a short program and returns its stdout.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", name_of(command), output.status, said.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` did not print text", name_of(command)))
}

/// Starts a program; says which one when that fails.
pub(crate) fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|error| cannot_start(command, &error))
}

/// The command as a person would type it.
pub(crate) fn name_of(command: &Command) -> String {
    let mut name = command.get_program().to_string_lossy().rsplit('/').next().unwrap_or_default().to_owned();
    for arg in command.get_args() {
        name.push(' ');
        name.push_str(&arg.to_string_lossy());
    }
    name
}

pub(crate) fn cannot_start(command: &Command, error: &std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    match (error.kind(), program.as_ref()) {
        (ErrorKind::NotFound, "node" | "npm") => {
            anyhow!("`{program}` is not installed: install Node.js 20 or newer")
        }
        (ErrorKind::NotFound, _) => anyhow!("`{program}` is not installed"),
        _ => anyhow!("cannot start `{}`: {error}", name_of(command)),
    }
}

/// Both streams as lines. The channel is bounded: when we are slow, the readers and then the program wait.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = sync_channel(256);
    if let Some(out) = child.stdout.take() {
        read_lines(out, sender.clone());
    }
    if let Some(err) = child.stderr.take() {
        read_lines(err, sender);
    }
    receiver
}

fn read_lines(stream: impl Read + Send + 'static, sender: SyncSender<String>) {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
}

/// Takes out colours and other escape sequences (`ESC [ .. letter`), so that a line can be read by a program.
pub(crate) fn strip_ansi(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            plain.push(c);
        } else if chars.next() == Some('[') {
            chars.by_ref().find(char::is_ascii_alphabetic);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(strip_ansi("\u{1b}[1;32m12 passed\u{1b}[0m (5s)"), "12 passed (5s)");
    }

    #[test]
    fn what_a_program_says_on_both_streams_is_returned() {
        let said = run(&Progress::new(), &mut shell("echo one; echo two >&2"), Show::Never).expect("it runs");
        assert!(said.contains("one\n") && said.contains("two\n"), "{said}");
    }

    #[test]
    fn a_failing_program_is_named_with_its_exit_code() {
        let error = run(&Progress::new(), &mut shell("exit 7"), Show::Never).expect_err("it fails");
        assert!(error.to_string().contains("`sh -c exit 7` failed (exit status: 7)"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = spawn(&mut Command::new("no-such-program-here")).expect_err("it is not there");
        assert_eq!(error.to_string(), "`no-such-program-here` is not installed");
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_what_it_started() {
        let mut command = shell("sleep 60 & wait");
        let before = Instant::now();
        let limit = Duration::from_millis(200);
        let error =
            run_within(&Progress::new(), &mut command, Show::Never, limit).expect_err("it is too slow");
        assert!(error.to_string().contains("took longer than"), "{error}");
        assert!(before.elapsed() < Duration::from_secs(10));
    }
}
