//! `<task-progress>`: the progress of one task on any page, without a framework.
//!
//! `element.js` defines the custom element and makes a [`Widget`](widget) for each that is on the page. What happened to
//! a task is told by the same pure function as in `<TaskProgress/>` (`taskdeck_core::happened`), as DOM events.
//!
//! - `facts`: what is shown of a state; pure
//! - `line`: what to do about the connection, as a state machine without I/O
//! - `message`: what the server says; pure
//! - `dom`: the nodes in the shadow root
//! - `net`: the socket, the timers, the requests and the window's events
//! - `link`: one task's connection, shared by the widgets of the page that show it
//! - `tell`: what happened is told to them
//! - `widget`: one of them

#[cfg(any(target_arch = "wasm32", test))]
mod facts;
#[cfg(any(target_arch = "wasm32", test))]
mod line;
#[cfg(any(target_arch = "wasm32", test))]
mod message;

#[cfg(target_arch = "wasm32")]
mod dom;
#[cfg(target_arch = "wasm32")]
mod link;
#[cfg(target_arch = "wasm32")]
mod net;
#[cfg(target_arch = "wasm32")]
mod tell;
#[cfg(target_arch = "wasm32")]
mod widget;
