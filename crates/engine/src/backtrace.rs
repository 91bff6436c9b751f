//! Backtraces as text, without what every one of them has in common.

use std::backtrace::Backtrace;

/// The longest that is kept.
const LONGEST_BYTES: usize = 16 * 1024;
/// How many frames there are at the most between the fault and who looks at the stack.
const MOST_ABOVE: usize = 16;

/// Runs the code of a body. The function's name is where its backtrace ends: from here on all are the same.
#[inline(never)]
pub(crate) fn taskdeck_runs_the_body<R>(code: impl FnOnce() -> R) -> R {
    let done = code();
    // The call must not be the last thing here, or the frame would be reused.
    std::hint::black_box(());
    done
}

const END: &str = "taskdeck_runs_the_body";

/// The crates that run a body: their frames say nothing of it.
const OTHERS: [&str; 8] = [
    "core::",
    "std::",
    "alloc::",
    "__rustc::",
    "tokio::",
    "futures_util::",
    "taskdeck_engine::",
    "taskdeck_core::",
];
/// Where their sources are, for frames of inlined functions, which have a bare name.
const SOURCES: [&str; 3] = ["/rustc/", "/rustlib/src/", "/tokio-1."];

/// The backtrace from the fault to the task's body; none when the program's own code is not in it, as it may be where all
/// of it is inlined.
pub(crate) fn shown(of: &Backtrace) -> Option<String> {
    Some(cut(&of.to_string())).filter(|shown| !shown.is_empty())
}

/// A frame: its line, and the line that says where it is, if there is one.
struct Frame<'a> {
    lines: Vec<&'a str>,
    /// Without type arguments, which name all kinds of things.
    name: String,
}

impl Frame<'_> {
    /// Whether it is of a crate that runs bodies, and not of the program.
    fn is_of_others(&self) -> bool {
        let [first, places @ ..] = self.lines.as_slice() else { return true };
        let name = first.split_once(": ").map_or(*first, |(_, name)| name);
        // `<tokio::task::Core<T> as core::future::Future>::poll`; our own tests are bodies too.
        let is_named = OTHERS.iter().any(|other| name.trim_start_matches(['<', '&', '(']).starts_with(other));
        (is_named && !name.contains("::tests::"))
            || places.iter().any(|place| SOURCES.iter().any(|source| place.contains(source)))
    }
}

