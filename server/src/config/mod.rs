//! The configuration: flags, then environment, then `taskdeck.toml`, then defaults.

mod server;
mod sources;
mod values;

pub(crate) use server::{ServerConfig, Store};
#[cfg(test)]
pub(crate) use sources::NAMES;
pub(crate) use sources::Sources;
#[cfg(feature = "postgres")]
pub(crate) use values::{Fault, store};
