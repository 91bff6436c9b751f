//! Child processes of a task: their output is the task's log, and they go when the task goes.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use taskdeck_core::{LogLevel, TaskError};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::context::TaskContext;

/// A longer line of output is cut.
const LINE_BYTES: usize = 8 * 1024;
/// How long output is read after the process has ended: something that it started may hold its pipes open.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// A child process in the making. It runs in a process group of its own, so that a cancel reaches whatever it starts.
#[derive(Debug)]
pub struct TaskCommand {
    ctx: TaskContext,
    command: Command,
    program: String,
}

impl TaskContext {
    /// A program to be run, with its arguments one by one: no shell reads them.
    ///
    /// Its standard output becomes lines of the task's log, its standard error warnings. When the task is asked to
    /// stop, the whole process group gets SIGTERM, and SIGKILL when three quarters of the grace time are over; when
    /// the body is aborted, SIGKILL at once.
    ///
    /// ```no_run
    /// # async fn body(ctx: taskdeck_engine::TaskContext) -> Result<(), taskdeck_core::TaskError> {
    /// ctx.command("gzip").arg("--keep").arg("report.csv").checked().await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> TaskCommand {
        let mut command = Command::new(&program);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let program = program.as_ref().to_string_lossy().into_owned();
        TaskCommand { ctx: self.clone(), command, program }
    }
}

impl TaskCommand {
    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Begins with an empty environment.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.command.env_clear();
        self
    }

    /// Sets the directory that it runs in.
    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it to its end; an exit status other than success is an error.
    ///
    /// # Errors
    /// As [`TaskCommand::run`]; and when it does not succeed (a permanent error with the code `exit_status`).
    pub async fn checked(self) -> Result<(), TaskError> {
        let program = self.program.clone();
        let status = self.run().await?;
        if status.success() {
            return Ok(());
        }
        Err(TaskError::permanent(format!("{program} ended with {status}")).code("exit_status"))
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it cannot be started, and when the task was asked to stop (the process has ended then).
    pub async fn run(mut self) -> Result<ExitStatus, TaskError> {
        let mut child = self.command.spawn().map_err(|error| {
            TaskError::permanent(format!("cannot run {}: {error}", self.program)).code("cannot_run")
        })?;
        let mut group = Group::of(&child);
        let out = child.stdout.take().map(|pipe| copy_lines(pipe, self.ctx.clone(), LogLevel::Info));
        let err = child.stderr.take().map(|pipe| copy_lines(pipe, self.ctx.clone(), LogLevel::Warn));
        let output = futures::future::join(optional(out), optional(err));
        tokio::pin!(output);
        let mut read = false;
        let mut asked = false;
        let kill = tokio::time::sleep(Duration::MAX);
        tokio::pin!(kill);
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                _ = &mut output, if !read => read = true,
                () = self.ctx.cancelled(), if !asked => {
                    asked = true;
                    group.terminate();
                    kill.as_mut().reset(tokio::time::Instant::now() + self.ctx.grace() * 3 / 4);
                }
                () = &mut kill, if asked => {
                    group.kill();
                    kill.as_mut().reset(tokio::time::Instant::now() + self.ctx.grace());
                }
            }
        };
        // What the process left running goes with it.
        group.kill();
        group.ended();
        if !read {
            drop(tokio::time::timeout(LAST_OUTPUT, output).await);
        }
        if asked {
            return Err(TaskError::transient(format!("{} was asked to stop", self.program)).code("cancelled"));
        }
        Ok(status)
    }
}

async fn optional(work: Option<impl Future<Output = ()>>) {
    if let Some(work) = work {
        work.await;
    }
}

/// Writes what comes out of a pipe to the task's log, line by line.
async fn copy_lines(mut pipe: impl AsyncRead + Unpin, ctx: TaskContext, level: LogLevel) {
    let mut buffer = vec![0; LINE_BYTES];
    let mut line: Vec<u8> = Vec::new();
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        for part in buffer[..read].split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") || line.len() >= LINE_BYTES {
                ctx.log_line(level, &String::from_utf8_lossy(&line));
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        ctx.log_line(level, &String::from_utf8_lossy(&line));
    }
}

/// The process group of a child; killed when it is dropped before the child has ended.
#[derive(Debug)]
struct Group(Option<i32>);

impl Group {
    fn of(child: &tokio::process::Child) -> Self {
        // The child leads its group, so the group has its id.
        Self(child.id().and_then(|id| i32::try_from(id).ok()))
    }

    fn terminate(&self) {
        self.signal(Signal::Term);
    }

    fn kill(&self) {
        self.signal(Signal::Kill);
    }

    fn ended(&mut self) {
        self.0 = None;
    }

    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        use nix::sys::signal::{Signal as Unix, killpg};
        let signal = match signal {
            Signal::Term => Unix::SIGTERM,
            Signal::Kill => Unix::SIGKILL,
        };
        if let Some(id) = self.0 {
            // A group that is gone needs no signal.
            killpg(nix::unistd::Pid::from_raw(id), signal).ok();
        }
    }

    /// Elsewhere there are no groups; the child itself is killed when it is dropped.
    #[cfg(not(unix))]
    fn signal(&self, _: Signal) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[derive(Clone, Copy, Debug)]
enum Signal {
    Term,
    Kill,
}
