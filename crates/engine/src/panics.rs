//! Panics of task bodies: caught, with the place and the way to it.
//!
//! Only the process's panic hook sees where a panic is. Ours looks at panics in the code of attempts, and hands every
//! panic on to the hook that was there before, so that a program's own hook and the usual message stay as they are.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;
use std::task::Poll;

use crate::backtrace;

thread_local! {
    /// Whether this thread is in the code of an attempt.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// What the hook saw of the last panic there.
    static SEEN: Cell<Option<Seen>> = const { Cell::new(None) };
}

/// What the hook sees of a panic.
struct Seen {
    place: Option<String>,
    backtrace: Backtrace,
}

/// A panic that was caught.
pub(crate) struct Panic {
    text: String,
    /// None when a hook that was set later does not hand on to ours, and for panics without a hook's call.
    seen: Option<Seen>,
}

impl std::fmt::Debug for Panic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Panic({:?})", self.text)
    }
}

/// Sets the hook, once in a process.
pub(crate) fn install_hook() {
    static SET: Once = Once::new();
    // A hook cannot be set while the thread panics; the next deck does it.
    if std::thread::panicking() {
        return;
    }
    SET.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            look(info);
            before(info);
        }));
    });
}

fn look(info: &PanicHookInfo<'_>) {
    // A thread that is being torn down has no thread-locals: it is in no attempt.
    if !WATCHED.try_with(Cell::get).unwrap_or(false) {
        return;
    }
    let seen =
        Seen { place: info.location().map(ToString::to_string), backtrace: Backtrace::force_capture() };
    let _ = SEEN.try_with(|cell| cell.set(Some(seen)));
}

/// Runs code of an attempt.
pub(crate) fn catch<R>(code: impl FnOnce() -> R) -> Result<R, Panic> {
    let outer = WATCHED.replace(true);
    // What an earlier panic left, that the body caught itself.
    SEEN.set(None);
    // What the code leaves half done is the body's own, which is dropped.
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| backtrace::taskdeck_runs_the_body(code)));
    WATCHED.set(outer);
    outcome.map_err(|payload| Panic::new(payload, SEEN.take()))
}

/// Runs the future of an attempt. It is polled on the thread that panics, so hook and catch meet there.
pub(crate) async fn catching<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| match catch(|| future.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

impl Panic {
    fn new(payload: Box<dyn Any + Send>, seen: Option<Seen>) -> Self {
        // From the blocking pool, where it was caught first.
        let payload = match payload.downcast::<Self>() {
            Ok(panic) => return *panic,
            Err(payload) => payload,
        };
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self { text: text.unwrap_or_else(|| "no message".to_owned()), seen }
    }

    /// Lets the panic go on, on the thread that waits for this one.
    pub(crate) fn resume(self) -> ! {
        std::panic::resume_unwind(Box::new(self))
    }

    /// What it panicked with.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The file, line and column.
    pub(crate) fn place(&self) -> Option<&str> {
        self.seen.as_ref()?.place.as_deref()
    }

    /// The place, and the backtrace if it says more. Slow: it reads debug information.
    pub(crate) fn detail(&self) -> Option<String> {
        let seen = self.seen.as_ref()?;
        let place = seen.place.as_deref().unwrap_or("an unknown place");
        let at = format!("panicked at {place}");
        Some(match backtrace::shown(&seen.backtrace) {
            Some(way) => format!("{at}\n\n{way}"),
            None => at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_place_and_only_inside() {
        install_hook();
        install_hook();
        let line = line!() + 1;
        let panic = catch(|| panic!("out of {}", "cheese")).unwrap_err();
        assert_eq!(panic.text(), "out of cheese");
        assert_eq!(panic.place().unwrap(), format!("{}:{line}:30", file!()));
        let detail = panic.detail().unwrap();
        assert!(detail.starts_with(&format!("panicked at {}:{line}", file!())), "{detail}");
        assert!(detail.contains("a_panic_is_caught_with_its_place"), "{detail}");

        assert!(std::panic::catch_unwind(|| panic!("elsewhere")).is_err());
        assert!(SEEN.take().is_none());
    }

    #[test]
    fn a_panic_that_goes_on_elsewhere_keeps_its_place() {
        install_hook();
        let first = catch(|| panic!("{}", 1)).unwrap_err();
        let place = first.place().map(str::to_owned);
        let again = catch(|| first.resume()).map(|never: ()| never).unwrap_err();
        assert_eq!((again.text(), again.place()), ("1", place.as_deref()));
        // No hook is called for what is resumed: what an earlier panic left must not be taken for its place.
        let other = catch(|| {
            assert!(std::panic::catch_unwind(|| panic!("caught by the body")).is_err());
        });
        assert!(other.is_ok());
        let resumed = catch(|| std::panic::resume_unwind(Box::new(7_u8))).map(|never: ()| never).unwrap_err();
        assert_eq!((resumed.text(), resumed.place(), resumed.detail()), ("no message", None, None));
    }
}
