//! The routes, the guard, uploads and the feeds, over a deck in memory that really runs its tasks.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod about;
mod answers;
mod batch;
mod bulk;
mod embed;
mod guard;
mod inbox;
mod kinds;
mod lanes;
mod schedules;
mod server;
mod sse;
mod stats;
mod tasks;
mod trace;
mod upload;
mod websocket;
mod work;
