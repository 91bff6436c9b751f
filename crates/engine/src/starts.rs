//! How often each user starts tasks.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use taskdeck_core::{Bucket, DeckError, Rate, UserId};

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

    /// Takes `starts` from the user's bucket, all or none.
    pub(crate) fn take(&self, user: &UserId, starts: usize) -> Result<(), DeckError> {
        let Some(rate) = self.rate else { return Ok(()) };
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= MOST_USERS {
            users.retain(|_, bucket| bucket.room(rate, now) < rate.count);
        }
        let mut bucket = users.get(user).copied().unwrap_or_default();
        for _ in 0..starts {
            if let Err(wait_us) = bucket.take(rate, now) {
                return Err(DeckError::TooMany { retry_after_ms: wait_us.div_ceil(1_000) });
            }
        }
        users.insert(user.clone(), bucket);
        Ok(())
    }
}
