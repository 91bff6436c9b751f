//! Calls back for what happens to a task: in order, each transition once.
//!
//! What happened is the difference between the last state that was seen and the new one ([`happened`]), so it makes no
//! odds how the states came, or how many were missed while the socket was down. What an event needs besides (the
//! result, a notice) is asked for before it is told; later events wait for it, so that the order holds.

use std::collections::VecDeque;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;
use taskdeck_core::{Notice, Status, TaskEvent, TaskEventKind, TaskState, happened};

use super::callbacks::{EventAction, TaskCallbacks};
use crate::live::TaskWatch;
use crate::{ApiError, Erase, api};

/// How often what an event needs is asked for before the event is told without it.
const TRIES: u32 = 5;

/// What happened in one step, to be told.
struct Told {
    events: Vec<TaskEventKind>,
    after: TaskState,
    /// The last notice before.
    notices_seen: u64,
}

/// The viewer is asked before this is called.
#[derive(Clone)]
pub(super) struct Asking {
    action: EventAction,
    event: TaskEvent,
}

/// What waits to be told, and what the viewer is asked.
#[derive(Clone, Copy)]
pub(super) struct Teller {
    callbacks: StoredValue<TaskCallbacks>,
    waiting: StoredValue<VecDeque<Told>>,
    busy: StoredValue<bool>,
    asking: RwSignal<VecDeque<Asking>>,
}

impl Teller {
    pub(super) fn new(callbacks: TaskCallbacks) -> Self {
        Self {
            callbacks: StoredValue::new(callbacks),
            waiting: StoredValue::default(),
            busy: StoredValue::new(false),
            asking: RwSignal::default(),
        }
    }

    /// Tells of what happens after `baseline`. Without one the first state that is seen is it, and nothing is told of
    /// it: nobody can know what was new in it.
    pub(super) fn follow(self, watch: TaskWatch, baseline: Option<TaskState>) {
        if self.callbacks.with_value(TaskCallbacks::is_empty) {
            return;
        }
        let mut before = baseline;
        Effect::new(move |_| {
            let Some(after) = watch.state.get() else { return };
            if before.as_ref().is_some_and(|before| after.rev() <= before.rev()) {
                return;
            }
            if let Some(before) = &before {
                let events = happened(before, &after);
                let notices_seen = before.notice_seq;
                untrack(|| self.tell(Told { events, after: after.clone(), notices_seen }));
            }
            before = Some(after);
        });
    }

    fn tell(self, told: Told) {
        if !self.callbacks.with_value(|wanted| told.events.iter().any(|event| wanted.wants(*event))) {
            return;
        }
        if !self.busy.get_value() && !self.needs(&told) {
            self.call(&told, None, &[]);
            return;
        }
        self.waiting.update_value(|waiting| waiting.push_back(told));
        if !self.busy.get_value() {
            self.busy.set_value(true);
            spawn_local(self.drain());
        }
    }

    fn wants_of(self, told: &Told, kind: TaskEventKind) -> bool {
        told.events.contains(&kind) && self.callbacks.with_value(|wanted| wanted.wants(kind))
    }

    fn needs_result(self, told: &Told) -> bool {
        told.after.status == Status::Completed
            && (self.wants_of(told, TaskEventKind::Completed) || self.wants_of(told, TaskEventKind::Finish))
    }

    fn needs(self, told: &Told) -> bool {
        self.needs_result(told) || self.wants_of(told, TaskEventKind::EventNotification)
    }

    async fn drain(self) {
        // Whoever put the widget there may have taken it away meanwhile: then nobody is told any more.
        while let Some(told) = self.waiting.try_update_value(VecDeque::pop_front).flatten() {
            let id = told.after.id;
            let result = match self.needs_result(&told) {
                true => {
                    asked(|| async move { Ok(api::task(id).await?.result.map(|body| body.result)) }).await
                }
                false => None,
            };
            let since = told.notices_seen;
            let notices = match self.wants_of(&told, TaskEventKind::EventNotification) {
                true => asked(|| api::notices(id, since)).await,
                false => None,
            };
            if self.callbacks.try_with_value(|_| ()).is_none() {
                return;
            }
            self.call(&told, result.flatten().as_ref(), &notices.unwrap_or_default());
        }
        self.busy.try_set_value(false);
    }

    fn call(self, told: &Told, result: Option<&Value>, notices: &[Notice]) {
        let mut notice_seq = told.notices_seen;
        for kind in &told.events {
            let mut event = TaskEvent::new(*kind, &told.after);
            match kind {
                TaskEventKind::EventNotification => {
                    notice_seq += 1;
                    event.notice = notices.iter().find(|notice| notice.seq == notice_seq).cloned();
                }
                TaskEventKind::Completed | TaskEventKind::Finish => event.result = result.cloned(),
                _ => {}
            }
            // Cloned, since what is called may take this widget away.
            let actions: Vec<_> = self
                .callbacks
                .try_with_value(|wanted| wanted.of(*kind).cloned().collect())
                .unwrap_or_default();
            for action in actions {
                let event = event.clone();
                if action.question().is_some() {
                    self.asking.try_update(|asking| asking.push_back(Asking { action, event }));
                } else {
                    action.run(event);
                }
            }
        }
    }

    /// What the viewer is asked, one after the other.
    pub(super) fn questions(self) -> AnyView {
        let answer = move |yes: bool| {
            let first = self.asking.try_update(VecDeque::pop_front).flatten();
            if let Some(Asking { action, event }) = first.filter(|_| yes) {
                action.run(event);
            }
        };
        let shown = move || {
            let confirm = self.asking.with(|asking| asking.front()?.action.question().cloned())?;
            Some(view! {
                <div class="td-widget-ask" role="alertdialog" aria-label=confirm.text.clone()>
                    <p class="td-question-text">{confirm.text.clone()}</p>
                    <div class="td-form-actions">
                        <button
                            type="button"
                            class="td-button td-button-primary"
                            on:click=move |_| answer(true)
                        >
                            <span class="td-button-text">{confirm.confirm_text}</span>
                        </button>
                        <button type="button" class="td-button" on:click=move |_| answer(false)>
                            <span class="td-button-text">{confirm.cancel_text}</span>
                        </button>
                    </div>
                </div>
            })
        };
        shown.erase()
    }
}

/// What the server says, asked again while it cannot be reached; none when it never can, or refuses.
async fn asked<T, F: Future<Output = Result<T, ApiError>>>(ask: impl Fn() -> F) -> Option<T> {
    let mut wait = Duration::from_secs(1);
    for _ in 0..TRIES {
        match ask().await {
            Ok(answer) => return Some(answer),
            Err(error) if error.is_unreachable() => {
                pause(wait).await;
                wait *= 2;
            }
            Err(_) => return None,
        }
    }
    None
}

async fn pause(wait: Duration) {
    let (done, over) = futures::channel::oneshot::channel();
    let ring = move || {
        // Nobody waits any more when the widget is gone.
        let _ = done.send(());
    };
    set_timeout(ring, wait);
    // It ends too when the page takes the timer away.
    let _ = over.await;
}
