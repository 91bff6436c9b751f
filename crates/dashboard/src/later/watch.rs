//! Who comes to a part that the server made.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::{RwSignal, Set};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, Event};

/// By which somebody comes to a part. A finger is a pointer too.
const COMES: [&str; 3] = ["pointerover", "focusin", "click"];
/// Buttons that do nothing without code.
const NEEDS_CODE: &str = "button[type=button]:not([popovertarget])";

/// Listens to what is done at a part.
pub(super) struct Watch {
    place: Element,
    on_event: Closure<dyn FnMut(Event)>,
    pressed: Rc<RefCell<Option<Element>>>,
}

/// The part as the server made it, and the button that was pressed in it.
pub(super) struct Watched {
    pub(super) place: Element,
    pub(super) pressed: Option<Element>,
}

impl Watch {
    /// Sets `came` as soon as somebody comes, or is there already.
    pub(super) fn new(place: Element, came: RwSignal<bool>) -> Self {
        let pressed = Rc::<RefCell<Option<Element>>>::default();
        let last = Rc::clone(&pressed);
        let on_event = Closure::new(move |event: Event| {
            if event.type_() == "click" {
                let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
                if let Some(button) = target.and_then(|target| target.closest(NEEDS_CODE).ok()?) {
                    *last.borrow_mut() = Some(button);
                }
            }
            came.try_set(true);
        });
        for name in COMES {
            let _ = place.add_event_listener_with_callback(name, on_event.as_ref().unchecked_ref());
        }
        if place.matches(":hover, :focus-within").unwrap_or_default() {
            came.set(true);
        }
        Self { place, on_event, pressed }
    }

    /// Listens no more: the code is here.
    pub(super) fn end(self) -> Watched {
        Watched { pressed: self.pressed.take(), place: self.place.clone() }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let on_event = self.on_event.as_ref().unchecked_ref();
        for name in COMES {
            let _ = self.place.remove_event_listener_with_callback(name, on_event);
        }
    }
}
