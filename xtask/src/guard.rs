//! Ends the programs that we started when we end, whatever the reason.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::POLL;

/// What a program is to us: this decides how it is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// SIGTERM, and more time than a server's own grace (`TASK_GRACE`, 10 s).
    Server,
    /// As Ctrl-C would: Playwright then closes its workers and browsers, which SIGTERM would leave behind.
    Command,
    /// The leader of a process group of its own, which is ended as a whole.
    Group,
}

impl Kind {
    /// The signals in their order, each with the seconds that it is given. SIGKILL comes after the last.
    fn signals(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Server => &[("TERM", 15)],
            Self::Command => &[("INT", 5), ("TERM", 5)],
            Self::Group => &[("TERM", 2)],
        }
    }
}

/// A program that is ended with us.
pub(crate) struct Guard {
    pub(crate) child: Child,
    kind: Kind,
}

impl Guard {
    pub(crate) fn new(child: Child, kind: Kind) -> Self {
        Self { child, kind }
    }

    /// Ends the program if it still runs. Safe to call twice.
    pub(crate) fn end(&mut self) {
        if self.has_ended() {
            return;
        }
        for (signal, seconds) in self.kind.signals() {
            self.signal(signal);
            let deadline = Instant::now() + Duration::from_secs(*seconds);
            while Instant::now() < deadline {
                if self.has_ended() {
                    return;
                }
                thread::sleep(POLL);
            }
        }
        self.signal("KILL");
        // Also where there is no shell to send it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id();
        let target = if self.kind == Kind::Group { format!("-{id}") } else { id.to_string() };
        // The shell's own `kill`: small images have no other, and calling the system's would need `unsafe`.
        let _ = Command::new("sh")
            .args(["-c", "kill -s \"$0\" -- \"$1\"", signal, &target])
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::process::{CommandExt, ExitStatusExt};

    use super::*;
    use crate::process::{capture, spawn};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn every_kind_of_program_is_ended_when_its_guard_is_dropped() {
        for kind in [Kind::Server, Kind::Command, Kind::Group] {
            let mut command = shell("exec sleep 60");
            if kind == Kind::Group {
                command.process_group(0);
            }
            let child = spawn(command.stdin(Stdio::null())).expect("it starts");
            let pid = child.id().to_string();
            drop(Guard::new(child, kind));
            assert!(capture(&mut shell(&format!("kill -0 {pid}"))).is_err(), "{kind:?}");
        }
    }

    #[test]
    fn a_program_that_ignores_the_first_signal_gets_the_next() {
        let mut command = shell("trap '' INT; echo ready; exec sleep 60");
        let mut child = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped())).expect("it starts");
        let mut ready = [0; 5];
        child.stdout.take().expect("a pipe").read_exact(&mut ready).expect("it says so");
        let mut guard = Guard::new(child, Kind::Command);
        guard.end();
        let status = guard.child.wait().expect("it ended");
        assert_eq!(status.signal(), Some(15));
    }
}
