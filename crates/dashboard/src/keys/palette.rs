//! The command palette: to a page, to the form of a kind, to a task by its id.

use leptos::ev::KeyboardEvent;
use leptos::html::{Dialog, Input};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use taskdeck_core::{Definition, id_part};
use taskdeck_ui::{Erase, Icon, api, use_base};

use super::press::hide;
use crate::filter::escape_query;

/// How many choices are shown.
const MOST: usize = 10;
const LIST: &str = "palette-choices";

/// The pages, with the words that they are found by.
const PAGES: [(&str, &str, &str); 8] = [
    ("Overview", "/", "layers"),
    ("Tasks", "/tasks", "list-checks"),
    ("Start a task", "/start", "play"),
    ("Queues", "/queues", "list"),
    ("Schedules", "/schedules", "calendar-clock"),
    ("Workers", "/workers", "monitor"),
    ("Notifications", "/inbox", "bell"),
    ("Settings", "/settings", "settings"),
];

/// Somewhere to go.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    title: String,
    hint: String,
    icon: String,
    path: String,
}

/// Where a text may lead, the likeliest first.
fn places(text: &str, kinds: &[Definition]) -> Vec<Place> {
    let text = text.trim();
    let typed = text.to_lowercase();
    let place = |title: String, hint: &str, icon: &str, path: String| Place {
        title,
        hint: hint.to_owned(),
        icon: icon.to_owned(),
        path,
    };
    let mut found = Vec::new();
    match id_part(text) {
        Some(part) if part.len() == 32 => {
            found.push(place(format!("Task {text}"), "Open", "hash", format!("/tasks/{text}")));
        }
        Some(_) => {
            let path = format!("/tasks?q={}", escape_query(text));
            found.push(place(format!("Tasks with {text} in their id"), "Find", "hash", path));
        }
        None => {}
    }
    let pages = PAGES.into_iter().filter(|(title, ..)| title.to_lowercase().contains(&typed));
    found.extend(pages.map(|(title, path, icon)| place(title.to_owned(), "Page", icon, path.to_owned())));
    let fitting = kinds.iter().filter(|kind| kind.matches(text));
    found.extend(fitting.map(|kind| {
        place(format!("Start: {}", kind.title), "Kind", &kind.icon, format!("/start/{}", kind.kind))
    }));
    found.truncate(MOST - 1);
    if !text.is_empty() {
        let path = format!("/tasks?q={}", escape_query(text));
        found.push(place(format!("Search the tasks for “{text}”"), "Search", "search", path));
    }
    found
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
    let kinds = RwSignal::new(Vec::<Definition>::new());
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
        if kinds.with_untracked(Vec::is_empty) {
            spawn_local(async move {
                // Without them it still leads to pages and tasks.
                if let Ok(found) = api::kinds().await {
                    kinds.try_set(found);
                }
            });
        }
    });
    let choices = Memo::new(move |_| {
        if opened.get() == 0 { Vec::new() } else { kinds.with(|kinds| places(&typed.get(), kinds)) }
    });
    let navigate = use_navigate();
    let base = use_base();
    let go = Callback::new(move |at: usize| {
        let Some(place) = choices.with_untracked(|choices| choices.get(at).cloned()) else { return };
        hide(dialog);
        navigate(&base.join(&place.path), NavigateOptions { resolve: false, ..NavigateOptions::default() });
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
                    placeholder="A page, a kind to start, the id of a task"
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
    use taskdeck_core::Kind;

    use super::*;

    fn titles(text: &str) -> Vec<String> {
        let kinds = ["import_csv", "backup_database"].map(|kind| Definition::new(Kind::new(kind).unwrap()));
        places(text, &kinds).into_iter().map(|place| place.title).collect()
    }

    #[test]
    fn it_leads_to_pages_and_kinds() {
        assert_eq!(titles("")[..2], ["Overview", "Tasks"]);
        assert_eq!(titles("queue"), ["Queues", "Search the tasks for “queue”"]);
        assert_eq!(titles("csv"), ["Start: Import csv", "Search the tasks for “csv”"]);
        assert!(titles("").len() < MOST);
    }

    #[test]
    fn an_id_leads_to_its_task_and_a_part_of_one_to_a_search() {
        let id = "01a1ff18-0d13-7126-8ee7-b5689af5340a";
        assert_eq!(places(id, &[])[0].path, format!("/tasks/{id}"));
        assert_eq!(places("5340ab", &[])[0].path, "/tasks?q=5340ab");
        assert_eq!(places("a b", &[])[0].path, "/tasks?q=a+b");
    }
}
