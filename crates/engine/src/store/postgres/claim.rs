//! Claiming: which of the queued tasks a node gets.
//!
//! A lane (a queue and a kind) that nothing limits is claimed past whatever others are claiming: their rows are
//! skipped. A lane that is limited is claimed by one node at a time, which holds its advisory locks until the commit:
//! so it sees all that run anywhere, and a limit holds over all nodes. No other lane takes such a lock.
//!
//! Pauses are asked for in the statement that finds the tasks: what is queued after a pause was answered is not claimed,
//! also by a node that has not heard of it, or whose claim was on its way. Limits likewise: the statement finds nothing
//! when they are not those by which the node made its request, and the node looks at them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use sqlx_core::row::Row;
use sqlx_postgres::{PgBindIterExt, PgConnection};
use taskdeck_core::{Bucket, Decision, Event, Lease, Progress, State, TaskId, decide};

use super::control::{self, controls_now};
use super::fault::Fault;
use super::query::query;
use super::rows::{self, big, columns, count, int, task_id, uuids};
use super::work::Work;
use crate::clock;
use crate::store::choose::{Candidate, PARTITION_BUDGET, choose, take_partition};
use crate::store::{Bounds, ClaimRequest, Claimed, KindRoom};

/// How many candidates of a partitioned lane are read at first.
const FIRST_LOOK: usize = 200;

/// A queue, a kind and a version of it that have queued tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) queue: String,
    pub(super) kind: String,
    pub(super) version: i32,
}

impl Lane {
    /// Which of the kinds of a claim it is of, if the claimer knows the kind and this version.
    fn kind_of(&self, request: &ClaimRequest) -> Option<usize> {
        let knows = |known: &KindRoom| known.kind.as_str() == self.kind && self.version <= int(known.version);
        request.kinds.iter().position(knows)
    }

    pub(super) fn is_for(&self, request: &ClaimRequest) -> bool {
        self.kind_of(request).is_some()
    }
}

/// The lanes that have queued tasks: one step in the index of the claims for each.
pub(super) async fn lanes(conn: &mut PgConnection) -> Result<Vec<Lane>, Fault> {
    let found = query(
        "WITH RECURSIVE lanes AS (
             (SELECT queue, kind, kind_version FROM taskdeck.tasks WHERE queued_at IS NOT NULL
                 ORDER BY queue, kind, kind_version LIMIT 1)
             UNION ALL
             SELECT next.queue, next.kind, next.kind_version FROM lanes,
                 LATERAL (SELECT t.queue, t.kind, t.kind_version FROM taskdeck.tasks t WHERE t.queued_at IS NOT NULL
                     AND (t.queue, t.kind, t.kind_version) > (lanes.queue, lanes.kind, lanes.kind_version)
                     ORDER BY t.queue, t.kind, t.kind_version LIMIT 1) next)
         SELECT queue, kind, kind_version FROM lanes",
    )
    .fetch_all(conn)
    .await?;
    let lane = |row: &sqlx_postgres::PgRow| {
        Ok(Lane { queue: row.try_get(0)?, kind: row.try_get(1)?, version: row.try_get(2)? })
    };
    Ok(found.iter().map(lane).collect::<Result<_, sqlx_core::Error>>()?)
}

/// A lane that the request may take of.
struct Open {
    queue: String,
    /// Which of the request's kinds.
    kind: usize,
    version: i32,
    limited: bool,
}

/// Claims of these lanes, which had queued tasks a moment ago.
pub(super) async fn claim(
    work: &mut Work<'_>,
    request: &ClaimRequest,
    lanes: &[Lane],
) -> Result<Vec<Claimed>, Fault> {
    let mut request = request.clone();
    let mut open = Vec::new();
    for lane in lanes {
        let Some(kind) = lane.kind_of(&request) else { continue };
        if room(&request, &lane.queue, kind) > 0 {
            let limited = is_limited(&request, &lane.queue, kind);
            open.push(Open { queue: lane.queue.clone(), kind, version: lane.version, limited });
        }
    }
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let mut rates = Rates::default();
    if open.iter().any(|lane| lane.limited) {
        rates = narrow(work.conn(), &mut request, &open).await?;
    }
    let (queues, locked) = candidates(work.conn(), &request, &open).await?;
    if queues.iter().all(|(_, candidates)| candidates.is_empty()) {
        work.news.stale = control::controls_version(work.conn()).await? != request.controls;
    }
    let chosen = choose(queues, &request);
    if locked.len() > chosen.len() && chosen.len() >= request.max {
        // Others passed over what was locked here and is left.
        work.news.queued = true;
    }
    let chosen = lock_others(work.conn(), chosen, &locked).await?;
    let claimed = begin(work, &chosen, &request).await?;
    rates.take(work, &claimed, &request).await?;
    Ok(claimed)
}

