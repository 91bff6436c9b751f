//! Which rows of a list are in sight: only what is in sight moves.
//!
//! A row that is not costs nothing while its task goes on: how far the task is waits unread, and no clock ticks in it.
//! When it comes into sight it shows how things stand. What a task is (its status, its label) is not held back.

use std::cell::{Cell, RefCell};

use js_sys::{Array, Reflect};
use leptos::html;
use leptos::prelude::*;
use taskdeck_core::TaskId;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

use super::small_map::SmallMap;
use super::store::{LiveStore, lock};

/// A row this near is in sight already, so that one scrolls into rows that are right.
const MARGIN: &str = "200px";
/// Where an element bears its number.
const NUMBER: &str = "taskdeckRow";

/// How many rows a task has, and how many of them are in sight. A task without a row is none of ours.
#[derive(Debug, Default)]
pub(super) struct Sight(SmallMap<TaskId, Rows>);

#[derive(Debug, Default)]
struct Rows {
    all: u32,
    in_sight: u32,
}

impl Sight {
    fn add(&mut self, id: TaskId) {
        self.0.get_or_insert_with(id, Rows::default).all += 1;
    }

    fn remove(&mut self, id: TaskId) {
        if let Some(rows) = self.0.get_mut(id) {
            rows.all -= 1;
            if rows.all == 0 {
                self.0.remove(id);
            }
        }
    }

    fn moved(&mut self, id: TaskId, into_sight: bool) {
        if let Some(rows) = self.0.get_mut(id) {
            rows.in_sight = if into_sight { rows.in_sight + 1 } else { rows.in_sight.saturating_sub(1) };
        }
    }

    /// Whether the task has rows, and none of them is in sight.
    pub(super) fn is_out(&self, id: TaskId) -> bool {
        self.0.get(id).is_some_and(|rows| rows.in_sight == 0)
    }
}

/// What the browser tells us with. When it is dropped, it tells nothing any more.
pub(super) struct Lookout {
    observer: Option<IntersectionObserver>,
    _on_moved: Closure<dyn FnMut(Array)>,
    rows: RefCell<SmallMap<u32, Row>>,
    next: Cell<u32>,
}

#[derive(Clone)]
struct Row {
    id: TaskId,
    element: Element,
    shown: RwSignal<bool>,
}

impl Drop for Lookout {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}

impl LiveStore {
    /// Whether the row of a task is in sight, for as long as the component lives; not yet before it is in the page.
    /// A task all of whose rows are out of sight is told of in states, but not of its progress.
    #[must_use]
    pub fn in_sight(&self, id: TaskId, row: NodeRef<html::Li>) -> Signal<bool> {
        let shown = RwSignal::new(false);
        let store = self.clone();
        Effect::new(move |_| {
            let Some(element) = row.get() else { return };
            let number = store.look_at(&Row { id, element: element.into(), shown });
            let store = store.clone();
            on_cleanup(move || store.look_away(number));
        });
        shown.read_only().into()
    }

    fn look_at(&self, row: &Row) -> u32 {
        lock(&self.0.sight).add(row.id);
        let (number, can_tell) = self.with_lookout(|lookout| {
            let number = lookout.next.get() + 1;
            lookout.next.set(number);
            let marked = Reflect::set(&row.element, &JsValue::from_str(NUMBER), &JsValue::from(number));
            let observer = lookout.observer.as_ref().filter(|_| marked.is_ok());
            if let Some(observer) = observer {
                observer.observe(&row.element);
            }
            lookout.rows.borrow_mut().insert(number, row.clone());
            (number, observer.is_some())
        });
        // A browser that cannot tell shows all.
        if !can_tell {
            self.moved(number, true);
        }
        number
    }

    fn look_away(&self, number: u32) {
        let row = self.with_lookout(|lookout| {
            let row = lookout.rows.borrow_mut().remove(number)?;
            if let Some(observer) = &lookout.observer {
                observer.unobserve(&row.element);
            }
            Some(row)
        });
        if let Some(row) = row {
            let mut sight = lock(&self.0.sight);
            if row.shown.try_get_untracked() == Some(true) {
                sight.moved(row.id, false);
            }
            sight.remove(row.id);
        }
    }

    fn moved(&self, number: u32, into_sight: bool) {
        let row = self.with_lookout(|lookout| lookout.rows.borrow().get(number).cloned());
        let Some(row) = row.filter(|row| row.shown.try_get_untracked() == Some(!into_sight)) else { return };
        lock(&self.0.sight).moved(row.id, into_sight);
        row.shown.set(into_sight);
    }

    /// The browser says which rows came into sight or went out of it.
    fn all_moved(&self, entries: &Array) {
        let mut came = false;
        for entry in entries.iter() {
            let entry: IntersectionObserverEntry = entry.unchecked_into();
            let number = Reflect::get(&entry.target(), &JsValue::from_str(NUMBER));
            let Some(number) = number.ok().and_then(|number| number.as_f64()) else { continue };
            came |= entry.is_intersecting();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as it was written")]
            self.moved(number as u32, entry.is_intersecting());
        }
        if came {
            self.flush();
        }
    }

    pub(super) fn lookout(&self) -> Lookout {
        let store = self.weak();
        let on_moved = Closure::new(move |entries: Array| store.with(|store| store.all_moved(&entries)));
        let options = IntersectionObserverInit::new();
        options.set_root_margin(MARGIN);
        let observer =
            IntersectionObserver::new_with_options(on_moved.as_ref().unchecked_ref(), &options).ok();
        Lookout { observer, _on_moved: on_moved, rows: RefCell::default(), next: Cell::new(0) }
    }
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Timestamp;

    use super::*;

    #[test]
    fn a_task_is_out_of_sight_when_all_of_its_rows_are() {
        let id = TaskId::from_parts(Timestamp::from_millis(5), [1; 10]);
        let mut sight = Sight::default();
        assert!(!sight.is_out(id), "what has no row may be shown in any other way");
        sight.add(id);
        sight.add(id);
        assert!(sight.is_out(id));
        sight.moved(id, true);
        assert!(!sight.is_out(id));
        sight.moved(id, false);
        assert!(sight.is_out(id));
        sight.remove(id);
        assert!(sight.is_out(id));
        sight.remove(id);
        assert!(!sight.is_out(id));
    }
}
