//! Whether the browser shows notifications of this site. To be asked in effects and event handlers.

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// What the reader told the browser about notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nothing yet.
    Unasked,
    /// To show them.
    Granted,
    /// To show none.
    Denied,
    /// The browser has no notifications, or not for a page over plain HTTP.
    Missing,
}

/// What the reader told the browser.
#[must_use]
pub fn notification_permission() -> Permission {
    let told = notifications().and_then(|known| Reflect::get(&known, &"permission".into()).ok());
    match told.and_then(|told| told.as_string()).as_deref() {
        Some("granted") => Permission::Granted,
        Some("denied") => Permission::Denied,
        Some(_) => Permission::Unasked,
        None => Permission::Missing,
    }
}

/// Lets the browser ask the reader; what they said.
pub async fn ask_for_notifications() -> Permission {
    let asked = notifications()
        .and_then(|known| {
            let ask: Function = Reflect::get(&known, &"requestPermission".into()).ok()?.dyn_into().ok()?;
            ask.call0(&known).ok()
        })
        .and_then(|answer| answer.dyn_into::<Promise>().ok());
    if let Some(asked) = asked {
        // Whatever became of the question, the browser knows how it stands.
        let _ = JsFuture::from(asked).await;
    }
    notification_permission()
}

fn notifications() -> Option<JsValue> {
    let found = Reflect::get(&window(), &"Notification".into()).ok()?;
    found.is_function().then_some(found)
}