fn room(request: &ClaimRequest, queue: &str, kind: usize) -> usize {
    request.kinds[kind].room.min(request.queue_room(queue)).min(request.max)
}

fn bounds_of(request: &ClaimRequest, queue: &str) -> Option<Bounds> {
    request.queues.iter().find(|(name, _)| name.as_str() == queue).map(|(_, of)| of.bounds)
}

fn is_limited(request: &ClaimRequest, queue: &str, kind: usize) -> bool {
    let limits = |bounds: Bounds| bounds != Bounds::default();
    let kind = &request.kinds[kind];
    kind.partition.is_some() || limits(kind.bounds) || bounds_of(request, queue).is_some_and(limits)
}

const QUEUE: i16 = 0;
const KIND: i16 = 1;

/// How much of the rates of the lanes of a claim is used, by scope and name.
#[derive(Default)]
struct Rates {
    now_us: u64,
    buckets: HashMap<(i16, String), (taskdeck_core::Rate, Bucket)>,
}

/// Takes the locks of the limited lanes, and narrows the rooms by what runs and began on all nodes.
async fn narrow(conn: &mut PgConnection, request: &mut ClaimRequest, open: &[Open]) -> Result<Rates, Fault> {
    let limited = || open.iter().filter(|lane| lane.limited);
    let mut names = BTreeSet::new();
    for lane in limited() {
        names.insert((QUEUE, lane.queue.clone()));
        names.insert((KIND, request.kinds[lane.kind].kind.as_str().to_owned()));
    }
    // Only what is limited itself is locked: a queue without limits does not bind its kinds together.
    names.retain(|(scope, name)| match *scope {
        QUEUE => bounds_of(request, name).is_some_and(|bounds| bounds != Bounds::default()),
        _ => request.kinds.iter().any(|kind| {
            kind.kind.as_str() == name && (kind.partition.is_some() || kind.bounds != Bounds::default())
        }),
    });
    // Each of them in the same order on every node.
    let locks: BTreeSet<i64> = names.iter().map(|(scope, name)| lock_of(*scope, name)).collect();
    query("SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) AS k")
        .bind(locks.into_iter().collect::<Vec<_>>())
        .fetch_all(&mut *conn)
        .await?;
    narrow_by_running(conn, request).await?;
    let rates = read_rates(conn, request, &names).await?;
    for kind in &mut request.kinds {
        kind.room = kind.room.min(rates.room(KIND, kind.kind.as_str()));
    }
    for (name, queue) in &mut request.queues {
        queue.room = queue.room.min(rates.room(QUEUE, name.as_str()));
    }
    Ok(rates)
}

/// The key of a lane's advisory lock. Two lanes that share one wait for each other, and no more.
fn lock_of(scope: i16, name: &str) -> i64 {
    hash(if scope == QUEUE { b'q' } else { b'k' }, name.bytes())
}

/// The key of an advisory lock (FNV-1a) for what there is of this name in a space of names.
pub(super) fn hash(space: u8, name: impl Iterator<Item = u8>) -> i64 {
    let hash = std::iter::once(space).chain(name).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}

