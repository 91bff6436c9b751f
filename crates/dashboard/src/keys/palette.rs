//! The command palette: to a page, to the form of a kind, to a task by its name or id; and what can be done here.

use std::time::Duration;

use leptos::ev::KeyboardEvent;
use leptos::html::{Dialog, Input};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use taskdeck_core::{Definition, ListQuery, TaskState, id_part};
use taskdeck_ui::small::{folded, sort_by_key};
use taskdeck_ui::{Erase, Icon, api, status_icon, use_base};

use super::press::hide;
use crate::filter::escape_query;
use crate::{MorePage, MorePages, browser};

/// How many choices are shown, and how many of them are tasks.
const MOST: usize = 12;
const MOST_TASKS: u32 = 4;
/// How many letters a search for tasks has at least, and how long one pauses before it.
const SHORTEST: usize = 2;
const PAUSE: Duration = Duration::from_millis(200);
const LIST: &str = "palette-choices";

/// The pages, with the words that they are found by.
const PAGES: [(&str, &str, &str); 8] = [
    ("Overview", "/", "activity"),
    ("Tasks", "/tasks", "list-checks"),
    ("Start a task", "/start", "play"),
    ("Queues", "/queues", "layers"),
    ("Schedules", "/schedules", "calendar-clock"),
    ("Workers", "/workers", "cpu"),
    ("Notifications", "/inbox", "bell"),
    ("Settings", "/settings", "settings"),
];

/// What can be done from anywhere, or with the task of the page: by the button that does it.
const DEEDS: [(&str, &str, &str); 6] = [
    ("Cancel this task", "ban", ".dash-task-actions [data-action='Cancel']"),
    ("Retry this task", "rotate-cw", ".dash-task-actions [data-action='Retry']"),
    ("Delete this task", "trash-2", ".dash-task-actions [data-action='Delete']"),
    ("Theme: light", "sun", ".dash-theme [value='light']"),
    ("Theme: dark", "moon", ".dash-theme [value='dark']"),
    ("Theme: as the system", "monitor", ".dash-theme [value='system']"),
];

/// What a choice leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// A page, by its path.
    To(String),
    /// The task that has this in its id, or the list of those that have it.
    Find(String),
    /// A button, by its selector.
    Press(&'static str),
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    title: String,
    hint: String,
    icon: String,
    way: Way,
}

/// What the palette has learned.
#[derive(Clone, Debug, Default)]
struct Known {
    kinds: Vec<Definition>,
    /// The pages of the app's own.
    more: &'static [MorePage],
    /// The tasks that the text finds.
    tasks: Vec<TaskState>,
    /// The deeds that the page has a button for.
    deeds: Vec<(&'static str, &'static str, &'static str)>,
}

/// Where a text may lead, the likeliest first.
fn places(text: &str, known: &Known) -> Vec<Place> {
    let text = text.trim();
    let typed = folded(text);
    let place = |title: String, hint: &str, icon: &str, path: String| Place {
        title,
        hint: hint.to_owned(),
        icon: icon.to_owned(),
        way: Way::To(path),
    };
    let of_task = |task: &TaskState| {
        let icon = status_icon(task.status);
        place(task.label.clone(), task.status.title(), icon, format!("/tasks/{}", task.id))
    };
    let mut found = Vec::new();
    let mut tasks = known.tasks.as_slice();
    match id_part(text) {
        Some(part) if part.len() == 32 => {
            found.push(place(format!("Task {text}"), "Open", "hash", format!("/tasks/{text}")));
        }
        // What is a part of one task's id alone means that task.
        Some(_) => match only(text, tasks) {
            Some(task) => {
                found.push(of_task(task));
                tasks = &[];
            }
            None => found.push(Place {
                way: Way::Find(text.to_owned()),
                ..place(format!("Tasks with {text} in their id"), "Find", "hash", String::new())
            }),
        },
        None => {}
    }
    let more = known.more.iter().map(|page| (page.title, page.path, page.icon));
    let pages = PAGES.into_iter().chain(more).filter(|(title, ..)| folded(title).contains(&typed));
    found.extend(pages.map(|(title, path, icon)| place(title.to_owned(), "Page", icon, path.to_owned())));
    let deeds = known.deeds.iter().filter(|(title, ..)| folded(title).contains(&typed));
    found.extend(deeds.map(|(title, icon, button)| Place {
        title: (*title).to_owned(),
        hint: "Do".to_owned(),
        icon: (*icon).to_owned(),
        way: Way::Press(button),
    }));
    // What is called so comes before what is only described so.
    let by_title = |kind: &&Definition| !folded(&kind.title).contains(&typed);
    let mut kinds: Vec<_> = known.kinds.iter().filter(|kind| kind.matches_folded(text, folded)).collect();
    sort_by_key(&mut kinds, by_title);
    found.extend(kinds.into_iter().map(|kind| {
        place(format!("Start: {}", kind.title), "Kind", &kind.icon, format!("/start/{}", kind.kind))
    }));
    if text.is_empty() {
        found.truncate(MOST);
        return found;
    }
    found.truncate(MOST - 1 - tasks.len());
    found.extend(tasks.iter().map(of_task));
    let path = format!("/tasks?q={}", escape_query(text));
    found.push(place(format!("Search the tasks for “{text}”"), "Search", "search", path));
    found
}

/// The only task that was found, if the text is a part of its id.
fn only<'a>(text: &str, tasks: &'a [TaskState]) -> Option<&'a TaskState> {
    let [task] = tasks else { return None };
    let part = id_part(text)?;
    task.id.to_string().replace('-', "").contains(&part).then_some(task)
}

