//! What a page wants to be told of a task, and whether the viewer is asked first.

use std::sync::Arc;

use leptos::callback::{Callable, Callback};
use serde_json::Value;
use taskdeck_core::{TaskEvent, TaskEventKind};

/// A question to the viewer before a callback is called; declined, it is not.
///
/// ```
/// use taskdeck_ui::Confirm;
/// let confirm = Confirm::new("The report is ready. Open it now?").buttons("Open it", "Not now");
/// assert_eq!(confirm.cancel_text, "Not now");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// What is asked.
    pub text: String,
    /// What the button says that calls back.
    pub confirm_text: String,
    /// What the button says that does not.
    pub cancel_text: String,
}

impl Confirm {
    /// A question with the buttons "OK" and "Cancel".
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), confirm_text: "OK".to_owned(), cancel_text: "Cancel".to_owned() }
    }

    /// Sets what the buttons say.
    #[must_use]
    pub fn buttons(mut self, confirm: impl Into<String>, cancel: impl Into<String>) -> Self {
        self.confirm_text = confirm.into();
        self.cancel_text = cancel.into();
        self
    }
}

/// What is done about an event of a task. A closure is one; with [`EventAction::confirm`] the viewer is asked first, and
/// [`EventAction::context`] is handed along in [`TaskEvent::context`] (and, in the event as JSON, beside its fields).
///
/// ```
/// use taskdeck_ui::{Confirm, EventAction};
/// let action = EventAction::new(|event| println!("{} ended", event.label))
///     .context(serde_json::json!({"source": "invoice page"}))
///     .confirm(Confirm::new("Load the new rows?"));
/// ```
#[derive(Clone)]
pub struct EventAction {
    run: Arc<dyn Fn(TaskEvent) + Send + Sync>,
    context: Value,
    confirm: Option<Confirm>,
}

impl EventAction {
    /// Calls `run` with the event.
    pub fn new(run: impl Fn(TaskEvent) + Send + Sync + 'static) -> Self {
        Self { run: Arc::new(run), context: Value::Null, confirm: None }
    }

    /// Hands this along with each event.
    #[must_use]
    pub fn context(mut self, context: Value) -> Self {
        self.context = context;
        self
    }

    /// Asks the viewer first, when the event comes.
    #[must_use]
    pub fn confirm(mut self, confirm: Confirm) -> Self {
        self.confirm = Some(confirm);
        self
    }

    pub(super) fn question(&self) -> Option<&Confirm> {
        self.confirm.as_ref()
    }

    pub(super) fn run(&self, mut event: TaskEvent) {
        event.context.clone_from(&self.context);
        (self.run)(event);
    }
}

impl std::fmt::Debug for EventAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EventAction(confirm: {:?})", self.confirm)
    }
}

impl<F: Fn(TaskEvent) + Send + Sync + 'static> From<F> for EventAction {
    fn from(run: F) -> Self {
        Self::new(run)
    }
}

impl From<Callback<TaskEvent>> for EventAction {
    fn from(callback: Callback<TaskEvent>) -> Self {
        Self::new(move |event| callback.run(event))
    }
}

/// Everything that a page wants to be told of a task, for widgets that show many: see
/// [`TaskCards`](crate::TaskCards). The names are those of the props of [`TaskProgress`](crate::TaskProgress).
///
/// ```
/// # use taskdeck_core::TaskEvent;
/// use taskdeck_ui::TaskCallbacks;
/// let callbacks = TaskCallbacks::new()
///     .on_completed(|event: TaskEvent| println!("{}: {:?}", event.label, event.result))
///     .on_error(|event: TaskEvent| eprintln!("{}: {:?}", event.label, event.error));
/// ```
#[derive(Clone, Debug, Default)]
pub struct TaskCallbacks(Vec<(TaskEventKind, EventAction)>);

impl TaskCallbacks {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Does `action` about each event of this kind.
    #[must_use]
    pub fn on(mut self, kind: TaskEventKind, action: impl Into<EventAction>) -> Self {
        self.0.push((kind, action.into()));
        self
    }

    /// When an attempt began.
    #[must_use]
    pub fn on_started(self, action: impl Into<EventAction>) -> Self {
        self.on(TaskEventKind::Started, action)
    }

    /// When its progress or its label is another.
    #[must_use]
    pub fn on_progress(self, action: impl Into<EventAction>) -> Self {
        self.on(TaskEventKind::Progress, action)
    }

    /// When it ended well.
    #[must_use]
    pub fn on_completed(self, action: impl Into<EventAction>) -> Self {
        self.on(TaskEventKind::Completed, action)
    }

    /// When it failed.
    #[must_use]
    pub fn on_error(self, action: impl Into<EventAction>) -> Self {
        self.on(TaskEventKind::Error, action)
    }

    /// When it waits for an answer.
    #[must_use]
    pub fn on_confirmation(self, action: impl Into<EventAction>) -> Self {
        self.on(TaskEventKind::Confirmation, action)
    }

    /// When something else happened that lasts: a cancel, an answer, a next try.
    #[must_use]
    pub fn on_update(self, action: impl Into<EventAction>) -> Self {
        self.on(TaskEventKind::Update, action)
    }

    /// When it ended, whichever way.
    #[must_use]
    pub fn on_finish(self, action: impl Into<EventAction>) -> Self {
        self.on(TaskEventKind::Finish, action)
    }

    /// When its body had something to say.
    #[must_use]
    pub fn on_event_notification(self, action: impl Into<EventAction>) -> Self {
        self.on(TaskEventKind::EventNotification, action)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the viewer may be asked.
    pub(super) fn asks(&self) -> bool {
        self.0.iter().any(|(_, action)| action.confirm.is_some())
    }

    pub(super) fn of(&self, kind: TaskEventKind) -> impl Iterator<Item = &EventAction> {
        self.0.iter().filter(move |(known, _)| *known == kind).map(|(_, action)| action)
    }

    pub(super) fn wants(&self, kind: TaskEventKind) -> bool {
        self.of(kind).next().is_some()
    }
}
