//! Why a task does not run.

use std::time::Instant;

use taskdeck_core::{
    Action, Counts, DeckError, HeldBack, LaneLimits, LaneNow, NotRunning, Status, Subject, TaskId, TaskState,
    why_not_running,
};

use super::Client;
use crate::deck::Inner;
use crate::heart;
use crate::store::{Record, Scope};

/// How many running tasks are looked at for those of a partition.
const RUNNING: usize = 10_000;

impl Client {
    /// Why a task that has not ended does not run; nothing when it runs or has ended.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn why_not_running(&self, id: TaskId) -> Result<Option<NotRunning>, DeckError> {
        let record = self.task_for(Action::Read, id).await?;
        let task = self.inner.current(&record);
        self.why(&record, &task).await
    }

    /// The task as it is now, and why it does not run if it does not, for an actor who may read the whole task.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn get_with_why(&self, id: TaskId) -> Result<(TaskState, Option<NotRunning>), DeckError> {
        let record = self.task_for(Action::Watch, id).await?;
        let task = self.inner.current(&record);
        // It tells of queues, limits and workers.
        let whole = Subject::Task(id, self.inner.definition(&record.kind));
        let why = match self.may(Action::Read, whole) {
            Ok(()) => self.why(&record, &task).await?,
            Err(_) => None,
        };
        Ok((task, why))
    }

    pub(super) async fn why(
        &self,
        record: &Record,
        task: &TaskState,
    ) -> Result<Option<NotRunning>, DeckError> {
        // Only what is queued is held back by something outside of it.
        let held = match task.status {
            Status::Queued => self.held_back(record).await?,
            _ => HeldBack::default(),
        };
        Ok(why_not_running(task, &held))
    }

    async fn held_back(&self, record: &Record) -> Result<HeldBack, DeckError> {
        let inner = &self.inner;
        if inner.store.is_shared() {
            return self.held_back_anywhere(record).await;
        }
        let (mut queue, mut kind, partition) = inner.dispatch.held(record);
        if queue.paused.is_some() || kind.paused.is_some() {
            for control in
                inner.store.controls().await?.into_iter().filter(|control| control.paused_at.is_some())
            {
                let lane = match control.scope {
                    Scope::Queue => &mut queue,
                    Scope::Kind => &mut kind,
                };
                if lane.name == control.name && lane.paused.is_some() {
                    lane.paused = Some(control.paused_by.map(|by| by.to_string()));
                }
            }
        }
        let slots = inner.settings.max_concurrent.max(1);
        let counts: Counts = inner.store.counts().await?;
        Ok(HeldBack {
            params_version: record.kind_version,
            worker_version: inner.definition(&record.kind).map(|definition| definition.version),
            stopping: inner.stopping.is_cancelled(),
            works: inner.settings.worker,
            unheard_ms: None,
            queue,
            kind,
            partition,
            slots,
            busy: slots.saturating_sub(inner.worker.slots.available_permits()),
            queued: counts.of(Status::Queued),
        })
    }

    /// Over all nodes: each of them says the same.
    async fn held_back_anywhere(&self, record: &Record) -> Result<HeldBack, DeckError> {
        let inner = &self.inner;
        let (kind_name, queue_name) = (record.kind.as_str(), record.queue.as_str());
        let (mut queue, queue_limits) = self.lane_now(Scope::Queue, queue_name).await?;
        let (mut kind, kind_limits) = self.lane_now(Scope::Kind, kind_name).await?;
        for (lane, scope, limits) in
            [(&mut queue, Scope::Queue, &queue_limits), (&mut kind, Scope::Kind, &kind_limits)]
        {
            if let Some(rate) = limits.rate {
                let (bucket, now_us) = inner.store.rate_used(scope, lane.name.clone()).await?;
                lane.rate_wait_ms = bucket.wait(rate, now_us).div_ceil(1_000);
            }
        }
        let (mut busy, mut queued) = (0, 0);
        for count in inner.store.lane_counts().await? {
            let n = usize::try_from(count.n).unwrap_or(usize::MAX);
            match count.status {
                Status::Running => busy += n,
                Status::Queued => queued += count.n,
                _ => {}
            }
            if count.status == Status::Running {
                queue.running += if count.queue == queue_name { n } else { 0 };
                kind.running += if count.kind == kind_name { n } else { 0 };
            }
        }
        let limit = kind_limits.partition_concurrency.zip(record.partition.as_ref());
        let partition = match limit {
            None => None,
            Some((most, name)) => {
                let running = inner.store.running(RUNNING).await?;
                let same =
                    |other: &&Record| other.kind == record.kind && other.partition.as_ref() == Some(name);
                let running = running.iter().filter(same).count();
                let concurrency = Some(most as usize);
                Some(LaneNow { name: name.clone(), running, concurrency, ..LaneNow::default() })
            }
        };
        let nodes = Nodes::of(inner, record).await?;
        Ok(HeldBack {
            params_version: record.kind_version,
            worker_version: nodes.version,
            stopping: nodes.works && !nodes.begins,
            works: nodes.works,
            unheard_ms: nodes.unheard_ms,
            queue,
            kind,
            partition,
            slots: nodes.slots.max(1),
            busy,
            queued,
        })
    }

    /// A queue or a kind as people and the program hold it back.
    async fn lane_now(&self, scope: Scope, name: &str) -> Result<(LaneNow, LaneLimits), DeckError> {
        let controls = self.inner.store.controls().await?;
        let control = controls.into_iter().find(|control| control.scope == scope && control.name == name);
        let paused = control.as_ref().filter(|control| control.paused_at.is_some());
        let paused = paused.map(|control| control.paused_by.as_ref().map(ToString::to_string));
        let limits = control.and_then(|control| control.limits);
        let limits = limits.unwrap_or_else(|| self.inner.program_limits(scope, name));
        let lane = LaneNow {
            name: name.to_owned(),
            paused,
            concurrency: limits.concurrency.map(|most| most as usize),
            rate: limits.rate,
            ..LaneNow::default()
        };
        Ok((lane, limits))
    }
}

