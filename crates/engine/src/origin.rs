//! Where a task comes from: who started it and in which trace. It travels with the task to every attempt, and on to
//! its children and to what it starts.

use std::collections::BTreeSet;

use taskdeck_core::{Actor, BatchId, TaskId, UserId};

use crate::store::Record;

/// On whose behalf, in which trace, and under which parent a task is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) user: Option<UserId>,
    pub(crate) permissions: BTreeSet<String>,
    pub(crate) trace_id: Option<String>,
    /// Which span of the trace started it, and its flags.
    pub(crate) span: Option<String>,
    /// The task that starts it, and the name it gives it.
    pub(crate) child_of: Option<(TaskId, String)>,
    pub(crate) detached: bool,
    pub(crate) batch: Option<BatchId>,
}

impl Origin {
    /// What an actor starts.
    pub(crate) fn actor(actor: &Actor) -> Self {
        let permissions = match actor {
            Actor::User(user) | Actor::Token(user) => user.permissions.clone(),
            Actor::System | Actor::Embed(_) | Actor::Anonymous => BTreeSet::new(),
        };
        Self { user: actor.user_id().cloned(), permissions, ..Self::default() }
    }

    /// What a task itself carries on.
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            user: record.user.clone(),
            permissions: record.options.permissions.clone(),
            trace_id: record.trace_id.clone(),
            span: record.options.span.clone(),
            ..Self::default()
        }
    }
}
