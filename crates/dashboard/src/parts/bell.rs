//! The bell: how much ended, or was asked, while the viewer looked elsewhere, and the browser's own notifications of it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::{Counts, Inbox, Status, TaskId, TaskState};
use taskdeck_ui::{
    Erase, Icon, Notification, Permission, manage, notification_permission, use_base, use_live,
};

use crate::{browser, paths};

// What counts comes when the page is there and at rest: nobody waits for it.
crate::page!(COUNTER, bell, Counter);

/// Until the page is at rest.
const LATER: std::time::Duration = std::time::Duration::from_secs(2);
/// After what the feed told of, so that a hundred endings are one question.
const SOON: std::time::Duration = std::time::Duration::from_secs(2);

/// How much is new to the viewer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewCount(RwSignal<usize>);

impl NewCount {
    /// Provides it to the frame and the page.
    pub(crate) fn provide() -> Self {
        let count = Self(RwSignal::new(0));
        provide_context(count);
        count
    }

    pub(crate) fn set(self, count: usize) {
        let _ = self.0.try_set(count);
    }
}

/// The link to the notifications, with their number.
#[component]
pub(crate) fn Bell() -> impl IntoView {
    let NewCount(count) = expect_context();
    let later = RwSignal::new(false);
    Effect::new(move |_| {
        set_timeout(
            move || {
                let _ = later.try_set(true);
            },
            LATER,
        );
    });
    let named = move || match count.get() {
        0 => "Notifications".to_owned(),
        count => format!("Notifications: {count} new"),
    };
    let number = move || match count.get() {
        0 => None,
        count @ 1..100 => Some(count.to_string()),
        _ => Some("99+".to_owned()),
    };
    view! {
        <a class="dash-bell" href=paths::inbox() aria-label=named title=named>
            <Icon name="bell"/>
            <span class="dash-bell-count num" aria-hidden="true">{number}</span>
        </a>
        {move || later.get().then(|| COUNTER.show_part())}
    }
    .erase()
}

/// What may make something new: tasks that end, and tasks that ask.
fn noteworthy(counts: &Counts) -> [u64; 5] {
    let of = |status| counts.of(status);
    [Status::WaitingConfirmation, Status::Completed, Status::Failed, Status::Cancelled, Status::Interrupted]
        .map(of)
}

/// Asks what is new, whenever the feed tells that something may be. A hidden tab asks only where the reader wants to be
/// told by the browser.
#[component]
fn Counter() -> impl IntoView {
    let count: NewCount = expect_context();
    let live = use_live();
    let counts = live.watch_counts();
    let marks = Memo::new(move |_| counts.with(|counts| counts.as_ref().map(noteworthy)));
    let known = StoredValue::new(None::<Vec<(TaskId, u32)>>);
    let is_due = StoredValue::new(false);
    let base = use_base();
    let ask = move || {
        let base = base.clone();
        let wanted = !browser::is_hidden() || notification_permission() == Permission::Granted;
        if !wanted || is_due.try_update_value(|is_due| std::mem::replace(is_due, false)) != Some(true) {
            return;
        }
        spawn_local(async move {
            let Ok(inbox) = manage::inbox().await else { return };
            count.set(inbox.count_new());
            let before = known.try_update_value(|known| known.replace(seen(&inbox))).flatten();
            // What the page found when it came is no news.
            let Some(before) = before.filter(|_| browser::is_hidden()) else { return };
            for task in inbox.tasks.iter().filter(|task| inbox.is_new(task)) {
                if !before.contains(&mark(task)) {
                    notification(task, base.task(task.id)).show();
                }
            }
        });
    };
    let asked = ask.clone();
    Effect::new(move |before: Option<()>| {
        // A memo that nobody reads is not made, and hears of nothing.
        let _ = marks.get();
        is_due.set_value(true);
        if before.is_none() {
            asked();
        } else {
            set_timeout(asked.clone(), SOON);
        }
    });
    let looked_at = window_event_listener_untyped("visibilitychange", move |_| ask());
    on_cleanup(move || looked_at.remove());
}

/// What tells one ending or question of a task from the next.
fn mark(task: &TaskState) -> (TaskId, u32) {
    (task.id, task.version)
}

fn seen(inbox: &Inbox) -> Vec<(TaskId, u32)> {
    inbox.tasks.iter().map(mark).collect()
}

fn notification(task: &TaskState, href: String) -> Notification {
    let said = match (task.status, &task.error) {
        (Status::WaitingConfirmation, _) => "It asks you something.".to_owned(),
        (Status::Completed, _) => task.progress.message.clone().unwrap_or_else(|| "Completed".to_owned()),
        (_, Some(error)) => error.message.clone(),
        (status, None) => status.title().to_owned(),
    };
    let title = match task.status {
        Status::WaitingConfirmation | Status::Completed => task.label.clone(),
        status => format!("{}: {}", status.title(), task.label),
    };
    Notification { title, body: said, tag: task.id.to_string(), href }
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{ErrorInfo, Kind, Timestamp};

    use super::*;

    #[test]
    fn a_notification_says_what_became_of_the_task() {
        let id = TaskId::from_parts(Timestamp::from_millis(5), [1; 10]);
        let kind = Kind::new("import_csv").unwrap();
        let mut task = TaskState::new(id, kind, "Import", Timestamp::from_millis(5));
        let said = |task: &TaskState| {
            let told = notification(task, "/tasks/x".to_owned());
            (told.title, told.body)
        };
        task.status = Status::Completed;
        assert_eq!(said(&task), ("Import".to_owned(), "Completed".to_owned()));
        task.status = Status::Failed;
        task.error = Some(ErrorInfo { code: "error".to_owned(), message: "No disk".to_owned() });
        assert_eq!(said(&task), ("Failed: Import".to_owned(), "No disk".to_owned()));
        task.status = Status::WaitingConfirmation;
        assert_eq!(said(&task).1, "It asks you something.");
    }
}