/// The tasks that a text finds.
async fn find_tasks(text: String) -> Vec<TaskState> {
    let Ok(query) = ListQuery::from_filter(&text) else { return Vec::new() };
    let query = ListQuery { limit: Some(MOST_TASKS), ..query };
    api::tasks(query).await.map(|page| page.tasks).unwrap_or_default()
}

/// The palette.
#[component]
pub(super) fn Palette(
    /// Its dialog.
    dialog: NodeRef<Dialog>,
    /// Counts how often it was opened.
    opened: RwSignal<u32>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let more = use_context::<MorePages>().unwrap_or_default().0;
    let known = RwSignal::new(Known { more, ..Known::default() });
    let input = NodeRef::<Input>::new();
    Effect::new(move |_| {
        if opened.get() == 0 {
            return;
        }
        typed.set(String::new());
        chosen.set(0);
        if let Some(input) = input.get_untracked() {
            let _ = input.focus();
        }
        known.update(|known| {
            known.tasks.clear();
            known.deeds = DEEDS.into_iter().filter(|(.., button)| browser::has(button)).collect();
        });
        if known.with_untracked(|known| known.kinds.is_empty()) {
            spawn_local(async move {
                // Without them it still leads to pages and tasks.
                if let Ok(found) = api::kinds().await {
                    let _ = known.try_update(|known| known.kinds = found);
                }
            });
        }
    });
    // The tasks are looked for when one pauses.
    Effect::new(move |_| {
        let text = typed.get();
        if text.trim().chars().count() < SHORTEST {
            known.update(|known| known.tasks.clear());
            return;
        }
        let look = move || {
            if typed.try_get_untracked().as_ref() != Some(&text) {
                return;
            }
            spawn_local(async move {
                let found = find_tasks(text.clone()).await;
                if typed.try_get_untracked() == Some(text) {
                    let _ = known.try_update(|known| known.tasks = found);
                }
            });
        };
        set_timeout(look, PAUSE);
    });
    let choices = Memo::new(move |_| {
        if opened.get() == 0 { Vec::new() } else { known.with(|known| places(&typed.get(), known)) }
    });
    let navigate = use_navigate();
    let to = move |path: &str| {
        navigate(path, NavigateOptions { resolve: false, ..NavigateOptions::default() });
    };
    let base = use_base();
    let go = Callback::new(move |at: usize| {
        let Some(place) = choices.with_untracked(|choices| choices.get(at).cloned()) else { return };
        hide(dialog);
        match place.way {
            Way::To(path) => to(&base.join(&path)),
            // One may press Enter before it is known which task that is.
            Way::Find(text) => {
                let (to, base) = (to.clone(), base.clone());
                spawn_local(async move {
                    let found = find_tasks(text.clone()).await;
                    let path = match only(&text, &found) {
                        Some(task) => format!("/tasks/{}", task.id),
                        None => format!("/tasks?q={}", escape_query(&text)),
                    };
                    to(&base.join(&path));
                });
            }
            Way::Press(button) => {
                browser::press(button);
            }
        }
    });
    let on_key = move |event: KeyboardEvent| {
        let count = choices.with_untracked(Vec::len).max(1);
        match event.key().as_str() {
            "ArrowDown" => chosen.update(|at| *at = (*at + 1) % count),
            "ArrowUp" => chosen.update(|at| *at = (*at + count - 1) % count),
            "Enter" => go.run(chosen.get_untracked()),
            _ => return,
        }
        event.prevent_default();
    };
    let rows = move || {
        let row = |(at, place): (usize, Place)| {
            view! {
                <li
                    id=format!("{LIST}-{at}")
                    role="option"
                    class="dash-offer"
                    aria-selected=move || (chosen.get() == at).to_string()
                    on:click=move |_| go.run(at)
                    on:mousemove=move |_| chosen.set(at)
                >
                    <Icon name=place.icon/>
                    <span class="dash-offer-title">{place.title}</span>
                    <span>{place.hint}</span>
                </li>
            }
        };
        choices.get().into_iter().enumerate().map(row).collect_view()
    };
    view! {
        <dialog class="dash-dialog dash-palette" node_ref=dialog aria-label="Go to">
            <div class="dash-palette-box">
                <Icon name="search"/>
                <input
                    type="text"
                    class="dash-finder-input"
                    placeholder="A page, a kind to start, a task, something to do"
                    aria-label="Go to"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls=LIST
                    aria-activedescendant=move || format!("{LIST}-{}", chosen.get())
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || typed.get()
                    node_ref=input
                    on:input=move |event| {
                        typed.set(event_target_value(&event));
                        chosen.set(0);
                    }
                    on:keydown=on_key
                />
            </div>
            <ul class="dash-palette-list" id=LIST role="listbox" aria-label="Where to">{rows}</ul>
        </dialog>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Kind, TaskId, Timestamp};

    use super::*;

    fn known() -> Known {
        let kinds = ["import_csv", "backup_database"].map(|kind| Definition::new(Kind::new(kind).unwrap()));
        Known { kinds: kinds.to_vec(), deeds: DEEDS.to_vec(), ..Known::default() }
    }

    fn titles(text: &str) -> Vec<String> {
        places(text, &known()).into_iter().map(|place| place.title).collect()
    }

    #[test]
    fn it_leads_to_pages_and_kinds() {
        assert_eq!(titles("")[..2], ["Overview", "Tasks"]);
        assert_eq!(titles("queue"), ["Queues", "Search the tasks for “queue”"]);
        assert_eq!(titles("csv"), ["Start: Import csv", "Search the tasks for “csv”"]);
        assert!(titles("").len() <= MOST);
    }

    #[test]
    fn it_does_what_the_page_has_a_button_for() {
        assert_eq!(titles("dark"), ["Theme: dark", "Search the tasks for “dark”"]);
        let none = Known { deeds: Vec::new(), ..known() };
        assert_eq!(places("dark", &none).len(), 1);
    }

    #[test]
    fn what_is_called_so_comes_before_what_is_described_so() {
        let mut known = known();
        known.kinds[0].description = "Like a backup.".to_owned();
        let places = places("backup", &known);
        assert_eq!(
            [places[0].title.as_str(), places[1].title.as_str()],
            ["Start: Backup database", "Start: Import csv"]
        );
    }

    #[test]
    fn the_tasks_that_are_found_stand_before_the_search() {
        let at = Timestamp::from_millis(5);
        let id = TaskId::from_parts(at, [1; 10]);
        let task = TaskState::new(id, Kind::new("import_csv").unwrap(), "Nightly", at);
        let places = places("nightly", &Known { tasks: vec![task], ..known() });
        assert_eq!((places[0].title.as_str(), &places[0].way), ("Nightly", &Way::To(format!("/tasks/{id}"))));
        assert_eq!(places.len(), 2);
    }

    #[test]
    fn an_id_leads_to_its_task_and_a_part_of_one_to_a_search() {
        let id = "01a1ff18-0d13-7126-8ee7-b5689af5340a";
        let first = |text: &str| places(text, &Known::default())[0].way.clone();
        assert_eq!(first(id), Way::To(format!("/tasks/{id}")));
        assert_eq!(first("5340ab"), Way::Find("5340ab".to_owned()));
        assert_eq!(first("a b"), Way::To("/tasks?q=a+b".to_owned()));
        let task = |id: &str| {
            TaskState::new(
                id.parse().unwrap(),
                Kind::new("import_csv").unwrap(),
                "Nightly",
                Timestamp::default(),
            )
        };
        let known =
            |ids: &[&str]| Known { tasks: ids.iter().copied().map(task).collect(), ..Known::default() };
        let found = places("af5340", &known(&[id]));
        assert_eq!(found[0].way, Way::To(format!("/tasks/{id}")), "the only one that has it");
        assert_eq!(found.len(), 2, "and it is there once");
        let other = "01a1ff18-0d13-7126-8ee7-b5689af5340b";
        assert_eq!(places("af5340", &known(&[id, other]))[0].way, Way::Find("af5340".to_owned()));
    }
}
