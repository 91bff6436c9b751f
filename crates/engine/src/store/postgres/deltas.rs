//! What transactions add to the counters and the rollups, and how that is folded into sums.
//!
//! A transaction inserts differences and updates no row that others share, so it waits for nobody: also one that stays
//! open for long. Every read adds what is not folded yet, in one statement, so it sees each difference once.

use sqlx_core::row::Row;
use sqlx_postgres::{PgBindIterExt, PgConnection, PgRow};
use taskdeck_core::{BatchId, Kind, QueueName, Stats, StatsFold, Status, Tally, Timestamp, minute_of};
use uuid::Uuid;

use super::fault::Fault;
use super::query::{Bound, query};
use super::rows::{bad, big, count};
use crate::store::{Record, rollup};

/// How many differences one fold takes, so that it is a short transaction.
const FOLD: i64 = 20_000;
/// Who folds holds this lock; the others leave it to them.
const FOLD_LOCK: i64 = 0x7461_736b_666f_6c64;

macro_rules! insert_rollup {
    ($a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal $i:literal $j:literal) => {
        concat!(
            "(minute, kind, started, begun, completed, failed, cancelled, interrupted, wait, run) SELECT * FROM unnest(",
            "$", $a, "::bigint[], $", $b, "::text[], $", $c, "::bigint[], $", $d, "::bigint[], $", $e, "::bigint[], ",
            "$", $f, "::bigint[], $", $g, "::bigint[], $", $h, "::bigint[], $", $i, "::bytea[], $", $j, "::bytea[])"
        )
    };
}
pub(super) use insert_rollup;

/// Parts of a `WITH` that insert differences: of counters, of batches and of rollups, with the numbers of the seventeen
/// arguments that [`Deltas::bind`] gives.
macro_rules! insert_deltas {
    ($a:literal $b:literal $c:literal $d:literal, $e:literal $f:literal $g:literal, $($rollup:literal)*) => {
        concat!(
            "count_deltas AS (INSERT INTO taskdeck.count_deltas (queue, kind, status, n) SELECT * FROM unnest(",
            "$", $a, "::text[], $", $b, "::text[], $", $c, "::smallint[], $", $d, "::bigint[])), ",
            "batch_deltas AS (INSERT INTO taskdeck.batch_deltas (batch, status, n) SELECT * FROM unnest(",
            "$", $e, "::uuid[], $", $f, "::smallint[], $", $g, "::bigint[])), ",
            "rollup_deltas AS (INSERT INTO taskdeck.rollup_deltas ",
            $crate::store::postgres::deltas::insert_rollup!($($rollup)*), ") "
        )
    };
}
pub(super) use insert_deltas;

/// The differences of a transaction.
#[derive(Default)]
pub(super) struct Deltas {
    counts: Vec<(QueueName, Kind, [i64; 8])>,
    batches: Vec<(BatchId, [i64; 8])>,
    rollups: Vec<(i64, Kind, Tally)>,
}

