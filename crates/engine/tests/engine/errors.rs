//! What is kept of errors and panics for those who look for the fault.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;

use crate::support::{Act, Scripted, memory_deck};
use taskdeck_core::{Attempt, DeckError};

/// An error with another one beneath it.
#[derive(Debug)]
struct Over(&'static str, Option<Box<Over>>);

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Over {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|error| error as _)
    }
}

pub(crate) fn read_config() -> Result<String, impl std::error::Error + Send + Sync + 'static> {
    let disk = Over("the disk is gone", None);
    let file = Over("the file cannot be read", Some(Box::new(disk)));
    Err(Over("there is no configuration", Some(Box::new(file))))
}

/// The task's public error, and its last attempt.
async fn failure(act: Act) -> (DeckError, Attempt) {
    let (deck, client, _) = memory_deck().await;
    let handle = client.start_task(Scripted { act }).max_tries(1).await.expect("starts");
    let error = handle.result(None).await.expect_err("fails");
    let attempt = client.attempts(handle.id()).await.expect("has attempts").remove(0);
    deck.shutdown().await;
    (error, attempt)
}

#[tokio::test]
async fn an_error_keeps_its_chain_and_a_backtrace_where_it_is_asked_for() {
    let (error, attempt) = failure(Act::Chain).await;
    let message = "there is no configuration".to_owned();
    assert_eq!(error, DeckError::TaskFailed { error: "error".to_owned(), message });
    let detail = attempt.detail.unwrap();
    let chain = "caused by: the file cannot be read\ncaused by: the disk is gone";
    assert!(detail.starts_with(chain), "{detail}");
    if Backtrace::capture().status() == BacktraceStatus::Captured {
        let (_, backtrace) = detail.split_once("\n\nbacktrace:\n").expect("a backtrace");
        assert!(backtrace.contains("support.rs"), "{backtrace}");
        assert!(!backtrace.contains("from_residual") && !backtrace.contains("tokio::"), "{backtrace}");
    } else {
        assert_eq!(detail, chain);
    }
}

#[tokio::test]
async fn a_panic_keeps_its_place_and_a_backtrace_that_its_message_does_not_tell() {
    for (act, text) in [(Act::Panic, "out of cheese"), (Act::PanicAside, "out of bread")] {
        let (error, attempt) = failure(act).await;
        let message = format!("The task panicked: {text}");
        assert_eq!(error, DeckError::TaskFailed { error: "panic".to_owned(), message });
        let detail = attempt.detail.unwrap();
        let (place, backtrace) = detail.split_once("\n\n").expect("a place and a backtrace");
        assert!(place.starts_with("panicked at ") && place.contains("support.rs:"), "{place}");
        assert!(backtrace.contains("support.rs"), "{backtrace}");
        assert!(!backtrace.contains("rust_begin_unwind") && !backtrace.contains("tokio::"), "{backtrace}");
    }
}

#[tokio::test]
async fn the_log_says_where_it_panicked() {
    let (_deck, client, _) = memory_deck().await;
    let handle = client.start_task(Scripted { act: Act::Panic }).max_tries(1).await.unwrap();
    handle.result(None).await.unwrap_err();
    let page = client.log(handle.id(), 0, 10).await.unwrap();
    let last = page.lines.last().unwrap();
    assert!(last.text.starts_with("panicked at ") && last.text.ends_with(": out of cheese"), "{}", last.text);
}