/// Leaves out the frames around the body's. Without the names of frames (a stripped program) all are shown.
fn cut(text: &str) -> String {
    let mut frames: Vec<Frame<'_>> = Vec::new();
    for line in text.lines() {
        match frames.last_mut() {
            Some(frame) if line.trim_start().starts_with("at ") => frame.lines.push(line),
            _ => {
                let (_, name) = line.split_once(": ").unwrap_or(("", line));
                frames.push(Frame { lines: vec![line], name: without_arguments(name) });
            }
        }
    }
    let end = frames.iter().position(|frame| frame.name.contains(END));
    let own = &frames[..end.unwrap_or(frames.len())];
    let own = &own[above(own)..];
    let first = own.iter().position(|frame| !frame.is_of_others()).unwrap_or(own.len());
    let last = own.iter().rposition(|frame| !frame.is_of_others()).map_or(first, |last| last + 1);
    let mut shown = String::new();
    for line in own[first..last].iter().flat_map(|frame| &frame.lines) {
        if shown.len() + line.len() > LONGEST_BYTES {
            shown.push_str("  (cut here)");
            break;
        }
        shown.push_str(line);
        shown.push('\n');
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// How many frames at the top are those of who looks: of the panic, or of `?`.
fn above(frames: &[Frame<'_>]) -> usize {
    let top = || frames.iter().take(MOST_ABOVE);
    let is_of_std = |frame: &Frame<'_>| frame.name.starts_with("core::") || frame.name.starts_with("std::");
    if let Some(panic) = top().position(|frame| frame.name.contains("rust_begin_unwind")) {
        // What panics on behalf of others: `unwrap`, an index.
        return panic + 1 + frames[panic + 1..].iter().take_while(|frame| is_of_std(frame)).count();
    }
    match top().position(|frame| frame.name.ends_with("from_residual")) {
        Some(question_mark) => question_mark + 1,
        None => frames.iter().take_while(|frame| frame.name.starts_with("std::backtrace")).count(),
    }
}

fn without_arguments(name: &str) -> String {
    let mut depth = 0_usize;
    let mut before = ' ';
    let mut bare = String::new();
    for letter in name.chars() {
        match letter {
            '<' => depth += 1,
            // The arrow of a function's type closes nothing.
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ if depth == 0 => bare.push(letter),
            _ => {}
        }
        before = letter;
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANIC: &str = "   0: std::backtrace::Backtrace::force_capture
   1: taskdeck_engine::panics::look
   2: __rustc::rust_begin_unwind
             at /rustc/std/src/panicking.rs:689:5
   3: core::panicking::panic_fmt
   4: core::option::unwrap_failed
   5: unwrap<u8>
   6: {async_fn#0}<taskdeck_core::error::TaskError>
             at ./src/import.rs:12:5
   7: poll<fn(u8) -> core::panicking::Odd, rust_begin_unwind>
   8: taskdeck_engine::backtrace::taskdeck_runs_the_body
   9: tokio::runtime::task::core::Core<T,S>::poll";

    #[test]
    fn only_the_bodys_own_frames_of_a_panic_are_shown() {
        let shown = cut(PANIC);
        let lines: Vec<_> = shown.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "5: unwrap<u8>",
                "6: {async_fn#0}<taskdeck_core::error::TaskError>",
                "at ./src/import.rs:12:5",
                "7: poll<fn(u8) -> core::panicking::Odd, rust_begin_unwind>",
            ]
        );
    }

    #[test]
    fn only_what_stands_below_the_question_mark_is_shown() {
        let text = "   0: std::backtrace::Backtrace::capture
   1: <taskdeck_core::error::TaskError as core::convert::From<E>>::from
   2: <core::result::Result<T,F> as core::ops::FromResidual<core::result::Result<!,E>>>::from_residual
   3: import::read
   4: import::run::{{closure}}";
        assert_eq!(cut(text), "   3: import::read\n   4: import::run::{{closure}}");
        let by_hand = "   0: std::backtrace::Backtrace::capture\n   1: import::read";
        assert_eq!(cut(by_hand), "   1: import::read");
    }

    #[test]
    fn frames_of_the_engine_are_left_out_at_both_ends() {
        let text = "   2: rust_begin_unwind
   3: core::panicking::panic_fmt
   4: <taskdeck_engine::context::TaskContext>::restore
   5: import::read
   6: <tokio::time::Timeout<F> as core::future::Future>::poll
   7: <import::Import as taskdeck_engine::task::Task>::run
   8: poll<u8>
             at /rustc/0000/library/core/src/future/future.rs:133:9
   9: <taskdeck_engine::registry::Erased<T>>::run
  10: taskdeck_engine::backtrace::taskdeck_runs_the_body";
        let shown = cut(text);
        assert!(shown.starts_with("   5: import::read\n   6: "), "{shown}");
        assert!(shown.ends_with("   7: <import::Import as taskdeck_engine::task::Task>::run"), "{shown}");
        let inlined = "   2: rust_begin_unwind
   3: core::panicking::panic_fmt
   4: <taskdeck_engine::registry::Erased<T>>::run::{closure#0}
   5: taskdeck_engine::backtrace::taskdeck_runs_the_body";
        assert_eq!(cut(inlined), "", "the program's own code is not in it");
    }

    #[test]
    fn without_names_all_is_shown_up_to_a_limit() {
        let text = "   0: <unknown>\n   1: <unknown>";
        assert_eq!(cut(text), text);
        let long: Vec<_> = (0..5_000).map(|number| format!("{number:>4}: import::deeper")).collect();
        let shown = cut(&long.join("\n"));
        assert!(shown.len() <= LONGEST_BYTES + 20 && shown.ends_with("(cut here)"), "{}", shown.len());
        assert_eq!(cut(""), "");
    }
}
