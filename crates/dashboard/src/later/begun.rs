//! What somebody begins at a part that the server made goes on at the one that takes its place. It comes with the code of
//! the part.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use js_sys::Reflect;
use leptos::prelude::{document, set_timeout};
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, EventInit, HtmlDivElement, HtmlElement};

use super::watch::Watched;

/// What can be used.
const USABLE: &str = "a[href], button, input, select, textarea, summary, details";

/// What is selected of a field's text, which is where the next letter goes.
const SELECTION: [&str; 2] = ["selectionStart", "selectionEnd"];

/// Notes what was begun; what it returns goes on with that, at what stands in the place then.
pub(super) type GoOn = fn(Watched) -> Box<dyn FnOnce(&Element)>;

/// Waits until nothing is being done at a part.
pub(super) type Unpressed = fn(HtmlDivElement) -> Pin<Box<dyn Future<Output = ()>>>;

/// How soon it is looked whether something is pressed still.
const PRESSED: Duration = Duration::from_millis(30);

/// What is pressed when its part is taken away is never let go: that would be no click. And a click that is being told of
/// (which may be what the code came for) opens its menu only once all have heard of it, and only if its button is there
/// still: so this is never ready at once.
pub(super) fn unpressed(place: HtmlDivElement) -> Pin<Box<dyn Future<Output = ()>>> {
    let mut again_in = Duration::ZERO;
    Box::pin(poll_fn(move |context| {
        let waits = std::mem::replace(&mut again_in, PRESSED);
        if !waits.is_zero() && !place.matches(":active").unwrap_or_default() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        set_timeout(move || waker.wake(), waits);
        Poll::Pending
    }))
}

/// What was begun at a part, by the marks of the things that it was begun at.
pub(super) fn begun(Watched { place, pressed }: Watched) -> Box<dyn FnOnce(&Element)> {
    let before = usable(&place);
    let mark_of =
        |element: &Element| before.iter().find(|(_, one)| one == element).map(|(mark, _)| mark.clone());
    let focused = document().active_element();
    let selected = focused.as_ref().map(|field| SELECTION.map(|end| get(field, end)));
    let focused = focused.as_ref().and_then(mark_of);
    let pressed = pressed.as_ref().and_then(mark_of);
    let open = place.query_selector(":popover-open").ok().flatten().map(|menu| menu.id());
    let changed = before.iter().filter_map(|(mark, field)| Some((mark.clone(), Changed::of(field)?)));
    let changed: Vec<(Mark, Changed)> = changed.collect();
    let go_on = move |now: Element| {
        let usable = usable(&now);
        let marked = |mark: &Mark| usable.iter().find(|(known, _)| known == mark).map(|(_, one)| one);
        let marked_by = |mark: Option<Mark>| marked(&mark?)?.dyn_ref::<HtmlElement>();
        for (mark, changed) in &changed {
            if let Some(field) = marked(mark) {
                changed.make(field);
            }
        }
        // By its button, below which it stands.
        let opener = open.map(|id| format!("[popovertarget='{id}']"));
        if let Some(opener) = opener.and_then(|opener| now.query_selector(&opener).ok()?) {
            opener.unchecked_into::<HtmlElement>().click();
        }
        if let Some(focused) = marked_by(focused) {
            let _ = focused.focus();
            // Not of fields that have no text to select in: null, which they refuse.
            for (end, at) in SELECTION.into_iter().zip(selected.into_iter().flatten()) {
                let _ = Reflect::set(focused, &end.into(), &at);
            }
        }
        if let Some(pressed) = marked_by(pressed) {
            pressed.click();
        }
    };
    Box::new(move |now: &Element| {
        let now = now.clone();
        spawn_local(async move {
            // What the part does by itself when it is there comes first.
            let mut is_first = true;
            poll_fn(|context| {
                if !std::mem::take(&mut is_first) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            go_on(now);
        });
    })
}

/// What tells one thing of a part from the others, before and after: what it is called, and which of those that are called
/// so. (What is only there with code, or without, moves the others.)
type Mark = (String, usize);

/// What can be used of a part, in its order.
fn usable(place: &Element) -> Vec<(Mark, Element)> {
    let mut usable: Vec<(Mark, Element)> = Vec::new();
    let Ok(all) = place.query_selector_all(USABLE) else { return usable };
    for element in (0..all.length()).filter_map(|at| all.item(at)) {
        let element: Element = element.unchecked_into();
        let name = name_of(&element);
        let alike = usable.iter().filter(|((known, _), _)| *known == name).count();
        usable.push(((name, alike), element));
    }
    usable
}

fn name_of(element: &Element) -> String {
    let attribute = |name: &str| element.get_attribute(name).filter(|value| !value.is_empty());
    let (tag, kind) = (element.tag_name(), attribute("type").unwrap_or_default());
    let is_one_of_a_name = matches!(kind.as_str(), "checkbox" | "radio" | "submit");
    let value = || attribute("value").filter(|_| is_one_of_a_name).unwrap_or_default();
    let named = || attribute("name").map(|name| format!("{name}={}", value()));
    let text = || element.text_content().filter(|_| matches!(tag.as_str(), "BUTTON" | "SUMMARY"));
    let known = attribute("id").or_else(named).or_else(|| attribute("href"));
    let known = known.or_else(|| attribute("aria-label")).or_else(text);
    format!("{tag} {}", known.unwrap_or_default())
}

/// What was typed or chosen in a field that came as another, or whether details are open.
struct Changed {
    property: &'static str,
    value: JsValue,
}

impl Changed {
    fn of(field: &Element) -> Option<Self> {
        let differs = |property: &str, first: &str| get(field, property) != get(field, first);
        let property = if field.tag_name() == "DETAILS" {
            "open"
        } else if differs("checked", "defaultChecked") {
            "checked"
        } else if differs("value", "defaultValue") {
            "value"
        } else {
            return None;
        };
        let value = get(field, property);
        // Of those of which one is chosen, the one that is.
        let is_left = value == JsValue::FALSE && get(field, "type").as_string().as_deref() == Some("radio");
        (!is_left).then_some(Self { property, value })
    }

    /// Changes the field, and tells the view of it as when it is typed or chosen now.
    fn make(&self, field: &Element) {
        if get(field, self.property) == self.value {
            return;
        }
        let _ = Reflect::set(field, &self.property.into(), &self.value);
        let init = EventInit::new();
        init.set_bubbles(true);
        for name in ["input", "change"] {
            if let Ok(event) = Event::new_with_event_init_dict(name, &init) {
                let _ = field.dispatch_event(&event);
            }
        }
    }
}

fn get(element: &Element, property: &str) -> JsValue {
    Reflect::get(element, &property.into()).unwrap_or_default()
}
