//! Processes that are really killed and stopped: the test runs itself again as a child, through an ignored test.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which are to panic")]

mod check;
mod child;
mod work;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use child::Part;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use taskdeck_engine::{BuildError, Deck};

const FOLDER: &str = "TASKDECK_TEST_CRASH_FOLDER";
const PART: &str = "TASKDECK_TEST_CRASH_PART";

/// From the start of a process until all that the one before left running runs again.
const RECOVERY: Duration = Duration::from_secs(5);
/// How long the last process may work at what is left.
const REST: Duration = Duration::from_secs(120);

/// A process that works on the deck in a folder.
struct Worker {
    process: Child,
    said: Receiver<String>,
}

impl Worker {
    fn spawn(folder: &Path, part: Part) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "crash::the_process_that_is_killed", "--ignored", "--nocapture"]);
        command.env(FOLDER, folder).env(PART, format!("{part:?}")).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (tell, said) = channel();
        // Ends with the process's output.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(what) = line.strip_prefix("crash: ") {
                    drop(tell.send(what.to_owned()));
                }
            }
        });
        Self { process, said }
    }

    /// What the process says next, if it is this.
    fn says(&self, what: &str, within: Duration) -> String {
        match self.said.recv_timeout(within) {
            Ok(said) if said.starts_with(what) => said,
            other => panic!("{other:?} instead of {what:?} within {within:?}"),
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().try_into().unwrap()), signal).unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
#[ignore = "is run by the tests of this file, as the process that they kill"]
fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let part = std::env::var(PART).unwrap();
    let parts = [Part::Until, Part::Whole, Part::Rest];
    let part = parts.into_iter().find(|known| format!("{known:?}") == part).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap();
    runtime.block_on(child::run(Path::new(&folder), part));
}

/// A random number below `below`.
fn chance(below: u128) -> u64 {
    u64::try_from(uuid::Uuid::new_v4().as_u128() % below).unwrap()
}

#[test]
fn every_acknowledged_start_ends_exactly_once_though_its_process_is_killed_again_and_again() {
    let kills = if std::env::var_os("TASKDECK_SOAK").is_some() { 120 } else { 5 };
    let folder = tempfile::tempdir().unwrap();
    let mut recoveries = Vec::new();
    let mut recovered = |worker: &Worker| {
        let said = worker.says("recovered", RECOVERY + Duration::from_secs(10));
        let numbers: Vec<u64> = said.split(' ').skip(1).map(|number| number.parse().unwrap()).collect();
        let [millis, running] = numbers[..] else { panic!("{said}") };
        let took = Duration::from_millis(millis);
        assert!(took < RECOVERY, "{running} tasks ran again after {took:?}");
        if running > 0 {
            recoveries.push(took);
        }
    };
    for kill in 0..kills {
        let mut worker = Worker::spawn(folder.path(), Part::Until);
        // Some die while they open the store and rescue.
        let early = kill % 4 == 3;
        if !early {
            recovered(&worker);
        }
        // Not to wait for something, but to hit it anywhere.
        std::thread::sleep(Duration::from_micros(chance(if early { 60_000 } else { 700_000 })));
        worker.process.kill().unwrap();
        worker.process.wait().unwrap();
    }
    let began = Instant::now();
    let last = Worker::spawn(folder.path(), Part::Rest);
    recovered(&last);
    last.says("done", REST);
    let rest = began.elapsed();
    let found = check::check(folder.path());
    recoveries.sort_unstable();
    let (median, longest) = (recoveries.get(recoveries.len() / 2), recoveries.last());
    eprintln!(
        "{kills} kills, {} tasks, {} acknowledged starts, {} interrupted attempts; recovery p50 {median:?}, max \
         {longest:?}; the rest took {rest:?}",
        found.tasks, found.acknowledged, found.interrupted_attempts,
    );
    assert!(found.interrupted_attempts > 0, "no kill hit a running task");
}

#[tokio::test]
async fn a_process_that_is_stopped_keeps_its_store_and_goes_on_as_if_nothing_had_been() {
    let folder = tempfile::tempdir().unwrap();
    let worker = Worker::spawn(folder.path(), Part::Whole);
    worker.says("recovered", RECOVERY);
    for _ in 0..3 {
        std::thread::sleep(Duration::from_micros(chance(100_000)));
        worker.signal(Signal::SIGSTOP);
        // For longer than its lease, nobody else gets the store.
        let stopped = Instant::now();
        while stopped.elapsed() < child::LEASE * 2 {
            let second = Deck::builder().sqlite(folder.path().join("deck.db")).build().await;
            let Err(BuildError::Held { holder, .. }) = second else { panic!("{second:?}") };
            assert_eq!(holder, format!("process {}", worker.process.id()));
        }
        worker.signal(Signal::SIGCONT);
    }
    worker.says("all is started", REST);
    worker.says("done", REST);
    let found = check::check(folder.path());
    assert_eq!(found.interrupted_attempts, 0, "nobody was taken for dead");
    assert!(found.tasks >= 1_000);
}
