//! What may run now: pauses, limits and rates of queues, kinds and partitions, against what runs on this node.
//!
//! Times are on the monotonic clock, so that a wall clock that is set back does not stop a rate.

mod held;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use taskdeck_core::{Bucket, Kind, LaneLimits, Limits, QueueName, Rate};
use tokio::sync::Notify;

use crate::registry::Registry;
use crate::store::{Bounds, Control, KindRoom, PartitionRoom, QueueRoom, Record, Scope};

/// What runs here and what holds it back.
#[derive(Debug)]
pub(crate) struct Dispatch {
    state: Mutex<State>,
    began: Instant,
    /// A pause or a limit changed.
    pub(crate) changed: Notify,
    /// Whether other nodes work on the same store: then what is limited is only ever claimed, since a claim alone sees
    /// what all of them run.
    shared: bool,
    /// The version of the pauses and limits that it has taken over.
    pub(crate) controls: AtomicU64,
    /// The pauses and limits that the store had when it was last looked at. Locked from reading or writing the store until
    /// what it said is taken over: what was read before a change must not undo it.
    pub(crate) looked: tokio::sync::Mutex<Vec<Control>>,
}

#[derive(Debug, Default)]
struct State {
    queues: HashMap<QueueName, Lane>,
    kinds: HashMap<Kind, Lane>,
    partitions: HashMap<(Kind, String), usize>,
    turn: usize,
    /// Whether a claim is under way: what has room is spoken for.
    claiming: bool,
}

/// A queue or a kind.
#[derive(Debug, Default)]
struct Lane {
    running: usize,
    paused: bool,
    concurrency: Option<usize>,
    rate: Option<Rate>,
    bucket: Bucket,
    /// For kinds: how many of one partition may run.
    partition_limit: Option<usize>,
}

impl Lane {
    /// How many more may begin.
    fn room(&self, now_us: u64) -> usize {
        if self.paused {
            return 0;
        }
        let by_number = self.concurrency.map_or(usize::MAX, |most| most.saturating_sub(self.running));
        let by_rate = self.rate.map_or(usize::MAX, |rate| self.bucket.room(rate, now_us) as usize);
        by_number.min(by_rate)
    }

    fn is_limited(&self) -> bool {
        self.paused || self.concurrency.is_some() || self.rate.is_some() || self.partition_limit.is_some()
    }

    fn bounds(&self) -> Bounds {
        Bounds { concurrency: self.concurrency, rate: self.rate }
    }

    fn take(&mut self, now_us: u64) {
        self.running += 1;
        if let Some(rate) = self.rate {
            self.bucket.owe(rate, now_us);
        }
    }

    fn limit(&mut self, limits: &LaneLimits) {
        self.concurrency = limits.concurrency.map(|most| most as usize);
        self.partition_limit = limits.partition_concurrency.map(|most| most as usize);
        if self.rate != limits.rate {
            self.rate = limits.rate;
            self.bucket = Bucket::default();
        }
    }
}

/// What a claim may take.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub(crate) kinds: Vec<KindRoom>,
    pub(crate) queues: HashMap<QueueName, QueueRoom>,
    pub(crate) turn: usize,
    /// The version of the pauses and limits by which they are.
    pub(crate) controls: u64,
    /// Whether anything is held back, so that it is worth to look again when something ends.
    pub(crate) limited: bool,
}

/// The limits of a kind that its definition sets.
pub(crate) fn limits_of(limits: &Limits) -> LaneLimits {
    LaneLimits {
        concurrency: limits.concurrency,
        rate: limits.rate,
        partition_concurrency: limits.partition_concurrency,
    }
}

