//! What a task's body is given.

use std::any::{Any, TypeId};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use taskdeck_core::{
    Answer, Artifact, Definition, LogLevel, MOST_NOTICES, NOTICE_CHARS, Question, QuestionOutcome, Step,
    TaskError, TaskId, Upload, UserId,
};

use crate::deck::{Deck, Inner};
use crate::executor::{STORE_RETRY_FIRST, STORE_RETRY_LAST};
use crate::files::NewFile;
use crate::live::LiveTask;
use crate::origin::Origin;
use crate::slot::Slot;
use crate::store::StoreError;
use crate::{outcome, panics};

/// The way of a running body to everything around it. Cheap to clone; what it reports is kept in memory and written
/// behind, so that none of it waits or fails.
#[derive(Clone)]
pub struct TaskContext {
    inner: Arc<Inner>,
    task: Arc<LiveTask>,
    about: Arc<About>,
    /// Weak, so that a context that somebody keeps does not keep the slot.
    slot: Weak<Slot>,
}

pub(crate) struct About {
    pub(crate) origin: Origin,
    pub(crate) checkpoint: Mutex<Option<String>>,
}

impl std::fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TaskContext({}, attempt {})", self.task.id, self.task.attempt)
    }
}

impl TaskContext {
    pub(crate) fn new(inner: Arc<Inner>, task: Arc<LiveTask>, about: About, slot: &Arc<Slot>) -> Self {
        Self { inner, task, about: Arc::new(about), slot: Arc::downgrade(slot) }
    }

