//! Servers for tests, and ways to them that fail.

mod cluster;
mod database;
mod proxy;

pub(crate) use cluster::Cluster;
pub(crate) use database::Database;
pub(crate) use proxy::{Proxy, Way};
