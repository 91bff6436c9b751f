//! From `tracing` to the task's log: every event inside a task's span becomes a line of that task.

use std::cell::RefCell;
use std::fmt::Write;
use std::sync::Arc;

use taskdeck_core::LogLevel;
use tracing::field::{Field, Visit};
use tracing::span::Attributes;
use tracing::{Event, Id, Level, Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::live::LiveTask;

const TARGET: &str = "taskdeck::task";

thread_local! {
    /// The task whose span is being made on this thread, handed to the layer without a process-wide table.
    static BEING_MADE: RefCell<Option<Arc<LiveTask>>> = const { RefCell::new(None) };
}

/// The span that a task's attempt runs in.
pub(crate) fn task_span(task: &Arc<LiveTask>) -> Span {
    BEING_MADE.set(Some(Arc::clone(task)));
    let kind = &task.definition.kind;
    let span = tracing::info_span!(target: TARGET, "task", id = %task.id, %kind, attempt = task.attempt);
    BEING_MADE.set(None);
    span
}

/// A `tracing_subscriber` layer that writes the events of tasks into their logs.
///
/// ```
/// use tracing_subscriber::prelude::*;
/// let subscriber = tracing_subscriber::registry().with(taskdeck_engine::TaskLogLayer);
/// # drop(subscriber);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskLogLayer;

/// Kept with the span, so that events in spans below it, and in futures that carry it, find the task.
struct Sink(Arc<LiveTask>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TaskLogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if attributes.metadata().target() != TARGET {
            return;
        }
        if let (Some(task), Some(span)) = (BEING_MADE.take(), ctx.span(id)) {
            span.extensions_mut().insert(Sink(task));
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let Some(scope) = ctx.event_scope(event) else { return };
        let task = scope
            .into_iter()
            .find_map(|span| span.extensions().get::<Sink>().map(|sink| Arc::clone(&sink.0)));
        let Some(task) = task else { return };
        let mut text = Text::default();
        event.record(&mut text);
        task.log(level(*event.metadata().level()), &text.line());
    }
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::TRACE => LogLevel::Trace,
        Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warn,
        Level::ERROR => LogLevel::Error,
    }
}

/// An event as text: the message, then its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn line(self) -> String {
        if self.message.is_empty() {
            self.fields.trim_start().to_owned()
        } else {
            self.message + &self.fields
        }
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value}"),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}
