//! Builds the server, starts it, waits until it is healthy, stops it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::guard::{Guard, Kind};
use crate::process::{self, Interrupted, Show};
use crate::progress::Progress;
use crate::site::{self, Mode, Sizes};
use crate::workspace::Workspace;

/// A new database, migrations and all, takes well under a second; a machine under load gets more.
const HEALTHY_WITHIN: Duration = Duration::from_secs(30);

/// What `run`, `bench` and `dist` start from: the release binary with the site inside.
pub(crate) struct Release {
    pub(crate) binary: PathBuf,
    pub(crate) sizes: Sizes,
}

/// Builds the site and then the server that embeds it.
pub(crate) fn build_release(workspace: &Workspace, progress: &Progress) -> Result<Release> {
    let sizes = site::build(workspace, progress, Mode::Release)?;
    progress.step("building the server", || {
        let mut cargo =
            workspace.cargo(["build", "-p", "taskdeck-server", "--release", "--features", "embed"]);
        process::run(progress, &mut cargo, Show::OnFailure)
    })?;
    Ok(Release { binary: binary(workspace, "release"), sizes })
}

/// Builds the server that reads the site from `TASKDECK_SITE`.
pub(crate) fn build_dev(workspace: &Workspace, progress: &Progress) -> Result<()> {
    progress.step("building the server", || {
        process::run(progress, &mut workspace.cargo(["build", "-p", "taskdeck-server"]), Show::OnFailure)
    })?;
    Ok(())
}

/// What [`build_dev`] built, or the tests of the workspace, which some tests start it for.
pub(crate) fn dev_binary(workspace: &Workspace) -> PathBuf {
    binary(workspace, "debug")
}

fn binary(workspace: &Workspace, profile: &str) -> PathBuf {
    workspace.target().join(profile).join("taskdeck")
}

/// A server that ends with us.
pub(crate) struct Server {
    guard: Guard,
    address: SocketAddr,
}

impl Server {
    /// Starts the server and returns once `GET /health` answers 200 at `address`.
    pub(crate) fn start(command: &mut Command, address: SocketAddr) -> Result<Self> {
        let child = process::spawn(command)?;
        let mut server = Self { guard: Guard::new(child, Kind::Server), address };
        let deadline = Instant::now() + HEALTHY_WITHIN;
        while !server.is_healthy() {
            if let Some(status) = server.ended()? {
                bail!("the server ended before it was healthy ({status})");
            }
            if process::stopped() {
                bail!(Interrupted);
            }
            if Instant::now() > deadline {
                bail!("the server at http://{address} was not healthy within {} s", HEALTHY_WITHIN.as_secs());
            }
            thread::sleep(process::POLL);
        }
        Ok(server)
    }

    /// Whether the server ended by itself.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.guard.child.try_wait()?)
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) {
        self.guard.end();
    }

    fn is_healthy(&self) -> bool {
        status_of(self.address, "/health").is_ok_and(|status| status == 200)
    }
}

/// The status of a GET, by the plainest HTTP there is.
fn status_of(address: SocketAddr, path: &str) -> Result<u16> {
    let wait = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, wait)?;
    stream.set_read_timeout(Some(wait))?;
    stream.set_write_timeout(Some(wait))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    // "HTTP/1.1 200" is all that is wanted.
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    let head = std::str::from_utf8(&head)?;
    head.get(9..).and_then(|code| code.parse().ok()).with_context(|| format!("not HTTP: {head:?}"))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use super::*;

    /// An address on loopback that nobody listens at.
    fn free_address() -> Result<SocketAddr> {
        Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
    }

    #[test]
    fn the_status_of_an_answer_is_read() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            // Whole, since what is not read when it is closed takes the answer along.
            let lines = BufReader::new(&stream).lines().map(|line| line.expect("a line"));
            let request: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            write!(stream, "HTTP/1.1 503 Service Unavailable\r\n\r\n").expect("an answer");
            request
        });
        assert_eq!(status_of(address, "/health").expect("an answer"), 503);
        assert_eq!(answering.join().expect("no panic")[0], "GET /health HTTP/1.1");
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        let error = Server::start(&mut command, free_address().expect("a port")).err().expect("it ended");
        assert!(error.to_string().contains("ended before it was healthy (exit status: 3)"), "{error}");
    }
}
