//! Counts tests in what the runners print.

/// How many tests a runner says have passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// nextest's last word: `Summary [ 0.2s] 12 tests run: 12 passed (1 slow), 3 skipped`.
pub(crate) fn nextest(said: &str) -> Count {
    let summary = said.lines().rev().find(|line| line.trim_start().starts_with("Summary ["));
    summary.map(in_line).unwrap_or_default()
}

/// cargo test's, one for each binary or crate: `test result: ok. 3 passed; 0 failed; 1 ignored; ..`.
pub(crate) fn cargo_test(said: &str) -> Count {
    let mut sum = Count::default();
    for line in said.lines().filter(|line| line.starts_with("test result:")) {
        sum += in_line(line);
    }
    sum
}

/// Playwright's, each on its own line: `  12 passed (5.1s)`, `  1 failed`, `  2 skipped`, `  1 flaky`.
pub(crate) fn playwright(said: &str) -> Count {
    let mut sum = Count::default();
    for line in said.lines() {
        let mut words = line.split_whitespace();
        let starts_as_one = words.next().is_some_and(|word| word.parse::<u64>().is_ok())
            && words.next().is_some_and(|word| ["passed", "failed", "skipped", "flaky"].contains(&word));
        if starts_as_one {
            sum += in_line(line);
        }
    }
    sum
}

/// Each number that stands before a word we know. A flaky test counts as failed: it is a bug.
fn in_line(line: &str) -> Count {
    let mut count = Count::default();
    let words: Vec<&str> = line.split_whitespace().collect();
    for pair in words.windows(2) {
        let Ok(number) = pair[0].parse::<u64>() else { continue };
        match pair[1].trim_matches(|c: char| !c.is_ascii_alphabetic()) {
            "passed" => count.passed += number,
            "failed" | "flaky" => count.failed += number,
            "skipped" | "ignored" => count.skipped += number,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_is_counted_by_its_summary() {
        let said = "    Starting 12 tests across 2 binaries\n  3 passed in between\n\
                    ------------\n     Summary [   0.212s] 12 tests run: 12 passed (1 slow), 3 skipped\n";
        assert_eq!(nextest(said), Count { passed: 12, failed: 0, skipped: 3 });
        let failed = "     Summary [   1.2s] 5 tests run: 3 passed, 2 failed, 0 skipped\n";
        assert_eq!(nextest(failed), Count { passed: 3, failed: 2, skipped: 0 });
        assert_eq!(nextest("nothing"), Count::default());
    }

    #[test]
    fn every_result_of_cargo_test_is_added() {
        let said = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
                    test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(cargo_test(said), Count { passed: 7, failed: 0, skipped: 1 });
    }

    #[test]
    fn playwright_is_counted_by_its_last_lines_and_not_by_titles() {
        let said = "Running 14 tests using 2 workers\n  ok 1 [chromium] > a.spec.ts:3:1 > 5 passed the door (1s)\n\
                    \n  1 flaky\n  1 skipped\n  12 passed (5.1s)\n";
        assert_eq!(playwright(said), Count { passed: 12, failed: 1, skipped: 1 });
    }
}
