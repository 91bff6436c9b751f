//! What happened in each minute: summed in memory for a commit, written with it, read for a chart.

use rusqlite::{Connection, OptionalExtension, Row, params};
use taskdeck_core::{Kind, Stats, StatsFold, Tally, Timestamp, minute_of};

use super::statements::Statements;
use super::work_error::WorkError;
use super::writer::{Tx, place};
use crate::store::rollup;

/// What a commit adds, by minute and kind: few, and mostly the one that was touched last.
#[derive(Default)]
pub(super) struct Rollups(Vec<(i64, Kind, Tally)>);

impl Rollups {
    pub(super) fn of(&mut self, kind: &Kind, at: Timestamp) -> &mut Tally {
        let minute = minute_of(at);
        let fits = |known: &(i64, Kind, Tally)| known.0 == minute && known.1 == *kind;
        &mut place(&mut self.0, fits, || (minute, kind.clone(), Tally::default())).2
    }

    /// One row for each minute and kind, however many tasks the commit has.
    pub(super) fn write(&mut self, statements: &Statements<'_>) -> Result<(), WorkError> {
        for (minute, kind, mut tally) in self.0.drain(..) {
            let known = |row: &Row<'_>| add(&mut tally, row);
            statements.with(FIND, |find| find.query_row((minute, kind.as_str()), known).optional())?;
            let row = params![
                tally.started,
                tally.begun,
                tally.completed,
                tally.failed,
                tally.cancelled,
                tally.interrupted,
                rollup::encode(&tally.wait),
                rollup::encode(&tally.run),
                minute,
                kind.as_str(),
            ];
            statements.execute(REPLACE, row)?;
        }
        Ok(())
    }
}

const COLUMNS: &str = "started, begun, completed, failed, cancelled, interrupted, wait, run";

const FIND: &str = "SELECT started, begun, completed, failed, cancelled, interrupted, wait, run FROM rollups
    WHERE minute = ?1 AND kind = ?2";
const REPLACE: &str = "INSERT OR REPLACE INTO rollups
    (started, begun, completed, failed, cancelled, interrupted, wait, run, minute, kind)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Adds a row of [`COLUMNS`].
fn add(tally: &mut Tally, row: &Row<'_>) -> rusqlite::Result<()> {
    tally.started += row.get::<_, u64>(0)?;
    tally.begun += row.get::<_, u64>(1)?;
    tally.completed += row.get::<_, u64>(2)?;
    tally.failed += row.get::<_, u64>(3)?;
    tally.cancelled += row.get::<_, u64>(4)?;
    tally.interrupted += row.get::<_, u64>(5)?;
    for (column, histogram) in [(6, &mut tally.wait), (7, &mut tally.run)] {
        rollup::decode_into(histogram, row.get_ref(column)?.as_blob()?)
            .ok_or_else(|| super::rows::bad(column, &"not a histogram"))?;
    }
    Ok(())
}

/// The chart of a kind, or of all.
pub(super) fn stats(
    conn: &Connection,
    kind: Option<&Kind>,
    since: Timestamp,
    now: Timestamp,
    step_ms: Option<u64>,
) -> Result<Stats, WorkError> {
    let mut fold = StatsFold::new(since, now, step_ms);
    let (first, end) = fold.minutes();
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS}, minute FROM rollups
         WHERE minute >= ?1 AND minute < ?2 AND (?3 IS NULL OR kind = ?3)"
    ))?;
    let mut stored = statement.query((first, end, kind.map(Kind::as_str)))?;
    while let Some(row) = stored.next()? {
        if let Some(tally) = fold.step_of(row.get(8)?) {
            add(tally, row)?;
        }
    }
    Ok(fold.end())
}

/// Forgets minutes before this one, at most `max` rows; how many.
pub(super) fn remove(tx: &Tx<'_, '_>, before: Timestamp, max: usize) -> Result<usize, WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "DELETE FROM rollups WHERE (minute, kind) IN
             (SELECT minute, kind FROM rollups WHERE minute < ?1 ORDER BY minute LIMIT ?2)",
    )?;
    Ok(statement.execute((minute_of(before), max))?)
}
