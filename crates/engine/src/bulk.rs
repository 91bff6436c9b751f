//! What is done to many tasks, as a task of its own: with progress, a log, and what was passed over and why.
//!
//! It is started by [`Client::bulk`](crate::Client::bulk) alone: its params say what its actor may do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use taskdeck_core::{
    Actor, BulkVerb, CancelOutcome, Category, DeckError, Definition, Kind, ListQuery, Param, Role, Task,
    TaskError, TaskId, Timestamp, User,
};
use tokio::task::JoinSet;

use crate::TaskContext;
use crate::client::Client;
use crate::registry::TaskBody;

/// How many tasks are taken at a time; those of one go share commits.
const AT_ONCE: usize = 64;
/// How many tasks of a filter are read at a time.
const PAGE: u32 = 200;

/// Does one thing to many tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BulkAction {
    pub(crate) verb: BulkVerb,
    /// To these, when there are some.
    #[serde(default)]
    pub(crate) tasks: Vec<TaskId>,
    /// To those that fit this filter, and were there before.
    #[serde(default)]
    pub(crate) filter: Option<String>,
    pub(crate) before: Timestamp,
    /// How many were counted.
    pub(crate) total: u64,
    /// What the one who started it may do; the program itself when not said.
    #[serde(default)]
    pub(crate) role: Option<Role>,
}

/// What was done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct BulkSummary {
    verb: String,
    done: u64,
    skipped: u64,
    /// How many were passed over for each reason.
    reasons: BTreeMap<String, u64>,
}

/// Where an attempt goes on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Place {
    summary: BulkSummary,
    /// The last task of a filter that was done.
    after: Option<TaskId>,
    /// How many of the named tasks were done.
    named: usize,
}

impl Task for BulkAction {
    const KIND: &'static str = "bulk_action";

    type Output = BulkSummary;

    fn definition() -> Definition {
        let kind = Kind::new(Self::KIND).unwrap_or_else(|_| Self::kind());
        let mut definition = Definition::new(kind);
        definition.title = "Bulk action".to_owned();
        definition.description = "Cancels, retries or deletes many tasks.".to_owned();
        definition.category = Category::Maintenance;
        definition.icon = "layers".to_owned();
        definition.params = vec![Param::of::<String>("verb"), Param::of::<Option<String>>("filter")];
        definition
    }
}

impl TaskBody for BulkAction {
    async fn run(self, ctx: TaskContext) -> Result<BulkSummary, TaskError> {
        let actor = match (self.role, ctx.user()) {
            (Some(role), Some(id)) => {
                Actor::User(User { id: id.clone(), role, permissions: ctx.permissions().clone() })
            }
            _ => Actor::System,
        };
        let client = ctx.deck().as_actor(actor);
        let place = ctx.restore::<Place>()?.unwrap_or_default();
        let mut work = Work { verb: self.verb, total: self.total, client, ctx, place };
        work.place.summary.verb = self.verb.name().to_owned();
        work.ctx.unit("tasks");
        if self.tasks.is_empty() {
            work.filtered(self.filter.as_deref().unwrap_or_default(), self.before).await?;
        } else {
            work.named(&self.tasks).await?;
        }
        let summary = work.place.summary;
        work.ctx.message(match summary.skipped {
            0 => format!("{} {}", counted(summary.done), done_word(self.verb)),
            skipped => format!("{} {}, {skipped} passed over", counted(summary.done), done_word(self.verb)),
        });
        Ok(summary)
    }
}

pub(crate) fn counted(count: u64) -> String {
    if count == 1 { "1 task".to_owned() } else { format!("{count} tasks") }
}

fn done_word(verb: BulkVerb) -> &'static str {
    match verb {
        BulkVerb::Cancel => "cancelled",
        BulkVerb::Retry => "retried",
        BulkVerb::Delete => "deleted",
    }
}

struct Work {
    verb: BulkVerb,
    total: u64,
    client: Client,
    ctx: TaskContext,
    place: Place,
}

