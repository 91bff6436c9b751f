//! `use_task`: a task of a known kind, with its typed output.

use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::{DeckError, OpenQuestion, Status, Task, TaskId, TaskState};

use crate::again::until_answered;
use crate::{ApiError, api, use_live};

/// A task, live, with what it returned.
#[derive(Clone, Copy, Debug)]
pub struct UseTask<O: Send + Sync + 'static> {
    /// Its newest state; none until the first is known.
    pub state: Signal<Option<TaskState>>,
    /// Whether it was deleted.
    pub gone: Signal<bool>,
    /// What it returned, once it has completed; the error once it has failed, was cancelled or interrupted, or was
    /// deleted before its end was seen; none until then, and for as long as the server cannot be asked for it.
    pub output: Signal<Option<Result<O, ApiError>>>,
}

/// Watches a task of the kind `T` for as long as the component lives. Widgets and hooks of the same task share one
/// subscription.
///
/// ```
/// # use leptos::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # use taskdeck_core::{Definition, Task, TaskId};
/// # #[derive(Serialize, Deserialize)] struct Count;
/// # impl Task for Count {
/// #     const KIND: &'static str = "count";
/// #     type Output = u64;
/// #     fn definition() -> Definition { Definition::new(Self::kind()) }
/// # }
/// # fn page(id: TaskId) -> impl IntoView {
/// let count = taskdeck_ui::use_task::<Count>(id);
/// move || match count.output.get() {
///     None => "counting".to_owned(),
///     Some(Ok(rows)) => format!("{rows} rows"),
///     Some(Err(why)) => why.to_string(),
/// }
/// # }
/// ```
#[must_use]
pub fn use_task<T: Task>(id: TaskId) -> UseTask<T::Output>
where
    T::Output: Send + Sync,
{
    let watch = use_live().watch(id);
    let output = RwSignal::new(None);
    let ended = Memo::new(move |_| {
        watch.state.with(|state| state.as_ref().filter(|state| state.status.has_ended()).map(TaskState::rev))
    });
    Effect::new(move |_| {
        let Some(rev) = ended.get() else {
            if watch.gone.get() {
                // It ended unseen, and nobody can know how.
                output.set(Some(Err(ApiError(DeckError::task_not_found()))));
            } else {
                // It goes on: somebody retried it.
                output.maybe_update(|output| output.take().is_some());
            }
            return;
        };
        let Some(state) = watch.state.get_untracked() else { return };
        let refused = match state.status {
            Status::Completed => None,
            Status::Failed => Some(match state.error {
                Some(error) => DeckError::TaskFailed { error: error.code, message: error.message },
                None => DeckError::TaskFailed { error: "error".to_owned(), message: "It failed.".to_owned() },
            }),
            status => Some(DeckError::NoResult { status }),
        };
        if let Some(refused) = refused {
            output.set(Some(Err(ApiError(refused))));
            return;
        }
        spawn_local(async move {
            let is_wanted = move || ended.try_get_untracked().flatten() == Some(rev);
            let Some(answer) = until_answered(|| api::task(id), is_wanted).await else { return };
            let answer = answer.and_then(|detail| {
                let result = detail.result.map(|body| body.result).unwrap_or_default();
                serde_json::from_value(result).map_err(|error| {
                    let reason = format!("the task's result is none of its kind: {error}");
                    ApiError(DeckError::Internal { reason })
                })
            });
            // The component may be gone by now.
            output.try_set(Some(answer));
        });
    });
    UseTask { state: watch.state, gone: watch.gone, output: output.into() }
}

/// What a task asked and was answered, asked for anew whenever it asks or is answered: for
/// [`TaskConfirmation`](crate::TaskConfirmation) on a page that has not loaded the task.
///
/// ```
/// # use leptos::prelude::*;
/// # use taskdeck_core::TaskId;
/// use taskdeck_ui::{TaskConfirmation, use_questions};
/// # fn page(id: TaskId) -> impl IntoView {
/// view! { <TaskConfirmation task=id questions=use_questions(id)/> }
/// # }
/// ```
#[must_use]
pub fn use_questions(id: TaskId) -> Signal<Vec<OpenQuestion>> {
    let watch = use_live().watch(id);
    let questions = RwSignal::new(Vec::new());
    let asked = Memo::new(move |_| {
        let of = |state: &TaskState| (state.questions, state.status == Status::WaitingConfirmation);
        watch.state.with(|state| state.as_ref().map(of)).filter(|(count, _)| *count > 0)
    });
    Effect::new(move |_| {
        if asked.get().is_none() {
            return;
        }
        let of = asked.get_untracked();
        spawn_local(async move {
            // Until it answers, what is shown stays; the page says that it is not live.
            let is_wanted = move || asked.try_get_untracked() == Some(of);
            if let Some(Ok(detail)) = until_answered(|| api::task(id), is_wanted).await {
                questions.try_set(detail.questions);
            }
        });
    });
    questions.into()
}
