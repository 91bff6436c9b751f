//! The nodes in the shadow root: made once, then patched where a text is another.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, ShadowRoot};

use crate::facts::Facts;

/// The widget's nodes, and what they show.
pub(crate) struct Nodes {
    root: Element,
    label: Element,
    badge: Element,
    bar: Element,
    percent: Element,
    more: Element,
    message: Element,
    note: Element,
    said: Element,
    shown: Option<Facts>,
}

impl Nodes {
    /// Builds the nodes in an empty shadow root.
    pub(crate) fn build(document: &Document, shadow: &ShadowRoot) -> Result<Self, JsValue> {
        let node = |name: &str, part: &str, parent: &web_sys::Node| -> Result<Element, JsValue> {
            let element = document.create_element(name)?;
            element.set_attribute("part", part)?;
            element.set_attribute("class", part)?;
            parent.append_child(&element)?;
            Ok(element)
        };
        shadow.unchecked_ref::<web_sys::Node>().set_text_content(None);
        let root = node("section", "card", shadow)?;
        let head = node("div", "head", &root)?;
        let label = node("div", "label", &head)?;
        let badge = node("span", "badge", &head)?;
        let bar = node("progress", "bar", &root)?;
        bar.set_attribute("max", "1")?;
        let facts = node("div", "facts", &root)?;
        let percent = node("span", "percent", &facts)?;
        let more = node("span", "more", &facts)?;
        let message = node("p", "message", &root)?;
        let note = node("p", "note", &root)?;
        let said = node("p", "said", &root)?;
        said.set_attribute("aria-live", "polite")?;
        Ok(Self { root, label, badge, bar, percent, more, message, note, said, shown: None })
    }

    /// Shows these facts; touches only what is another.
    pub(crate) fn show(&mut self, facts: Facts) {
        let before = self.shown.as_ref();
        let text = |node: &Element, text: &str, was: Option<&str>| {
            if was != Some(text) {
                node.set_text_content(Some(text));
            }
        };
        text(&self.label, &facts.label, before.map(|was| was.label.as_str()));
        text(&self.badge, &facts.badge, before.map(|was| was.badge.as_str()));
        text(&self.percent, &facts.percent, before.map(|was| was.percent.as_str()));
        text(&self.more, &facts.more, before.map(|was| was.more.as_str()));
        text(&self.message, &facts.message, before.map(|was| was.message.as_str()));
        text(&self.note, &facts.note, before.map(|was| was.note.as_str()));
        text(&self.said, &facts.said, before.map(|was| was.said.as_str()));
        // An attribute of an element of our own is always taken.
        if before.is_none_or(|was| was.status != facts.status) {
            let _ = self.root.set_attribute("data-status", facts.status);
        }
        if before.is_none_or(|was| was.value != facts.value) {
            let _ = match facts.value {
                Some(value) => self.bar.set_attribute("value", &value.to_string()),
                None => self.bar.remove_attribute("value"),
            };
        }
        if before.is_none_or(|was| was.label != facts.label) {
            let _ = self.bar.set_attribute("aria-label", &facts.label);
        }
        self.shown = Some(facts);
    }
}
