//! Lists: keyset pages over an index that fits the filter, never a count of all, never an offset.
//!
//! The rows of a list come in chunks, in its order, and are looked at here: what a filter means is said in core and
//! nowhere else.

use sqlx_postgres::{PgBindIterExt, PgConnection, PgRow};
use taskdeck_core::{Counts, Kind, ListOrder, ListQuery, Status, StatusSet, TaskId, Timestamp, id_part};
use uuid::Uuid;

use super::fault::Fault;
use super::query::query;
use super::rows::{self, big, code, columns};
use crate::store::{Record, Tally};

/// How many rows a request may look at; a page may be short then, and its cursor says how far it came.
const BUDGET: usize = 20_000;
/// How many rows come at once after the first chunk.
const CHUNK: usize = 2_000;
/// How far the time in an id may be from when its task was created: a client may make its own.
const ID_SLACK_MS: i64 = 24 * 60 * 60 * 1000;

/// A page in its order, and where the next one begins.
pub(super) async fn page(
    conn: &mut PgConnection,
    list: &ListQuery,
) -> Result<(Vec<Record>, Option<String>), Fault> {
    let size = list.page_size() as usize;
    let (mut records, cursor) = first_of(conn, list, size).await?;
    // A part of an id finds its task however far back it is, if it is the beginning.
    if list.cursor.is_none()
        && records.len() < size
        && let Some((from, to)) = id_range(list)
    {
        let mut page = Page::new(list, size);
        walk_within(conn, &Walk::Ids, list.order, &mut page, (from, to)).await?;
        let known: Vec<TaskId> = records.iter().map(|record| record.id).collect();
        records.extend(page.found.into_iter().filter(|record| !known.contains(&record.id)));
        records.sort_unstable_by_key(|task| std::cmp::Reverse(task.id));
        if list.order == ListOrder::Oldest {
            records.reverse();
        }
        records.truncate(size);
    }
    let records = rows::with_progress(conn, records).await?;
    Ok((records, cursor.map(|id| id.to_string())))
}

/// How many tasks a list has, as far as one request may look.
pub(super) async fn tally(conn: &mut PgConnection, list: &ListQuery) -> Result<Tally, Fault> {
    let mut page = Page { counts_only: true, ..Page::new(list, usize::MAX) };
    let stop = walk(conn, list, &mut page).await?;
    Ok(Tally { counts: page.counts, cursor: stop.map(|id| id.to_string()) })
}

/// Ended tasks of a list, to be removed.
pub(super) async fn ended(
    conn: &mut PgConnection,
    list: &ListQuery,
    max: usize,
) -> Result<Vec<Record>, Fault> {
    let wanted = if list.status.is_empty() { StatusSet::ENDED } else { list.status };
    let status: StatusSet = wanted.iter().filter(|status| status.has_ended()).collect();
    if status.is_empty() {
        return Ok(Vec::new());
    }
    let list = ListQuery { status, cursor: None, ..list.clone() };
    Ok(first_of(conn, &list, max).await?.0)
}

async fn first_of(
    conn: &mut PgConnection,
    list: &ListQuery,
    size: usize,
) -> Result<(Vec<Record>, Option<TaskId>), Fault> {
    let mut page = Page::new(list, size);
    let stop = walk(conn, list, &mut page).await?;
    Ok((page.found, stop))
}

/// The ids that begin as the only word does, when that may be one.
fn id_range(list: &ListQuery) -> Option<(Uuid, Uuid)> {
    let words = list.words();
    let [word] = words.as_slice() else { return None };
    let digits = id_part(word)?;
    let padded = |with: char| {
        let text: String = digits.chars().chain(std::iter::repeat(with)).take(32).collect();
        u128::from_str_radix(&text, 16).ok()
    };
    Some((Uuid::from_u128(padded('0')?), Uuid::from_u128(padded('f')?.checked_add(1)?)))
}

/// The ids that a list is within: from the first, up to but without the second.
fn bounds(list: &ListQuery) -> (Uuid, Uuid) {
    let at = |millis: i64| *TaskId::from_parts(Timestamp::from_millis(millis), [0; 10]).as_uuid();
    let cursor = list.cursor.as_deref().and_then(|cursor| cursor.parse::<TaskId>().ok());
    // Greater than every id when there is no cursor.
    let mut below = Uuid::max();
    let mut begins = Uuid::nil();
    match (list.order, cursor) {
        (_, None) => {}
        (ListOrder::Newest, Some(last)) => below = *last.as_uuid(),
        (ListOrder::Oldest, Some(last)) => begins = behind(*last.as_uuid()),
    }
    if let Some(before) = list.before {
        below = below.min(at(before.as_millis().saturating_add(ID_SLACK_MS)));
    }
    let from =
        list.after.map_or(Uuid::nil(), |after| at(after.as_millis().saturating_sub(ID_SLACK_MS).max(0)));
    (from.max(begins), below)
}

/// The id after this one.
fn behind(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_add(1))
}

/// Along which index the rows of a list come.
enum Walk {
    Ids,
    Parent(Uuid),
    Batch(Uuid),
    /// One walk for each status and kind that there is, merged: every walk is in order by itself.
    Lanes(Vec<(Status, String)>),
}

