//! What the pages ask of the browser: for event handlers, which run in a browser only.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlElement, HtmlTextAreaElement};

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
    if let Ok(document) = document().dyn_into::<HtmlDocument>() {
        let _ = document.set_cookie(&theme.cookie());
    }
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
