//! Calls back for what happens to a task: in order, each transition once.
//!
//! What happened is the difference between the last state that was seen and the new one ([`happened`]), so it makes no
//! odds how the states came, or how many were missed while the socket was down. What an event needs besides (the
//! result, a notice) is asked for before it is told, until the server is there to answer; later events wait for it, so
//! that the order holds.

use std::collections::VecDeque;

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;
use taskdeck_core::{Notice, Status, TaskEvent, TaskEventKind, TaskState, happened, vanished};

use super::callbacks::{EventAction, TaskCallbacks};
use crate::again::until_answered;
use crate::ask::{ask, focus_soon};
use crate::live::TaskWatch;
use crate::{Erase, api, browser};

/// What happened in one step, to be told.
struct Told {
    events: Vec<TaskEventKind>,
    after: TaskState,
    /// The last notice before.
    notices_seen: u64,
    /// Whether the task was deleted.
    gone: bool,
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
        let mut was_gone = false;
        Effect::new(move |_| {
            let gone = watch.gone.get();
            let Some(after) = watch.state.get() else { return };
            let notices_seen = before.as_ref().map_or(0, |before| before.notice_seq);
            if before.as_ref().is_none_or(|before| after.rev() > before.rev()) {
                if let Some(before) = &before {
                    let events = happened(before, &after);
                    untrack(|| self.tell(Told { events, after: after.clone(), notices_seen, gone: false }));
                }
                before = Some(after.clone());
            }
            if gone && !std::mem::replace(&mut was_gone, true) {
                let events = vanished(&after);
                untrack(|| self.tell(Told { events, after, notices_seen, gone }));
            }
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
            let is_there = move || self.callbacks.try_with_value(|_| ()).is_some();
            let result = match self.needs_result(&told) {
                true => until_answered(|| api::task(id), is_there).await,
                false => None,
            };
            let result = result.and_then(|detail| Some(detail.ok()?.result?.result));
            let since = told.notices_seen;
            let notices = match self.wants_of(&told, TaskEventKind::EventNotification) {
                true => until_answered(|| api::notices(id, since), is_there).await,
                false => None,
            };
            if !is_there() {
                return;
            }
            self.call(&told, result.as_ref(), &notices.and_then(Result::ok).unwrap_or_default());
        }
        self.busy.try_set_value(false);
    }

    fn call(self, told: &Told, result: Option<&Value>, notices: &[Notice]) {
        let mut notice_seq = told.notices_seen;
        for kind in &told.events {
            let mut event = TaskEvent { gone: told.gone, ..TaskEvent::new(*kind, &told.after) };
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

    /// What the viewer is asked, one after the other. It is read out when it comes, and has the keyboard unless something
    /// else has.
    pub(super) fn questions(self) -> AnyView {
        if !self.callbacks.with_value(TaskCallbacks::asks) {
            return ().erase();
        }
        let first = NodeRef::new();
        let answer = Callback::new(move |yes: bool| {
            let asked = self.asking.try_update(VecDeque::pop_front).flatten();
            if let Some(Asking { action, event }) = asked.filter(|_| yes) {
                action.run(event);
            }
        });
        Effect::new(move |_| {
            if self.asking.with(|asking| !asking.is_empty()) && browser::nobody_has_the_keyboard() {
                focus_soon(first);
            }
        });
        let shown = move || {
            let confirm = self.asking.with(|asking| asking.front()?.action.question().cloned())?;
            Some(ask(confirm, false, first, answer))
        };
        view! { <div class="td-widget-asks" aria-live="assertive">{shown}</div> }.erase()
    }
}
