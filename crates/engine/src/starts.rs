//! How often each user starts tasks.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use taskdeck_core::{Bucket, DeckError, Rate, UserId};

use crate::store::Store;

/// Users that are remembered at the most; those whose bucket is full again are forgotten first.
const MOST_USERS: usize = 10_000;

/// A bucket for each user that started something lately.
#[derive(Debug)]
pub(crate) struct StartRates {
    rate: Option<Rate>,
    began: Instant,
    users: Mutex<HashMap<UserId, Bucket>>,
}

impl StartRates {
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        Self { rate, began: Instant::now(), users: Mutex::default() }
    }

    /// Takes `starts` of what the user has earned, all or none: over all nodes of a store that many share.
    pub(crate) async fn take(
        &self,
        store: &dyn Store,
        user: &UserId,
        starts: usize,
    ) -> Result<(), DeckError> {
        let Some(rate) = self.rate else { return Ok(()) };
        let taken = match store.take_starts(user, starts, rate).await? {
            Some(taken) => taken,
            None => self.take_here(rate, user, starts),
        };
        taken.map_err(|wait_us| DeckError::TooMany { retry_after_ms: wait_us.div_ceil(1_000) })
    }

    fn take_here(&self, rate: Rate, user: &UserId, starts: usize) -> Result<(), u64> {
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= MOST_USERS {
            users.retain(|_, bucket| bucket.room(rate, now) < rate.count);
        }
        let mut bucket = users.get(user).copied().unwrap_or_default();
        for _ in 0..starts {
            bucket.take(rate, now)?;
        }
        users.insert(user.clone(), bucket);
        Ok(())
    }
}
