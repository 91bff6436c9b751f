//! What is asked of the browser besides the feed and the server functions. Nothing here is called while a view is
//! built, but for [`base_path`], which answers on the server too: the rest is for effects and event handlers, which
//! run in a browser only.

use js_sys::{Array, Date, Intl, Object, Reflect};
use leptos::prelude::{document, window};
use taskdeck_core::{TaskId, Timestamp};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::BasePath;

/// Where the page says that the deck is mounted; the root where there is no page.
pub(crate) fn base_path() -> BasePath {
    meta("taskdeck-base").map(|path| BasePath::new(&path)).unwrap_or_default()
}

/// What the page's `<meta>` of this name says; nothing on the server.
pub(crate) fn meta(name: &str) -> Option<String> {
    if !cfg!(target_arch = "wasm32") {
        return None;
    }
    let element = document().query_selector(&format!("meta[name='{name}']")).ok()??;
    element.get_attribute("content")
}

/// The moment that a text says, as the browser reads it, which has the code for that.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds, far from what an integer holds")]
pub(crate) fn read_time(text: &str) -> Option<Timestamp> {
    let millis = Date::parse(text);
    (!millis.is_nan()).then(|| Timestamp::from_millis(millis as i64))
}

/// The browser's clock.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds of this age")]
    Timestamp::from_millis(Date::now() as i64)
}

/// A number from 0 to 1, not fit for secrets.
pub(crate) fn chance() -> f64 {
    js_sys::Math::random()
}

/// A new task id of this moment, if the browser can make good random numbers.
pub(crate) fn new_task_id(now: Timestamp) -> Option<TaskId> {
    let mut random = [0; 10];
    window().crypto().ok()?.get_random_values_with_u8_array(&mut random).ok()?;
    Some(TaskId::from_parts(now, random))
}

/// Whether nobody looks at the tab.
pub(crate) fn is_hidden() -> bool {
    document().hidden()
}

/// The absolute time as the reader's own browser writes it, with the zone: `31 Jan 2026, 09:00:00 CET`.
pub(crate) fn local(at: Timestamp) -> Option<String> {
    thread_local! {
        // One formatter a page: making one costs more than all it writes.
        static FORMATTER: Option<Intl::DateTimeFormat> = {
            let options = Object::new();
            let set = |name: &str, value: &str| Reflect::set(&options, &name.into(), &value.into());
            let all = set("dateStyle", "medium").and_then(|_| set("timeStyle", "long"));
            all.is_ok().then(|| Intl::DateTimeFormat::new(&Array::new(), &options))
        };
    }
    let date = date(at);
    FORMATTER.with(|formatter| formatter.as_ref()?.format().call1(&JsValue::NULL, &date).ok()?.as_string())
}

/// The reader's own time of day: `09:00:00`.
pub(crate) fn local_time(at: Timestamp) -> String {
    let date = date(at);
    format!("{:02}:{:02}:{:02}", date.get_hours(), date.get_minutes(), date.get_seconds())
}

/// The reader's own time zone, by its IANA name: `Europe/Berlin`.
pub(crate) fn time_zone() -> Option<String> {
    let options = Intl::DateTimeFormat::new(&Array::new(), &Object::new()).resolved_options();
    Reflect::get(&options, &"timeZone".into()).ok()?.as_string()
}

/// The time at which a clock in UTC shows what the reader's own clock shows at this one.
pub(crate) fn as_local_clock(at: Timestamp) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "some hours")]
    at.plus_millis(-(date(at).get_timezone_offset() * 60_000.0) as i64)
}

/// When the reader's own clock shows this (`2026-01-31T08:30`). Of a time that it shows twice it is the first, and what it
/// never shows is as much later.
pub(crate) fn from_local_clock(text: &str) -> Option<Timestamp> {
    let millis = Date::new(&text.into()).get_time();
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds of an age that has a date")]
    (!millis.is_nan()).then(|| Timestamp::from_millis(millis as i64))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit")]
fn date(at: Timestamp) -> Date {
    Date::new(&JsValue::from_f64(at.as_millis() as f64))
}

/// The address of the feed's socket.
pub(crate) fn socket_url() -> Option<String> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}{}", location.host().ok()?, base_path().join("/ws")))
}

/// Whether no element of the page has the keyboard.
pub(crate) fn nobody_has_the_keyboard() -> bool {
    let document = document();
    document.active_element().is_none_or(|element| document.body().is_some_and(|body| *body == element))
}

/// The path of the page.
pub(crate) fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// Loads the page anew.
pub(crate) fn reload() {
    // A page that cannot be reloaded stays as it is.
    let _ = window().location().reload();
}

/// Goes to another page, loading it whole.
pub(crate) fn go_to(path: &str) {
    let _ = window().location().assign(path);
}

/// Puts text on the clipboard; says whether that worked. Over plain HTTP browsers have no clipboard API: there the
/// old way is taken.
pub(crate) async fn copy(text: String) -> bool {
    let navigator = window().navigator();
    let has_clipboard = Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|found| found.is_object());
    if has_clipboard && JsFuture::from(navigator.clipboard().write_text(&text)).await.is_ok() {
        return true;
    }
    copy_by_selection(&text).unwrap_or(false)
}

fn copy_by_selection(text: &str) -> Result<bool, JsValue> {
    let document = document();
    let Some(body) = document.body() else { return Ok(false) };
    let before =
        document.active_element().and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    let area: web_sys::HtmlTextAreaElement = document.create_element("textarea")?.unchecked_into();
    area.set_value(text);
    area.set_class_name("td-sr-only");
    body.append_child(&area)?;
    area.select();
    let copied = document.unchecked_ref::<web_sys::HtmlDocument>().exec_command("copy");
    area.remove();
    if let Some(before) = before {
        let _ = before.focus();
    }
    copied
}

/// Presses the button that opens the popover of this id; afterwards the focus is there again.
pub(crate) fn press_opener(id: &str) {
    if let Ok(Some(button)) = document().query_selector(&format!("[popovertarget='{id}']"))
        && let Ok(button) = button.dyn_into::<web_sys::HtmlElement>()
    {
        // What cannot take the focus opens all the same.
        let _ = button.focus();
        button.click();
    }
}

/// Closes the popover of this id.
pub(crate) fn hide_popover(id: &str) {
    let Some(element) = document().get_element_by_id(id) else { return };
    if let Ok(hide) = Reflect::get(&element, &"hidePopover".into())
        && let Some(hide) = hide.dyn_ref::<js_sys::Function>()
    {
        // It throws when it is closed already.
        let _ = hide.call0(&element);
    }
}
