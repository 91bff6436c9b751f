//! What happened when: for charts.

use taskdeck_core::{Action, DeckError, Kind, Stats, Subject, Timestamp};

use super::Client;
use crate::maintenance::KEEP_ROLLUPS;

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatsSince {
    /// This time.
    At(Timestamp),
    /// So many milliseconds ago.
    Ago(u64),
}

/// Which chart is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsQuery {
    /// From when on, until now.
    pub since: StatsSince,
    /// How long a step is, in milliseconds: it becomes whole minutes, and longer where there would be more than
    /// [`StatsFold::MAX_POINTS`](taskdeck_core::StatsFold::MAX_POINTS). None: so that there are about a hundred.
    pub step_ms: Option<u64>,
    /// Of this kind only.
    pub kind: Option<Kind>,
}

impl Client {
    /// What happened in a span of time, step by step. It is known by the minute, for fourteen days.
    ///
    /// # Errors
    /// [`DeckError::Denied`].
    pub async fn stats(&self, query: StatsQuery) -> Result<Stats, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        let now = self.inner.clock.now();
        let since = match query.since {
            StatsSince::At(at) => at,
            StatsSince::Ago(ms) => now.plus_millis(i64::try_from(ms).unwrap_or(i64::MAX).saturating_neg()),
        };
        let since = since.max(now.plus_millis(-KEEP_ROLLUPS));
        Ok(self.inner.store.stats(query.kind, since, now, query.step_ms).await?)
    }
}