/// Shows the page the rows of the list in order, until it has seen enough; then the id it came to.
async fn walk(
    conn: &mut PgConnection,
    list: &ListQuery,
    page: &mut Page<'_>,
) -> Result<Option<TaskId>, Fault> {
    let (from, below) = bounds(list);
    let walk = if let Some(parent) = list.parent {
        Walk::Parent(*parent.as_uuid())
    } else if let Some(batch) = list.batch {
        Walk::Batch(*batch.as_uuid())
    } else if list.status.is_empty() && list.kind.is_none() {
        Walk::Ids
    } else {
        Walk::Lanes(lanes(conn, list).await?)
    };
    walk_within(conn, &walk, list.order, page, (from, below)).await
}

async fn walk_within(
    conn: &mut PgConnection,
    walk: &Walk,
    order: ListOrder,
    page: &mut Page<'_>,
    (mut from, mut below): (Uuid, Uuid),
) -> Result<Option<TaskId>, Fault> {
    let mut many = page.size.saturating_add(1).min(CHUNK);
    while from < below {
        let found = chunk(conn, walk, order, from, below, many).await?;
        for row in &found {
            let record = rows::record(row)?;
            match order {
                ListOrder::Newest => below = *record.id.as_uuid(),
                ListOrder::Oldest => from = behind(*record.id.as_uuid()),
            }
            if let Some(stop) = page.look(record) {
                return Ok(Some(page.end(stop)));
            }
        }
        if found.len() < many {
            break;
        }
        many = CHUNK;
    }
    Ok(None)
}

/// The statement of a walk, the newest first and the oldest first.
macro_rules! walk {
    ($of:literal) => {
        [walk!($of, "DESC"), walk!($of, "ASC")]
    };
    ($of:literal, $way:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM taskdeck.tasks WHERE ",
            $of,
            "id < $1 AND id >= $2 ORDER BY id ",
            $way,
            " LIMIT $3"
        )
    };
}

const BY_ID: [&str; 2] = walk!("");
const BY_PARENT: [&str; 2] = walk!("parent = $4 AND parent IS NOT NULL AND ");
const BY_BATCH: [&str; 2] = walk!("batch = $4 AND batch IS NOT NULL AND ");

// Each lane's walk gives ids from its index alone; rows are read only of those that are in the chunk. It is said as a
// range of that index: of `status = .. AND kind = .. ORDER BY id` the planner makes a walk over all tasks.
macro_rules! lanes {
    ($way:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM taskdeck.tasks WHERE id = ANY(ARRAY(
                  SELECT one.id FROM unnest($4::smallint[], $5::text[]) AS lane(status, kind)
                  CROSS JOIN LATERAL (SELECT t.id FROM taskdeck.tasks t
                      WHERE (t.status, t.kind, t.id) < (lane.status, lane.kind, $1)
                          AND (t.status, t.kind, t.id) >= (lane.status, lane.kind, $2)
                      ORDER BY t.status ",
            $way,
            ", t.kind ",
            $way,
            ", t.id ",
            $way,
            " LIMIT $3) one ORDER BY one.id ",
            $way,
            " LIMIT $3)) ORDER BY id ",
            $way
        )
    };
}

const BY_LANE: [&str; 2] = [lanes!("DESC"), lanes!("ASC")];

async fn chunk(
    conn: &mut PgConnection,
    walk: &Walk,
    order: ListOrder,
    from: Uuid,
    below: Uuid,
    many: usize,
) -> Result<Vec<PgRow>, Fault> {
    let [newest, oldest] = match walk {
        Walk::Ids => BY_ID,
        Walk::Parent(_) => BY_PARENT,
        Walk::Batch(_) => BY_BATCH,
        Walk::Lanes(_) => BY_LANE,
    };
    let sql = match order {
        ListOrder::Newest => newest,
        ListOrder::Oldest => oldest,
    };
    let mut query = query(sql).bind(below).bind(from).bind(big(many));
    match walk {
        Walk::Ids => {}
        Walk::Parent(id) | Walk::Batch(id) => query = query.bind(*id),
        Walk::Lanes(lanes) => {
            query = query
                .bind(lanes.iter().map(|(status, _)| code(*status)).bind_iter())
                .bind(lanes.iter().map(|(_, kind)| kind.as_str()).bind_iter());
        }
    }
    Ok(query.fetch_all(conn).await?)
}

/// The statuses and kinds that the list wants and that there are.
async fn lanes(conn: &mut PgConnection, list: &ListQuery) -> Result<Vec<(Status, String)>, Fault> {
    let mut lanes: Vec<_> = super::control::lane_counts(conn)
        .await?
        .into_iter()
        .filter(|lane| list.status.is_empty() || list.status.contains(lane.status))
        .filter(|lane| list.kind.as_ref().map(Kind::as_str).is_none_or(|kind| kind == lane.kind))
        .map(|lane| (lane.status, lane.kind))
        .collect();
    lanes.sort_unstable();
    lanes.dedup();
    Ok(lanes)
}

/// A page in the making.
struct Page<'a> {
    list: &'a ListQuery,
    size: usize,
    /// Whether tasks are counted, and not kept.
    counts_only: bool,
    found: Vec<Record>,
    counts: Counts,
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
    fn new(list: &'a ListQuery, size: usize) -> Self {
        Self { list, size, counts_only: false, found: Vec::new(), counts: Counts::default(), looked_at: 0 }
    }

    fn look(&mut self, record: Record) -> Option<Stop> {
        self.looked_at += 1;
        let id = record.id;
        if self.list.matches(&record.state()) {
            if self.found.len() == self.size {
                return Some(Stop::Full);
            }
            if self.counts_only {
                *self.counts.0.entry(record.status()).or_default() += 1;
            } else {
                self.found.push(record);
            }
        }
        (self.looked_at >= BUDGET).then_some(Stop::Budget(id))
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