async fn narrow_by_running(conn: &mut PgConnection, request: &mut ClaimRequest) -> Result<(), Fault> {
    let sql = "SELECT queue, kind, partition, count(*) FROM taskdeck.tasks WHERE status = 2
        GROUP BY queue, kind, partition";
    let found = query(sql).fetch_all(conn).await?;
    let (mut queues, mut kinds) = (HashMap::<String, u64>::new(), HashMap::<String, u64>::new());
    let mut partitions = HashMap::<(String, String), u64>::new();
    for row in &found {
        let (queue, kind, n): (String, String, u64) = (row.try_get(0)?, row.try_get(1)?, count(row, 3)?);
        *queues.entry(queue).or_default() += n;
        if let Some(partition) = row.try_get(2)? {
            *partitions.entry((kind.clone(), partition)).or_default() += n;
        }
        *kinds.entry(kind).or_default() += n;
    }
    let left = |most: Option<usize>, running: Option<&u64>| {
        let running = running.and_then(|n| usize::try_from(*n).ok()).unwrap_or_default();
        most.map_or(usize::MAX, |most| most.saturating_sub(running))
    };
    for (name, queue) in &mut request.queues {
        queue.room = queue.room.min(left(queue.bounds.concurrency, queues.get(name.as_str())));
    }
    for kind in &mut request.kinds {
        let name = kind.kind.as_str();
        kind.room = kind.room.min(left(kind.bounds.concurrency, kinds.get(name)));
        let Some(partition) = &mut kind.partition else { continue };
        for ((_, name), n) in partitions.iter().filter(|((of, _), _)| of == kind.kind.as_str()) {
            let running = partition.running.entry(name.clone()).or_default();
            *running = (*running).max(usize::try_from(*n).unwrap_or(usize::MAX));
        }
    }
    Ok(())
}

async fn read_rates(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    names: &BTreeSet<(i16, String)>,
) -> Result<Rates, Fault> {
    let mut rates = Rates::default();
    for (scope, name) in names {
        let rate = match *scope {
            QUEUE => bounds_of(request, name).and_then(|bounds| bounds.rate),
            _ => {
                request.kinds.iter().find(|kind| kind.kind.as_str() == name).and_then(|kind| kind.bounds.rate)
            }
        };
        if let Some(rate) = rate {
            rates.buckets.insert((*scope, name.clone()), (rate, Bucket::default()));
        }
    }
    if rates.buckets.is_empty() {
        return Ok(rates);
    }
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    rates.now_us = count(&query(now).fetch_one(&mut *conn).await?, 0)?;
    let found = query(
        "SELECT r.scope, r.name, r.earned_at FROM taskdeck.rates r
         JOIN unnest($1::smallint[], $2::text[]) AS u(scope, name) ON r.scope = u.scope AND r.name = u.name",
    )
    .bind(rates.buckets.keys().map(|(scope, _)| *scope).bind_iter())
    .bind(rates.buckets.keys().map(|(_, name)| name.as_str()).bind_iter())
    .fetch_all(conn)
    .await?;
    for row in &found {
        if let Some((_, bucket)) = rates.buckets.get_mut(&(row.try_get(0)?, row.try_get(1)?)) {
            *bucket = Bucket::of(count(row, 2)?);
        }
    }
    Ok(rates)
}

impl Rates {
    fn room(&self, scope: i16, name: &str) -> usize {
        let known = self.buckets.get(&(scope, name.to_owned()));
        known.map_or(usize::MAX, |(rate, bucket)| bucket.room(*rate, self.now_us) as usize)
    }

    /// Writes what the claim took of the rates, and says when there is more of one that is used up.
    async fn take(
        mut self,
        work: &mut Work<'_>,
        claimed: &[Claimed],
        request: &ClaimRequest,
    ) -> Result<(), Fault> {
        if self.buckets.is_empty() {
            return Ok(());
        }
        for Claimed { record, .. } in claimed {
            for key in [(QUEUE, record.queue.as_str().to_owned()), (KIND, record.kind.as_str().to_owned())] {
                if let Some((rate, bucket)) = self.buckets.get_mut(&key) {
                    bucket.owe(*rate, self.now_us);
                }
            }
        }
        if claimed.len() < request.max {
            let waits = self.buckets.values().map(|(rate, bucket)| bucket.wait(*rate, self.now_us));
            work.news.look_again = waits.filter(|wait| *wait > 0).min().map(Duration::from_micros);
        }
        if claimed.is_empty() {
            return Ok(());
        }
        query(
            "INSERT INTO taskdeck.rates (scope, name, earned_at)
             SELECT * FROM unnest($1::smallint[], $2::text[], $3::bigint[])
             ON CONFLICT (scope, name) DO UPDATE SET earned_at = excluded.earned_at",
        )
        .bind(self.buckets.keys().map(|(scope, _)| *scope).bind_iter())
        .bind(self.buckets.keys().map(|(_, name)| name.as_str()).bind_iter())
        .bind(self.buckets.values().map(|(_, bucket)| big(bucket.earned_at_us())).bind_iter())
        .execute(work.conn())
        .await?;
        Ok(())
    }
}

