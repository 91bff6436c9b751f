//! What can be set about a deck.

use std::time::Duration;

use taskdeck_core::{LaneLimits, LogLevel, QueueName, Rate, Status};

/// When a commit counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The disk has it: a power cut loses nothing that was acknowledged.
    #[default]
    Full,
    /// The operating system has it: a crash of the process loses nothing, a power cut may lose the last moments.
    Normal,
}

/// The settings of a deck; the names are those of the environment variables `TASK_*`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many attempts run at the same time on this node.
    pub max_concurrent: usize,
    /// How long an attempt may take, unless its kind says otherwise.
    pub timeout: Duration,
    /// How long a cancelled attempt, and a shutdown, may take before the attempt is aborted.
    pub grace: Duration,
    /// How many log lines of a running task are kept in memory for those who watch it.
    pub buffer_size: usize,
    /// How long ended tasks are kept.
    pub retention: Duration,
    /// When a commit counts as durable.
    pub durability: Durability,
    /// The least grave level that a task's log keeps.
    pub log_level: LogLevel,
    /// The largest upload in bytes.
    pub max_upload_bytes: u64,
    /// Whether this node runs tasks.
    pub worker: bool,
    /// How long a worker may say nothing before its tasks are taken from it. They run again within twice this time.
    pub lease: Duration,
    /// The limits of queues; the others have none.
    pub queues: Vec<(QueueName, LaneLimits)>,
    /// How often each user may start a task, over all nodes.
    pub user_rate: Option<Rate>,
    /// How long ended tasks of a status are kept, where that is not `retention`.
    pub retention_of: Vec<(Status, Duration)>,
    /// How many connections this node has to a PostgreSQL server, at least 3: one for its heartbeat, one that listens, and
    /// those that do the work.
    pub store_connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_concurrent: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            timeout: Duration::from_secs(5 * 60),
            grace: Duration::from_secs(10),
            buffer_size: 1_000,
            retention: Duration::from_secs(24 * 60 * 60),
            durability: Durability::Full,
            log_level: LogLevel::Info,
            max_upload_bytes: 2_000_000_000,
            worker: true,
            lease: Duration::from_secs(30),
            queues: Vec::new(),
            user_rate: None,
            retention_of: Vec::new(),
            store_connections: 11,
        }
    }
}
