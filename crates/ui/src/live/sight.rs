//! Which rows of a list are in sight: only what is in sight moves.
//!
//! A row that is not costs nothing while its task goes on: how far the task is waits unread, and no clock ticks in it.
//! When it comes into sight it shows how things stand. What a task is (its status, its label) is not held back.
//!
//! The browser looks at rows one by one, or at parts of a long list as wholes: to look at a thousand in each frame is
//! work of its own.

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
    pub(super) fn add(&mut self, id: TaskId) {
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

    pub(super) fn moved(&mut self, id: TaskId, into_sight: bool) {
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
    parts: RefCell<SmallMap<u32, Part>>,
    next: Cell<u32>,
}

/// What the browser looks at: a row, or a part of a list with all of its rows.
struct Part {
    element: Element,
    in_sight: bool,
    rows: Vec<Row>,
}

#[derive(Clone, Copy)]
struct Row {
    number: u32,
    id: TaskId,
    shown: RwSignal<bool>,
}

impl Drop for Lookout {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}

impl Lookout {
    fn number(&self) -> u32 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    /// Looks at a row, or at the part that it is in. The number of what is looked at, that of the row, and whether it
    /// is in sight already.
    fn add(&self, element: Element, id: TaskId, shown: RwSignal<bool>) -> (u32, u32, bool) {
        let row = Row { number: self.number(), id, shown };
        let mut parts = self.parts.borrow_mut();
        if let Some(number) = number_of(&element)
            && let Some(part) = parts.get_mut(number)
        {
            part.rows.push(row);
            return (number, row.number, part.in_sight);
        }
        let number = self.number();
        let marked = Reflect::set(&element, &JsValue::from_str(NUMBER), &JsValue::from(number));
        let observer = self.observer.as_ref().filter(|_| marked.is_ok());
        if let Some(observer) = observer {
            observer.observe(&element);
        }
        // A browser that cannot tell shows all.
        let in_sight = observer.is_none();
        parts.insert(number, Part { element, in_sight, rows: vec![row] });
        (number, row.number, in_sight)
    }

    fn remove(&self, number: u32, row: u32) -> Option<Row> {
        let mut parts = self.parts.borrow_mut();
        let part = parts.get_mut(number)?;
        let place = part.rows.iter().position(|known| known.number == row)?;
        let row = part.rows.swap_remove(place);
        if part.rows.is_empty()
            && let Some(part) = parts.remove(number)
            && let Some(observer) = &self.observer
        {
            observer.unobserve(&part.element);
        }
        Some(row)
    }

    fn moved(&self, number: u32, into_sight: bool) -> Vec<Row> {
        self.parts.borrow_mut().get_mut(number).map_or_else(Vec::new, |part| {
            part.in_sight = into_sight;
            part.rows.clone()
        })
    }
}

fn number_of(element: &Element) -> Option<u32> {
    let number = Reflect::get(element, &JsValue::from_str(NUMBER)).ok()?.as_f64()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as it was written")]
    Some(number as u32)
}

impl LiveStore {
    /// Whether the row of a task is in sight, for as long as the component lives; not yet before it is in the page.
    /// A row inside of an element with `data-sight` is in sight when that is.
    /// A task all of whose rows are out of sight is told of in states, but not of its progress.
    #[must_use]
    pub fn in_sight(&self, id: TaskId, row: NodeRef<html::Li>) -> Signal<bool> {
        let shown = RwSignal::new(false);
        let store = self.clone();
        Effect::new(move |_| {
            let Some(element) = row.get() else { return };
            let part = element.closest("[data-sight]").ok().flatten().unwrap_or_else(|| element.into());
            lock(&store.0.plan).wants.sight.add(id);
            let (part, row, in_sight) = store.with_lookout(|lookout| lookout.add(part, id, shown));
            if in_sight {
                store.show(Row { number: row, id, shown }, true);
            }
            store.changed();
            let store = store.clone();
            on_cleanup(move || store.look_away(part, row));
        });
        shown.read_only().into()
    }

    fn look_away(&self, part: u32, row: u32) {
        if let Some(row) = self.with_lookout(|lookout| lookout.remove(part, row)) {
            let sight = &mut lock(&self.0.plan).wants.sight;
            if row.shown.try_get_untracked() == Some(true) {
                sight.moved(row.id, false);
            }
            sight.remove(row.id);
        }
        self.changed();
    }

    fn show(&self, row: Row, into_sight: bool) {
        if row.shown.try_get_untracked() == Some(!into_sight) {
            lock(&self.0.plan).wants.sight.moved(row.id, into_sight);
            row.shown.set(into_sight);
        }
    }

    /// The browser says what came into sight or went out of it.
    fn all_moved(&self, entries: &Array) {
        let mut came = false;
        for entry in entries.iter() {
            let entry: IntersectionObserverEntry = entry.unchecked_into();
            let Some(number) = number_of(&entry.target()) else { continue };
            let into_sight = entry.is_intersecting();
            came |= into_sight;
            for row in self.with_lookout(|lookout| lookout.moved(number, into_sight)) {
                self.show(row, into_sight);
            }
        }
        if came {
            self.flush();
        }
        // The server is told at once, and tells at once how far the tasks are that came into sight.
        self.changed();
    }

    pub(super) fn lookout(&self) -> Lookout {
        let store = self.weak();
        let on_moved = Closure::new(move |entries: Array| store.with(|store| store.all_moved(&entries)));
        let options = IntersectionObserverInit::new();
        options.set_root_margin(MARGIN);
        let observer =
            IntersectionObserver::new_with_options(on_moved.as_ref().unchecked_ref(), &options).ok();
        Lookout { observer, _on_moved: on_moved, parts: RefCell::default(), next: Cell::new(0) }
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
