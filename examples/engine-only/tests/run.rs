//! Runs the program twice on one file, and looks at what it says.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::path::Path;
use std::process::Command;

/// What the program says of itself, line by line.
fn run(file: &Path) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_example-engine-only")).arg(file).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said.lines().map(str::to_owned).collect()
}

/// What is said each time. Of the progress there are as many lines as were heard; the last one is always heard.
fn facts(said: &[String]) -> Vec<&str> {
    let is_fact = |line: &&str| !line.starts_with("counting: ") || line.ends_with(" completed, 100 %");
    said.iter().map(String::as_str).filter(is_fact).collect()
}

#[test]
fn what_a_run_starts_is_followed_cancelled_retried_and_left_to_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.db");
    let ways = [
        "counting: completed, 100 %",
        "counted: 26 words in 4 lines",
        "letter: attempt 1 failed, attempt 2 runs",
        "letter: cancelled",
        "letter: attempt 3 brought it to ann@example.org",
        "left to the next run, with a line counted",
        "shut down",
    ];

    let first = run(&file);
    let first = facts(&first);
    assert_eq!(first[0], "nothing was left to do");
    assert_eq!(first[1..], ways);

    let second = run(&file);
    let second = facts(&second);
    let lines = second[0].strip_prefix("left over: 26 words, counted on after ").unwrap_or(second[0]);
    let lines: usize =
        lines.trim_end_matches(" lines").parse().expect("how many lines the first run counted");
    assert!((1..4).contains(&lines), "{second:?}");
    assert_eq!(second[1..], ways);
}
