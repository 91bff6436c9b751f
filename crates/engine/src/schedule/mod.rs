//! Schedules: when they come, and what they start.

mod check;
mod code;
mod cron;
mod due;
mod fire;
mod task;
mod timetable;

pub(crate) use check::check;
pub(crate) use code::{read as read_code, settle as settle_code};
pub(crate) use cron::in_words;
pub(crate) use fire::{bring_nearer, fire_loop, tell};
pub(crate) use task::new_task;
pub(crate) use timetable::Timetable;

#[cfg(test)]
mod tests;
