//! The browser's side of the feed: the socket, the timers, the window's events. It does what the plan says.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use leptos::leptos_dom::helpers::{IntervalHandle, TimeoutHandle, WindowListenerHandle};
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use taskdeck_core::ClientMessage;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{MessageEvent, WebSocket};

use super::plan::{Command, Event, Standing, Timer};
use super::sight::Lookout;
use super::small_map::SmallMap;
use super::store::{Connection, LiveStore, Shared, lock};
use crate::browser;

/// What the store has of the browser. When it is dropped, all of it ends.
#[derive(Default)]
pub(super) struct Driver {
    socket: RefCell<Option<Socket>>,
    timers: RefCell<SmallMap<Timer, Pending>>,
    clock: RefCell<Option<IntervalHandle>>,
    listeners: RefCell<Vec<WindowListenerHandle>>,
    lookout: RefCell<Option<Rc<Lookout>>>,
}

struct Pending {
    handle: TimeoutHandle,
    /// When the browser calls.
    set_for: f64,
    /// When the timer is due. A timer that is put off (at each message of the server) is not set anew: it looks
    /// again when the browser calls.
    due: f64,
}

struct Socket {
    socket: WebSocket,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // It may be closed already.
        let _ = self.socket.close();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        for (_, pending) in self.timers.get_mut().iter() {
            pending.handle.clear();
        }
        if let Some(clock) = self.clock.get_mut().take() {
            clock.clear();
        }
        for listener in self.listeners.get_mut().drain(..) {
            listener.remove();
        }
    }
}

/// A store that does not keep itself alive through the browser's callbacks.
#[derive(Clone)]
pub(super) struct WeakStore(Weak<Shared>);

impl WeakStore {
    pub(super) fn with(&self, act: impl FnOnce(&LiveStore)) {
        if let Some(shared) = self.0.upgrade() {
            act(&LiveStore(shared));
        }
    }
}

impl LiveStore {
    pub(super) fn weak(&self) -> WeakStore {
        WeakStore(Arc::downgrade(&self.0))
    }

    /// Does something with the driver, which is made (and listens to the window) the first time.
    fn with_driver<R>(&self, act: impl FnOnce(&Driver) -> R) -> R {
        let mut driver = lock(&self.0.driver);
        let driver = driver.get_or_insert_with(|| SendWrapper::new(Driver::listening(&self.weak())));
        act(driver)
    }

    /// Does something with what tells which rows are in sight.
    pub(super) fn with_lookout<R>(&self, act: impl FnOnce(&Lookout) -> R) -> R {
        let lookout = self.with_driver(|driver| {
            Rc::clone(driver.lookout.borrow_mut().get_or_insert_with(|| Rc::new(self.lookout())))
        });
        act(&lookout)
    }

    /// Tells the plan what happened, and does what it says.
    pub(super) fn dispatch(&self, event: Event) {
        if lock(&self.0.clock).ended {
            return;
        }
        let commands = lock(&self.0.plan).on(event, browser::chance());
        for command in commands {
            match command {
                Command::Open => self.open(),
                Command::Close => {
                    let socket = self.with_driver(|driver| driver.socket.take());
                    drop(socket);
                }
                Command::Send(message) => self.send(&message),
                Command::Arm(timer, wait_ms) => self.arm(timer, f64::from(wait_ms)),
                Command::Disarm(timer) => self.with_driver(|driver| {
                    if let Some(pending) = driver.timers.borrow_mut().remove(timer) {
                        pending.handle.clear();
                    }
                }),
                Command::Poll => self.poll(),
                Command::CatchUp => self.catch_up(),
                Command::Tell(standing) => self.tell(standing),
            }
        }
    }

    fn tell(&self, standing: Standing) {
        let since = match standing {
            Standing::Connecting => None,
            Standing::Live => {
                lock(&self.0.clock).lost_at = None;
                None
            }
            Standing::Polling | Standing::Offline => {
                let now = self.server_now();
                Some(*lock(&self.0.clock).lost_at.get_or_insert(now))
            }
        };
        self.0.connection.set(match (standing, since) {
            (Standing::Polling, Some(since)) => Connection::Polling { since },
            (Standing::Offline, Some(since)) => Connection::Offline { since },
            (Standing::Live, _) => Connection::Live,
            _ => Connection::Connecting,
        });
    }

