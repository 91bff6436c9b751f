//! The socket, the timers, the requests and the window's events.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::Value;
use taskdeck_core::Timestamp;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, EventTarget, Headers, MessageEvent, RequestInit, Response, WebSocket};

/// A socket with its handlers. Dropping it closes it, and nothing more is heard of it.
pub(crate) struct Socket {
    socket: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut()>,
}

impl Socket {
    pub(crate) fn open(
        url: &str,
        on_text: impl Fn(String) + 'static,
        on_close: impl Fn() + 'static,
    ) -> Option<Self> {
        let socket = WebSocket::new(url).ok()?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                on_text(text);
            }
        });
        let on_close = Closure::<dyn FnMut()>::new(on_close);
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some(Self { socket, _on_message: on_message, _on_close: on_close })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // One that is closed already takes no notice.
        let _ = self.socket.close();
    }
}

/// What happens to the page.
#[derive(Clone, Copy)]
pub(crate) enum Page {
    /// Somebody looks at it again, or the network is back.
    Woke,
    /// It is left; it may come back as it was.
    Left,
}

/// Listens to the page until it is dropped.
pub(crate) struct Listener {
    on: Closure<dyn FnMut(Event)>,
}

const WINDOW: [&str; 4] = ["focus", "online", "pageshow", "pagehide"];
const DOCUMENT: &str = "visibilitychange";

impl Listener {
    pub(crate) fn new(told: impl Fn(Page) + 'static) -> Self {
        let on = Closure::<dyn FnMut(Event)>::new(move |event: Event| match event.type_().as_str() {
            "pagehide" => told(Page::Left),
            // The first one comes with the page itself.
            "pageshow" if !is(&event, "persisted") => {}
            _ if document().is_some_and(|document| is(&document, "hidden")) => {}
            _ => told(Page::Woke),
        });
        let listener = Self { on };
        listener.each(|target, name, call| {
            // It cannot fail: the names are right.
            let _ = target.add_event_listener_with_callback(name, call);
        });
        listener
    }

    fn each(&self, act: impl Fn(&EventTarget, &str, &js_sys::Function)) {
        let call: &js_sys::Function = self.on.as_ref().unchecked_ref();
        if let Some(window) = web_sys::window() {
            WINDOW.iter().for_each(|name| act(&window, name, call));
        }
        if let Some(document) = document() {
            act(&document, DOCUMENT, call);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.each(|target, name, call| {
            let _ = target.remove_event_listener_with_callback(name, call);
        });
    }
}

fn document() -> Option<web_sys::Document> {
    web_sys::window()?.document()
}

fn is(of: &JsValue, name: &str) -> bool {
    js_sys::Reflect::get(of, &JsValue::from_str(name)).is_ok_and(|value| value.is_truthy())
}

/// The browser's clock.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

/// Calls `then` once, after `ms` milliseconds, unless it was armed anew since.
pub(crate) fn arm(armed: &Rc<Cell<u32>>, ms: u32, then: impl FnOnce() + 'static) {
    let number = armed.get().wrapping_add(1);
    armed.set(number);
    let armed = Rc::clone(armed);
    let call = Closure::once_into_js(move || {
        if armed.get() == number {
            then();
        }
    });
    if let Some(window) = web_sys::window() {
        let ms = i32::try_from(ms).unwrap_or(i32::MAX);
        let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(call.unchecked_ref(), ms);
    }
}

/// Waits.
pub(crate) async fn pause(ms: u32) {
    let never = Rc::new(Cell::new(0));
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        arm(&never, ms, move || {
            let _ = resolve.call0(&JsValue::NULL);
        });
    });
    let _ = JsFuture::from(promise).await;
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The token does not hold.
    Denied,
    /// There is no such thing.
    Missing,
    /// There is none yet, or none of this kind: asked again, it says the same.
    None,
    /// The server has too much to do, or failed.
    Failed,
    /// The server said nothing.
    Unreachable,
}

/// Whether an address is of another origin than the page.
pub(crate) fn is_elsewhere(url: &str) -> bool {
    let origin = web_sys::window().map(|window| window.origin()).unwrap_or_default();
    let rest = url.strip_prefix(&origin);
    url.contains("://") && rest.is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// What the server answered, and the token that came along.
pub(crate) struct Answer {
    pub(crate) body: Value,
    pub(crate) token: Option<String>,
}

/// Asks for JSON.
pub(crate) async fn get(url: &str, token: Option<&str>) -> Result<Answer, NoAnswer> {
    let window = web_sys::window().ok_or(NoAnswer::Unreachable)?;
    let init = RequestInit::new();
    if let Some(token) = token {
        let headers = Headers::new().map_err(|_| NoAnswer::Unreachable)?;
        headers.append("authorization", &format!("Bearer {token}")).map_err(|_| NoAnswer::Denied)?;
        init.set_headers(&headers);
    }
    let answer = JsFuture::from(window.fetch_with_str_and_init(url, &init)).await;
    let answer: Response = answer.map_err(|_| NoAnswer::Unreachable)?.unchecked_into();
    match answer.status() {
        401 | 403 => return Err(NoAnswer::Denied),
        404 => return Err(NoAnswer::Missing),
        408 | 421 | 429 | 500.. => return Err(NoAnswer::Failed),
        400.. => return Err(NoAnswer::None),
        _ => {}
    }
    let token = answer.headers().get("taskdeck-token").ok().flatten();
    let text = answer.text().map_err(|_| NoAnswer::Unreachable)?;
    let text = JsFuture::from(text).await.ok().and_then(|text| text.as_string());
    let body = text.and_then(|text| serde_json::from_str(&text).ok()).ok_or(NoAnswer::Unreachable)?;
    Ok(Answer { body, token })
}
