//! The pages, one file each.

pub(crate) mod bulk;
pub(crate) mod inbox;
pub(crate) mod new_schedule;
pub(crate) mod not_found;
pub(crate) mod overview;
pub(crate) mod queues;
pub(crate) mod schedule;
pub(crate) mod schedules;
pub(crate) mod settings;
pub(crate) mod start;
pub(crate) mod start_kind;
pub(crate) mod task;
pub(crate) mod tasks;
pub(crate) mod workers;
