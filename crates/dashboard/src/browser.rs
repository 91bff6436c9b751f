//! What the pages ask of the browser: for event handlers, which run in a browser only.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlElement, HtmlInputElement, HtmlTextAreaElement};

use crate::theme::Theme;

/// Shows a theme at once, and keeps it for the next page.
pub(crate) fn apply_theme(theme: Theme) {
    let Some(root) = document().document_element() else { return };
    let _ = match theme.attribute() {
        Some(name) => root.set_attribute("data-theme", name),
        None => root.remove_attribute("data-theme"),
    };
    if let Ok(Some(meta)) = document().query_selector("meta[name=color-scheme]") {
        let _ = meta.set_attribute("content", theme.attribute().unwrap_or("light dark"));
    }
    keep(&theme.cookie());
}

/// Keeps a cookie.
pub(crate) fn keep(cookie: &str) {
    if let Ok(document) = document().dyn_into::<HtmlDocument>() {
        let _ = document.set_cookie(cookie);
    }
}

/// The cookies of this page, as the server gets them in a `Cookie` header.
pub(crate) fn cookies() -> String {
    document().dyn_into::<HtmlDocument>().ok().and_then(|document| document.cookie().ok()).unwrap_or_default()
}

/// How much is new to the viewer, as the bell says that is in the page. (Digits are read without `parse`, which is more
/// code.)
#[cfg(not(feature = "ssr"))]
pub(crate) fn news() -> usize {
    let said = find(".dash-bell").and_then(|bell| bell.get_attribute("data-new")).unwrap_or_default();
    said.bytes().fold(0, |number, digit| number * 10 + usize::from(digit & 15))
}

/// Copies a text; whether it worked. The old way on purpose: the clipboard API needs HTTPS, and a deck often is
/// reached by plain HTTP.
pub(crate) fn copy(text: &str) -> bool {
    let page = document();
    let (Some(body), Ok(area)) = (page.body(), page.create_element("textarea")) else { return false };
    let Ok(area) = area.dyn_into::<HtmlTextAreaElement>() else { return false };
    let before = page.active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
    area.set_value(text);
    area.set_read_only(true);
    area.set_class_name("td-sr-only");
    if body.append_child(&area).is_err() {
        return false;
    }
    area.select();
    let copied = page.dyn_into::<HtmlDocument>().is_ok_and(|page| page.exec_command("copy").unwrap_or(false));
    area.remove();
    if let Some(before) = before {
        let _ = before.focus();
    }
    copied
}

pub(crate) fn find(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok()??.dyn_into().ok()
}

/// Whether somebody types: a key is theirs then.
pub(crate) fn is_typing() -> bool {
    // A dialog that was just closed has the focus until the next frame.
    if find("dialog:not([open]) :focus").is_some() {
        return false;
    }
    let Some(element) = document().active_element() else { return false };
    let is_text = match element.tag_name().as_str() {
        "TEXTAREA" | "SELECT" => true,
        "INPUT" => element
            .get_attribute("type")
            .is_none_or(|kind| !["checkbox", "radio", "button", "submit", "reset"].contains(&kind.as_str())),
        _ => false,
    };
    is_text || element.dyn_into::<HtmlElement>().is_ok_and(|element| element.is_content_editable())
}

/// Whether a dialog or a question is open.
pub(crate) fn has_dialog() -> bool {
    find("dialog[open], .td-ask:popover-open").is_some()
}

/// Moves the focus; whether there is such an element.
pub(crate) fn focus(selector: &str) -> bool {
    find(selector).is_some_and(|element| element.focus().is_ok())
}

/// Whether the page has such an element.
pub(crate) fn has(selector: &str) -> bool {
    find(selector).is_some()
}

/// Presses a button; whether there is one.
pub(crate) fn press(selector: &str) -> bool {
    let Some(element) = find(selector) else { return false };
    element.click();
    true
}

/// Presses something in the row that has the focus.
pub(crate) fn press_in_row(selector: &str) -> bool {
    press(&format!(".dash-row:focus-within {selector}"))
}

/// Presses the button of this name: that of the tasks that are chosen, else of the row that has the focus, else of the
/// page's own task.
pub(crate) fn press_action(name: &str) -> bool {
    if has(".dash-row-choose input:checked") {
        return press(&format!(".dash-bulk [name='verb'][value='{}']", name.to_ascii_lowercase()));
    }
    let action = format!("[data-action='{name}']");
    press(&format!(".dash-row:focus-within {action}")) || press(&format!(".dash-task-actions {action}"))
}

/// Moves the focus to the next row, or to the one before.
pub(crate) fn step_row(down: bool) -> bool {
    let Ok(rows) = document().query_selector_all(".dash-row-link") else { return false };
    let Ok(current) = document().query_selector(".dash-row:focus-within .dash-row-link") else {
        return false;
    };
    let at = |index: u32| rows.item(index);
    let place = (0..rows.length()).find(|index| at(*index) == current.clone().map(JsCast::unchecked_into));
    let next = match (place.filter(|_| current.is_some()), down) {
        (None, _) => 0,
        (Some(place), true) => place + 1,
        (Some(place), false) => place.saturating_sub(1),
    };
    let Some(row) = at(next).and_then(|row| row.dyn_into::<HtmlElement>().ok()) else { return false };
    row.focus().is_ok()
}

/// Fills a field that the server made.
pub(crate) fn fill(selector: &str, text: &str) {
    if let Some(input) = find(selector).and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) {
        input.set_value(text);
    }
}

/// Closes the popover of this id, if it is open.
pub(crate) fn close_popover(id: &str) {
    if let Some(popover) = document().get_element_by_id(id).and_then(|it| it.dyn_into::<HtmlElement>().ok()) {
        let _ = popover.hide_popover();
    }
}

/// Whether nobody looks at the tab.
pub(crate) fn is_hidden() -> bool {
    document().hidden()
}
