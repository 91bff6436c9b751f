//! The one place where the engine asks what time it is, and where chance comes from.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use taskdeck_core::{FileId, LeaseToken, SessionId, TaskId, Timestamp};
use tokio::sync::Notify;
use uuid::{ContextV7, Uuid};

#[derive(Clone, Copy, Debug)]
struct Anchor {
    moment: Instant,
    time: Timestamp,
    /// What this machine said then.
    system: Timestamp,
}

impl Anchor {
    fn since(self, time: Timestamp) -> Timestamp {
        time.plus_millis(i64::try_from(self.moment.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// What time it is.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Only in tests: a time that stands still until it is moved, in milliseconds.
    frozen: Option<AtomicI64>,
    /// Where many machines share a store: what time it was by the store's clock at a moment. From there on it goes by the
    /// monotonic clock, so that a wall clock that is set moves nothing.
    anchor: Mutex<Option<Anchor>>,
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
            None => self.anchor().map_or_else(system, |anchor| anchor.since(anchor.time)),
        }
    }

    fn anchor(&self) -> Option<Anchor> {
        *self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on from this time.
    pub(crate) fn set(&self, time: Timestamp) {
        let anchor = Anchor { moment: Instant::now(), time, system: system() };
        *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) = Some(anchor);
    }

    /// Whether it goes by a time that was set.
    pub(crate) fn is_set(&self) -> bool {
        self.anchor().is_some()
    }

    /// How many milliseconds this machine's wall clock has moved against the monotonic one since the time was set: it was
    /// set too, or the machine slept.
    pub(crate) fn moved_ms(&self) -> i64 {
        self.anchor().map_or(0, |anchor| system().as_millis() - anchor.since(anchor.system).as_millis())
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
    let says = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    #[cfg(test)]
    let says = says.plus_millis(skew::ms() + skew::JUMPED.get());
    says
}

/// Keeps the ids that are made in one millisecond in their order.
static IDS: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// An id that begins with this time, which is the store's: so ids of all nodes are in the order of their making.
fn new_id(now: Timestamp) -> Uuid {
    let ms = u64::try_from(now.as_millis()).unwrap_or_default();
    let nanos = u32::try_from(ms % 1_000).unwrap_or_default() * 1_000_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(&IDS, ms / 1_000, nanos))
}

pub(crate) fn new_task_id(now: Timestamp) -> TaskId {
    TaskId::from_uuid(new_id(now))
}

pub(crate) fn new_session_id() -> SessionId {
    SessionId::from_uuid(Uuid::now_v7())
}

pub(crate) fn new_file_id(now: Timestamp) -> FileId {
    FileId::from_uuid(new_id(now))
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

/// A machine whose clock is wrong: for the tests of nodes, each a process of its own.
#[cfg(test)]
pub(crate) mod skew {
    /// Says by how many milliseconds this process's clock is wrong.
    pub(crate) const VARIABLE: &str = "TASKDECK_TEST_SKEW_MS";

    thread_local! {
        /// By how many milliseconds the wall clock was set, as this thread sees it.
        pub(crate) static JUMPED: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
    }

    pub(super) fn ms() -> i64 {
        static SKEW: std::sync::OnceLock<i64> = std::sync::OnceLock::new();
        *SKEW.get_or_init(|| {
            std::env::var(VARIABLE).map_or(0, |text| text.parse().expect("a number of milliseconds"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_is_set_moves_nothing_where_the_time_is_the_stores() {
        let (clock, own) = (Clock::default(), Clock::default());
        let time = Timestamp::from_millis(1_700_000_000_000);
        clock.set(time);
        skew::JUMPED.set(-3_600_000);
        let (now, moved) = (clock.now().as_millis() - time.as_millis(), clock.moved_ms());
        assert!((0..60_000).contains(&now), "{now} ms have gone by");
        assert!((-3_660_000..=-3_590_000).contains(&moved), "it is seen to have moved by {moved} ms");
        assert!(
            (own.now().as_millis() - system().as_millis()).abs() < 60_000,
            "one that is not set is the machine's"
        );
    }
}
