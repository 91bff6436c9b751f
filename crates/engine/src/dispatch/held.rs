//! What the dispatch knows of why a task does not begin.

use taskdeck_core::LaneNow;

use super::{Dispatch, Lane};
use crate::store::Record;

impl Dispatch {
    /// The queue, the kind and the partition of a task, as they hold tasks back now.
    pub(crate) fn held(&self, record: &Record) -> (LaneNow, LaneNow, Option<LaneNow>) {
        let now = self.now_us();
        let state = self.state();
        let lane = |name: &str, lane: Option<&Lane>| {
            let Some(lane) = lane else { return LaneNow { name: name.to_owned(), ..LaneNow::default() } };
            LaneNow {
                name: name.to_owned(),
                // Who paused it is known to the store.
                paused: lane.paused.then_some(None),
                running: lane.running,
                concurrency: lane.concurrency,
                rate: lane.rate,
                rate_wait_ms: lane.rate.map_or(0, |rate| lane.bucket.wait(rate, now).div_ceil(1_000)),
            }
        };
        let kind = state.kinds.get(&record.kind);
        let limit = kind.and_then(|kind| kind.partition_limit);
        let partition = limit.zip(record.partition.as_ref()).map(|(limit, name)| {
            let running = state.partitions.get(&(record.kind.clone(), name.clone())).copied();
            let (running, concurrency) = (running.unwrap_or_default(), Some(limit));
            LaneNow { name: name.clone(), running, concurrency, ..LaneNow::default() }
        });
        let queue = lane(record.queue.as_str(), state.queues.get(&record.queue));
        (queue, lane(record.kind.as_str(), kind), partition)
    }
}
