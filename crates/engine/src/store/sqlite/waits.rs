//! Since when the queued tasks of each lane wait.

use rusqlite::{Connection, OptionalExtension};
use taskdeck_core::Timestamp;

use super::work_error::WorkError;
use crate::store::LaneWait;

/// How many priorities of a lane are looked at, and how many tasks of each. Those of a priority are claimed in the order
/// of their creation, so who has waited longest is at the head, but for tasks that were created long before they
/// were queued: beyond these numbers one of those may hide another.
const PRIORITIES: usize = 64;
const TASKS: usize = 1_000;

/// The longest wait of each lane that has queued tasks. Walks the index of the claims, a bounded number of entries.
pub(super) fn longest(conn: &Connection) -> Result<Vec<LaneWait>, WorkError> {
    let mut lanes = conn
        .prepare_cached("SELECT queue, kind FROM counts WHERE status = 1 AND n > 0 ORDER BY queue, kind")?;
    let found = lanes.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let lanes = found.collect::<rusqlite::Result<Vec<(String, String)>>>()?;
    let mut waits = Vec::with_capacity(lanes.len());
    for (queue, kind) in lanes {
        if let Some(since) = of_lane(conn, &queue, &kind)? {
            waits.push(LaneWait { queue, kind, since: Timestamp::from_millis(since) });
        }
    }
    Ok(waits)
}

fn of_lane(conn: &Connection, queue: &str, kind: &str) -> Result<Option<i64>, WorkError> {
    let mut next = conn.prepare_cached(
        "SELECT priority FROM tasks
         WHERE queued_at IS NOT NULL AND queue = ?1 AND kind = ?2 AND ahead = ?3 AND priority < ?4
         ORDER BY priority DESC LIMIT 1",
    )?;
    let mut head = conn.prepare_cached(
        "SELECT min(queued_at) FROM (SELECT queued_at FROM tasks
             WHERE queued_at IS NOT NULL AND queue = ?1 AND kind = ?2 AND ahead = ?3 AND priority = ?4
             ORDER BY id LIMIT ?5)",
    )?;
    let mut longest: Option<i64> = None;
    for ahead in [true, false] {
        let mut above = i64::MAX;
        for _ in 0..PRIORITIES {
            let below: Option<i64> =
                next.query_row((queue, kind, ahead, above), |row| row.get(0)).optional()?;
            let Some(priority) = below else { break };
            let since: Option<i64> =
                head.query_row((queue, kind, ahead, priority, TASKS), |row| row.get(0))?;
            longest = longest.into_iter().chain(since).min();
            above = priority;
        }
    }
    Ok(longest)
}
