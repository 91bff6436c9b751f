//! Claiming: which of the queued tasks a worker gets.

use std::sync::Arc;

use taskdeck_core::{Decision, Event, Lease, State, TaskId, decide};

use super::logs;
use super::rows::{self, blob};
use super::work_error::WorkError;
use super::writer::Tx;
use crate::clock;
use crate::store::choose::{Candidate, PARTITION_BUDGET, choose, take_partition};
use crate::store::{ClaimRequest, Claimed, KindRoom};

pub(super) fn claim(tx: &mut Tx<'_, '_>, request: &ClaimRequest) -> Result<Vec<Claimed>, WorkError> {
    let queues = candidates(tx, request)?;
    let chosen = choose(queues, request);
    let mut claimed = Vec::with_capacity(chosen.len());
    for id in chosen {
        claimed.extend(claim_one(tx, id, request)?);
    }
    Ok(claimed)
}

/// The most urgent tasks of each queue, in order.
fn candidates(tx: &Tx<'_, '_>, request: &ClaimRequest) -> Result<Vec<(String, Vec<Candidate>)>, WorkError> {
    let lanes: Vec<(String, String)> = {
        let mut statement = tx
            .conn
            .prepare_cached("SELECT queue, kind FROM counts WHERE status = 1 AND n > 0 ORDER BY queue")?;
        let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found.collect::<rusqlite::Result<_>>()?
    };
    let mut queues: Vec<(String, Vec<Candidate>)> = Vec::new();
    for (queue, kind) in lanes {
        let Some(index) = request.kinds.iter().position(|known| known.kind.as_str() == kind) else {
            continue;
        };
        let kind = &request.kinds[index];
        let max = kind.room.min(request.queue_room(&queue)).min(request.max);
        if max == 0 {
            continue;
        }
        let mut found = of_lane(tx, &queue, index, kind, max)?;
        match queues.last_mut() {
            Some((last, candidates)) if *last == queue => candidates.append(&mut found),
            _ => queues.push((queue, found)),
        }
    }
    for (_, candidates) in &mut queues {
        candidates.sort_unstable();
    }
    Ok(queues)
}

fn of_lane(
    tx: &Tx<'_, '_>,
    queue: &str,
    index: usize,
    kind: &KindRoom,
    max: usize,
) -> Result<Vec<Candidate>, WorkError> {
    let mut statement = tx.conn.prepare_cached(
        "SELECT ahead, priority, id, partition FROM tasks
         WHERE queued_at IS NOT NULL AND queue = ?1 AND kind = ?2 AND kind_version <= ?3
         ORDER BY ahead DESC, priority DESC, id",
    )?;
    let mut stored = statement.query((queue, kind.kind.as_str(), kind.version))?;
    let mut partitions = kind.partition.clone();
    let (mut found, mut looked_at) = (Vec::new(), 0);
    while let Some(row) = stored.next()? {
        let partition: Option<String> = row.get(3)?;
        if take_partition(partitions.as_mut(), partition.as_deref()) {
            found.push(Candidate {
                behind: !row.get::<_, bool>(0)?,
                priority: std::cmp::Reverse(row.get(1)?),
                id: rows::task_id(row, 2)?,
                kind: index,
                partition,
            });
        }
        looked_at += 1;
        if found.len() >= max || looked_at >= max.saturating_add(PARTITION_BUDGET) {
            break;
        }
    }
    Ok(found)
}

fn claim_one(tx: &mut Tx<'_, '_>, id: TaskId, request: &ClaimRequest) -> Result<Option<Claimed>, WorkError> {
    let Some(mut record) = rows::find(tx.conn, id)? else { return Ok(None) };
    let lease = Lease { session: request.session, token: clock::new_token() };
    let before = record.machine.version;
    let could_expire = record.machine.expires_at.is_some();
    let from = record.status();
    let queued_at = match record.machine.state {
        State::Queued { since, .. } => since,
        _ => request.now,
    };
    match decide(&record.machine, &Event::Claimed(lease), request.now) {
        Ok(Decision::Changed(machine)) => record.machine = *machine,
        Ok(Decision::Unchanged) => {}
        Err(refused) => return Err(WorkError::unreadable("queued task", &refused)),
    }
    let (params, checkpoint): (String, Option<String>) = tx
        .conn
        .prepare_cached("SELECT params, checkpoint FROM payloads WHERE task = ?1")?
        .query_row([blob(id.as_uuid())], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut simple = !could_expire;
    if checkpoint.is_none() && record.progress != taskdeck_core::Progress::default() {
        // It begins anew: the bar of the attempt before would be wrong.
        record.progress = taskdeck_core::Progress::default();
        simple = false;
    }
    let last_log_seq = if record.machine.attempt > 1 { logs::last_seq(tx.conn, record.id)? } else { 0 };
    let written = if simple { rows::begin(tx, &record, before)? } else { rows::update(tx, &record, before)? };
    if !written {
        return Err(WorkError::unreadable("task", &"its version changed inside a transaction"));
    }
    tx.count(&record, Some(from));
    let waited_ms = request.now.millis_since(queued_at);
    tx.rollups.of(&record.kind, request.now).begun(waited_ms);
    Ok(Some(Claimed { record: Arc::new(record), params, checkpoint, last_log_seq, waited_ms }))
}
