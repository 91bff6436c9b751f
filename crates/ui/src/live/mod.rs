//! The live store: the states, logs, lists and counts that a page shows, kept true over one socket, or by polling
//! where there is none.
//!
//! - `wants`: what is wanted, what is known, what the server was told
//! - `plan`: what to do about it, as a state machine without I/O
//! - `wait`: how long to wait between tries
//! - `logs`: who reads which log, up to which line
//! - `arrivals`: which tasks of a list are new
//! - `small_map`: a map for few things
//! - `pending`: what came and waits for the next frame
//! - `sight`: which rows are in sight, since only they move
//! - `ticks`: how far tasks are, taken apart without being read
//! - `store`: the signals, and the doors for components
//! - `driver`: the socket, the timers and the window's events
//! - `sync`: what the server says, and what is asked of it

mod arrivals;
mod driver;
mod logs;
mod pending;
mod plan;
mod sight;
mod small_map;
mod store;
mod sync;
mod ticks;
mod wait;
mod wants;

pub use store::{Connection, LiveStore, NewTasks, TaskWatch, provide_live, use_live};
