//! Lists: keyset pages over an index that fits the filter, never a count of all, never an offset.

use std::collections::BinaryHeap;

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{Connection, Row, Statement};
use taskdeck_core::{ListOrder, ListQuery, Status, StatusSet, TaskId};
use uuid::Uuid;

use super::fits::Fits;
use super::rows::{self, COLUMNS};
use super::work_error::WorkError;
use crate::store::{Record, Tally};

/// How many rows a request may look at; a page may be short then, and its cursor says how far it came.
const BUDGET: usize = 20_000;
/// How far the time in an id may be from when its task was created: a client may make its own.
const ID_SLACK_MS: i64 = 24 * 60 * 60 * 1000;

/// A page in its order, and where the next one begins.
pub(super) fn page(conn: &Connection, query: &ListQuery) -> Result<(Vec<Record>, Option<String>), WorkError> {
    let size = query.page_size() as usize;
    let (mut records, cursor) = first_of(conn, query, size)?;
    // A part of an id finds its task however far back it is, if it is the beginning.
    if query.cursor.is_none()
        && records.len() < size
        && let Some((from, to)) = Fits::of(query).id_range()
    {
        let mut page = Page::new(query, size);
        walk_ids(conn, &mut page, query.order, from, to)?;
        let known: Vec<TaskId> = records.iter().map(|record| record.id).collect();
        records.extend(page.found.into_iter().filter(|record| !known.contains(&record.id)));
        records.sort_unstable_by_key(|task| std::cmp::Reverse(rank(query.order, task.id)));
        records.truncate(size);
    }
    Ok((records, cursor.map(|id| id.to_string())))
}

/// How many tasks a list has, as far as one request may look.
pub(super) fn tally(conn: &Connection, query: &ListQuery) -> Result<Tally, WorkError> {
    let mut page = Page { counts_only: true, ..Page::new(query, usize::MAX) };
    let stop = walk(conn, query, &mut page)?;
    Ok(Tally { counts: page.counts, cursor: stop.map(|id| id.to_string()) })
}

/// Ended tasks of a list, to be removed.
pub(super) fn ended(conn: &Connection, query: &ListQuery, max: usize) -> Result<Vec<Record>, WorkError> {
    let wanted = if query.status.is_empty() { StatusSet::ENDED } else { query.status };
    let status: StatusSet = wanted.iter().filter(|status| status.has_ended()).collect();
    if status.is_empty() {
        return Ok(Vec::new());
    }
    let query = ListQuery { status, cursor: None, ..query.clone() };
    Ok(first_of(conn, &query, max)?.0)
}

fn first_of(
    conn: &Connection,
    query: &ListQuery,
    size: usize,
) -> Result<(Vec<Record>, Option<TaskId>), WorkError> {
    let mut page = Page::new(query, size);
    let stop = walk(conn, query, &mut page)?;
    Ok((page.found, stop))
}

/// The greater, the earlier a task stands in the list.
fn rank(order: ListOrder, id: TaskId) -> u128 {
    let id = id.as_uuid().as_u128();
    match order {
        ListOrder::Newest => id,
        ListOrder::Oldest => !id,
    }
}

/// How a walk goes.
const fn way(order: ListOrder) -> &'static str {
    match order {
        ListOrder::Newest => "ORDER BY id DESC",
        ListOrder::Oldest => "ORDER BY id",
    }
}

/// The ids that a list is within: from the first, up to but without the second.
fn bounds(query: &ListQuery) -> ([u8; 16], [u8; 16]) {
    let at = |millis: i64| {
        *Uuid::as_bytes(TaskId::from_parts(taskdeck_core::Timestamp::from_millis(millis), [0; 10]).as_uuid())
    };
    let cursor = query.cursor.as_deref().and_then(|cursor| cursor.parse::<TaskId>().ok());
    let cursor = cursor.map(|id| id.as_uuid().as_u128());
    // Greater than every id when there is no cursor.
    let mut below = [0xff; 16];
    let mut begins = [0; 16];
    match (query.order, cursor) {
        (_, None) => {}
        (ListOrder::Newest, Some(last)) => below = last.to_be_bytes(),
        (ListOrder::Oldest, Some(last)) => begins = last.saturating_add(1).to_be_bytes(),
    }
    if let Some(before) = query.before {
        below = below.min(at(before.as_millis().saturating_add(ID_SLACK_MS)));
    }
    let from = query.after.map_or([0; 16], |after| at(after.as_millis().saturating_sub(ID_SLACK_MS).max(0)));
    (from.max(begins), below)
}