/// The place of the one that fits, looked for from the end; it is added when there is none.
fn place<T>(all: &mut Vec<T>, fits: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> &mut T {
    let index = all.iter().rposition(fits).unwrap_or_else(|| {
        all.push(make());
        all.len() - 1
    });
    &mut all[index]
}

impl Deltas {
    /// Counts a task that now is `record` and had the status `before` (none: it is new).
    pub(super) fn count(&mut self, record: &Record, before: Option<Status>) {
        let to = record.status();
        if before == Some(to) {
            return;
        }
        if let Some(before) = before {
            self.add(record, before, -1);
        }
        self.add(record, to, 1);
    }

    /// Counts a task that is removed.
    pub(super) fn count_removed(&mut self, record: &Record) {
        self.add(record, record.status(), -1);
    }

    fn add(&mut self, record: &Record, status: Status, delta: i64) {
        let at = usize::from(status.code());
        let (queue, kind) = (&record.queue, &record.kind);
        let fits = |known: &(QueueName, Kind, [i64; 8])| known.0 == *queue && known.1 == *kind;
        place(&mut self.counts, fits, || (queue.clone(), kind.clone(), [0; 8])).2[at] += delta;
        if let Some(batch) = record.batch {
            place(&mut self.batches, |known| known.0 == batch, || (batch, [0; 8])).1[at] += delta;
        }
    }

    /// What happens in a minute.
    pub(super) fn minute(&mut self, kind: &Kind, at: Timestamp) -> &mut Tally {
        let minute = minute_of(at);
        let fits = |known: &(i64, Kind, Tally)| known.0 == minute && known.1 == *kind;
        &mut place(&mut self.rollups, fits, || (minute, kind.clone(), Tally::default())).2
    }

    /// Writes them in a statement of their own, where there is nothing else to write.
    pub(super) async fn write(self, conn: &mut PgConnection) -> Result<(), Fault> {
        if self.counts.is_empty() && self.batches.is_empty() && self.rollups.is_empty() {
            return Ok(());
        }
        const ALONE: &str =
            concat!("WITH ", insert_deltas!(1 2 3 4, 5 6 7, 8 9 10 11 12 13 14 15 16 17), "SELECT 1");
        self.bind(query(ALONE)).execute(conn).await?;
        Ok(())
    }

    /// Gives them to a statement that has [`insert_deltas`] in it: seventeen arguments.
    pub(super) fn bind(&self, to: Bound) -> Bound {
        let counts: Vec<_> = self
            .counts
            .iter()
            .flat_map(|(queue, kind, all)| filled(all).map(move |(status, n)| (queue, kind, status, n)))
            .collect();
        let batches: Vec<_> = self
            .batches
            .iter()
            .flat_map(|(batch, all)| filled(all).map(move |(status, n)| (*batch.as_uuid(), status, n)))
            .collect();
        let to = to
            .bind(counts.iter().map(|(queue, ..)| queue.as_str()).bind_iter())
            .bind(counts.iter().map(|(_, kind, ..)| kind.as_str()).bind_iter())
            .bind(counts.iter().map(|(_, _, status, _)| *status).bind_iter())
            .bind(counts.iter().map(|(.., n)| *n).bind_iter())
            .bind(batches.iter().map(|(batch, ..)| *batch).bind_iter())
            .bind(batches.iter().map(|(_, status, _)| *status).bind_iter())
            .bind(batches.iter().map(|(.., n)| *n).bind_iter());
        let rollups = self.rollups.iter().map(|(minute, kind, tally)| (*minute, kind.as_str(), tally));
        bind_rollups(to, &rollups.collect::<Vec<_>>())
    }
}

fn filled(all: &[i64; 8]) -> impl Iterator<Item = (i16, i64)> {
    (0_i16..).zip(all.iter().copied()).filter(|(_, n)| *n != 0)
}

async fn insert_rollups(conn: &mut PgConnection, rows: Vec<(i64, &str, &Tally)>) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    bind_rollups(
        query(concat!("INSERT INTO taskdeck.rollups ", insert_rollup!(1 2 3 4 5 6 7 8 9 10))),
        &rows,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn bind_rollups(to: Bound, rows: &[(i64, &str, &Tally)]) -> Bound {
    let number = |of: fn(&Tally) -> u64| rows.iter().map(move |(.., tally)| big(of(tally))).bind_iter();
    to.bind(rows.iter().map(|(minute, ..)| *minute).bind_iter())
        .bind(rows.iter().map(|(_, kind, _)| *kind).bind_iter())
        .bind(number(|tally| tally.started))
        .bind(number(|tally| tally.begun))
        .bind(number(|tally| tally.completed))
        .bind(number(|tally| tally.failed))
        .bind(number(|tally| tally.cancelled))
        .bind(number(|tally| tally.interrupted))
        .bind(rows.iter().map(|(.., tally)| rollup::encode(&tally.wait)).bind_iter())
        .bind(rows.iter().map(|(.., tally)| rollup::encode(&tally.run)).bind_iter())
}

/// Adds a row of numbers and histograms that begins at a column.
fn add(tally: &mut Tally, row: &PgRow, first: usize) -> Result<(), sqlx_core::Error> {
    tally.started += count(row, first)?;
    tally.begun += count(row, first + 1)?;
    tally.completed += count(row, first + 2)?;
    tally.failed += count(row, first + 3)?;
    tally.cancelled += count(row, first + 4)?;
    tally.interrupted += count(row, first + 5)?;
    for (column, histogram) in [(first + 6, &mut tally.wait), (first + 7, &mut tally.run)] {
        let bytes: &[u8] = row.try_get(column)?;
        rollup::decode_into(histogram, bytes).ok_or_else(|| bad(&"not a histogram"))?;
    }
    Ok(())
}

/// The chart of a kind, or of all.
pub(super) async fn stats(
    conn: &mut PgConnection,
    kind: Option<&Kind>,
    since: Timestamp,
    now: Timestamp,
    step_ms: Option<u64>,
) -> Result<Stats, Fault> {
    let mut fold = StatsFold::new(since, now, step_ms);
    let (first, end) = fold.minutes();
    let found = query(
        "SELECT minute, started, begun, completed, failed, cancelled, interrupted, wait, run FROM taskdeck.rollups
         WHERE minute >= $1 AND minute < $2 AND ($3::text IS NULL OR kind = $3)
         UNION ALL
         SELECT minute, started, begun, completed, failed, cancelled, interrupted, wait, run
         FROM taskdeck.rollup_deltas WHERE minute >= $1 AND minute < $2 AND ($3::text IS NULL OR kind = $3)",
    )
    .bind(first)
    .bind(end)
    .bind(kind.map(Kind::as_str))
    .fetch_all(conn)
    .await?;
    for row in &found {
        if let Some(tally) = fold.step_of(row.try_get(0)?) {
            add(tally, row, 1)?;
        }
    }
    Ok(fold.end())
}

/// Forgets minutes before this one, at most `max` rows; how many. What is not folded yet is folded first.
pub(super) async fn remove_rollups(
    conn: &mut PgConnection,
    before: Timestamp,
    max: usize,
) -> Result<usize, Fault> {
    query("SELECT pg_advisory_xact_lock($1)").bind(FOLD_LOCK).execute(&mut *conn).await?;
    while fold_rollups(conn).await? >= FOLD {}
    let removed = query(
        "DELETE FROM taskdeck.rollups WHERE (minute, kind) IN
             (SELECT minute, kind FROM taskdeck.rollups WHERE minute < $1 ORDER BY minute LIMIT $2)",
    )
    .bind(minute_of(before))
    .bind(big(max))
    .execute(conn)
    .await?;
    Ok(usize::try_from(removed.rows_affected()).unwrap_or(usize::MAX))
}

/// Folds what there is, up to a number; whether there may be more. Does nothing while another node folds.
pub(super) async fn fold(conn: &mut PgConnection) -> Result<bool, Fault> {
    let ours: bool = query("SELECT pg_try_advisory_xact_lock($1)")
        .bind(FOLD_LOCK)
        .fetch_one(&mut *conn)
        .await?
        .try_get(0)?;
    if !ours {
        return Ok(false);
    }
    let counts = query(
        "WITH gone AS (DELETE FROM taskdeck.count_deltas
                 WHERE seq IN (SELECT seq FROM taskdeck.count_deltas ORDER BY seq LIMIT $1)
                 RETURNING queue, kind, status, n),
             summed AS (INSERT INTO taskdeck.counts AS c (queue, kind, status, n)
                 SELECT queue, kind, status, sum(n) FROM gone GROUP BY queue, kind, status
                 ON CONFLICT (queue, kind, status) DO UPDATE SET n = c.n + excluded.n)
         SELECT count(*) FROM gone",
    );
    let counts: i64 = counts.bind(FOLD).fetch_one(&mut *conn).await?.try_get(0)?;
    let batches = fold_batches(conn).await?;
    let rollups = fold_rollups(conn).await?;
    Ok(counts.max(batches).max(rollups) >= FOLD)
}

/// Folds what is counted of batches; how many. A batch goes with the last of its tasks. The caller holds the lock.
async fn fold_batches(conn: &mut PgConnection) -> Result<i64, Fault> {
    let folded = query(
        "WITH gone AS (DELETE FROM taskdeck.batch_deltas
                 WHERE seq IN (SELECT seq FROM taskdeck.batch_deltas ORDER BY seq LIMIT $1)
                 RETURNING batch, status, n),
             summed AS (INSERT INTO taskdeck.batch_counts AS c (batch, status, n)
                 SELECT batch, status, sum(n) FROM gone GROUP BY batch, status
                 ON CONFLICT (batch, status) DO UPDATE SET n = c.n + excluded.n
                 RETURNING c.batch, c.n)
         SELECT (SELECT count(*) FROM gone), ARRAY(SELECT DISTINCT batch FROM summed WHERE n = 0)",
    );
    let row = folded.bind(FOLD).fetch_one(&mut *conn).await?;
    let (many, left): (i64, Vec<Uuid>) = (row.try_get(0)?, row.try_get(1)?);
    if !left.is_empty() {
        query("DELETE FROM taskdeck.batch_counts WHERE batch = ANY($1) AND n = 0")
            .bind(&left)
            .execute(&mut *conn)
            .await?;
        // What others are about to commit is counted by their differences, or is seen by its tasks.
        query(
            "DELETE FROM taskdeck.batches b WHERE b.id = ANY($1)
                 AND NOT EXISTS (SELECT 1 FROM taskdeck.batch_counts c WHERE c.batch = b.id)
                 AND NOT EXISTS (SELECT 1 FROM taskdeck.batch_deltas d WHERE d.batch = b.id)
                 AND NOT EXISTS (SELECT 1 FROM taskdeck.tasks t WHERE t.batch = b.id)",
        )
        .bind(&left)
        .execute(conn)
        .await?;
    }
    Ok(many)
}

