//! What happened to the viewer's own tasks while they looked elsewhere.

use leptos::Title;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::task::spawn_local;
use serde_json::Value;
use taskdeck_core::{Inbox, InboxNotice, Status, TaskId, TaskState, Timestamp};
use taskdeck_ui::manage::Look;
use taskdeck_ui::small::sort_by_key;
use taskdeck_ui::{Erase, Icon, PostForm, PostState, TimeAgo, load, manage};

use crate::parts::bell::NewCount;
use crate::parts::fresh::keep_fresh;
use crate::parts::notice::{CannotLoad, EmptyState, Loading};
use crate::parts::press::Refusal;
use crate::parts::row::TaskRow;
use crate::{browser, paths};

/// The page of notifications.
#[component]
pub(crate) fn InboxPage() -> impl IntoView {
    let loaded = load(|| (), |()| manage::inbox());
    let content = move || {
        Suspend::new(async move {
            match loaded.await {
                Ok(inbox) => view! { <Shown inbox/> }.erase(),
                Err(error) => {
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! { <CannotLoad what="the notifications" error again=paths::inbox() retry/> }.erase()
                }
            }
        })
    };
    view! {
        <Title text="Notifications"/>
        <div class="dash-page">
            <header class="dash-page-head"><h1>"Notifications"</h1></header>
            <Transition fallback=|| view! { <Loading lines=4/> }>{content}</Transition>
        </div>
    }
    .erase_waiting()
}

/// The parts of the page, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Asks,
    New,
    Earlier,
}

impl Part {
    const ALL: [Self; 3] = [Self::Asks, Self::New, Self::Earlier];

    /// In which part a task belongs, for who came to the page after this look.
    fn of(task: &TaskState, looked_at: Option<Timestamp>) -> Self {
        match task.status {
            Status::WaitingConfirmation => Self::Asks,
            _ if task.ended_at > looked_at => Self::New,
            _ => Self::Earlier,
        }
    }

    /// What is in this part of it, the last first.
    fn entries(self, inbox: &Inbox, looked_at: Option<Timestamp>) -> Vec<Entry> {
        let tasks = inbox.tasks.iter().filter(|task| Self::of(task, looked_at) == self);
        let told = if self == Self::New {
            |at, looked_at| Some(at) > looked_at
        } else {
            |at, looked_at| Some(at) <= looked_at
        };
        let notices = inbox.notices.iter().filter(|notice| self != Self::Asks && told(notice.at, looked_at));
        let mut entries: Vec<(Option<Timestamp>, Entry)> = tasks
            .map(|task| (task.ended_at, Entry::Task(task.id)))
            .chain(notices.map(|notice| (Some(notice.at), Entry::Notice(notice.task, notice.seq))))
            .collect();
        // Of the same moment the ending comes first, as the last thing that happened.
        sort_by_key(&mut entries, |(at, _)| std::cmp::Reverse(*at));
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Asks => "Waits for your answer",
            Self::New => "Since you last looked",
            Self::Earlier => "Earlier",
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Asks => "inbox-asks",
            Self::New => "inbox-new",
            Self::Earlier => "inbox-earlier",
        }
    }
}

/// A row: a task, or the notice with this number that it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Entry {
    Task(TaskId),
    Notice(TaskId, u64),
}

#[component]
fn Shown(
    /// As it was loaded.
    inbox: Inbox,
) -> impl IntoView {
    // What was new when one came stays so for as long as one looks.
    let looked_at = inbox.looked_at;
    let fresh = keep_fresh(inbox, manage::inbox);
    let count: NewCount = expect_context();
    // Who sees the page has looked: the bell is told, and the server.
    Effect::new(move |_| {
        let (until, asks, new) = fresh.shown.with(|inbox| {
            let asks = inbox.tasks.iter().filter(|task| task.status == Status::WaitingConfirmation);
            (inbox.now, asks.count(), inbox.count_new())
        });
        if browser::is_hidden() {
            return;
        }
        count.set(asks);
        if new == asks {
            return;
        }
        spawn_local(async move {
            // One that is not noted is noted the next time.
            let _ = manage::look(Some(until)).await;
        });
    });
    let is_empty =
        Memo::new(move |_| fresh.shown.with(|inbox| inbox.tasks.is_empty() && inbox.notices.is_empty()));
    let parts = move || {
        if is_empty.get() {
            return view! {
                <EmptyState
                    icon="bell"
                    title="Nothing has ended yet"
                    text="What becomes of the tasks that you start is told here, also when you were away."
                >
                    <a class="td-button td-button-primary" href=paths::start()>"Start a task"</a>
                </EmptyState>
            }
            .erase();
        }
        Part::ALL.map(|part| view! { <Entries part looked_at inbox=fresh.shown/> }).collect_view().erase()
    };
    view! {
        <Read until=fresh.shown.with_untracked(|inbox| inbox.now)/>
        {parts}
    }
    .erase()
}

