//! Notifications of the browser: whether it shows those of this site, and showing one. For effects and event handlers.

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::closure::Closure;
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

/// What the browser is to show beside all its windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The first line.
    pub title: String,
    /// The rest.
    pub body: String,
    /// Two with the same tag are shown as one, also when two tabs show them.
    pub tag: String,
    /// Where a press leads.
    pub href: String,
}

impl Notification {
    /// Shows it, if the reader allowed that.
    pub fn show(self) {
        let Some(known) = notifications().filter(|_| notification_permission() == Permission::Granted) else {
            return;
        };
        let options = Object::new();
        for (name, value) in [("body", &self.body), ("tag", &self.tag)] {
            // It is an object of our own.
            let _ = Reflect::set(&options, &name.into(), &value.into());
        }
        let made =
            Reflect::construct(known.unchecked_ref::<Function>(), &Array::of2(&self.title.into(), &options));
        let Ok(made) = made else { return };
        let href = self.href;
        let press = Closure::once_into_js(move || {
            let _ = window().focus();
            let _ = window().location().assign(&href);
        });
        let _ = Reflect::set(&made, &"onclick".into(), &press);
    }
}

fn notifications() -> Option<JsValue> {
    let found = Reflect::get(&window(), &"Notification".into()).ok()?;
    found.is_function().then_some(found)
}
