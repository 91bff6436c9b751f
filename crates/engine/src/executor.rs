//! One attempt: runs the body, watches time and cancel, and stores how it ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use taskdeck_core::{
    AttemptEnd, Definition, ErrorInfo, Event, Question, Retry, State, Status, TaskError, TaskId,
};
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument;

use crate::context::{About, TaskContext};
use crate::deck::Inner;
use crate::heart;
use crate::live::{LiveTask, NewLive};
use crate::log_layer::task_span;
use crate::origin::Origin;
use crate::outcome::StoredResult;
use crate::panics::Panic;
use crate::slot::Slot;
use crate::store::{Applied, Change, Claimed, Extra, StoreError};
use crate::{backtrace, clock, panics};

/// How long an aborted body may take to be gone before its ending is stored without waiting for it.
const ABORT_WAIT: Duration = Duration::from_secs(1);
pub(crate) const STORE_RETRY_FIRST: Duration = Duration::from_millis(100);
pub(crate) const STORE_RETRY_LAST: Duration = Duration::from_secs(5);

/// How a body ended.
enum BodyEnd {
    Returned(Result<Value, TaskError>),
    Panicked(Arc<Panic>),
    TimedOut(Duration),
    /// It did not stop within the grace time, and was aborted.
    Aborted,
    /// The stored params do not fit the type.
    BadParams(String),
    /// It asks a person, and is run again with the answer.
    Asked(Question),
    /// Another worker has taken the task over.
    Lost,
}

/// What the body returned, or what it panicked with.
type Caught = Result<Result<Value, TaskError>, Panic>;

/// Runs a claimed task to the end of its attempt.
///
/// `before` is the status that the task had before it was claimed: none when it was started and claimed at once.
pub(crate) async fn execute(inner: Arc<Inner>, claimed: Claimed, slot: Arc<Slot>, before: Option<Status>) {
    let (Some(entry), State::Running { lease }) =
        (inner.registry.get(claimed.record.kind.as_str()).cloned(), claimed.record.machine.state.clone())
    else {
        // A claim takes only kinds of this registry, and what is claimed runs.
        tracing::error!(task = %claimed.record.id, "claimed a task that cannot be run");
        return;
    };
    let token = lease.token;
    let Claimed { record, params, checkpoint, last_log_seq, waited_ms } = claimed;
    inner.work.begun(waited_ms);
    let about = About { origin: Origin::of(&record), checkpoint: Mutex::new(checkpoint) };
    let kind_version = record.kind_version;
    let live = LiveTask::new(NewLive {
        record,
        lease,
        definition: Arc::clone(&entry.definition),
        last_log_seq,
        level: inner.settings.log_level,
        tail_lines: inner.settings.buffer_size,
        pulse: Arc::clone(&inner.pulse),
        clock: Arc::clone(&inner.clock),
    });
    inner.live.insert(&live);
    if lease.session != inner.session() {
        // The node lost its lease between the claim and now.
        live.lost.cancel();
    }
    if !inner.hub.is_idle() {
        inner.hub.publish(live.state(), before);
    }
    // A shutdown that came between the claim and now has not seen this task.
    if inner.stopping.is_cancelled() {
        live.stop.cancel();
    }
    let ctx = TaskContext::new(Arc::clone(&inner), Arc::clone(&live), about, &slot);
    let end = match (entry.run)(&params, kind_version, ctx.clone()) {
        Err(why) => BodyEnd::BadParams(why),
        Ok(run) => {
            let run = inner.layers.around(&ctx, run);
            drop(ctx);
            let body = tokio::spawn(panics::catching(run).instrument(task_span(&live)));
            supervise(&inner, &live, body, &slot).await
        }
    };
    live.over.cancel();
    if Arc::strong_count(&slot) > 1 && inner.store.is_shared() {
        goes_on(&inner, live.id).await;
    }
    if matches!(end, BodyEnd::Lost) {
        tracing::error!(task = %live.id, "the lease is lost: the work was stopped, another worker has the task");
    } else {
        store_ending(&inner, &live, end).await;
        if inner.store.is_shared() && inner.dispatch.limits(&live.record()) {
            inner.store.room_freed();
        }
    }
    inner.live.remove(live.id, token);
}

fn limit(own: Option<u64>, general: Duration) -> Duration {
    own.map_or(general, Duration::from_millis)
}

