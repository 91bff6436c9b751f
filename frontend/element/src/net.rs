//! The socket, the timers and the requests.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::Value;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, MessageEvent, RequestInit, Response, WebSocket};

/// A socket with its handlers. Dropping it closes it, and nothing more is heard of it.
pub(crate) struct Socket {
    socket: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut()>,
}

impl Socket {
    pub(crate) fn open(
        url: &str,
        mut on_text: impl FnMut(String) + 'static,
        on_close: impl FnMut() + 'static,
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
    /// The server said no.
    Refused,
    /// It said nothing, or could not.
    Unreachable,
}

/// Asks for JSON.
pub(crate) async fn get(url: &str, token: Option<&str>) -> Result<Value, NoAnswer> {
    let window = web_sys::window().ok_or(NoAnswer::Unreachable)?;
    let init = RequestInit::new();
    if let Some(token) = token {
        let headers = Headers::new().map_err(|_| NoAnswer::Unreachable)?;
        headers.append("authorization", &format!("Bearer {token}")).map_err(|_| NoAnswer::Refused)?;
        init.set_headers(&headers);
    }
    let answer = JsFuture::from(window.fetch_with_str_and_init(url, &init)).await;
    let answer: Response = answer.map_err(|_| NoAnswer::Unreachable)?.unchecked_into();
    if matches!(answer.status(), 400..=499) {
        return Err(NoAnswer::Refused);
    }
    let text = answer.text().map_err(|_| NoAnswer::Unreachable)?;
    let text = JsFuture::from(text).await.ok().and_then(|text| text.as_string());
    let json = text.and_then(|text| serde_json::from_str(&text).ok()).ok_or(NoAnswer::Unreachable)?;
    if answer.ok() { Ok(json) } else { Err(NoAnswer::Unreachable) }
}