/// Without JavaScript the page does not know that it is looked at. (With it the style hides this.)
#[component]
fn Read(
    /// Until when the page tells.
    until: Timestamp,
) -> impl IntoView {
    let state = PostState::new(Look::PATH, "");
    let done = Callback::new(|_: Value| ());
    view! {
        <div class="dash-inbox-read">
            <PostForm state on_done=done>
                <input type="hidden" name="until" value=until.to_string()/>
                <button type="submit" class="td-button">
                    <Icon name="check"/>
                    <span class="td-button-text">"Mark all as read"</span>
                </button>
            </PostForm>
            <Refusal state/>
        </div>
    }
    .erase()
}

/// What is in a part; nothing where there is none.
#[component]
fn Entries(
    /// Which part.
    part: Part,
    /// When the viewer looked last, before this page.
    looked_at: Option<Timestamp>,
    /// All of it.
    inbox: RwSignal<Inbox>,
) -> impl IntoView {
    let entries = Memo::new(move |_| inbox.with(|inbox| part.entries(inbox, looked_at)));
    let row = move |entry: Entry| {
        inbox.with_untracked(|inbox| match entry {
            Entry::Task(id) => {
                let seed = inbox.tasks.iter().find(|task| task.id == id)?.clone();
                Some(view! { <TaskRow seed/> }.erase())
            }
            Entry::Notice(task, seq) => {
                let is_it = |notice: &&InboxNotice| notice.task == task && notice.seq == seq;
                let notice = inbox.notices.iter().find(is_it)?.clone();
                Some(view! { <NoticeRow notice/> }.erase())
            }
        })
    };
    view! {
        <section class="dash-inbox-part" aria-labelledby=part.id() hidden=move || entries.with(Vec::is_empty)>
            <h2 class="dash-section-title" id=part.id()>{part.title()}</h2>
            <ul class="dash-rows">
                <For each=move || entries.get() key=|entry| *entry children=row/>
            </ul>
        </section>
    }
    .erase()
}

/// What a task told.
#[component]
fn NoticeRow(
    /// It.
    notice: InboxNotice,
) -> impl IntoView {
    let InboxNotice { task, label, at, text, .. } = notice;
    view! {
        <li class="dash-row dash-row-told">
            <span class="dash-status-icon"><Icon name="info"/></span>
            <div class="dash-row-what">
                <p class="dash-told-text">{text}</p>
                <p class="dash-row-facts"><a class="dash-row-link" href=paths::task(task)>{label}</a></p>
            </div>
            <div class="dash-row-when">
                <span class="dash-row-status">"Told"</span>
                <TimeAgo at/>
            </div>
        </li>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Kind;

    use super::*;

    #[test]
    fn endings_and_notices_are_told_in_one_row_the_last_first() {
        let at = Timestamp::from_millis;
        let kind = Kind::new("import_csv").unwrap();
        let task = |n: u8, status, ended_at: i64| {
            let mut task = TaskState::new(TaskId::from_parts(at(5), [n; 10]), kind.clone(), "Import", at(5));
            (task.status, task.ended_at) = (status, (ended_at > 0).then(|| at(ended_at)));
            task
        };
        let tasks = vec![
            task(1, Status::WaitingConfirmation, 0),
            task(2, Status::Completed, 40),
            task(3, Status::Failed, 10),
        ];
        let notice = |seq, told_at| InboxNotice {
            task: tasks[1].id,
            label: "Import".to_owned(),
            seq,
            at: at(told_at),
            text: "Half of it".to_owned(),
        };
        let notices = vec![notice(2, 40), notice(1, 20)];
        let inbox = Inbox { tasks: tasks.clone(), notices, looked_at: Some(at(20)), now: at(50) };
        let [asks, ended, earlier] = [0, 1, 2].map(|n| Entry::Task(tasks[n].id));
        let [first, second] = [1, 2].map(|seq| Entry::Notice(tasks[1].id, seq));
        let of = |part: Part| part.entries(&inbox, inbox.looked_at);
        assert_eq!(of(Part::Asks), [asks]);
        assert_eq!(of(Part::New), [ended, second]);
        assert_eq!(of(Part::Earlier), [first, earlier]);
        assert_eq!(inbox.count_new(), 3);
    }

    #[test]
    fn a_task_is_new_when_it_ended_after_the_last_look() {
        let at = Timestamp::from_millis;
        let kind = Kind::new("import_csv").unwrap();
        let mut task = TaskState::new(TaskId::from_parts(at(5), [1; 10]), kind, "Import", at(5));
        task.status = Status::Failed;
        task.ended_at = Some(at(9));
        assert_eq!(Part::of(&task, None), Part::New);
        assert_eq!(Part::of(&task, Some(at(8))), Part::New);
        assert_eq!(Part::of(&task, Some(at(9))), Part::Earlier);
        task.status = Status::WaitingConfirmation;
        assert_eq!(Part::of(&task, Some(at(9))), Part::Asks);
    }
}