    fn open(&self) {
        let socket = browser::socket_url().and_then(|url| WebSocket::new(&url).ok());
        let Some(socket) = socket else {
            // No socket can be made at all: as if it had closed.
            let store = self.weak();
            set_timeout(move || store.with(|store| store.dispatch(Event::Closed)), Duration::ZERO);
            return;
        };
        let store = self.weak();
        let on_open = Closure::new(move || store.with(|store| store.dispatch(Event::Opened)));
        let store = self.weak();
        let on_message = Closure::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                store.with(|store| store.hear(&text));
            }
        });
        let store = self.weak();
        let on_close = Closure::new(move || {
            store.with(|store| {
                let socket = store.with_driver(|driver| driver.socket.take());
                drop(socket);
                store.dispatch(Event::Closed);
            });
        });
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        let socket = Socket { socket, _on_open: on_open, _on_message: on_message, _on_close: on_close };
        let before = self.with_driver(|driver| driver.socket.replace(Some(socket)));
        drop(before);
    }

    fn send(&self, message: &ClientMessage) {
        let Ok(text) = serde_json::to_string(message) else { return };
        self.with_driver(|driver| {
            if let Some(socket) = &*driver.socket.borrow() {
                // When it fails the socket is closing, which is told by its own event.
                let _ = socket.socket.send_with_str(&text);
            }
        });
    }

    fn arm(&self, timer: Timer, wait_ms: f64) {
        let now = js_sys::Date::now();
        let due = now + wait_ms;
        let put_off = self.with_driver(|driver| {
            let mut timers = driver.timers.borrow_mut();
            match timers.get_mut(timer) {
                Some(pending) if due >= pending.set_for && pending.set_for > now => {
                    pending.due = due;
                    true
                }
                Some(pending) => {
                    pending.handle.clear();
                    false
                }
                None => false,
            }
        });
        if put_off {
            return;
        }
        let store = self.weak();
        let called = move || store.with(|store| store.called(timer));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, at most minutes"
        )]
        let wait = Duration::from_millis(wait_ms as u64);
        if let Ok(handle) = set_timeout_with_handle(called, wait) {
            let pending = Pending { handle, set_for: due, due };
            self.with_driver(|driver| driver.timers.borrow_mut().insert(timer, pending));
        }
    }

    /// The browser called for a timer: it is due, or was put off meanwhile.
    fn called(&self, timer: Timer) {
        let pending = self.with_driver(|driver| driver.timers.borrow_mut().remove(timer));
        let Some(pending) = pending else { return };
        let left = pending.due - js_sys::Date::now();
        // Browsers call up to a millisecond early.
        if pending.due > pending.set_for && left > 1.0 {
            self.arm(timer, left);
        } else {
            self.dispatch(Event::Due(timer));
        }
    }

    pub(super) fn start_clock(&self) {
        let store = self.weak();
        let tick = move || store.with(LiveStore::tick);
        if let Ok(handle) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            let before = self.with_driver(|driver| driver.clock.replace(Some(handle)));
            if let Some(before) = before {
                before.clear();
            }
        }
    }

    pub(super) fn stop_clock(&self) {
        // After the store's end there is nothing to stop; a driver must not be made for it.
        if let Some(driver) = &*lock(&self.0.driver)
            && let Some(handle) = driver.clock.take()
        {
            handle.clear();
        }
    }
}

impl Driver {
    fn listening(store: &WeakStore) -> Self {
        let on = |name: &str, act: fn(&LiveStore)| {
            let store = store.clone();
            window_event_listener_untyped(name, move |_| store.with(act))
        };
        let listeners = vec![
            on("visibilitychange", |store| {
                if browser::is_hidden() {
                    store.flush();
                    store.dispatch(Event::Hid);
                } else {
                    store.wake();
                }
            }),
            on("focus", LiveStore::wake),
            on("online", LiveStore::wake),
            on("pageshow", LiveStore::wake),
            on("pagehide", |store| store.dispatch(Event::Left)),
        ];
        let driver = Self::default();
        driver.listeners.replace(listeners);
        driver
    }
}

impl LiveStore {
    fn wake(&self) {
        if lock(&self.0.clock).watchers > 0 {
            self.tick();
        }
        self.dispatch(Event::Wake);
    }
}
