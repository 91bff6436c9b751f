//! What a page loaded, asked for anew as long as somebody looks at it.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::Timestamp;
use taskdeck_ui::{ApiError, use_live};

use crate::browser;

/// The counts by status changed, which the feed tells: then so soon.
const SOON_MS: u64 = 1_000;
/// Else so often: what changes without a count, such as a pause that somebody else set.
const USUALLY_MS: u64 = 5_000;

/// What a page shows.
pub(crate) struct Fresh<T: Send + Sync + 'static> {
    /// As it was asked for last.
    pub(crate) shown: RwSignal<T>,
    /// Asks for it at once.
    pub(crate) ask: Callback<()>,
}

impl<T: Send + Sync + 'static> Clone for Fresh<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Fresh<T> {}

#[derive(Default)]
struct Asking {
    /// When it was asked for last, or first shown.
    at: Option<Timestamp>,
    /// Whether the counts have changed since.
    is_old: bool,
    is_waited_for: bool,
    /// Whether to ask again when the answer is here.
    again: bool,
}

/// Keeps what was loaded fresh: a second after the counts by status changed, and every five seconds else. A hidden tab
/// asks for nothing, and at once when it is looked at again. What cannot be had leaves what is shown as it is: that
/// the page is not live the frame says.
pub(crate) fn keep_fresh<T, F>(first: T, fetch: impl Fn() -> F + Send + Sync + 'static) -> Fresh<T>
where
    T: PartialEq + Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let live = use_live();
    let (now, counts) = (live.now(), live.watch_counts());
    let shown = RwSignal::new(first);
    let asking = StoredValue::new(Asking::default());
    let fetch = Arc::new(fetch);
    let ask = Callback::new(move |()| {
        let clock = now.get_untracked();
        let begins = asking.try_update_value(|asking| {
            asking.at = clock.or(asking.at);
            asking.is_old = false;
            // An answer that is under way may be of before what was just done.
            asking.again = asking.is_waited_for;
            !std::mem::replace(&mut asking.is_waited_for, true)
        });
        if begins != Some(true) {
            return;
        }
        let fetch = Arc::clone(&fetch);
        spawn_local(async move {
            loop {
                let answer = fetch().await;
                if let Ok(value) = answer {
                    // Nothing is drawn anew for an answer that says the same.
                    let _ = shown.try_maybe_update(|shown| {
                        let changed = *shown != value;
                        *shown = value;
                        (changed, ())
                    });
                }
                let again = asking.try_update_value(|asking| {
                    asking.is_waited_for = asking.again;
                    std::mem::take(&mut asking.again)
                });
                if again != Some(true) {
                    return;
                }
            }
        });
    });
    Effect::new(move |before: Option<()>| {
        counts.track();
        if before.is_some() {
            asking.update_value(|asking| asking.is_old = true);
        }
    });
    Effect::new(move |_| {
        let Some(now) = now.get() else { return };
        let due = asking.try_update_value(|asking| {
            let wait = if asking.is_old { SOON_MS } else { USUALLY_MS };
            now.millis_since(*asking.at.get_or_insert(now)) >= wait
        });
        if due == Some(true) && !browser::is_hidden() {
            ask.run(());
        }
    });
    Fresh { shown, ask }
}