impl Dispatch {
    pub(crate) fn new(registry: &Registry, queues: &[(QueueName, LaneLimits)], shared: bool) -> Self {
        let mut state = State::default();
        for definition in registry.definitions() {
            let mut lane = Lane::default();
            lane.limit(&limits_of(&definition.limits));
            state.kinds.insert(definition.kind.clone(), lane);
        }
        for (queue, limits) in queues {
            state.queues.entry(queue.clone()).or_default().limit(limits);
        }
        Self {
            state: Mutex::new(state),
            began: Instant::now(),
            changed: Notify::new(),
            shared,
            controls: AtomicU64::new(0),
            looked: tokio::sync::Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Takes over what a person set; `program` is what holds where they set nothing.
    pub(crate) fn set(&self, control: &Control, program: &LaneLimits) {
        {
            let mut state = self.state();
            let lane = match control.scope {
                Scope::Queue => QueueName::new(control.name.clone())
                    .ok()
                    .map(|name| state.queues.entry(name).or_default()),
                Scope::Kind => {
                    Kind::new(control.name.clone()).ok().map(|name| state.kinds.entry(name).or_default())
                }
            };
            if let Some(lane) = lane {
                lane.paused = control.paused_at.is_some();
                lane.limit(control.limits.as_ref().unwrap_or(program));
            }
        }
        self.changed.notify_one();
    }

    /// The claim is over, and what it took is counted.
    pub(crate) fn claimed(&self) {
        self.state().claiming = false;
    }

    /// What a claim may take now; until [`Dispatch::claimed`] nothing else takes of what is limited.
    pub(crate) fn rooms(&self, registry: &Registry) -> Rooms {
        let now = self.now_us();
        // Before they are looked at: they may be newer than this, and then the claim is made again.
        let controls = self.controls.load(Ordering::Acquire);
        let mut state = self.state();
        state.turn = state.turn.wrapping_add(1);
        state.claiming = true;
        let mut limited = false;
        let mut kinds = Vec::new();
        for (kind, version) in registry.kinds() {
            let lane = state.kinds.get(&kind);
            let limit = lane.and_then(|lane| lane.partition_limit);
            let partition = limit.map(|limit| PartitionRoom {
                limit,
                running: state
                    .partitions
                    .iter()
                    .filter(|((of, _), _)| *of == kind)
                    .map(|((_, partition), running)| (partition.clone(), *running))
                    .collect(),
            });
            limited |= partition.is_some() || lane.is_some_and(Lane::is_limited);
            let room = lane.map_or(usize::MAX, |lane| lane.room(now));
            if room > 0 {
                let bounds = lane.map(Lane::bounds).unwrap_or_default();
                kinds.push(KindRoom { kind, version, room, bounds, partition });
            }
        }
        let queues: HashMap<_, _> = state
            .queues
            .iter()
            .filter(|(_, lane)| lane.is_limited())
            .map(|(queue, lane)| (queue.clone(), QueueRoom { room: lane.room(now), bounds: lane.bounds() }))
            .collect();
        limited |= !queues.is_empty();
        Rooms { kinds, queues, turn: state.turn, controls, limited }
    }

    /// Takes room for a task that is about to run, if there is some. `behind` says that others may wait to be claimed:
    /// then nothing is taken of what is limited.
    pub(crate) fn reserve(&self, record: &Record, behind: bool) -> bool {
        let now = self.now_us();
        let mut state = self.state();
        let kind = state.kinds.get(&record.kind);
        let taken = behind || state.claiming || self.shared;
        let full = |lane: &Lane| lane.room(now) == 0 || (taken && lane.is_limited());
        if kind.is_some_and(full) || state.queues.get(&record.queue).is_some_and(full) {
            return false;
        }
        if let (Some(limit), Some(partition)) =
            (kind.and_then(|kind| kind.partition_limit), &record.partition)
            && state.partitions.get(&(record.kind.clone(), partition.clone())).is_some_and(|n| *n >= limit)
        {
            return false;
        }
        state.take(record, now);
        true
    }

    /// Whether what a task belongs to is limited, so that its end lets another begin.
    pub(crate) fn limits(&self, record: &Record) -> bool {
        let state = self.state();
        let kind = state.kinds.get(&record.kind).is_some_and(Lane::is_limited);
        kind || state.queues.get(&record.queue).is_some_and(Lane::is_limited)
    }

    /// Counts a task that runs, whatever the limits say: it was claimed under them.
    pub(crate) fn take(&self, record: &Record) {
        let now = self.now_us();
        self.state().take(record, now);
    }

    /// Counts a task that runs no more.
    pub(crate) fn give_back(&self, queue: &QueueName, kind: &Kind, partition: Option<&str>) {
        let mut state = self.state();
        if let Some(lane) = state.queues.get_mut(queue) {
            lane.running = lane.running.saturating_sub(1);
            // Names of queues are made up by who starts tasks: only those that hold something back are kept.
            if lane.running == 0 && !lane.is_limited() {
                state.queues.remove(queue);
            }
        }
        if let Some(lane) = state.kinds.get_mut(kind) {
            lane.running = lane.running.saturating_sub(1);
        }
        if let Some(partition) = partition {
            let key = (kind.clone(), partition.to_owned());
            if let Some(running) = state.partitions.get_mut(&key) {
                *running -= 1;
                if *running == 0 {
                    state.partitions.remove(&key);
                }
            }
        }
    }

    /// How long until a rate lets something begin that it holds back now.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let now = self.now_us();
        let state = self.state();
        let wait = |lane: &Lane| lane.rate.map(|rate| lane.bucket.wait(rate, now)).filter(|wait| *wait > 0);
        let waits = state.queues.values().filter_map(wait).chain(state.kinds.values().filter_map(wait));
        waits.min().map(Duration::from_micros)
    }
}

impl State {
    fn take(&mut self, record: &Record, now_us: u64) {
        match self.queues.get_mut(&record.queue) {
            Some(lane) => lane.take(now_us),
            None => self.queues.entry(record.queue.clone()).or_default().take(now_us),
        }
        if let Some(lane) = self.kinds.get_mut(&record.kind) {
            lane.take(now_us);
        }
        // Counted also where nothing limits them, since a limit may be set while they run.
        if let Some(partition) = &record.partition {
            *self.partitions.entry((record.kind.clone(), partition.clone())).or_default() += 1;
        }
    }
}