/// Shows the page the rows of the list in order, until it has seen enough; then the id it came to.
fn walk(conn: &Connection, query: &ListQuery, page: &mut Page<'_>) -> Result<Option<TaskId>, WorkError> {
    let (from, below) = bounds(query);
    if from >= below {
        return Ok(None);
    }
    // What a task or a batch started is few.
    let few =
        query.parent.map(|id| ("parent", *id.as_uuid())).or(query.batch.map(|id| ("batch", *id.as_uuid())));
    if let Some((column, of)) = few {
        let sql = format!(
            "SELECT {COLUMNS} FROM tasks WHERE {column} = ?1 AND id < ?2 AND id >= ?3 {}",
            way(query.order)
        );
        let mut statement = conn.prepare_cached(&sql)?;
        let mut stored = statement.query((of.as_bytes(), below, from))?;
        while let Some(row) = stored.next()? {
            if let Some(stop) = page.look(row)? {
                return Ok(Some(page.end(stop)));
            }
        }
        return Ok(None);
    }
    if query.status.is_empty() && query.kind.is_none() {
        return walk_ids(conn, page, query.order, from, below);
    }
    // One walk for each status and kind that there is, merged: every walk is in order by itself.
    let sql = format!(
        "SELECT {COLUMNS} FROM tasks WHERE status = ?1 AND kind = ?2 AND id < ?3 AND id >= ?4 {}",
        way(query.order)
    );
    let walks = walks(conn, query)?;
    let mut statements = Vec::with_capacity(walks.len());
    for _ in &walks {
        statements.push(conn.prepare(&sql)?);
    }
    merge(page, &mut statements, &walks, query.order, (from, below))
}

fn walk_ids(
    conn: &Connection,
    page: &mut Page<'_>,
    order: ListOrder,
    from: [u8; 16],
    below: [u8; 16],
) -> Result<Option<TaskId>, WorkError> {
    let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id < ?1 AND id >= ?2 {}", way(order));
    let mut statement = conn.prepare_cached(&sql)?;
    let mut stored = statement.query((below, from))?;
    while let Some(row) = stored.next()? {
        if let Some(stop) = page.look(row)? {
            return Ok(Some(page.end(stop)));
        }
    }
    Ok(None)
}

fn merge(
    page: &mut Page<'_>,
    statements: &mut [Statement<'_>],
    walks: &[(Status, String)],
    order: ListOrder,
    (from, below): ([u8; 16], [u8; 16]),
) -> Result<Option<TaskId>, WorkError> {
    let mut rows = Vec::with_capacity(walks.len());
    for (statement, (status, kind)) in statements.iter_mut().zip(walks) {
        rows.push(statement.query((status.code(), kind, below, from))?);
    }
    let mut heads: BinaryHeap<(u128, usize)> = BinaryHeap::with_capacity(rows.len());
    for (index, stored) in rows.iter_mut().enumerate() {
        if let Some(row) = stored.next()? {
            heads.push((rank(order, rows::task_id(row, 0)?), index));
        }
    }
    while let Some((_, index)) = heads.pop() {
        // The row that the walk stands on.
        if let Some(row) = rows[index].get()
            && let Some(stop) = page.look(row)?
        {
            return Ok(Some(page.end(stop)));
        }
        if let Some(row) = rows[index].next()? {
            heads.push((rank(order, rows::task_id(row, 0)?), index));
        }
    }
    Ok(None)
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
    fits: Fits<'a>,
    size: usize,
    /// Whether tasks are counted, and not kept.
    counts_only: bool,
    found: Vec<Record>,
    counts: taskdeck_core::Counts,
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

impl<'a> Page<'a> {
    fn new(query: &'a ListQuery, size: usize) -> Self {
        let (fits, counts) = (Fits::of(query), taskdeck_core::Counts::default());
        Self { fits, size, counts_only: false, found: Vec::new(), counts, looked_at: 0 }
    }

    fn look(&mut self, row: &Row<'_>) -> Result<Option<Stop>, WorkError> {
        self.looked_at += 1;
        if self.fits.row(row)? {
            if self.found.len() == self.size {
                return Ok(Some(Stop::Full));
            }
            if self.counts_only {
                let status = Status::from_code(row.get(11)?);
                let status = status.ok_or_else(|| WorkError::unreadable("task", &"no such status"))?;
                *self.counts.0.entry(status).or_default() += 1;
            } else {
                self.found.push(rows::record(row)?);
            }
        }
        if self.looked_at >= BUDGET {
            return Ok(Some(Stop::Budget(rows::task_id(row, 0)?)));
        }
        Ok(None)
    }

    /// Where the next page begins.
    fn end(&self, stop: Stop) -> TaskId {
        match stop {
            // A page holds one task at least.
            Stop::Full => self.found.last().map_or(TaskId::from_uuid(Uuid::nil()), |record| record.id),
            Stop::Budget(last) => last,
        }
    }
}
