//! What the compiler says about a task that is written wrongly. Each file in `ui` is one user's mistake, and the
//! `.stderr` beside it what the user reads; nearly all of it is said by the macros themselves, so that a new compiler
//! changes little. `TRYBUILD=overwrite cargo test -p taskdeck-macros` writes them anew.

#[test]
fn each_mistake_is_told_in_words_that_help() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