impl Work {
    async fn named(&mut self, tasks: &[TaskId]) -> Result<(), TaskError> {
        for ids in tasks[self.place.named.min(tasks.len())..].chunks(AT_ONCE) {
            self.each(ids).await?;
            self.place.named += ids.len();
            self.ctx.checkpoint(&self.place).await?;
        }
        Ok(())
    }

    async fn filtered(&mut self, filter: &str, before: Timestamp) -> Result<(), TaskError> {
        let query =
            ListQuery::from_filter(filter).map_err(|error| TaskError::permanent(error.to_string()))?;
        let before = query.before.map_or(before, |own| own.min(before));
        // `since` is counted from when the tasks were chosen, not from a later attempt.
        let mut query = ListQuery { before: Some(before), limit: Some(PAGE), ..query.at(before) };
        query.cursor = self.place.after.map(|id| id.to_string());
        loop {
            let page = self.client.list(&query).await.map_err(from_deck)?;
            let fitting = page.tasks.iter().filter(|task| self.verb.fits(task.status));
            let ids: Vec<TaskId> = fitting.map(|task| task.id).collect();
            for ids in ids.chunks(AT_ONCE) {
                self.each(ids).await?;
                self.place.after = ids.last().copied();
                self.ctx.checkpoint(&self.place).await?;
            }
            match page.next_cursor {
                Some(cursor) => query.cursor = Some(cursor),
                None => return Ok(()),
            }
        }
    }

    /// Does it to a handful of tasks at the same time, so that they share commits.
    async fn each(&mut self, ids: &[TaskId]) -> Result<(), TaskError> {
        if self.ctx.is_cancelled() {
            return Err(TaskError::transient("stopped before all were done").code("stopped"));
        }
        let mut going = JoinSet::new();
        for id in ids.iter().copied().filter(|id| *id != self.ctx.id()) {
            let (client, verb) = (self.client.clone(), self.verb);
            going.spawn(async move { (id, one(&client, verb, id).await) });
        }
        while let Some(ended) = going.join_next().await {
            let (id, outcome) = ended.map_err(|error| TaskError::transient(error.to_string()))?;
            match outcome {
                Ok(()) => self.place.summary.done += 1,
                Err(DeckError::Unavailable { reason }) => return Err(TaskError::transient(reason)),
                Err(error) => {
                    let why = error.to_string();
                    *self.place.summary.reasons.entry(error.code().to_owned()).or_default() += 1;
                    self.place.summary.skipped += 1;
                    self.ctx.problem(id.to_string(), why);
                }
            }
        }
        let summary = &self.place.summary;
        let seen = summary.done + summary.skipped;
        self.ctx.progress_of(seen, self.total.max(seen));
        Ok(())
    }
}

async fn one(client: &Client, verb: BulkVerb, id: TaskId) -> Result<(), DeckError> {
    match verb {
        BulkVerb::Cancel => match client.cancel(id, None).await? {
            CancelOutcome::AlreadyCompleted => {
                let status = client.get(id).await?.status;
                Err(DeckError::WrongStatus { status, reason: "it had ended before".to_owned() })
            }
            CancelOutcome::Cancelled | CancelOutcome::Cancelling => Ok(()),
        },
        BulkVerb::Retry => {
            // What is scheduled was not among those that were counted.
            let status = client.get(id).await?.status;
            if !verb.fits(status) {
                let reason = "it has not failed, nor been cancelled or interrupted".to_owned();
                return Err(DeckError::WrongStatus { status, reason });
            }
            client.retry(id).await.map(drop)
        }
        BulkVerb::Delete => {
            let status = client.get(id).await?.status;
            if !status.has_ended() {
                let reason = "it has not ended: cancel it first".to_owned();
                return Err(DeckError::WrongStatus { status, reason });
            }
            client.delete(id).await
        }
    }
}

fn from_deck(error: DeckError) -> TaskError {
    match error {
        DeckError::Unavailable { reason } => TaskError::transient(reason),
        other => TaskError::permanent(other.to_string()),
    }
}
