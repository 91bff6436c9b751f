//! `StartTask`: starts a task of a kind from the browser, as a form would.

use std::marker::PhantomData;

use leptos::prelude::*;
use send_wrapper::SendWrapper;
use serde_json::Value;
use server_fn::ServerFn;
use taskdeck_core::{DeckError, Started, Task, TaskId, form};
use web_sys::FormData;

use crate::form::check::CONFIRM;
use crate::form::{Sending, Transfer};
use crate::live::LiveStore;
use crate::{ApiError, Toasts, api, browser, use_base, use_live, use_toasts};

/// Starts tasks of the kind `T`, as a `ServerAction` calls a server function: make it while the component is built,
/// dispatch it in an event handler, and read what became of it from its signals. The task that it started is known to
/// the page's live store before anything else is told, so a widget of it shows at once. Where the app provides
/// [`Toasts`], one says that it was started.
///
/// A kind with a file is started by a [`TaskForm`](crate::TaskForm): only a person can choose a file.
///
/// ```
/// # use leptos::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # use taskdeck_core::{Definition, Task};
/// # #[derive(Serialize, Deserialize)] struct Resize { width: u32 }
/// # impl Task for Resize {
/// #     const KIND: &'static str = "resize";
/// #     type Output = u32;
/// #     fn definition() -> Definition { Definition::new(Self::kind()) }
/// # }
/// use taskdeck_ui::{StartTask, TaskProgress};
/// # fn page() -> impl IntoView {
/// let start = StartTask::<Resize>::new();
/// view! {
///     <button on:click=move |_| start.dispatch(&Resize { width: 800 }) disabled=move || start.pending().get()>
///         "Resize"
///     </button>
///     <p role="alert">{move || start.error().get()}</p>
///     {move || start.started().get().map(|task| view! { <TaskProgress task=task.id state=task/> })}
/// }
/// # }
/// ```
pub struct StartTask<T> {
    inner: Inner,
    kind: PhantomData<fn(T)>,
}

impl<T> Clone for StartTask<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StartTask<T> {}

impl<T> std::fmt::Debug for StartTask<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StartTask")
    }
}

/// What does not depend on the kind, so that it is in the WASM once.
#[derive(Clone, Copy)]
struct Inner {
    sending: RwSignal<Sending>,
    answer: RwSignal<Option<Result<Started, ApiError>>>,
    key: StoredValue<Option<String>>,
    label: StoredValue<Option<String>>,
    on_started: StoredValue<Option<Callback<Started>>>,
    /// On the server, where the component goes from thread to thread, there is never one.
    transfer: StoredValue<Option<SendWrapper<Transfer>>>,
    live: StoredValue<LiveStore>,
    toasts: Option<Toasts>,
    url: StoredValue<String>,
    /// Until it is answered: sent again, it starts one task.
    id: StoredValue<Option<TaskId>>,
}

impl<T: Task> StartTask<T> {
    /// Nothing is started yet.
    #[must_use]
    pub fn new() -> Self {
        let inner = Inner {
            sending: RwSignal::new(Sending::No),
            answer: RwSignal::default(),
            key: StoredValue::default(),
            label: StoredValue::default(),
            on_started: StoredValue::default(),
            transfer: StoredValue::new(None),
            live: StoredValue::new(use_live()),
            toasts: use_toasts(),
            url: StoredValue::new(use_base().join(api::StartTask::PATH)),
            id: StoredValue::default(),
        };
        Self { inner, kind: PhantomData }
    }

    /// Gives the tasks a key: while a task of the kind with this key is active, a start answers that one.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.inner.key.set_value(Some(key.into()));
        self
    }

    /// Sets what a person calls the tasks.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        self.inner.label.set_value(Some(label.into()));
        self
    }

    /// Calls back with each task that was started.
    #[must_use]
    pub fn on_started(self, on_started: impl Fn(Started) + Send + Sync + 'static) -> Self {
        self.inner.on_started.set_value(Some(Callback::new(on_started)));
        self
    }

    /// Starts a task. While one is on its way, nothing is done: a double click starts one.
    pub fn dispatch(&self, params: &T) {
        let fields = fields::<T>(params);
        self.inner.dispatch(fields);
    }

    /// Whether a start is on its way.
    #[must_use]
    pub fn pending(&self) -> Signal<bool> {
        let sending = self.inner.sending;
        Signal::derive(move || sending.with(Sending::is_on))
    }

    /// What became of the last start.
    #[must_use]
    pub fn value(&self) -> Signal<Option<Result<Started, ApiError>>> {
        self.inner.answer.into()
    }

    /// The task that was started last, as the start answered it.
    #[must_use]
    pub fn started(&self) -> Signal<Option<taskdeck_core::TaskState>> {
        let answer = self.inner.answer;
        Signal::derive(move || answer.with(|answer| Some(answer.as_ref()?.as_ref().ok()?.task.clone())))
    }

    /// Why the last start was refused.
    #[must_use]
    pub fn error(&self) -> Signal<Option<String>> {
        let answer = self.inner.answer;
        Signal::derive(move || answer.with(|answer| Some(answer.as_ref()?.as_ref().err()?.to_string())))
    }
}

impl<T: Task> Default for StartTask<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The fields of the form that starts a task with these params. Whoever calls this has asked for a danger.
pub(crate) fn fields<T: Task>(params: &T) -> Vec<(String, String)> {
    let definition = T::definition();
    let params = serde_json::to_value(params).unwrap_or(Value::Null);
    let mut fields = vec![("_kind".to_owned(), T::KIND.to_owned())];
    fields.extend(form::encode(&definition, &params));
    if definition.danger.is_some() {
        fields.push((CONFIRM.to_owned(), "on".to_owned()));
    }
    fields
}

impl Inner {
    fn dispatch(self, fields: Vec<(String, String)>) {
        if self.sending.with_untracked(Sending::is_on) {
            return;
        }
        let Ok(data) = FormData::new() else { return };
        let clock = self.live.with_value(LiveStore::server_clock);
        let id = self.id.get_value().or_else(|| browser::new_task_id(clock?));
        self.id.set_value(id);
        let own = [
            ("_id", id.map(|id| id.to_string())),
            ("_key", self.key.get_value()),
            ("_label", self.label.get_value()),
        ];
        let own = own.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?)));
        // The kind is the first field.
        for (name, text) in fields.into_iter().chain(own) {
            // It cannot fail: both are text.
            let _ = data.append_with_str(&name, &text);
        }
        self.sending.set(Sending::Waiting);
        let url = self.url.get_value();
        match Transfer::start(&url, &data, |_, _| (), move |answer| self.done(answer)) {
            Ok(transfer) => self.transfer.set_value(Some(SendWrapper::new(transfer))),
            Err(error) => self.done(Err(error)),
        }
    }

    fn done(self, answer: Result<Started, ApiError>) {
        if self.sending.try_set(Sending::No).is_some() {
            // What it belongs to was left in this very moment.
            return;
        }
        self.transfer.set_value(None);
        if !matches!(&answer, Err(ApiError(DeckError::Unavailable { .. }))) {
            // The next one is another task; only what may have been started is asked for again.
            self.id.set_value(None);
        }
        if let Ok(started) = &answer {
            self.live.with_value(|live| live.seed(started.task.clone()));
            if let Some(toasts) = self.toasts {
                toasts.started(started);
            }
        }
        self.answer.set(Some(answer.clone()));
        if let (Ok(started), Some(on_started)) = (answer, self.on_started.get_value()) {
            on_started.run(started);
        }
    }
}
