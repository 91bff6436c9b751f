//! The engine as its users see it: through a deck and its client.

mod attempts;
mod doors;
mod errors;
mod support;
