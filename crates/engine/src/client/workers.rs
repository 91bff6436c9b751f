//! The processes that work.

use std::collections::HashMap;
use std::time::Instant;

use taskdeck_core::{Action, DeckError, SessionId, StatsPoint, Subject, TaskState, WorkerState};

use super::Client;
use crate::heart;

/// How many running tasks an answer holds.
const RUNNING: usize = 1_000;

impl Client {
    /// The processes that have the store open, with what each of them runs.
    ///
    /// # Errors
    /// [`DeckError::Denied`].
    pub async fn workers(&self) -> Result<Vec<WorkerState>, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        let inner = &self.inner;
        let sessions = inner.store.sessions().await?;
        let mut running: HashMap<SessionId, Vec<TaskState>> = HashMap::new();
        for record in inner.store.running(RUNNING).await? {
            if let Some(lease) = record.machine.state.lease() {
                running.entry(lease.session).or_default().push(inner.current(&record));
            }
        }
        let own = inner.session();
        let now = Instant::now();
        let worker = |session: crate::store::SessionRow| {
            let here = session.id == own;
            let said = if here { heart::said(inner) } else { session.said.unwrap_or_default() };
            let seen = inner.heart.last_seen(session.id);
            let seen_ms =
                seen.map(|at| u64::try_from(now.duration_since(at).as_millis()).unwrap_or(u64::MAX));
            let running = running.remove(&session.id).unwrap_or_default();
            // What runs here says so itself, in the same moment.
            let waits = || running.iter().filter(|task| task.waiting.is_some()).count();
            let lent = if here { u32::try_from(waits()).unwrap_or(u32::MAX) } else { said.lent };
            WorkerState {
                id: session.id,
                name: session.worker,
                version: session.version,
                here,
                slots: session.slots,
                started_at: session.started_at,
                seen_ms,
                stalled: said.stalled,
                running,
                held: said.held,
                lent,
                work: said.work.map(|work| StatsPoint { at: session.started_at, ..work }),
            }
        };
        Ok(sessions.into_iter().map(worker).collect())
    }
}
