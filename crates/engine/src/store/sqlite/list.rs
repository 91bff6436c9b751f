//! Lists: keyset pages over an index that fits the filter, never a count, never an offset.

use rusqlite::Connection;
use taskdeck_core::{ListQuery, Status, StatusSet, TaskId};
use uuid::Uuid;

use super::rows::{self, COLUMNS};
use super::work_error::WorkError;
use crate::store::Record;

/// How many rows a request may look at; a page may be short then, and its cursor says how far it came.
const BUDGET: usize = 20_000;

/// What one walk over an index found.
struct Walk {
    found: Vec<Record>,
    /// The last row it looked at, when it stopped before the end.
    stopped_at: Option<TaskId>,
}

/// A page, newest first, and where the next one begins.
pub(super) fn page(conn: &Connection, query: &ListQuery) -> Result<(Vec<Record>, Option<String>), WorkError> {
    let size = query.page_size() as usize;
    let (records, cursor) = newest(conn, query, size)?;
    Ok((records, cursor.map(|id| id.to_string())))
}

/// Ended tasks of a list, to be removed.
pub(super) fn ended(conn: &Connection, query: &ListQuery, max: usize) -> Result<Vec<Record>, WorkError> {
    let wanted = if query.status.is_empty() { StatusSet::ENDED } else { query.status };
    let status: StatusSet = wanted.iter().filter(|status| status.has_ended()).collect();
    if status.is_empty() {
        return Ok(Vec::new());
    }
    let query = ListQuery { status, cursor: None, ..query.clone() };
    Ok(newest(conn, &query, max)?.0)
}

fn newest(
    conn: &Connection,
    query: &ListQuery,
    size: usize,
) -> Result<(Vec<Record>, Option<TaskId>), WorkError> {
    let before = query.cursor.as_deref().and_then(|cursor| cursor.parse::<TaskId>().ok());
    let walks = if by_kind(conn, query)? {
        vec![walk(conn, query, "kind = ?2", Driver::Kind, before, size, BUDGET)?]
    } else if query.status.is_empty() {
        vec![walk(conn, query, "?2 IS NULL", Driver::All, before, size, BUDGET)?]
    } else {
        // One walk a status, each in order of its index, merged below.
        let each = BUDGET / query.status.iter().count().max(1);
        let of = |status| walk(conn, query, "status = ?2", Driver::Status(status), before, size, each);
        query.status.iter().map(of).collect::<Result<_, _>>()?
    };
    // What is older than a walk's last look cannot be shown yet: that walk may hold newer ones.
    let horizon = walks.iter().filter_map(|walk| walk.stopped_at).max();
    let mut records: Vec<_> = walks.into_iter().flat_map(|walk| walk.found).collect();
    records.sort_by_key(|record| std::cmp::Reverse(record.id));
    records.retain(|record| horizon.is_none_or(|horizon| record.id >= horizon));
    let more = records.len() > size;
    records.truncate(size);
    let cursor = if more { records.last().map(|record| record.id) } else { horizon };
    Ok((records, cursor))
}

#[derive(Clone, Copy)]
enum Driver {
    All,
    Kind,
    Status(Status),
}

/// Whether the kind's index is the shorter way.
fn by_kind(conn: &Connection, query: &ListQuery) -> Result<bool, WorkError> {
    let Some(kind) = &query.kind else { return Ok(false) };
    if query.status.is_empty() {
        return Ok(true);
    }
    let mut of_kind = conn.prepare_cached("SELECT coalesce(sum(n), 0) FROM counts WHERE kind = ?1")?;
    let of_kind: i64 = of_kind.query_row([kind.as_str()], |row| row.get(0))?;
    let mut of_status = conn.prepare_cached("SELECT coalesce(sum(n), 0) FROM counts WHERE status = ?1")?;
    let mut with_status: i64 = 0;
    for status in query.status.iter() {
        with_status += of_status.query_row([status.code()], |row| row.get::<_, i64>(0))?;
    }
    Ok(of_kind < with_status)
}

fn walk(
    conn: &Connection,
    query: &ListQuery,
    condition: &str,
    driver: Driver,
    before: Option<TaskId>,
    size: usize,
    budget: usize,
) -> Result<Walk, WorkError> {
    let sql = format!("SELECT {COLUMNS} FROM tasks WHERE {condition} AND id < ?1 ORDER BY id DESC");
    let mut statement = conn.prepare_cached(&sql)?;
    // Greater than every id when there is no cursor.
    let last = before.map_or([0xff; 16], |id| *Uuid::as_bytes(id.as_uuid()));
    let mut stored = match driver {
        Driver::All => statement.query((last, None::<i64>))?,
        Driver::Kind => statement.query((last, query.kind.as_ref().map(taskdeck_core::Kind::as_str)))?,
        Driver::Status(status) => statement.query((last, status.code()))?,
    };
    let mut walk = Walk { found: Vec::new(), stopped_at: None };
    let mut looked_at = 0;
    while let Some(row) = stored.next()? {
        looked_at += 1;
        let status = Status::from_code(row.get(11)?);
        let fits = query
            .kind
            .as_ref()
            .is_none_or(|kind| row.get_ref(1).is_ok_and(|v| v.as_str() == Ok(kind.as_str())))
            && query
                .queue
                .as_ref()
                .is_none_or(|queue| row.get_ref(3).is_ok_and(|v| v.as_str() == Ok(queue.as_str())))
            && (query.status.is_empty() || status.is_some_and(|status| query.status.contains(status)));
        if fits {
            walk.found.push(rows::record(row)?);
            if walk.found.len() > size {
                break;
            }
        }
        if looked_at >= budget {
            walk.stopped_at = Some(rows::task_id(row, 0)?);
            break;
        }
    }
    Ok(walk)
}
