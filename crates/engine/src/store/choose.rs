//! Which of the queued tasks a claim takes: by urgency within a queue, in turn between queues, within the rooms of
//! kinds, queues and partitions.

use std::collections::HashMap;

use taskdeck_core::TaskId;

use super::{ClaimRequest, PartitionRoom};

/// How many queued tasks of full partitions a claim looks past.
pub(crate) const PARTITION_BUDGET: usize = 20_000;

/// A queued task, as the index of the claims knows it. The order is the order of claims.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) behind: bool,
    pub(crate) priority: std::cmp::Reverse<i32>,
    pub(crate) id: TaskId,
    /// Which of the request's kinds.
    pub(crate) kind: usize,
    pub(crate) partition: Option<String>,
}

impl ClaimRequest {
    /// How many more of a queue may begin.
    pub(crate) fn queue_room(&self, queue: &str) -> usize {
        self.queues.iter().find(|(name, _)| name.as_str() == queue).map_or(usize::MAX, |(_, of)| of.room)
    }
}

/// Whether the partition has room; takes it.
pub(crate) fn take_partition(rooms: Option<&mut PartitionRoom>, partition: Option<&str>) -> bool {
    let (Some(rooms), Some(partition)) = (rooms, partition) else { return true };
    let running = rooms.running.entry(partition.to_owned()).or_default();
    if *running >= rooms.limit {
        return false;
    }
    *running += 1;
    true
}

/// One task of each queue in turn, until there is no more room. The candidates of a queue come in their order.
pub(crate) fn choose(queues: Vec<(String, Vec<Candidate>)>, request: &ClaimRequest) -> Vec<TaskId> {
    let mut rooms: Vec<usize> = request.kinds.iter().map(|kind| kind.room).collect();
    // A partition's room is the kind's, over all queues.
    let mut partitions: HashMap<usize, PartitionRoom> = request
        .kinds
        .iter()
        .enumerate()
        .filter_map(|(index, kind)| Some((index, kind.partition.clone()?)))
        .collect();
    let count = queues.len().max(1);
    let mut queues: Vec<_> = queues
        .into_iter()
        .map(|(queue, found)| (request.queue_room(&queue), found.into_iter().peekable()))
        .collect();
    queues.rotate_left(request.turn % count);
    let mut chosen = Vec::new();
    let mut took = true;
    while took {
        took = false;
        for (room, candidates) in &mut queues {
            if chosen.len() >= request.max || *room == 0 {
                continue;
            }
            let fits = |candidate: &Candidate| {
                rooms[candidate.kind] > 0
                    && take_partition(partitions.get_mut(&candidate.kind), candidate.partition.as_deref())
            };
            let Some(candidate) = candidates.find(fits) else { continue };
            rooms[candidate.kind] -= 1;
            *room -= 1;
            chosen.push(candidate.id);
            took = true;
        }
    }
    chosen
}
