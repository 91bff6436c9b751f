//! The engine as its users see it: through a deck and its client.

mod around;
mod attempts;
mod cancel;
mod crash;
mod doors;
mod errors;
mod flow;
mod large;
mod many;
mod own_transaction;
mod schedules;
mod support;
mod why;
