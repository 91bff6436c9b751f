//! The one place where the engine asks what time it is, and where chance comes from.

use std::time::{SystemTime, UNIX_EPOCH};

use taskdeck_core::{FileId, LeaseToken, SessionId, TaskId, Timestamp};
use uuid::Uuid;

/// Now.
pub(crate) fn now() -> Timestamp {
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
