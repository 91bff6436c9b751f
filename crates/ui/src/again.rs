//! What is asked until the server is there to answer.

use std::time::Duration;

use leptos::prelude::*;
use taskdeck_core::DeckError;

use crate::ApiError;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What the server says, asked again while it cannot be reached. None once nobody waits for it any more.
pub async fn until_answered<T, F>(
    ask: impl Fn() -> F,
    is_wanted: impl Fn() -> bool,
) -> Option<Result<T, ApiError>>
where
    F: Future<Output = Result<T, ApiError>>,
{
    let mut wait = FIRST_WAIT;
    while is_wanted() {
        match ask().await {
            // What stands before the server, or nothing at all.
            Err(ApiError(DeckError::Unavailable { .. })) => {}
            answer => return is_wanted().then_some(answer),
        }
        pause(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    None
}

async fn pause(wait: Duration) {
    let (done, over) = futures::channel::oneshot::channel();
    let ring = move || {
        // Nobody waits any more when the widget is gone.
        let _ = done.send(());
    };
    set_timeout(ring, wait);
    // It ends too when the page takes the timer away.
    let _ = over.await;
}
