//! One `<task-progress>` on a page.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;
use taskdeck_core::{TaskState, happened, unstarted};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{HtmlElement, ShadowRoot};

use crate::dom::Nodes;
use crate::facts::{Facts, Seen, facts};
use crate::link::Link;
use crate::message;
use crate::tell::{self, News};

/// A widget; when it is freed it is over.
#[wasm_bindgen]
pub struct Widget {
    view: Rc<View>,
    /// The token that the page gave.
    given: Option<String>,
}

/// What shows a task, and tells of it.
pub(crate) struct View {
    host: HtmlElement,
    nodes: RefCell<Nodes>,
    link: Rc<Link>,
    /// The last state that what happened was told from, or waits to be.
    compared: RefCell<Option<TaskState>>,
    /// The last state that all is told of.
    told: RefCell<Option<TaskState>>,
    /// The page's function that tells: the event's name, and its detail.
    tell: js_sys::Function,
}

#[wasm_bindgen]
impl Widget {
    /// Shows the task that the host's attributes name: `task`, `token`, `state` (with `new`: as the start answered it), and
    /// `src`, which is `src` of the script where it is not said. `token` and `told` are what is kept of an earlier widget
    /// of the same element.
    #[wasm_bindgen(constructor)]
    pub fn new(
        host: HtmlElement,
        shadow: &ShadowRoot,
        src: &str,
        token: Option<String>,
        told: Option<String>,
        tell: js_sys::Function,
    ) -> Result<Widget, JsValue> {
        let attribute = |name: &str| host.get_attribute(name).filter(|text| !text.is_empty());
        let src = attribute("src").unwrap_or_else(|| src.to_owned());
        let read = |text: String| message::state(serde_json::from_str(&text).ok()?);
        let stated = attribute("state").and_then(read);
        let task = attribute("task")
            .or_else(|| stated.as_ref().map(|state| state.id.to_string()))
            .unwrap_or_default();
        // What a page gave of another task is of no use to this one.
        let stated = stated.filter(|state| state.id.to_string() == task);
        let told = told.and_then(read).filter(|state| state.id.to_string() == task);
        // What a start answered, so that what happened since is told; but nothing twice.
        let baseline = match (&stated, told) {
            (Some(stated), Some(told)) if stated.rev() > told.rev() => Some(stated.clone()),
            (_, Some(told)) => Some(told),
            (Some(stated), None) if host.has_attribute("new") => Some(unstarted(stated)),
            (Some(stated), None) => Some(stated.clone()),
            (None, None) => None,
        };
        let given = attribute("token");
        let link = Link::to(src.trim_end_matches('/'), &task, token.or_else(|| given.clone()));
        let view = Rc::new(View {
            nodes: RefCell::new(Nodes::of(shadow)?),
            link: Rc::clone(&link),
            compared: RefCell::new(baseline.clone()),
            told: RefCell::new(baseline.clone()),
            tell,
            host,
        });
        link.join(&view);
        // The newest that is known: of the page, of an earlier widget, of another widget of the task.
        let known = link.state.borrow().clone();
        let newest = [known, stated, baseline].into_iter().flatten().max_by_key(TaskState::rev);
        if let Some(newest) = newest {
            link.know(newest, &view);
        }
        view.show();
        Ok(Self { view, given })
    }

    /// Takes another token; what is open goes on.
    pub fn set_token(&mut self, token: String) {
        self.given = Some(token.clone());
        self.view.link.set_token(token);
    }

    /// Shows what there is, by the host's attributes as they are now.
    pub fn show(&self) {
        self.view.show();
    }

    /// Where the deck is.
    pub fn src(&self) -> String {
        self.view.link.src.clone()
    }

    /// Which task.
    pub fn task(&self) -> String {
        self.view.link.task.clone()
    }

    /// The token that the page gave.
    pub fn given(&self) -> Option<String> {
        self.given.clone()
    }

    /// The token as it is now.
    pub fn token(&self) -> Option<String> {
        self.view.link.token.borrow().clone()
    }

    /// The last state that all is told of, as JSON.
    pub fn told(&self) -> Option<String> {
        self.view.told.borrow().as_ref().and_then(|state| serde_json::to_string(state).ok())
    }
}

impl View {
    pub(crate) fn show(&self) {
        let link = &self.link;
        let state = link.state.borrow();
        let shown = facts(Seen {
            task: state.as_ref(),
            standing: link.standing(),
            named: !link.task.is_empty(),
            over: link.is_over(),
            now: link.now(),
        });
        let hidden = self.is_hidden(shown.status);
        self.nodes.borrow_mut().show(Facts { hidden, ..shown });
    }

    /// Whether the page wants it to be hidden in this status: `show-if` and `hide-if` name statuses.
    fn is_hidden(&self, status: &str) -> bool {
        let names = |attribute: &str| {
            let listed = self.host.get_attribute(attribute)?;
            Some(listed.split_whitespace().any(|name| name == status))
        };
        names("show-if") == Some(false) || names("hide-if") == Some(true)
    }

    /// What happened until this state, if anything did.
    pub(crate) fn compare(self: &Rc<Self>, after: &TaskState) -> Option<News> {
        let mut compared = self.compared.borrow_mut();
        if compared.as_ref().is_some_and(|known| after.rev() <= known.rev()) {
            return None;
        }
        let before = compared.replace(after.clone());
        let events = before.as_ref().map(|before| happened(before, after)).unwrap_or_default();
        if events.is_empty() {
            let mut told = self.told.borrow_mut();
            // What waits to be told begins there.
            if told.as_ref().map(TaskState::rev) == before.as_ref().map(TaskState::rev) {
                *told = Some(after.clone());
            }
            return None;
        }
        let notices_seen = before.map_or(0, |before| before.notice_seq);
        Some(News { view: Rc::downgrade(self), events, notices_seen })
    }

    pub(crate) fn was_told(&self, state: &TaskState) {
        *self.told.borrow_mut() = Some(state.clone());
    }

    /// What the page gives along: JSON, or text.
    pub(crate) fn context(&self) -> Value {
        let text = self.host.get_attribute("context").filter(|text| !text.is_empty());
        text.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))).unwrap_or_default()
    }

    /// Dispatches an event; its detail is JSON, which `element.js` reads: a 64-bit number must stay what it is.
    pub(crate) fn dispatch(&self, name: &str, detail: &str) {
        // What a listener throws is its own affair.
        let _ = self.tell.call2(&JsValue::NULL, &JsValue::from_str(name), &JsValue::from_str(detail));
    }
}

impl Link {
    /// Takes in what a widget brought, and tells the widget what it missed.
    fn know(self: &Rc<Self>, newest: TaskState, view: &Rc<View>) {
        let is_new = self.state.borrow().as_ref().is_none_or(|known| newest.rev() > known.rev());
        if is_new {
            *self.state.borrow_mut() = Some(newest.clone());
        }
        let views = if is_new { self.views() } else { vec![Rc::clone(view)] };
        tell::news(self, views, &newest);
    }
}
