//! Lists: keyset pages over an index that fits the filter, never a count, never an offset.

use std::collections::BinaryHeap;

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{Connection, Row};
use taskdeck_core::{ListQuery, Status, StatusSet, TaskId};
use uuid::Uuid;

use super::rows::{self, COLUMNS};
use super::work_error::WorkError;
use crate::store::Record;

/// How many rows a request may look at; a page may be short then, and its cursor says how far it came.
const BUDGET: usize = 20_000;

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
    // Greater than every id when there is no cursor.
    let before = before.map_or([0xff; 16], |id| *Uuid::as_bytes(id.as_uuid()));
    let mut page = Page { query, size, found: Vec::new(), looked_at: 0 };
    if query.status.is_empty() && query.kind.is_none() {
        let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id < ?1 ORDER BY id DESC");
        let mut statement = conn.prepare_cached(&sql)?;
        let mut stored = statement.query([before])?;
        while let Some(row) = stored.next()? {
            if let Some(stop) = page.look(row)? {
                return Ok(page.end(stop));
            }
        }
        return Ok((page.found, None));
    }
    // One walk for each status and kind that there is, merged: every walk is in order by itself.
    let sql =
        format!("SELECT {COLUMNS} FROM tasks WHERE status = ?1 AND kind = ?2 AND id < ?3 ORDER BY id DESC");
    let walks = walks(conn, query)?;
    let mut statements = Vec::with_capacity(walks.len());
    for _ in &walks {
        statements.push(conn.prepare(&sql)?);
    }
    let mut rows = Vec::with_capacity(walks.len());
    for (statement, (status, kind)) in statements.iter_mut().zip(&walks) {
        rows.push(statement.query((status.code(), kind, before))?);
    }
    let mut heads: BinaryHeap<(TaskId, usize)> = BinaryHeap::with_capacity(rows.len());
    for (index, stored) in rows.iter_mut().enumerate() {
        if let Some(row) = stored.next()? {
            heads.push((rows::task_id(row, 0)?, index));
        }
    }
    while let Some((_, index)) = heads.pop() {
        // The row that the walk stands on.
        if let Some(row) = rows[index].get()
            && let Some(stop) = page.look(row)?
        {
            return Ok(page.end(stop));
        }
        if let Some(row) = rows[index].next()? {
            heads.push((rows::task_id(row, 0)?, index));
        }
    }
    Ok((page.found, None))
}

/// The statuses and kinds that the query wants and that there are.
fn walks(conn: &Connection, query: &ListQuery) -> Result<Vec<(Status, String)>, WorkError> {
    let mut statement = conn.prepare_cached("SELECT DISTINCT status, kind FROM counts WHERE n > 0")?;
    let mut stored = statement.query([])?;
    let mut walks = Vec::new();
    while let Some(row) = stored.next()? {
        let (code, kind): (u8, String) = (row.get(0)?, row.get(1)?);
        let status =
            Status::from_code(code).ok_or_else(|| WorkError::unreadable("counter", &"no such status"))?;
        if (query.status.is_empty() || query.status.contains(status))
            && query.kind.as_ref().is_none_or(|wanted| wanted.as_str() == kind)
        {
            walks.push((status, kind));
        }
    }
    Ok(walks)
}

/// A page in the making.
struct Page<'a> {
    query: &'a ListQuery,
    size: usize,
    found: Vec<Record>,
    looked_at: usize,
}

/// Why a page ends before the list does.
#[derive(Clone, Copy)]
enum Stop {
    /// There is one more than it holds.
    Full,
    /// It looked at as many rows as a request may, the last of which was this.
    Budget(TaskId),
}

impl Page<'_> {
    fn look(&mut self, row: &Row<'_>) -> Result<Option<Stop>, WorkError> {
        self.looked_at += 1;
        let fits = self
            .query
            .queue
            .as_ref()
            .is_none_or(|queue| row.get_ref(3).is_ok_and(|value| value.as_str() == Ok(queue.as_str())));
        if fits {
            if self.found.len() == self.size {
                return Ok(Some(Stop::Full));
            }
            self.found.push(rows::record(row)?);
        }
        if self.looked_at >= BUDGET {
            return Ok(Some(Stop::Budget(rows::task_id(row, 0)?)));
        }
        Ok(None)
    }

    fn end(self, stop: Stop) -> (Vec<Record>, Option<TaskId>) {
        let cursor = match stop {
            Stop::Full => self.found.last().map(|record| record.id),
            Stop::Budget(last) => Some(last),
        };
        (self.found, cursor)
    }
}
