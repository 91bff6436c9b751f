//! What happened to the viewer's own tasks while they looked elsewhere.

use leptos::Title;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::task::spawn_local;
use serde_json::Value;
use taskdeck_core::{Inbox, Status, TaskId, TaskState, Timestamp};
use taskdeck_ui::manage::Look;
use taskdeck_ui::{Erase, Icon, PostForm, PostState, load, manage};

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

    const fn title(self) -> &'static str {
        match self {
            Self::Asks => "Waits for your answer",
            Self::New => "Ended while you were away",
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
    let is_empty = Memo::new(move |_| fresh.shown.with(|inbox| inbox.tasks.is_empty()));
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
        Part::ALL.map(|part| view! { <Tasks part looked_at inbox=fresh.shown/> }).collect_view().erase()
    };
    view! {
        <Read until=fresh.shown.with_untracked(|inbox| inbox.now)/>
        {parts}
    }
    .erase()
}

/// Without JavaScript the page does not know that it is looked at.
#[component]
fn Read(
    /// Until when the page tells.
    until: Timestamp,
) -> impl IntoView {
    let hydrated = RwSignal::new(false);
    Effect::new(move |_| hydrated.set(true));
    let state = PostState::new(Look::PATH, "");
    let done = Callback::new(|_: Value| ());
    view! {
        <div class="dash-inbox-read" hidden=move || hydrated.get()>
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

/// The tasks of a part; nothing where there are none.
#[component]
fn Tasks(
    /// Which part.
    part: Part,
    /// When the viewer looked last, before this page.
    looked_at: Option<Timestamp>,
    /// All tasks.
    inbox: RwSignal<Inbox>,
) -> impl IntoView {
    let ids = Memo::new(move |_| {
        inbox.with(|inbox| {
            let own = inbox.tasks.iter().filter(|task| Part::of(task, looked_at) == part);
            own.map(|task| task.id).collect::<Vec<TaskId>>()
        })
    });
    let row = move |id: TaskId| {
        let found = inbox.with_untracked(|inbox| inbox.tasks.iter().find(|task| task.id == id).cloned());
        found.map(|seed| view! { <TaskRow seed/> }).erase()
    };
    view! {
        <section class="dash-inbox-part" aria-labelledby=part.id() hidden=move || ids.with(Vec::is_empty)>
            <h2 class="dash-section-title" id=part.id()>{part.title()}</h2>
            <ul class="dash-rows"><For each=move || ids.get() key=|id| *id children=row/></ul>
        </section>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Kind;

    use super::*;

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