type Queues = Vec<(String, Vec<Candidate>)>;

/// The most urgent tasks of each queue, in order, and which of them are locked already.
async fn candidates(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    open: &[Open],
) -> Result<(Queues, BTreeSet<TaskId>), Fault> {
    let mut found = free(conn, request, open).await?;
    let locked = found.iter().map(|(_, candidate)| candidate.id).collect();
    for lane in open.iter().filter(|lane| lane.limited && room(request, &lane.queue, lane.kind) > 0) {
        found.extend(held_back(conn, request, lane).await?);
    }
    let mut queues: Queues = Vec::new();
    for lane in open {
        if queues.last().is_none_or(|(last, _)| *last != lane.queue) {
            queues.push((lane.queue.clone(), Vec::new()));
        }
    }
    for (queue, candidate) in found {
        if let Some((_, candidates)) = queues.iter_mut().find(|(name, _)| *name == queue) {
            candidates.push(candidate);
        }
    }
    for (_, candidates) in &mut queues {
        candidates.sort_unstable();
    }
    Ok((queues, locked))
}

/// Those of the lanes that nothing limits, locked: what others are claiming is passed over.
async fn free(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    open: &[Open],
) -> Result<Vec<(String, Candidate)>, Fault> {
    let lanes: Vec<_> = open.iter().filter(|lane| !lane.limited).collect();
    if lanes.is_empty() {
        return Ok(Vec::new());
    }
    let rows = query(concat!(
        "SELECT lane.n, next.ahead, next.priority, next.id, next.partition
         FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) WITH ORDINALITY AS lane(queue, kind, version, room, n)
         CROSS JOIN LATERAL (SELECT t.ahead, t.priority, t.id, t.partition FROM taskdeck.tasks t
             WHERE t.queued_at IS NOT NULL AND t.queue = lane.queue AND t.kind = lane.kind
                 AND t.kind_version = lane.version
             ORDER BY t.ahead DESC, t.priority DESC, t.id LIMIT lane.room FOR NO KEY UPDATE SKIP LOCKED) next
         WHERE NOT EXISTS (SELECT 1 FROM taskdeck.controls c WHERE c.paused_at IS NOT NULL
             AND (c.scope = 0 AND c.name = lane.queue OR c.scope = 1 AND c.name = lane.kind))
             AND $5 = ",
        controls_now!()
    ))
    .bind(lanes.iter().map(|lane| lane.queue.as_str()).bind_iter())
    .bind(lanes.iter().map(|lane| request.kinds[lane.kind].kind.as_str()).bind_iter())
    .bind(lanes.iter().map(|lane| lane.version).bind_iter())
    .bind(lanes.iter().map(|lane| big(room(request, &lane.queue, lane.kind))).bind_iter())
    .bind(big(request.controls))
    .fetch_all(conn)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let lane = usize::try_from(row.try_get::<i64, _>(0)?).ok().and_then(|n| lanes.get(n - 1));
        let Some(lane) = lane else { continue };
        found.push((lane.queue.clone(), candidate(row, lane.kind)?));
    }
    Ok(found)
}

fn candidate(row: &sqlx_postgres::PgRow, kind: usize) -> Result<Candidate, sqlx_core::Error> {
    Ok(Candidate {
        behind: !row.try_get::<bool, _>(1)?,
        priority: std::cmp::Reverse(row.try_get(2)?),
        id: task_id(row, 3)?,
        kind,
        partition: row.try_get(4)?,
    })
}

