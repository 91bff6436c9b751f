//! What is done to many tasks: looked at first, then done by a task of its own.

use taskdeck_core::{
    Action, Actor, BulkPreview, BulkRequest, BulkVerb, DeckError, ListQuery, StartRequest, Started, Status,
    StatusSet, Subject, Task, TaskPage,
};

use super::Client;
use crate::bulk::{BulkAction, counted};
use crate::origin::Origin;

/// How many tasks may be named; more are chosen by a filter.
const MOST_NAMED: usize = 1_000;
/// How many tasks a preview shows.
const SHOWN: u32 = 10;

impl Client {
    /// What a bulk action would do, without doing it.
    ///
    /// # Errors
    /// [`DeckError::BadRequest`] for a filter that cannot be read and for a request that names no tasks;
    /// [`DeckError::Denied`].
    pub async fn bulk_preview(&self, request: &BulkRequest) -> Result<BulkPreview, DeckError> {
        self.may(action(request.verb), Subject::Deck)?;
        let verb = request.verb;
        if !request.tasks.is_empty() {
            let tasks = self.get_many(&request.tasks).await?;
            let mut fitting: Vec<_> = tasks.into_iter().filter(|task| verb.fits(task.status)).collect();
            fitting.sort_unstable_by_key(|task| std::cmp::Reverse(task.id));
            let count = fitting.len() as u64;
            let skipped = (request.tasks.len() as u64).saturating_sub(count);
            fitting.truncate(SHOWN as usize);
            // Who may not list sees the params of no task here.
            let previews = match self.may(Action::List, Subject::Deck) {
                Ok(()) => self.previews(&fitting).await?,
                Err(_) => Vec::new(),
            };
            return Ok(BulkPreview { count, skipped, more: false, first: fitting, previews });
        }
        let query = self.bulk_query(request)?;
        let fitting: StatusSet = Status::ALL
            .into_iter()
            .filter(|status| verb.fits(*status))
            .filter(|status| query.status.is_empty() || query.status.contains(*status))
            .collect();
        if fitting.is_empty() {
            let tally = self.inner.store.tally(query).await?;
            let more = tally.cursor.is_some();
            let skipped = tally.counts.total();
            return Ok(BulkPreview { count: 0, skipped, more, first: Vec::new(), previews: Vec::new() });
        }
        let first = ListQuery { status: fitting, limit: Some(SHOWN), ..query.clone() };
        let TaskPage { tasks: first, previews, .. } = self.list(&first).await?;
        // What is asked of lanes alone is counted already.
        let lanes_only = query.to_filter()
            == ListQuery {
                status: query.status,
                kind: query.kind.clone(),
                queue: query.queue.clone(),
                ..ListQuery::default()
            }
            .to_filter();
        let (counts, more) = if lanes_only {
            (self.lane_tally(&query).await?, false)
        } else {
            let tally = self.inner.store.tally(query).await?;
            (tally.counts, tally.cursor.is_some())
        };
        let count = fitting.iter().map(|status| counts.of(status)).sum();
        Ok(BulkPreview { count, skipped: counts.total() - count, more, first, previews })
    }

    /// Begins a bulk action: the answer is the task that does it, with a slot of its own, so that it does not wait for
    /// those that it is to cancel. What is started after this is left alone.
    ///
    /// # Errors
    /// As [`Client::bulk_preview`]; [`DeckError::TooMany`] when the actor starts more than they may.
    pub async fn bulk(&self, request: BulkRequest) -> Result<Started, DeckError> {
        let preview = self.bulk_preview(&request).await?;
        let now = self.inner.clock.now();
        let role = match &self.actor {
            Actor::User(user) | Actor::Token(user) => Some(user.role),
            _ => None,
        };
        let (verb, tasks) = (request.verb, request.tasks);
        let what = match verb {
            BulkVerb::Cancel => "Cancel",
            BulkVerb::Retry => "Retry",
            BulkVerb::Delete => "Delete",
        };
        let more = if preview.more { " and more" } else { "" };
        let mut label = format!("{what} {}{more}", counted(preview.count));
        if let Some(filter) = request.filter.as_deref().filter(|_| tasks.is_empty()).map(str::trim) {
            let short: String = filter.chars().take(80).collect();
            if !short.is_empty() {
                label = format!("{label}: {short}");
            }
        }
        // What was started in this very millisecond was there before, as far as its actor knows.
        let params = BulkAction {
            verb,
            tasks,
            filter: request.filter,
            before: now.plus_millis(1),
            total: preview.count,
            role,
        };
        let params = serde_json::to_value(params)
            .map_err(|error| DeckError::Internal { reason: error.to_string() })?;
        let request = StartRequest { label: Some(label), priority: i32::MAX, ..StartRequest::default() };
        self.start_own(BulkAction::KIND, params, request, &Origin::actor(&self.actor)).await
    }

    fn bulk_query(&self, request: &BulkRequest) -> Result<ListQuery, DeckError> {
        let bad = |reason: String| DeckError::BadRequest { reason };
        if request.tasks.len() > MOST_NAMED {
            return Err(bad("name at most 1,000 tasks, or choose them by a filter".to_owned()));
        }
        let Some(filter) = &request.filter else {
            return Err(bad("name the tasks, or give a filter".to_owned()));
        };
        let query = ListQuery::from_filter(filter).map_err(|error| bad(error.to_string()))?;
        Ok(query.at(self.inner.clock.now()))
    }

    async fn lane_tally(&self, query: &ListQuery) -> Result<taskdeck_core::Counts, DeckError> {
        let mut counts = taskdeck_core::Counts::default();
        for count in self.inner.store.lane_counts().await? {
            let fits = (query.status.is_empty() || query.status.contains(count.status))
                && query.kind.as_ref().is_none_or(|kind| kind.as_str() == count.kind)
                && query.queue.as_ref().is_none_or(|queue| queue.as_str() == count.queue);
            if fits {
                *counts.0.entry(count.status).or_default() += count.n;
            }
        }
        Ok(counts)
    }
}

const fn action(verb: BulkVerb) -> Action {
    match verb {
        BulkVerb::Cancel => Action::Cancel,
        BulkVerb::Retry => Action::Retry,
        BulkVerb::Delete => Action::Delete,
    }
}