    /// The task's id.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.id
    }

    /// The number of this attempt, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.task.attempt
    }

    /// Who started the task.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        self.about.origin.user.as_ref()
    }

    /// The W3C trace that the task belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.about.origin.trace_id.as_deref()
    }

    /// What the one who started the task may do, as it was then.
    #[must_use]
    pub fn permissions(&self) -> &BTreeSet<String> {
        &self.about.origin.permissions
    }

    /// The W3C `traceparent` to send along with requests to other services, so that they join the task's trace.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        let trace = self.trace_id()?;
        // The attempt is a span of its own: the last 8 bytes of the claim's token tell it from every other.
        let flags = self.about.origin.span.as_deref().and_then(|span| span.split('-').nth(1)).unwrap_or("01");
        Some(format!("00-{trace}-{:016x}-{flags}", self.task.token.0))
    }

    /// The task's labels to find it by.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        self.task.record().tags.clone()
    }

    /// What is known of the task's kind.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        &self.task.definition
    }

    /// Says how far the task is, from 0.0 to 1.0.
    pub fn progress(&self, fraction: f64) {
        self.task.progress(|progress| progress.set_fraction(fraction));
    }

    /// Says how many units are done, of how many.
    pub fn progress_of(&self, done: u64, total: u64) {
        self.task.progress(|progress| progress.set_done(done, total));
    }

    /// Says what `done` and `total` count, such as `rows`.
    pub fn unit(&self, unit: &str) {
        self.task.progress(|progress| progress.unit = Some(unit.to_owned()));
    }

    /// Says in which named step the task is: `number` of `of`, from 1.
    pub fn step(&self, name: &str, number: u32, of: u32) {
        let step = Step { name: name.to_owned(), number, of };
        self.task.progress(|progress| progress.step = Some(step));
    }

    /// Says what the task is doing.
    pub fn message(&self, text: impl Into<String>) {
        let text = text.into();
        self.task.progress(|progress| progress.message = Some(text));
    }

    /// Sets what a person calls the task.
    pub fn label(&self, text: impl Into<String>) {
        self.task.label(text.into());
    }

    /// Writes a line to the task's log.
    pub fn info(&self, text: impl Into<String>) {
        self.task.log(LogLevel::Info, &text.into());
    }

    /// Writes a warning to the task's log.
    pub fn warn(&self, text: impl Into<String>) {
        self.task.log(LogLevel::Warn, &text.into());
    }

    /// Writes an error to the task's log.
    pub fn error(&self, text: impl Into<String>) {
        self.task.log(LogLevel::Error, &text.into());
    }

    /// Writes a line for those who look for a fault to the task's log.
    pub fn debug(&self, text: impl Into<String>) {
        self.task.log(LogLevel::Debug, &text.into());
    }

    /// Notes a part of the work that is left out. The task still completes, as `partial`; the first hundred parts are
    /// kept by name, all are counted.
    pub fn problem(&self, part: impl Into<String>, message: impl Into<String>) {
        self.task.problem(part.into(), message.into());
    }

    /// Tells whoever watches the task something that is more than a line of its log, and less than its end: widgets call
    /// back for it (`on_event_notification`), and who was away hears of it later. Durable when it returns. A task may
    /// leave 1,000 notices of 2,000 characters.
    ///
    /// ```no_run
    /// # async fn body(ctx: taskdeck_engine::TaskContext) -> Result<(), taskdeck_core::TaskError> {
    /// ctx.notify("The first 10,000 rows are there: you can look at them already.").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When the task has left as many as it may, the store does not answer, or another attempt has taken the task over.
    pub async fn notify(&self, text: impl Into<String> + Send) -> Result<(), TaskError> {
        if self.task.notices() >= MOST_NOTICES {
            return Err(TaskError::permanent(format!("a task leaves at most {MOST_NOTICES} notices")));
        }
        let text: String = text.into().chars().take(NOTICE_CHARS).collect();
        let stored = self.inner.store.notify(self.task.id, self.task.token, self.inner.clock.now(), text);
        match stored.await? {
            Some(seq) => self.task.noticed(seq),
            None => return Err(lease_lost()),
        }
        Ok(())
    }

    /// Stores where the work is, so that a later attempt can go on from there. Durable when it returns. While the store
    /// is full or locked it waits until that is over, or the attempt is to stop.
    ///
    /// # Errors
    /// When the value cannot be written as JSON, another attempt has taken the task over, or the attempt is to stop
    /// while the store does not take it.
    pub async fn checkpoint<C: Serialize + Sync>(&self, value: &C) -> Result<(), TaskError> {
        let text = serde_json::to_string(value)?;
        let mut wait = STORE_RETRY_FIRST;
        let is_ours = loop {
            match self.inner.store.checkpoint(self.task.id, self.task.token, text.clone()).await {
                Err(StoreError::Database(why)) if !self.task.stop.is_cancelled() => {
                    tracing::warn!(task = %self.task.id, %why, "the checkpoint could not be stored; it is tried again");
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.task.stop.cancelled() => {}
                    }
                    wait = (wait * 2).min(STORE_RETRY_LAST);
                }
                stored => break stored?,
            }
        };
        if !is_ours {
            return Err(lease_lost());
        }
        *self.about.checkpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        Ok(())
    }

    /// The last checkpoint of this task, from this attempt or an earlier one.
    ///
    /// # Errors
    /// When the stored value is no `C`.
    pub fn restore<C: DeserializeOwned>(&self) -> Result<Option<C>, TaskError> {
        let stored = self.about.checkpoint.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stored.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| {
            TaskError::permanent(format!("the checkpoint cannot be read: {error}")).code("checkpoint")
        })
    }

    /// A part of the work with its share of the whole, from 0.0 to 1.0: what the part says of its progress counts
    /// for that much of the task's. The parts add up; do not mix them with [`TaskContext::progress`].
    #[must_use]
    pub fn scope(&self, share: f64) -> Scope {
        Scope { task: Arc::clone(&self.task), number: self.task.add_scope(share) }
    }

    /// Asks a person, and returns what they answered.
    ///
    /// The question is durable, and so is the answer, under the question's key. Until it is answered the attempt is
    /// over and its slot is free: the body ends here, and **is run again from its beginning** with its checkpoint when
    /// the answer is there; this call then returns it. So write a checkpoint before asking, if there is work to keep.
    /// Waiting costs no try, and survives restarts.
    ///
    /// ```no_run
    /// # use taskdeck_core::{Param, Question, TaskError};
    /// # async fn body(ctx: taskdeck_engine::TaskContext) -> Result<(), TaskError> {
    /// let question = Question::new("delete", "Delete the 1,204 rows that are there already?")
    ///     .buttons("Delete them", "Keep them")
    ///     .field(Param::of::<String>("reason"));
    /// let answer = ctx.confirm(question).await?;
    /// if answer.approved {
    ///     ctx.info(format!("deleting the rows, because of {}", answer.fields["reason"]));
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// It is answered on the task's page, over HTTP, or by [`Client::answer`](crate::Client::answer).
    ///
    /// # Errors
    /// When the question's fields are not well formed, when another question of this attempt is open, or the store
    /// does not answer.
    pub async fn confirm(&self, question: Question) -> Result<Answer, TaskError> {
        let stored = self.inner.store.questions(self.task.id).await?;
        let known = stored.into_iter().find(|known| known.question.key == question.key);
        if let Some(known) = known.filter(|known| known.outcome != QuestionOutcome::Open)
            && let Some(answer) = known.answer
        {
            return Ok(answer);
        }
        if question.key.is_empty() || question.key.len() > 200 {
            return Err(TaskError::permanent("a question's key has 1 to 200 bytes"));
        }
        {
            let mut asked = self.task.asked.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.is_some() {
                return Err(TaskError::permanent("another question of this attempt is open"));
            }
            *asked = Some(question);
        }
        self.task.asks.notify_one();
        // The executor drops the body here. What the body has spawned by itself must not wait for ever.
        self.task.over.cancelled().await;
        Err(TaskError::transient("the attempt is over").code("attempt_over"))
    }

    /// Whether the task should stop: somebody asked for it, its time is up, or the worker shuts down.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.task.stop.is_cancelled()
    }

    /// Returns when the task should stop.
    pub async fn cancelled(&self) {
        self.task.stop.cancelled().await;
    }

    /// A resource that all tasks share, by its type.
    ///
    /// # Errors
    /// When the deck was built without one.
    pub fn get<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, TaskError> {
        let found = self.inner.resources.get(&TypeId::of::<T>());
        found.and_then(|any| Arc::clone(any).downcast::<T>().ok()).ok_or_else(|| {
            let name = std::any::type_name::<T>();
            TaskError::permanent(format!("the deck has no {name}: give it one with DeckBuilder::resource"))
        })
    }

    /// Runs blocking or heavy code on tokio's blocking pool. It cannot be aborted: the slot stays taken until it
    /// returns, so look at [`TaskContext::is_cancelled`] now and then.
    ///
    /// # Errors
    /// What `code` returns.
    ///
    /// # Panics
    /// When `code` does; the attempt then ends as panicked.
    pub async fn blocking<R, F>(&self, code: F) -> Result<R, TaskError>
    where
        R: Send + 'static,
        F: FnOnce(Self) -> Result<R, TaskError> + Send + 'static,
    {
        let (ctx, slot, span) = (self.clone(), self.slot.upgrade(), tracing::Span::current());
        let run = move || {
            let _slot = slot;
            let _in_span = span.entered();
            panics::catch(|| code(ctx))
        };
        match tokio::task::spawn_blocking(run).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => panic.resume(),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(TaskError::transient(error.to_string())),
            },
        }
    }

    /// The bytes of an upload.
    ///
    /// # Errors
    /// When the file is gone.
    pub async fn open(&self, upload: &Upload) -> Result<tokio::fs::File, TaskError> {
        let path = self.inner.local_file(upload.id).await.map_err(|error| gone(upload, &error))?;
        tokio::fs::File::open(&path).await.map_err(|error| gone(upload, &error))
    }

    /// Where the bytes of an upload are, for code that reads files itself. Where many nodes share a database the bytes
    /// may have to be fetched first: this waits for them and holds the thread, which [`TaskContext::open`] does not.
    ///
    /// # Errors
    /// When the file is gone.
    pub fn path_of(&self, upload: &Upload) -> Result<PathBuf, TaskError> {
        if self.inner.store.is_shared() {
            // The store answers from threads of its own.
            let fetched = futures::executor::block_on(self.inner.local_file(upload.id));
            return fetched.map_err(|error| gone(upload, &error));
        }
        let path = self.inner.files.path(upload.id);
        std::fs::metadata(&path).map(|_| path).map_err(|error| gone(upload, &error))
    }

    /// Begins a file that the task leaves, to be downloaded. One of the same name is replaced when it is finished.
    ///
    /// # Errors
    /// When the name is empty or longer than 200 bytes, or the disk does not take the file.
    pub async fn artifact(&self, name: &str, media_type: &str) -> Result<ArtifactWriter, TaskError> {
        if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
            return Err(TaskError::permanent(
                "an artifact's name has 1 to 200 bytes and no control characters",
            ));
        }
        let (new, _) = NewFile::create(Arc::clone(&self.inner)).await?;
        Ok(ArtifactWriter {
            new,
            inner: Arc::clone(&self.inner),
            task: self.task.id,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
        })
    }

    /// How long the body may take to stop when it is asked to.
    pub(crate) fn grace(&self) -> Duration {
        let own = self.task.definition.limits.grace_ms.map(Duration::from_millis);
        own.unwrap_or(self.inner.settings.grace)
    }

    pub(crate) fn log_line(&self, level: LogLevel, text: &str) {
        self.task.log(level, text);
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.about.origin
    }

    /// Waits for something without holding the slot.
    pub(crate) async fn without_slot<R>(&self, what: String, wait: impl Future<Output = R>) -> R {
        let slot = self.slot.upgrade();
        if let Some(slot) = &slot {
            slot.lend();
        }
        self.task.waiting(Some(what));
        let outcome = wait.await;
        if let Some(slot) = &slot {
            slot.take_again(&self.inner.worker.slots).await;
        }
        self.task.waiting(None);
        outcome
    }

    /// The deck that the task runs on; what is started through it is started by the program itself.
    #[must_use]
    pub fn deck(&self) -> Deck {
        Deck::of(Arc::clone(&self.inner))
    }
}

