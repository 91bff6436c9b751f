//! `<TaskCards/>`: the tasks that this page has to do with, each as a card; a start adds one.

use leptos::prelude::*;
use taskdeck_core::{Started, TaskId, TaskState};

use crate::{Erase, TaskCallbacks, TaskProgress};

/// The tasks that a `<TaskCards/>` shows. Clones are the same list.
///
/// ```
/// # use leptos::prelude::*;
/// # use taskdeck_core::Started;
/// # use taskdeck_ui::StartTask;
/// use taskdeck_ui::CardList;
/// # fn page<T: taskdeck_core::Task>() {
/// let cards = CardList::new(Vec::new());
/// let start = StartTask::<T>::new().on_started(move |started: Started| cards.append(started));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CardList(RwSignal<Vec<Card>>);

/// A task, and whether this page has just started it.
#[derive(Clone, Debug)]
struct Card {
    task: TaskState,
    is_new: bool,
}

impl CardList {
    /// A list that begins with these, as the page got them.
    #[must_use]
    pub fn new(initial: Vec<TaskState>) -> Self {
        Self(RwSignal::new(initial.into_iter().map(|task| Card { task, is_new: false }).collect()))
    }

    /// Adds a task at the end, as its start answered it: its card shows at once. One that is there already (a start with
    /// the key of an active task) stays where it is.
    pub fn append(self, started: Started) {
        let Started { task, deduplicated } = started;
        self.0.maybe_update(|cards| {
            let new = cards.iter().all(|card| card.task.id != task.id);
            if new {
                cards.push(Card { task, is_new: !deduplicated });
            }
            new
        });
    }

    /// Takes a task's card away; the task goes on.
    pub fn remove(self, id: TaskId) {
        self.0.update(|cards| cards.retain(|card| card.task.id != id));
    }

    /// Which tasks are shown, in order.
    #[must_use]
    pub fn ids(self) -> Vec<TaskId> {
        self.0.with(|cards| cards.iter().map(|card| card.task.id).collect())
    }
}

/// A list of cards that a start adds to: each task's callbacks are told from its start on, however soon it moves.
///
/// ```
/// # use leptos::prelude::*;
/// # use taskdeck_core::TaskEvent;
/// use taskdeck_ui::{CardList, TaskCallbacks, TaskCards};
/// # fn page() -> impl IntoView {
/// let cards = CardList::new(Vec::new());
/// let on = TaskCallbacks::new().on_finish(|event: TaskEvent| leptos::logging::log!("{} ended", event.label));
/// view! { <TaskCards list=cards on empty="Nothing was started yet."/> }
/// # }
/// ```
#[component]
pub fn TaskCards(
    /// Which tasks.
    list: CardList,
    /// What the page wants to be told of each of them.
    #[prop(optional)]
    on: TaskCallbacks,
    /// Whether the cards offer to cancel and to retry.
    #[prop(default = true)]
    actions: bool,
    /// What is said while there is none.
    #[prop(optional, into)]
    empty: String,
) -> impl IntoView {
    let none = move || {
        let text = list.0.with(Vec::is_empty).then(|| empty.clone()).filter(|text| !text.is_empty());
        text.map(|text| view! { <p class="td-cards-empty">{text}</p> })
    };
    let card = move |Card { task, is_new }: Card| {
        let on = on.clone();
        view! { <li><TaskProgress task=task.id state=task is_new on actions/></li> }.erase()
    };
    view! {
        {none}
        <ol class="td-cards">
            <For each=move || list.0.get() key=|card| card.task.id children=card/>
        </ol>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Status;

    use super::*;
    use crate::sample;

    #[test]
    fn a_task_is_added_once_and_taken_away() {
        let owner = Owner::new();
        owner.with(|| {
            let list = CardList::new(Vec::new());
            let task = sample::task(Status::Queued);
            let started = Started { task: task.clone(), deduplicated: false };
            list.append(started.clone());
            list.append(Started { deduplicated: true, ..started });
            assert_eq!(untrack(|| list.ids()), [task.id]);
            list.remove(task.id);
            assert!(untrack(|| list.ids()).is_empty());
        });
    }
}
