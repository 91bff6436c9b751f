//! Says when a running task has said nothing for a while.

use leptos::prelude::*;
use taskdeck_core::{Status, TaskState, Timestamp};

use crate::live::TaskWatch;
use crate::{Icon, format, use_live};

/// How long a running task may say nothing before it is told, in milliseconds.
const SILENT_MS: u64 = 30_000;

/// Since how long a running task has said nothing, if that is long: by the server's clock, so that a page that was just
/// loaded says the same as one that was open all the time. One that waits for another task, or was told to stop, is not
/// expected to say anything.
fn silence(task: &TaskState, now: Timestamp) -> Option<u64> {
    if task.status != Status::Running || task.waiting.is_some() || task.cancel.is_some() {
        return None;
    }
    let heard = task.progress.heard_at.max(task.started_at)?;
    Some(now.millis_since(heard)).filter(|silent| *silent >= SILENT_MS)
}

pub(super) fn stall(watch: TaskWatch, shown: Signal<bool>) -> impl IntoView {
    let now = use_live().now_while(shown);
    let silent = Memo::new(move |_| {
        let now = now.get()?;
        let silent = watch.state.with(|state| silence(state.as_ref()?, now))?;
        Some(format!("No update for {}", format::duration(silent, false)))
    });
    move || silent.get().map(|text| view! { <p class="td-progress-stall"><Icon name="clock"/>{text}</p> })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn silence_is_counted_from_the_last_word_by_the_servers_clock() {
        let at = Timestamp::from_millis;
        let mut task = sample::task(Status::Running);
        (task.started_at, task.progress.heard_at) = (Some(at(1_000)), None);
        assert_eq!(silence(&task, at(30_999)), None);
        assert_eq!(silence(&task, at(31_000)), Some(30_000), "it never said anything");
        task.progress.heard_at = Some(at(20_000));
        assert_eq!(silence(&task, at(31_000)), None);
        assert_eq!(silence(&task, at(51_000)), Some(31_000));
        task.started_at = Some(at(50_000));
        assert_eq!(silence(&task, at(51_000)), None, "what an earlier attempt said does not count");
        task.started_at = Some(at(1_000));
        task.waiting = Some("the task of another".to_owned());
        assert_eq!(silence(&task, at(99_000)), None);
        task.waiting = None;
        task.status = Status::Completed;
        assert_eq!(silence(&task, at(99_000)), None);
    }
}