/// Folds rollups; how many. The caller holds the lock.
async fn fold_rollups(conn: &mut PgConnection) -> Result<i64, Fault> {
    let gone = query(
        "DELETE FROM taskdeck.rollup_deltas
         WHERE seq IN (SELECT seq FROM taskdeck.rollup_deltas ORDER BY seq LIMIT $1)
         RETURNING minute, kind, started, begun, completed, failed, cancelled, interrupted, wait, run",
    );
    let gone = gone.bind(FOLD).fetch_all(&mut *conn).await?;
    if gone.is_empty() {
        return Ok(0);
    }
    let mut sums: std::collections::BTreeMap<(i64, String), Tally> = std::collections::BTreeMap::new();
    for row in &gone {
        let tally = sums.entry((row.try_get(0)?, row.try_get(1)?)).or_default();
        add(tally, row, 2)?;
    }
    // Each by a step in the index, however many: joined, all of them would be read. Nobody else moves them meanwhile.
    let known = query(
        "DELETE FROM taskdeck.rollups WHERE ctid = ANY(ARRAY(
             SELECT known.ctid FROM unnest($1::bigint[], $2::text[]) AS u(minute, kind)
             CROSS JOIN LATERAL (SELECT r.ctid FROM taskdeck.rollups r
                 WHERE r.minute = u.minute AND r.kind = u.kind LIMIT 1) known))
         RETURNING minute, kind, started, begun, completed, failed, cancelled, interrupted, wait, run",
    )
    .bind(sums.keys().map(|(minute, _)| *minute).bind_iter())
    .bind(sums.keys().map(|(_, kind)| kind.as_str()).bind_iter())
    .fetch_all(&mut *conn)
    .await?;
    for row in &known {
        let tally = sums.entry((row.try_get(0)?, row.try_get(1)?)).or_default();
        add(tally, row, 2)?;
    }
    let written = sums.iter().map(|((minute, kind), tally)| (*minute, kind.as_str(), tally));
    insert_rollups(conn, written.collect()).await?;
    Ok(big(gone.len()))
}