fn lease_lost() -> TaskError {
    TaskError::transient("another attempt has taken the task over").code("lease_lost")
}

fn gone(upload: &Upload, error: &std::io::Error) -> TaskError {
    TaskError::permanent(format!("the uploaded file {:?} cannot be read: {error}", upload.name))
        .code("upload_gone")
}

/// A file in the making, that a task leaves. Dropped unfinished, it is removed.
#[derive(Debug)]
pub struct ArtifactWriter {
    new: NewFile,
    inner: Arc<Inner>,
    task: TaskId,
    name: String,
    media_type: String,
}

impl ArtifactWriter {
    /// An empty file, to be written to.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.new.path()
    }

    /// Makes the file durable and gives it to the task.
    ///
    /// # Errors
    /// When the disk or the store does not take it.
    pub async fn finish(self) -> Result<Artifact, TaskError> {
        let (id, size) = self.new.keep().await?;
        let file = Upload { id, name: self.name, size, media_type: self.media_type };
        let replaced = self.inner.store.add_artifact(self.task, file.clone(), self.inner.clock.now()).await?;
        self.inner.files.remove(replaced.as_slice()).await;
        let url = outcome::artifact_url(self.task, &file.name);
        Ok(Artifact { name: file.name, size, media_type: file.media_type, url })
    }
}

pub(crate) type Resources = std::collections::HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// A part of a task's work, made by [`TaskContext::scope`].
#[derive(Clone)]
pub struct Scope {
    task: Arc<LiveTask>,
    number: usize,
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scope({} of {})", self.number, self.task.id)
    }
}

impl Scope {
    /// Says how far this part is, from 0.0 to 1.0.
    pub fn progress(&self, fraction: f64) {
        self.task.scope_progress(self.number, fraction);
    }

    /// Says how many units of this part are done, of how many.
    pub fn progress_of(&self, done: u64, total: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a share of a bar")]
        self.progress(if total == 0 { 1.0 } else { done as f64 / total as f64 });
    }
}
