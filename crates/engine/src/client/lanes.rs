//! Queues and kinds as lanes: what they hold, and pausing and limiting them.

use std::collections::BTreeMap;

use taskdeck_core::{Action, Counts, DeckError, Kind, Lane, LaneLimits, QueueName, Subject, Timestamp};

use super::Client;
use crate::store::{Control, Scope};

impl Client {
    /// Every queue that has tasks, is limited, is paused, or that a kind goes to.
    ///
    /// # Errors
    /// [`DeckError::Denied`].
    pub async fn queues(&self) -> Result<Vec<Lane>, DeckError> {
        self.lanes(Scope::Queue).await
    }

    /// Every kind, as it is held back and what it has.
    ///
    /// # Errors
    /// [`DeckError::Denied`].
    pub async fn kind_lanes(&self) -> Result<Vec<Lane>, DeckError> {
        self.lanes(Scope::Kind).await
    }

    async fn lanes(&self, scope: Scope) -> Result<Vec<Lane>, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        let mut lanes: BTreeMap<String, Counts> = BTreeMap::new();
        for definition in self.inner.registry.definitions() {
            let name = match scope {
                Scope::Queue => definition.limits.queue.to_string(),
                Scope::Kind => definition.kind.to_string(),
            };
            lanes.entry(name).or_default();
        }
        if scope == Scope::Queue {
            lanes.extend(
                self.inner.settings.queues.iter().map(|(queue, _)| (queue.to_string(), Counts::default())),
            );
        }
        for count in self.inner.store.lane_counts().await? {
            let name = match scope {
                Scope::Queue => count.queue,
                Scope::Kind => count.kind,
            };
            *lanes.entry(name).or_default().0.entry(count.status).or_default() += count.n;
        }
        let mut controls: BTreeMap<String, Control> = BTreeMap::new();
        for control in self.inner.store.controls().await?.into_iter().filter(|control| control.scope == scope)
        {
            lanes.entry(control.name.clone()).or_default();
            controls.insert(control.name.clone(), control);
        }
        let mut waits: BTreeMap<String, Timestamp> = BTreeMap::new();
        for wait in self.inner.store.waits().await? {
            let name = match scope {
                Scope::Queue => wait.queue,
                Scope::Kind => wait.kind,
            };
            let longest = waits.entry(name).or_insert(wait.since);
            *longest = wait.since.min(*longest);
        }
        let lane = |(name, counts): (String, Counts)| {
            let program = self.inner.program_limits(scope, &name);
            let control = controls.remove(&name);
            let set = control.as_ref().and_then(|control| control.limits.clone());
            Lane {
                paused_at: control.as_ref().and_then(|control| control.paused_at),
                paused_by: control.as_ref().and_then(|control| control.paused_by.clone()),
                waiting_since: waits.get(&name).copied(),
                limits_set: set.is_some(),
                limits: set.unwrap_or(program),
                name,
                counts,
            }
        };
        Ok(lanes.into_iter().map(lane).collect())
    }

    /// Pauses a queue: what runs goes on, nothing more begins. It stays so over restarts.
    ///
    /// # Errors
    /// [`DeckError::Denied`].
    pub async fn pause_queue(&self, queue: &QueueName) -> Result<(), DeckError> {
        self.pause_lane(Scope::Queue, queue.as_str(), true).await
    }

    /// Lets a queue go on.
    ///
    /// # Errors
    /// [`DeckError::Denied`].
    pub async fn resume_queue(&self, queue: &QueueName) -> Result<(), DeckError> {
        self.pause_lane(Scope::Queue, queue.as_str(), false).await
    }

    /// Pauses a kind, in all queues.
    ///
    /// # Errors
    /// [`DeckError::NotFound`] for an unknown kind, [`DeckError::Denied`].
    pub async fn pause_kind(&self, kind: &Kind) -> Result<(), DeckError> {
        self.known(Action::Pause, kind.as_str())?;
        self.pause_lane(Scope::Kind, kind.as_str(), true).await
    }

    /// Lets a kind go on.
    ///
    /// # Errors
    /// [`DeckError::NotFound`] for an unknown kind, [`DeckError::Denied`].
    pub async fn resume_kind(&self, kind: &Kind) -> Result<(), DeckError> {
        self.known(Action::Pause, kind.as_str())?;
        self.pause_lane(Scope::Kind, kind.as_str(), false).await
    }

    /// Sets the limits of a queue in place of the program's; `None` brings those back.
    ///
    /// # Errors
    /// [`DeckError::BadRequest`] for limits that let nothing begin (pause it instead) and for one of partitions, which
    /// only kinds have; [`DeckError::Denied`].
    pub async fn limit_queue(&self, queue: &QueueName, limits: Option<LaneLimits>) -> Result<(), DeckError> {
        self.limit(Scope::Queue, queue.as_str(), limits).await
    }

    /// Sets the limits of a kind in place of the program's; `None` brings those back.
    ///
    /// # Errors
    /// As [`Client::limit_queue`]; [`DeckError::NotFound`] for an unknown kind.
    pub async fn limit_kind(&self, kind: &Kind, limits: Option<LaneLimits>) -> Result<(), DeckError> {
        self.known(Action::Configure, kind.as_str())?;
        self.limit(Scope::Kind, kind.as_str(), limits).await
    }

    async fn pause_lane(&self, scope: Scope, name: &str, on: bool) -> Result<(), DeckError> {
        self.may(Action::Pause, Subject::Deck)?;
        self.control(scope, name, |control| {
            control.paused_at = on.then(|| control.paused_at.unwrap_or_else(|| self.inner.clock.now()));
            control.paused_by = self.actor.user_id().filter(|_| on).cloned();
        })
        .await
    }

    async fn limit(&self, scope: Scope, name: &str, limits: Option<LaneLimits>) -> Result<(), DeckError> {
        self.may(Action::Configure, Subject::Deck)?;
        let nothing = |limits: &LaneLimits| {
            limits.concurrency == Some(0)
                || limits.partition_concurrency == Some(0)
                || limits.rate.is_some_and(|rate| rate.count == 0 || rate.per_ms == 0)
        };
        if limits.as_ref().is_some_and(nothing) {
            return Err(DeckError::BadRequest {
                reason: "limits are at least 1: pause it instead".to_owned(),
            });
        }
        let by_partition = |limits: &LaneLimits| limits.partition_concurrency.is_some();
        if scope == Scope::Queue && limits.as_ref().is_some_and(by_partition) {
            return Err(DeckError::BadRequest { reason: "only kinds have partitions".to_owned() });
        }
        self.control(scope, name, |control| control.limits = limits).await
    }

    async fn control(
        &self,
        scope: Scope,
        name: &str,
        change: impl FnOnce(&mut Control),
    ) -> Result<(), DeckError> {
        let _turn = self.inner.dispatch.looked.lock().await;
        let known = self.inner.store.controls().await?;
        let known = known.into_iter().find(|control| control.scope == scope && control.name == name);
        let none =
            || Control { scope, name: name.to_owned(), paused_at: None, paused_by: None, limits: None };
        let mut control = known.unwrap_or_else(none);
        change(&mut control);
        self.inner.store.set_control(control.clone()).await?;
        self.inner.dispatch.set(&control, &self.inner.program_limits(scope, name));
        // Others may have set more meanwhile.
        self.inner.look.notify_one();
        Ok(())
    }
}
