//! The pages, one file each.

pub(crate) mod bulk;
pub(crate) mod not_found;
pub(crate) mod start;
pub(crate) mod start_kind;
pub(crate) mod task;
pub(crate) mod tasks;
