//! What happened is told to the widgets of a task, as DOM events: in order, each once. What an event needs (the result, a
//! notice) is asked for first, once for all of them, and later events wait.

use std::rc::{Rc, Weak};

use serde_json::{Value, json};
use taskdeck_core::{Notice, Status, TaskEvent, TaskEventKind, TaskState, vanished};
use wasm_bindgen_futures::spawn_local;

use crate::link::{Link, Still};
use crate::net::{self, NoAnswer};
use crate::widget::View;

/// How often a server that fails is asked before the event is told without what it needs. One that cannot be reached is
/// asked until it is back.
const TRIES: u32 = 5;
const MOST_WAIT_MS: u32 = 5_000;

/// What happened to the task of these widgets, to be told.
pub(crate) struct Told {
    to: Vec<News>,
    after: TaskState,
    gone: bool,
}

/// What it was for one of them: each came at its own time.
pub(crate) struct News {
    pub(crate) view: Weak<View>,
    pub(crate) events: Vec<TaskEventKind>,
    /// The last notice before.
    pub(crate) notices_seen: u64,
}

/// Tells these widgets what happened until this state.
pub(crate) fn news(link: &Rc<Link>, views: Vec<Rc<View>>, after: &TaskState) {
    let to: Vec<_> = views.iter().filter_map(|view| view.compare(after)).collect();
    push(link, Told { to, after: after.clone(), gone: false });
}

/// Tells that the task was deleted.
pub(crate) fn vanish(link: &Rc<Link>) {
    let Some(last) = link.state.borrow().clone() else { return };
    let news = |view: &Rc<View>| News {
        view: Rc::downgrade(view),
        events: vanished(&last),
        notices_seen: last.notice_seq,
    };
    let to = link.views().iter().map(news).filter(|news| !news.events.is_empty()).collect();
    push(link, Told { to, after: last, gone: true });
}

/// Tells that the page's token does not hold: it may bring another.
pub(crate) fn denied(link: &Rc<Link>) {
    let detail = json!({ "task_id": link.task, "event": "token_over", "over": link.is_over() }).to_string();
    // Not within the call that found out.
    let views = link.views();
    spawn_local(async move { views.iter().for_each(|view| view.dispatch("token_over", &detail)) });
}

fn push(link: &Rc<Link>, told: Told) {
    if told.to.is_empty() {
        return;
    }
    link.untold.borrow_mut().push_back(told);
    if !link.telling.replace(true) {
        spawn_local(tell_all(link.still()));
    }
}

async fn tell_all(still: Still) {
    loop {
        let Some(link) = still.0.upgrade() else { return };
        let Some(told) = link.untold.borrow_mut().pop_front() else {
            link.telling.set(false);
            return;
        };
        drop(link);
        let needs = |kind| told.to.iter().filter(move |news| news.events.contains(&kind));
        let mut result = None;
        if told.after.status == Status::Completed && needs(TaskEventKind::Completed).next().is_some() {
            result = asked(&still, "/result").await.map(|mut body| body["result"].take());
        }
        let mut notices: Vec<Notice> = Vec::new();
        if let Some(since) = needs(TaskEventKind::EventNotification).map(|news| news.notices_seen).min() {
            let body = asked(&still, &format!("/notices?since={since}")).await;
            let list = body.and_then(|mut body| serde_json::from_value(body["notices"].take()).ok());
            notices = list.unwrap_or_default();
        }
        for News { view, events, notices_seen } in &told.to {
            let Some(view) = view.upgrade() else { continue };
            let mut seq = *notices_seen;
            for kind in events {
                let mut event = TaskEvent { gone: told.gone, ..TaskEvent::new(*kind, &told.after) };
                match kind {
                    TaskEventKind::EventNotification => {
                        seq += 1;
                        event.notice = notices.iter().find(|notice| notice.seq == seq).cloned();
                    }
                    TaskEventKind::Completed | TaskEventKind::Finish => event.result.clone_from(&result),
                    _ => {}
                }
                event.context = view.context();
                // It is text and numbers: that cannot fail.
                view.dispatch(event.event.name(), &serde_json::to_string(&event).unwrap_or_default());
            }
            view.was_told(&told.after);
        }
    }
}

/// What the server says, asked again while it cannot be reached, or while the page's token does not hold.
async fn asked(still: &Still, rest: &str) -> Option<Value> {
    let (mut wait, mut failures, mut denied) = (1_000, 0, None);
    loop {
        let (url, token) = {
            let link = still.0.upgrade()?;
            (link.url(rest), link.token.borrow().clone())
        };
        if denied.as_ref() != Some(&token) {
            match net::get(&url, token.as_deref()).await {
                Ok(answer) => return Some(answer.body),
                Err(NoAnswer::Missing | NoAnswer::None) => return None,
                Err(NoAnswer::Denied) => denied = Some(token),
                Err(NoAnswer::Failed) => failures += 1,
                Err(NoAnswer::Unreachable) => {}
            }
        }
        if failures == TRIES {
            return None;
        }
        net::pause(wait).await;
        wait = (wait * 2).min(MOST_WAIT_MS);
    }
}