/// The nodes that run tasks, as far as they matter to one of them.
#[derive(Default)]
struct Nodes {
    works: bool,
    /// How long ago the last of them was heard of, where that is long; none where it is this one.
    unheard_ms: Option<u64>,
    /// Whether one of them begins tasks still.
    begins: bool,
    slots: usize,
    /// The newest version of the task's kind that one of them knows.
    version: Option<u32>,
}

impl Nodes {
    async fn of(inner: &Inner, record: &Record) -> Result<Self, DeckError> {
        let own = inner.session();
        let mut nodes = Self { unheard_ms: Some(u64::MAX), ..Self::default() };
        let now = Instant::now();
        for session in inner.store.sessions().await?.into_iter().filter(|session| session.slots > 0) {
            let said = if session.id == own { Some(heart::said(inner)) } else { session.said };
            nodes.works = true;
            // One that was not looked at yet has just come.
            let seen = inner.heart.last_seen(session.id).filter(|_| session.id != own);
            let unheard =
                seen.map(|at| u64::try_from(now.duration_since(at).as_millis()).unwrap_or(u64::MAX));
            nodes.unheard_ms = nodes.unheard_ms.and_then(|least| Some(least.min(unheard?)));
            let begins = said.as_ref().is_none_or(|said| !said.stopping);
            nodes.begins |= begins;
            if begins {
                nodes.slots += session.slots as usize;
            }
            let version = match said {
                // One of a version that does not say it: it may know it.
                None => Some(record.kind_version),
                Some(said) => {
                    said.kinds.iter().find(|(kind, _)| *kind == record.kind).map(|(_, version)| *version)
                }
            };
            nodes.version = nodes.version.max(version);
        }
        // As long as one that lives may be silent: it beats, and is looked at, six times a lease.
        let long = inner.settings.lease.as_millis() / 2;
        nodes.unheard_ms = nodes.unheard_ms.filter(|ms| u128::from(*ms) > long);
        Ok(nodes)
    }
}
