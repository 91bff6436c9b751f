//! Where `tracing` events go: the program's own to stderr, by `RUST_LOG`; a task's also into its log.

use std::io::IsTerminal;

use taskdeck::{LogLevel, TaskLogLayer};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

/// The target of the span around each attempt, by which an event finds its task's log.
const TASK_SPAN: &str = "taskdeck::task";

/// Sets up both.
pub(crate) fn install(tasks: LogLevel) {
    let program = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    // The span is of level INFO and must stay when only warnings are kept.
    let tasks = Targets::new().with_default(level(tasks)).with_target(TASK_SPAN, LevelFilter::TRACE);
    let stderr = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(stderr.with_filter(program))
        .with(TaskLogLayer.with_filter(tasks))
        .init();
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    }
}
