//! The one place where the engine asks what time it is, and where chance comes from.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use taskdeck_core::{FileId, LeaseToken, SessionId, TaskId, Timestamp};
use tokio::sync::Notify;
use uuid::Uuid;

/// What time it is.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Only in tests: a time that stands still until it is moved, in milliseconds.
    frozen: Option<AtomicI64>,
    /// How many milliseconds the store's clock is before this machine's, where many machines share a store.
    ahead_ms: AtomicI64,
    /// The frozen time was moved.
    pub(crate) moved: Notify,
}

impl Clock {
    /// A clock that stands still at this time.
    pub(crate) fn frozen(at: Timestamp) -> Self {
        Self { frozen: Some(AtomicI64::new(at.as_millis())), ..Self::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        match &self.frozen {
            Some(at) => Timestamp::from_millis(at.load(Ordering::SeqCst)),
            None => system().plus_millis(self.ahead_ms()),
        }
    }

    pub(crate) fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn set_ahead_ms(&self, ahead: i64) {
        self.ahead_ms.store(ahead, Ordering::Relaxed);
    }

    /// Moves a frozen clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        if let Some(at) = &self.frozen {
            at.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
            self.moved.notify_waiters();
            self.moved.notify_one();
        }
    }

    /// Returns after `wait` by this clock, or sooner when it was moved.
    pub(crate) async fn sleep(&self, wait: Duration) {
        match &self.frozen {
            Some(_) => self.moved.notified().await,
            None => tokio::time::sleep(wait).await,
        }
    }
}

/// What this machine says.
pub(crate) fn system() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

pub(crate) fn new_task_id() -> TaskId {
    TaskId::from_uuid(Uuid::now_v7())
}

pub(crate) fn new_session_id() -> SessionId {
    SessionId::from_uuid(Uuid::now_v7())
}

pub(crate) fn new_file_id() -> FileId {
    FileId::from_uuid(Uuid::now_v7())
}

/// A new W3C trace id: 32 hexadecimal digits.
pub(crate) fn new_trace_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A random number in `0.0..1.0`.
#[expect(clippy::cast_precision_loss, reason = "53 random bits fit an f64")]
pub(crate) fn random() -> f64 {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    // The version and variant bits are not random; these 53 are.
    let bits = (high & 0xffff_ffff_ffff_0000) >> 11 | (low & 0x1f);
    bits as f64 / (1_u64 << 53) as f64
}

/// A claim's token: random, so that no two claims of a task ever share one, over restarts and clock changes too.
pub(crate) fn new_token() -> LeaseToken {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    LeaseToken((high >> 1).cast_signed())
}