async fn supervise(
    inner: &Arc<Inner>,
    live: &Arc<LiveTask>,
    mut body: JoinHandle<Caught>,
    slot: &Arc<Slot>,
) -> BodyEnd {
    let limits = &live.definition.limits;
    let timeout = limit(live.timeout_ms.or(limits.timeout_ms), inner.settings.timeout);
    let late = tokio::select! {
        biased;
        done = &mut body => return returned(done),
        () = live.lost.cancelled() => BodyEnd::Lost,
        question = asked(live) => BodyEnd::Asked(question),
        () = live.stop.cancelled() => BodyEnd::Aborted,
        () = tokio::time::sleep(timeout) => BodyEnd::TimedOut(timeout),
    };
    live.stop.cancel();
    let grace = match &late {
        BodyEnd::Lost | BodyEnd::Asked(_) => Duration::ZERO,
        _ => limit(limits.grace_ms, inner.settings.grace),
    };
    if !grace.is_zero()
        && let Ok(done) = tokio::time::timeout(grace, &mut body).await
    {
        // It stopped by itself. What it says of that is its own only if it ended well; an error is the stop's.
        return match (returned(done), late) {
            (BodyEnd::Returned(Err(_)), BodyEnd::TimedOut(after)) => BodyEnd::TimedOut(after),
            (end, _) => end,
        };
    }
    body.abort();
    if tokio::time::timeout(ABORT_WAIT, &mut body).await.is_err() {
        // Code that never yields: the ending is told, but the slot stays taken until it lets go.
        let slot = Arc::clone(slot);
        inner.running.spawn(async move {
            drop(body.await);
            drop(slot);
        });
    }
    late
}

/// Tells the other nodes, before the end of a task is told, that code of it still holds its slot: who sees the end may ask
/// any of them for another attempt. And then that it does no more.
async fn goes_on(inner: &Arc<Inner>, id: TaskId) {
    async fn say(inner: &Inner) {
        if let Err(error) = heart::say(inner).await {
            tracing::debug!(%error, "the others are told with a later beat what holds slots here");
        }
    }
    inner.live.goes_on(id);
    say(inner).await;
    let inner_later = Arc::clone(inner);
    inner.loops.spawn_on(
        async move {
            let inner = inner_later;
            tokio::select! {
                () = inner.live.until_free(id) => say(&inner).await,
                () = inner.stopped.cancelled() => {}
            }
        },
        &inner.runtime,
    );
}

/// Returns when the body asks something.
async fn asked(live: &LiveTask) -> Question {
    loop {
        live.asks.notified().await;
        let question = live.asked.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(question) = question {
            return question;
        }
    }
}

fn returned(done: Result<Caught, JoinError>) -> BodyEnd {
    match done {
        Ok(Ok(result)) => BodyEnd::Returned(result),
        Ok(Err(panic)) => BodyEnd::Panicked(Arc::new(panic)),
        Err(_) => BodyEnd::Aborted,
    }
}

/// What those who look for the fault are told besides its message: the errors beneath it, and the way to it.
async fn detail(end: &BodyEnd) -> Option<String> {
    match end {
        BodyEnd::Returned(Err(error)) => {
            let known = error.detail_text().map(str::to_owned);
            let Some(of) = error.backtrace() else { return known };
            let shown =
                aside(move || backtrace::shown(&of)).await.flatten().map(|way| format!("backtrace:\n{way}"));
            let parts: Vec<_> = known.into_iter().chain(shown).collect();
            (!parts.is_empty()).then(|| parts.join("\n\n"))
        }
        BodyEnd::Panicked(panic) => {
            let panic = Arc::clone(panic);
            aside(move || panic.detail()).await.flatten()
        }
        _ => None,
    }
}

/// Runs what is slow and blocks: reading debug information takes a second and more, the first time.
async fn aside<R: Send + 'static>(code: impl FnOnce() -> R + Send + 'static) -> Option<R> {
    tokio::task::spawn_blocking(code).await.ok()
}

