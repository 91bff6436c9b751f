//! The bell: how much ended, or was asked, while the viewer looked elsewhere, and the browser's own notifications of it.

use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::{Counts, Inbox, InboxNotice, Status, TaskId, TaskState};
use taskdeck_ui::{
    Erase, Icon, Notification, Permission, manage, notification_permission, use_base, use_live,
};

use crate::parts::status_counts::CountsSeed;
use crate::{browser, paths, watched};

// The server has counted what is new; what counts on comes when there may be more.
crate::page!(COUNTER, bell, Counter);

/// For those who want to be told by the browser: when the page is at rest, so that what was there before is no news.
const LATER: std::time::Duration = std::time::Duration::from_secs(2);
/// After what the feed told of, so that a hundred endings are one question.
const SOON: std::time::Duration = std::time::Duration::from_secs(2);
/// Of what tasks tell while they run, the feed's counts say nothing.
const ELSE: std::time::Duration = std::time::Duration::from_secs(60);

/// The server tells of no more tasks that ended, and of no more notices.
const MOST: usize = 50;

/// How much is new to the viewer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewCount(RwSignal<usize>);

impl NewCount {
    /// Provides it to the frame and the page: as the server found it, from the first moment on.
    pub(crate) fn provide() -> Self {
        #[cfg(feature = "ssr")]
        let found = crate::server::news();
        #[cfg(not(feature = "ssr"))]
        let found = browser::news();
        let count = Self(RwSignal::new(found));
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
    let wanted = RwSignal::new(false);
    let want = move || {
        // It is made once.
        if wanted.try_get_untracked() == Some(false) {
            wanted.set(true);
        }
    };
    let may_be_more = expect_context::<CountsSeed>().have_changed();
    Effect::new(move |before: Option<()>| {
        if may_be_more.get() {
            want();
        } else if before.is_none() {
            set_timeout(want, if notification_permission() == Permission::Granted { LATER } else { ELSE });
        }
    });
    let named = move || match count.get() {
        0 => "Notifications".to_owned(),
        count @ 1..MOST => format!("Notifications: {count} new"),
        _ => format!("Notifications: {MOST} new or more"),
    };
    let number = move || match count.get() {
        0 => None,
        count @ 1..MOST => Some(count.to_string()),
        _ => Some(format!("{MOST}+")),
    };
    view! {
        <a class="dash-bell" href=paths::inbox() aria-label=named title=named data-new=move || count.get().to_string()>
            <Icon name="bell"/>
            <span class="dash-bell-count num" aria-hidden="true">{number}</span>
        </a>
        {move || wanted.get().then(|| COUNTER.show_part())}
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
    let counts = use_live().watch_counts();
    let marks = Memo::new(move |_| counts.with(|counts| counts.as_ref().map(noteworthy)));
    let known = StoredValue::new(None::<Vec<Mark>>);
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
            count.set(watched::count_new(&inbox, &browser::cookies()));
            let before = known.try_update_value(|known| known.replace(seen(&inbox))).flatten();
            // What the page found when it came is no news.
            let Some(before) = before.filter(|_| browser::is_hidden()) else { return };
            for task in inbox.tasks.iter().filter(|task| inbox.is_new(task)) {
                if !before.contains(&mark(task)) {
                    notification(task, base.task(task.id)).show();
                }
            }
            for notice in inbox.new_notices() {
                if !before.contains(&Mark::Notice(notice.task, notice.seq)) {
                    told(notice, base.task(notice.task)).show();
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
    let often = ask.clone();
    let timer = set_interval_with_handle(
        move || {
            is_due.set_value(true);
            often();
        },
        ELSE,
    );
    on_cleanup(move || drop(timer.map(|timer| timer.clear())));
    let looked_at = window_event_listener_untyped("visibilitychange", move |_| ask());
    on_cleanup(move || looked_at.remove());
}

/// What tells one ending, question or notice of a task from the next.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Version(TaskId, u32),
    Notice(TaskId, u64),
}

fn mark(task: &TaskState) -> Mark {
    Mark::Version(task.id, task.version)
}

fn seen(inbox: &Inbox) -> Vec<Mark> {
    let notices = inbox.notices.iter().map(|notice| Mark::Notice(notice.task, notice.seq));
    inbox.tasks.iter().map(mark).chain(notices).collect()
}

/// What a task told.
fn told(notice: &InboxNotice, href: String) -> Notification {
    let InboxNotice { task, label, seq, text, .. } = notice;
    Notification { title: label.clone(), body: text.clone(), tag: format!("{task}/{seq}"), href }
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
