//! What a task's body wants somebody to know: more than a line of its log, less than its end.

use serde::Serialize;

use crate::Timestamp;
use crate::read::read;

/// How many notices one task may leave.
pub const MOST_NOTICES: u64 = 1_000;
/// How many characters a notice has at most; a longer one is cut.
pub const NOTICE_CHARS: usize = 2_000;

/// A notice of a task, as `ctx.notify(..)` left it. It is stored, so that whoever was away hears of it later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Its place among the task's notices, from 1.
    pub seq: u64,
    /// When it was left.
    pub at: Timestamp,
    /// What it says.
    pub text: String,
}
read!(Notice { seq, at, text });