/// What is stored for an end: the machine's event, and what goes with it.
fn ending(inner: &Inner, live: &LiveTask, end: BodyEnd, detail: Option<String>) -> (Event, Extra) {
    let (mut progress, label) = live.progress_and_label();
    progress.eta_ms = None;
    let cancelled = live.cancel_requested();
    let released = inner.stopping.is_cancelled() && !cancelled;
    let token = live.token;
    let worker = Some(inner.worker_name.clone());
    let mut extra = Extra { worker, label: Some(label), ..Extra::default() };
    let fail = |retry: Retry, code: &str, message: String| {
        if !cancelled {
            extra.error = Some(ErrorInfo { code: code.to_owned(), message });
        }
        extra.detail = detail;
        AttemptEnd::Failed { retry_at: retry_at(inner, &live.definition, live.machine().tries, retry) }
    };
    let end = match end {
        BodyEnd::Returned(Ok(result)) => {
            let (problems, problem_count) = live.problems();
            // What never said how far it is has no bar to fill: the status says it all.
            if progress != taskdeck_core::Progress::default() {
                progress.set_fraction(1.0);
            }
            // Nothing is stored for nothing.
            if !result.is_null() || problem_count > 0 {
                let stored = StoredResult { result, problems, problem_count };
                extra.result = serde_json::to_string(&stored).ok();
            }
            AttemptEnd::Completed { partial: problem_count > 0 }
        }
        BodyEnd::Returned(Err(_)) | BodyEnd::Aborted if released => AttemptEnd::Released,
        BodyEnd::Returned(Err(error)) => fail(error.retry(), error.error_code(), error.message().to_owned()),
        BodyEnd::Panicked(panic) => {
            fail(Retry::Backoff, "panic", format!("The task panicked: {}", panic.text()))
        }
        BodyEnd::TimedOut(after) => {
            let message = format!("Timed out: an attempt may take {}.", seconds(after));
            fail(Retry::Backoff, "timeout", message)
        }
        BodyEnd::Aborted => fail(Retry::Never, "aborted", "The task was aborted.".to_owned()),
        BodyEnd::Asked(question) => {
            let until = question
                .timeout_ms
                .map(|wait| inner.clock.now().plus_millis(i64::try_from(wait).unwrap_or(i64::MAX)));
            let event = Event::Asked { token, key: question.key.clone(), until };
            extra.progress = Some(progress);
            extra.question = Some(question);
            return (event, extra);
        }
        BodyEnd::Lost => AttemptEnd::Released,
        BodyEnd::BadParams(why) => {
            let message = format!("The stored params do not fit this version of the task: {why}");
            fail(Retry::Never, "params", message)
        }
    };
    extra.progress = Some(progress);
    (Event::AttemptEnded { token, end }, extra)
}

fn seconds(of: Duration) -> String {
    if of.subsec_millis() == 0 { format!("{} s", of.as_secs()) } else { format!("{} s", of.as_secs_f64()) }
}

fn retry_at(
    inner: &Inner,
    definition: &Definition,
    tries: u32,
    retry: Retry,
) -> Option<taskdeck_core::Timestamp> {
    let wait = match retry {
        Retry::Never => return None,
        Retry::After(wait) => wait,
        Retry::Backoff => definition.limits.retry.delay_ms(tries + 1, clock::random()),
    };
    Some(inner.clock.now().plus_millis(i64::try_from(wait).unwrap_or(i64::MAX)))
}

/// Stores the ending, however long the store takes to answer: only a lost lease ends the wait.
async fn store_ending(inner: &Arc<Inner>, live: &Arc<LiveTask>, end: BodyEnd) {
    match &end {
        BodyEnd::Returned(Err(error)) if !live.cancel_requested() => {
            live.log(taskdeck_core::LogLevel::Error, error.message());
        }
        BodyEnd::Panicked(panic) => {
            let place = panic.place().map(|place| format!(" at {place}")).unwrap_or_default();
            live.log(taskdeck_core::LogLevel::Error, &format!("panicked{place}: {}", panic.text()));
        }
        _ => {}
    }
    let detail = detail(&end).await;
    // Lines that are on their way come first.
    let _lane = live.log_lane.lock().await;
    let (event, mut extra) = ending(inner, live, end, detail);
    extra.log = live.take_last_log();
    let known = Some(live.record());
    let now = inner.clock.now();
    let began = live.machine().started_at;
    inner.work.ended(&event, live.cancel_requested(), now.millis_since(began.unwrap_or(now)));
    let change = Change { id: live.id, event, now, extra, known };
    let mut wait = STORE_RETRY_FIRST;
    loop {
        match inner.apply(change.clone()).await {
            // Closed: the deck is shut down, and the task is rescued when it is opened again.
            Ok(Applied::Changed(..) | Applied::Unchanged(_)) | Err(StoreError::Closed) => break,
            Ok(refused) => {
                tracing::warn!(task = %live.id, ?refused, "the ending was refused: the task is not ours any more");
                break;
            }
            Err(error) => {
                tracing::error!(task = %live.id, %error, "the ending could not be stored; it is tried again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(STORE_RETRY_LAST);
            }
        }
    }
    // From here on the log is read from the store: what the ending brought is in it.
    inner.hub.log_grew(live.id);
}