/// Those of a limited lane, which nobody else claims of just now. Tasks of full partitions are looked past.
async fn held_back(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    lane: &Open,
) -> Result<Vec<(String, Candidate)>, Fault> {
    let kind = &request.kinds[lane.kind];
    let max = room(request, &lane.queue, lane.kind);
    let mut looks = if kind.partition.is_some() { max + FIRST_LOOK } else { max };
    loop {
        let rows = query(concat!(
            "SELECT 0, ahead, priority, id, partition FROM taskdeck.tasks
             WHERE queued_at IS NOT NULL AND queue = $1 AND kind = $2 AND kind_version = $3
                 AND NOT EXISTS (SELECT 1 FROM taskdeck.controls c WHERE c.paused_at IS NOT NULL
                     AND (c.scope = 0 AND c.name = $1 OR c.scope = 1 AND c.name = $2))
                 AND $5 = ",
            controls_now!(),
            " ORDER BY ahead DESC, priority DESC, id LIMIT $4",
        ))
        .bind(&lane.queue)
        .bind(kind.kind.as_str())
        .bind(lane.version)
        .bind(big(looks))
        .bind(big(request.controls))
        .fetch_all(&mut *conn)
        .await?;
        let mut partitions = kind.partition.clone();
        let mut found = Vec::new();
        for row in &rows {
            let candidate = candidate(row, lane.kind)?;
            if found.len() < max && take_partition(partitions.as_mut(), candidate.partition.as_deref()) {
                found.push((lane.queue.clone(), candidate));
            }
        }
        let all = rows.len() < looks || looks >= max + PARTITION_BUDGET;
        if found.len() >= max || all {
            return Ok(found);
        }
        looks = (looks * 10).min(max + PARTITION_BUDGET);
    }
}

/// Locks those of the chosen that are not locked yet; what somebody else changes just now is left out.
async fn lock_others(
    conn: &mut PgConnection,
    mut chosen: Vec<TaskId>,
    locked: &BTreeSet<TaskId>,
) -> Result<Vec<TaskId>, Fault> {
    let others: Vec<_> = chosen.iter().copied().filter(|id| !locked.contains(id)).collect();
    if others.is_empty() {
        return Ok(chosen);
    }
    let sql = "SELECT id FROM taskdeck.tasks WHERE id = ANY($1) AND queued_at IS NOT NULL ORDER BY id
        FOR NO KEY UPDATE SKIP LOCKED";
    let rows = query(sql).bind(uuids(&others)).fetch_all(conn).await?;
    let got: BTreeSet<_> = rows.iter().map(|row| task_id(row, 0)).collect::<Result<_, _>>()?;
    chosen.retain(|id| locked.contains(id) || got.contains(id));
    Ok(chosen)
}

const BEGIN: &str = concat!(
    "SELECT ",
    columns!(),
    ", p.params, p.checkpoint, CASE WHEN attempt = 0 THEN 0 ELSE coalesce((SELECT l.last_seq FROM taskdeck.log_chunks l
         WHERE l.task = id ORDER BY l.first_seq DESC LIMIT 1), 0) END
     FROM taskdeck.tasks JOIN taskdeck.payloads p ON p.task = id WHERE id = ANY($1)"
);

/// Claims locked tasks, in this order.
async fn begin(
    work: &mut Work<'_>,
    chosen: &[TaskId],
    request: &ClaimRequest,
) -> Result<Vec<Claimed>, Fault> {
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let rows = query(BEGIN).bind(uuids(chosen)).fetch_all(work.conn()).await?;
    let place: HashMap<_, _> = chosen.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let mut claimed = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut record = rows::record(row)?;
        let from = record.status();
        let queued_at = match record.machine.state {
            State::Queued { since, .. } => since,
            _ => request.now,
        };
        // What was queued while the claim was on its way did not begin before it was queued.
        let now = request.now.max(queued_at);
        let lease = Lease { session: request.session, token: clock::new_token() };
        match decide(&record.machine, &Event::Claimed(lease), now) {
            Ok(Decision::Changed(machine)) => record.machine = *machine,
            Ok(Decision::Unchanged) => {}
            Err(refused) => return Err(Fault::unreadable("queued task", &refused)),
        }
        let checkpoint: Option<String> = row.try_get(42)?;
        if checkpoint.is_none() {
            // It begins anew: the bar of the attempt before would be wrong.
            record.progress = Progress::default();
        }
        let waited_ms = now.millis_since(queued_at);
        work.deltas.minute(&record.kind, now).begun(waited_ms);
        work.put(record.clone(), from);
        claimed.push(Claimed {
            record: Arc::new(record),
            params: row.try_get(41)?,
            checkpoint,
            last_log_seq: count(row, 43)?,
            waited_ms,
        });
    }
    claimed.sort_by_key(|task| place.get(&task.record.id).copied());
    Ok(claimed)
}
