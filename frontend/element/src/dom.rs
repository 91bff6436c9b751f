//! The nodes in the shadow root, which `element.js` makes: patched where a text is another.

use taskdeck_core::format;
use wasm_bindgen::JsValue;
use web_sys::{Element, ShadowRoot};

use crate::facts::Facts;

/// The widget's nodes, and what they show.
pub(crate) struct Nodes {
    card: Element,
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
    /// Finds them.
    pub(crate) fn of(shadow: &ShadowRoot) -> Result<Self, JsValue> {
        let node = |part: &str| shadow.query_selector(&format!(".{part}"))?.ok_or(JsValue::NULL);
        Ok(Self {
            card: node("card")?,
            label: node("label")?,
            badge: node("badge")?,
            bar: node("bar")?,
            percent: node("percent")?,
            more: node("more")?,
            message: node("message")?,
            note: node("note")?,
            said: node("said")?,
            shown: None,
        })
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
        let attribute = |node: &Element, name: &str, value: &str, was: Option<&str>| {
            if was != Some(value) {
                let _ = node.set_attribute(name, value);
            }
        };
        attribute(&self.card, "data-status", facts.status, before.map(|was| was.status));
        attribute(&self.card, "data-tone", facts.tone, before.map(|was| was.tone));
        attribute(&self.bar, "aria-label", &facts.label, before.map(|was| was.label.as_str()));
        if before.is_none_or(|was| was.value != facts.value) {
            let _ = match facts.value {
                Some(value) => self.bar.set_attribute("value", &format::decimal(value, 4)),
                None => self.bar.remove_attribute("value"),
            };
        }
        if before.is_none_or(|was| was.hidden != facts.hidden) {
            let _ = self.card.toggle_attribute_with_force("hidden", facts.hidden);
        }
        self.shown = Some(facts);
    }
}
